"""Editors and type checkers see the public names and gates of today."""

import subprocess
import sys
from pathlib import Path

import pullback as pb

MAKE = Path(__file__).parents[2] / "docs/signatures/make.py"


def test_the_stub_is_not_out_of_date():
    make = [sys.executable, str(MAKE), "--check"]
    assert subprocess.run(make, capture_output=True, text=True, check=False).stdout == ""


def test_dir_lists_public_names_alone():
    modules = {"annotations", "importlib", "core", "gates", "errors", "Any"}
    assert not modules & set(dir(pb))
    assert all(hasattr(pb, name) for name in dir(pb))
