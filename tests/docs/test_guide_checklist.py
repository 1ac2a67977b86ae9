"""The checklist of the guide keeps its word: every test file it names carries the item's number."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guide-checklist.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([SE]\d+) \| .*? \| (.*) \|$", PAGE, re.MULTILINE)
NUMBERED = [(item, held) for item, held in ROWS if held.startswith("`")]
# These came before the numbers did; the row names a law, not a test of the item alone.
BY_LAW = {"S60", "S61"}


def test_every_item_of_the_guide_has_a_row():
    wanted = [f"S{i}" for i in range(1, 79)] + [f"E{i}" for i in range(1, 25)]
    assert [item for item, _ in ROWS] == wanted


@pytest.mark.parametrize(("item", "held"), ROWS, ids=[item for item, _ in ROWS])
def test_a_row_names_tests_that_exist_or_says_not_yet(item, held):
    files = re.findall(r"`(tests/[\w/]+\.py)`", held)
    assert files or "not yet" in held
    assert [f for f in files if not (ROOT / f).exists()] == []


@pytest.mark.parametrize(("item", "held"), NUMBERED, ids=[item for item, _ in NUMBERED])
def test_a_named_file_has_a_test_with_the_number(item, held):
    files = re.findall(r"`(tests/[\w/]+\.py)`", held)
    assert [f for f in files if item not in BY_LAW and item not in numbers(f)] == []


def numbers(file):
    """The items in the names of a file's tests; S29_to_S37 names all between."""
    names = re.findall(r"def test_(\w+)", (ROOT / file).read_text(encoding="utf-8"))
    found = {i for name in names for i in name.split("_") if re.fullmatch(r"[SE]\d+", i)}
    for first, last in re.findall(r"_S(\d+)_to_S(\d+)", " ".join("_" + n for n in names)):
        found |= {f"S{i}" for i in range(int(first), int(last) + 1)}
    return found
