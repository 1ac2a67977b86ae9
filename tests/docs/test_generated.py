"""Pages and stubs that are written by a program are those of today."""

import subprocess
import sys
from pathlib import Path

import pytest

import pullback as pb

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("what", ["gallery", "reference", "signatures"])
def test_nothing_that_is_generated_is_out_of_date(what):
    make = [sys.executable, str(DOCS / what / "make.py"), "--check"]
    done = subprocess.run(make, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


def test_dir_lists_public_names_alone():
    modules = {"annotations", "importlib", "core", "gates", "errors", "Any"}
    assert not modules & set(dir(pb))
    assert all(hasattr(pb, name) for name in dir(pb))
