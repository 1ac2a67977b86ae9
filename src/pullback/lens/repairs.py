"""The smallest change that makes a written work right, tried at every point before it is named.

Also for lines that cannot be computed at all because their shapes do not fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from pullback.errors import PullbackError
from pullback.lens.homework.edits import Edit, edits
from pullback.lens.question import same

if TYPE_CHECKING:
    from pullback.lens.homework.sheet import Answer, Sheet
    from pullback.lens.mark import Marker

MOST = 1_500  # changes tried on one variable


def repaired(marker: Marker, sheet: Sheet, answer: Answer, wire: int, only: str = "") -> str:
    """What to change in words, or "" where no single change makes the answer the pull on `wire`.

    only: of this kind alone, "overwritten", "sign", "form" or "part".
    """
    lines = sheet.lines_behind(answer.name)
    names = _names(marker, sheet, wire, lines)
    question = marker.question(wire, [None] * len(sheet.runs))
    points = list(zip(marker.points_of(wire), question.right, question.sizes, strict=True))
    points.append(points.pop(0))  # at the point given, numbers are alike by chance
    with np.errstate(all="ignore"):
        for tried, (at, edit) in enumerate(_edits(sheet, lines, names, only)):
            if tried == MOST or sheet.left < 0:
                break
            if _fits(sheet, answer, lines, at, edit, points):
                return edit.said
    return ""


def _fits(
    sheet: Sheet,
    answer: Answer,
    lines: list[int],
    at: int,
    edit: Edit,
    points: list[tuple[int, object, float]],
) -> bool:
    for point, right, size in points:
        try:
            value = sheet.attempt(answer.name, lines, {at: edit.line}, point)
        except PullbackError:
            return False  # this change does not fit either
        if not same([value], [right], [size]):
            return False
    return True


def _edits(
    sheet: Sheet, lines: list[int], names: list[str], only: str
) -> Iterator[tuple[int, Edit]]:
    seen: set[str] = set()
    again = {}
    for at in lines:
        again[at] = sheet.work.lines[at].name in seen
        seen.add(sheet.work.lines[at].name)
    for at in reversed(lines):
        for edit in edits(
            sheet.work.lines[at], names, sheet.work.numpy, again=again[at], only=only
        ):
            yield at, edit


def _names(marker: Marker, sheet: Sheet, wire: int, lines: list[int]) -> list[str]:
    """The names that belong near a wire: those of its gates, their pulls, and those that are written."""
    circuit, written = marker.circuit, sheet.work.names | sheet.work.given
    near = [circuit.names[w] for w in _near(marker, wire)]
    upstream = [f"d{name}" for name in near if f"d{name}" in written and name in marker.wanted]
    used = [n for at in lines for n in sorted(sheet.work.lines[at].used) if n in sheet.names[0]]
    own = [
        sheet.work.lines[at].name
        for at in lines
        if sheet.work.lines[at].name not in sheet.names[0].pulls
    ]
    found = dict.fromkeys([*upstream, *near, *used, *own])
    return [n for n in found if n != f"d{circuit.names[wire]}"]


def _near(marker: Marker, wire: int) -> list[int]:
    """The wires with a name around a wire: of the gates it goes into, then of those that these go into."""
    first = _around(marker, wire)
    second = [found for near in first for found in _around(marker, near)]
    return list(dict.fromkeys([*first, wire, *second]))


def _around(marker: Marker, wire: int) -> list[int]:
    """The named wires that go into or come out of the gates that use a wire, past those without a name."""
    circuit, found = marker.circuit, dict[int, None]()
    waiting = [b.gate for b in marker.back.branches.get(wire, []) if b.gate >= 0]
    while waiting:
        gate = waiting.pop(0)
        found[gate] = None
        for taken in circuit.row(gate).inputs:
            if taken not in found and not circuit.names[taken] and not circuit.is_constant(taken):
                waiting.append(taken)
            found[taken] = None
        if not circuit.names[gate]:
            branches = marker.back.branches.get(gate, [])
            waiting += [b.gate for b in branches if b.gate >= 0 and b.gate not in found]
    return [w for w in found if circuit.names[w]]
