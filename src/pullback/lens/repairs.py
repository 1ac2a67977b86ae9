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


def repaired(marker: Marker, sheet: Sheet, answer: Answer, only: str = "") -> str:
    """What to change in words, or "" where no single change makes the answer right.

    only: of this kind alone, "overwritten" or "sign".
    """
    lines = sheet.lines_behind(answer.name)
    wire = marker.wanted[answer.name[1:]]
    names = _names(marker, sheet, wire, lines)
    question = marker.question(wire, [None] * len(sheet.runs))
    points = [
        (at, question.right[i], question.sizes[i]) for i, at in enumerate(marker.points_of(wire))
    ]
    points = [
        *points[1:],
        points[0],
    ]  # the point given is the one where numbers are alike by chance
    with np.errstate(all="ignore"):
        for tried, (at, edit) in enumerate(_edits(sheet, lines, names)):
            if tried == MOST or sheet.left < 0:
                break
            if only in ("", edit.kind) and _fits(sheet, answer, lines, at, edit, points):
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


def _edits(sheet: Sheet, lines: list[int], names: list[str]) -> Iterator[tuple[int, Edit]]:
    seen: set[str] = set()
    again = {}
    for at in lines:
        again[at] = sheet.work.lines[at].name in seen
        seen.add(sheet.work.lines[at].name)
    for at in reversed(lines):
        for edit in edits(sheet.work.lines[at], names, sheet.work.numpy, again=again[at]):
            yield at, edit


def _names(marker: Marker, sheet: Sheet, wire: int, lines: list[int]) -> list[str]:
    """The names that belong near a wire: those of its gates, their pulls, and the person's own."""
    circuit, pulls = marker.circuit, marker.back.pulls
    near: dict[int, None] = {}
    waiting = [wire]
    while waiting:
        at = waiting.pop(0)
        for branch in marker.back.branches.get(at, []):
            if branch.gate < 0:
                continue
            for found in (branch.gate, *circuit.row(branch.gate).inputs):
                if found not in near and not circuit.is_constant(found):
                    near[found] = None
                    if not circuit.names[found]:
                        waiting.append(found)
    near[wire] = None
    named = [circuit.names[w] for w in near if circuit.names[w]]
    upstream = [
        f"d{circuit.names[w]}" for w in near if circuit.names[w] and pulls[w] >= 0 and w != wire
    ]
    own = [
        sheet.work.lines[at].name
        for at in lines
        if sheet.work.lines[at].name not in sheet.names[0].pulls
    ]
    return list(dict.fromkeys([*upstream, *named, *own]))
