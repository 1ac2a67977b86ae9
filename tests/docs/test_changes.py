"""Every change a person can see is told in one sentence, in that person's words."""

from pathlib import Path

import pytest

CHANGES = sorted(
    p for p in (Path(__file__).parents[2] / "changes").glob("*.md") if p.name != "README.md"
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda p: p.stem)
def test_a_change_is_one_sentence_that_says_what_you_can_do(change):
    text = change.read_text(encoding="utf-8").strip()
    assert "\n" not in text
    assert text.startswith("You can ")
    assert text.endswith(".")
    assert len(text) <= 200
