"""What went wrong with an answer, in words: first what its numbers say, then what its text says.

An answer is compared with what people's usual slips would give: a wrong sign or factor, the upstream
factor left out, a branch forgotten, the copies of a bias not added up. What is named has been tried:
it gives exactly the answer's numbers at every point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.lens.question import Question, same
from pullback.lens.repairs import repaired

if TYPE_CHECKING:
    from pullback.lens.homework.sheet import Answer, Sheet
    from pullback.lens.mark import Marker

NOTHING = "it is 0: there is no pull at all, but this wire is pulled"
SIGN = "the sign is wrong"
OVERWRITTEN = "`=` for `+=`: a line throws away what the lines above it gave"
# Why the commonest mistakes are mistakes, by how their words begin.
REASONS = {
    "missing upstream": "chain rule: the local slope is multiplied by the pull on what comes next",
    "`=` for `+=`": "what is used several times gets the sum of the pulls of all its uses",
    "the mask": "where the gate puts out a constant, its slope is 0",
}


def reason(said: str) -> str:
    """Why a mistake is one, in a few words; "" for those that explain themselves."""
    return next((why for start, why in REASONS.items() if said.startswith(start)), "")


def name_mistake(marker: Marker, sheet: Sheet, answer: Answer) -> str:
    """The mistake in words, or "" where it is none that is known.

    A person who calls both pulls around a gate by one name is asked about both.
    """
    wire = marker.wanted[answer.name[1:]]
    with np.errstate(all="ignore"):
        meant = [wire, *sheet.before(wire)] if not marker.circuit.is_input(wire) else [wire]
        return next(filter(None, (_named(marker, sheet, answer, w) for w in meant)), "")


def _named(marker: Marker, sheet: Sheet, answer: Answer, wire: int) -> str:
    if not answer.values:  # shapes that do not fit: perhaps a matrix is turned
        return repaired(marker, sheet, answer, wire) if "cannot be computed" in answer.error else ""
    question = marker.question(wire, answer.values)
    if np.shape(question.given[0]) != np.shape(question.right[0]):
        return _shape_mistake(question) or repaired(marker, sheet, answer, wire)
    return _value_mistake(marker, sheet, answer, question)


def _value_mistake(marker: Marker, sheet: Sheet, answer: Answer, question: Question) -> str:
    """The plainest description first; each is tried only where those before it do not fit."""
    if question.answered([-np.asarray(r) for r in question.right]):
        return SIGN
    slips, wire = marker.catalogue, question.wire
    written = {n for at in sheet.lines_behind(answer.name) for n in sheet.work.lines[at].used}
    if repaired(marker, sheet, answer, wire, only="overwritten"):
        return slips.branch(question) or OVERWRITTEN
    return (
        slips.upstream(question, written)
        or _factor(question)
        or repaired(marker, sheet, answer, wire, only="sign")
        or slips.branch(question)
        or slips.direct(question)
        or repaired(marker, sheet, answer, wire, only="form")
        or slips.left_out(question, written)
        or repaired(marker, sheet, answer, wire, only="part")
        or slips.local(question, written)
        or slips.deep(question)
        or (NOTHING if all(not np.any(g) for g in question.given) else "")
        or _factor(question, plain=False)
    )


def _factor(question: Question, plain: bool = True) -> str:
    """A constant factor between an answer and the truth, in words. plain: 2, 3, ..., or a size."""
    a, b = (
        np.concatenate([np.ravel(np.asarray(x, float)) for x in side])
        for side in (question.given, question.right)
    )
    told = np.isfinite(a) & np.isfinite(b) & (b != 0)
    ratios = a[told] / b[told]
    if len(ratios) < 2 or not np.allclose(ratios, ratios[0], rtol=1e-6, atol=0.0):
        return ""
    if np.any(np.abs(a[~told & np.isfinite(a)]) > 0):
        return ""
    ratio = float(np.median(ratios))
    sign = f", and {SIGN}" if ratio < 0 else ""
    for n in _counts(question):
        if np.isclose(abs(ratio), n):
            return f"{n} times too large: a factor 1/{n} is missing{sign}"
        if np.isclose(abs(ratio), 1.0 / n):
            return f"{n} times too small: a factor {n} is missing{sign}"
    return "" if plain else f"off by the constant factor {ratio:.6g}"


def _counts(question: Question) -> list[int]:
    """The factors that people lose: small ones, and the sizes of arrays."""
    shapes = [np.shape(v) for v in question.runs[0].values[: len(question.runs[0].circuit)]]
    sizes = {int(np.prod(s)) for s in shapes} | {n for s in shapes for n in s}
    return [*range(2, 11), *sorted(n for n in sizes if n > 10)]


def _shape_mistake(question: Question) -> str:
    given, right = question.given, question.right
    have, want = np.shape(given[0]), np.shape(right[0])
    summed = _summed_up(given, want)
    if summed and same(summed, right, question.sizes):
        return f"missing broadcast sum: it has shape {have}, the wire {want}; add up the copies"
    if have == want[::-1] and same([np.transpose(g) for g in given], right, question.sizes):
        return "transposed"
    if int(np.prod(have)) == int(np.prod(want)):
        turned = [np.reshape(g, want) for g in given]
        if same(turned, right, question.sizes):
            return f"right numbers in shape {have}; the wire has shape {want}"
    if have == () and same([np.broadcast_to(g, want) for g in given], right, question.sizes):
        return f"one number, where the wire has shape {want}: every element has its own pull"
    if summed:
        turned_sign = replace(question, given=[-s for s in summed])
        if turned_sign.is_right():
            return f"missing broadcast sum: it has shape {have}, the wire {want}; and {SIGN}"
    return ""


def _summed_up(given: Sequence[Any], want: tuple[int, ...]) -> list[Any] | None:
    """The answers added up over the axes along which a wire of shape `want` was repeated."""
    have = np.shape(given[0])
    try:
        if np.broadcast_shapes(have, want) != have:
            return None
    except ValueError:
        return None
    new = len(have) - len(want)
    axes = (*range(new), *(i + new for i, s in enumerate(want) if s != have[i + new]))
    return [np.sum(g, axis=axes, keepdims=True).reshape(want) for g in given]
