"""Laws of marking: right work passes however it is written, wrong work fails and its mistake is named."""

import random
from functools import cache

import pytest
from laws.written_work import piece, right_work, slips

from pullback.lens.mark import RIGHT, WRONG, Marker

PIECES = 60
CASES = 500
EACH = 12  # slips taken of one piece
NAMED = 0.95  # the share of mistakes that must be named
# What may be said of each kind of mistake; several are the same where they give the same numbers.
SAID = {
    "sign": ("sign",),
    "upstream": ("upstream",),
    "branch": ("`=` for `+=`", "factor 2 is missing"),
    "swapped": ("swapped",),
    "transposed": ("transposed",),
    "broadcast": ("broadcast sum",),
    "share": ("times too large",),
}


@cache
def marker(seed):
    one = piece(seed)
    return Marker(one.circuit, one.values)


@pytest.mark.parametrize("seed", range(PIECES))
@pytest.mark.slow
def test_right_work_passes_however_it_is_written(seed):
    works = [right_work(piece(seed), 1000 * seed + i) for i in range(CASES // PIECES + 1)]
    assert [w for w in works if not marker(seed).grade(w).passed] == []


@cache
def graded():
    """Every slip that has an effect, with its mark."""
    found = []
    for seed in range(PIECES):
        every = list(slips(piece(seed)))
        for slip in random.Random(seed).sample(every, min(len(every), EACH)):
            marks = {m.name: m for m in marker(seed).grade(slip.text).marks}
            found.append((slip, marks))
    return [(s, m) for s, m in found if m[f"d{s.wire}"].verdict == WRONG]


@pytest.mark.slow
def test_a_mistake_is_named_for_what_it_is():
    named = [any(w in marks[f"d{s.wire}"].mistake for w in SAID[s.kind]) for s, marks in graded()]
    assert len(named) >= CASES
    assert sum(named) / len(named) >= NAMED


@pytest.mark.slow
def test_one_mistake_does_not_spoil_the_other_lines():
    spoilt = [
        (s.text, m)
        for s, marks in graded()
        for n, m in marks.items()
        if n != f"d{s.wire}" and m.verdict != RIGHT
    ]
    assert spoilt == []
