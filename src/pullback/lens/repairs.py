"""The smallest change that makes a written line right: a matrix turned, two sides exchanged, another name.

It is looked for where no usual mistake explains the answer, or where the line cannot be computed at
all because its shapes do not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pullback.core.expression import Instruction, to_text
from pullback.errors import PullbackError
from pullback.lens.written import Line, Work, compute

MOST = 400  # changes tried on one line
LONGEST = 200  # steps of a line that is still looked at


def repaired(
    work: Work,
    line: Line,
    scopes: Sequence[Mapping[str, Any]],
    is_right: Callable[[list[Any]], bool],
) -> str:
    """What to change in words, or "" where no single change makes the line right."""
    if len(line.steps) > LONGEST:
        return ""
    for tried, (said, steps) in enumerate(_changes(line, scopes[0])):
        if tried == MOST:
            break
        try:
            if is_right(compute(work, replace(line, steps=tuple(steps)), scopes)):
                return said
        except PullbackError:
            continue  # this change does not fit either
    return ""


def _changes(line: Line, names: Mapping[str, Any]) -> Iterator[tuple[str, list[Instruction]]]:
    steps = list(line.steps)
    for at, step in enumerate(steps):
        if step.text == "matmul" and step.kind == "call":
            yield from _turned(steps, at)
    for at, step in enumerate(steps):
        if step.kind == "name":
            for name in sorted(names):
                if name not in (step.text, line.name):
                    said = f"swapped: {name} belongs where {step.text} stands"
                    yield said, [*steps[:at], step._replace(text=name), *steps[at + 1 :]]


def _turned(steps: list[Instruction], at: int) -> Iterator[tuple[str, list[Instruction]]]:
    """The product at `at` with its sides transposed, exchanged, or both."""
    middle = _start(steps, at - 1)
    first = _start(steps, middle - 1)
    before, after = steps[:first], steps[at + 1 :]
    left, right, product = steps[first:middle], steps[middle:at], steps[at]
    written = to_text([*left, *right, product])
    for one, two in ((left, right), (right, left)):
        for a in (one, _transposed(one)):
            for b in (two, _transposed(two)):
                meant = to_text([*a, *b, product])
                if meant != written:
                    what = "transposed" if one is left else "the two sides are swapped"
                    said = f"{what}: it should be {meant}, not {written}"
                    yield said, [*before, *a, *b, product, *after]


def _transposed(steps: list[Instruction]) -> list[Instruction]:
    last = steps[-1]
    if last.kind == "call" and last.text == "transpose" and not last.attributes:
        return steps[:-1]
    return [*steps, Instruction("call", "transpose", 0.0, 1, last.start, last.stop)]


def _start(steps: Sequence[Instruction], last: int) -> int:
    """Where the value begins that step `last` completes."""
    wanted, at = 1, last + 1
    while wanted:
        at -= 1
        wanted += steps[at].arity - 1
    return at
