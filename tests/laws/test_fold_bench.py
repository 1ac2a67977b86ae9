"""The command that times passes over arrays: a sample of its rows, which agree with the reference."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "bench/folds.py"


@pytest.mark.parametrize("name", ["forces of 1,797 points", "layer norm and pulls"])
def test_a_row_of_the_command_agrees_and_is_measured(name):
    spec = importlib.util.spec_from_file_location("folds", PATH)
    folds = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(folds)
    groups, size, ours, numpy = folds.row(name, rounds=2)
    assert 0 < groups <= 11
    assert size < 5_000_000
    assert 0 < ours
    assert 0 < numpy
