"""`pullback hello`: one small circuit with values, gradients, code and a check, on one screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

import pullback as pb
from pullback.cli.printing import Run, draws_boxes, say, say_json, width
from pullback.cli.wires import wires_as_json
from pullback.emit.terminal import picture
from pullback.lens.gradcheck import Report
from pullback.lens.wires import wire_rows

TEXT, VALUES = "q = x + y; f = q * z", {"x": -2.0, "y": 5.0, "z": -4.0}
GAP = 3
_READING = (
    "Above a wire stands its value, below it its pull: f moves 3 times as far as z,",
    "and 4 times as far as x or y, the other way.",
)
NEXT = (
    'pullback show "sig(a*x + b*y + c)" a=1 b=2 c=-3 x=-1 y=3',
    "pullback train digits",
)


def hello(*, json: bool = False) -> int:
    """A first look at two gates.

    The value and the pull (the gradient) on every wire, the backward pass as
    code, and a numerical check.

    $ pullback hello
    """
    f = pb.circuit(TEXT)
    run, report, source = f.run(VALUES), f.gradcheck(VALUES), f.backward_source()
    if json:
        wires = wires_as_json(wire_rows(run.view, run.values))
        said = {"circuit": TEXT, "wires": wires, "source": source}
        say_json({**said, "checked": report.passed, "worst": report.worst, "next": NEXT})
        return 0 if report.passed else 1
    drawn = picture(run.view.back, run.values, only_ascii=not draws_boxes())
    left = [[("title", TEXT)], [], *drawn.rows]
    right = [[("title", "its backward pass, with your names")], [], *_code(source)]
    say([("title", "pullback: neural networks you can see through.")], "")
    say(*_beside(left, right))
    say("", *_READING, "", [("title", _judged(report))], "")
    say("Try next:", *(f"  $ {line}" for line in NEXT))
    return 0 if report.passed else 1


def _judged(report: Report) -> str:
    count = len(report.findings)
    said = f"all {count} gradients are right" if report.passed else "a gradient is wrong"
    return f"checked numerically: {said}, the largest error is {report.worst:.1e}."


def _code(source: str) -> list[list[Run]]:
    """The function alone; a blank line stands for the comment between its two halves."""
    lines = source[source.index("def ") :].splitlines()
    half = next(i for i, line in enumerate(lines) if line.lstrip().startswith("#"))
    return [
        [] if i == half else _inked(line, "value" if i < half else "pull")
        for i, line in enumerate(lines)
    ]


def _inked(line: str, ink: str) -> list[Run]:
    """A line of code whose new variable has the ink it has in the picture."""
    found = re.match(r"( +)(\w+)( = .*)", line)
    return [("", found[1]), (ink, found[2]), ("", found[3])] if found else [("", line)]


def _beside(left: Sequence[Sequence[Run]], right: Sequence[Sequence[Run]]) -> list[list[Run]]:
    """Two columns, or one below the other where they do not fit."""
    start, wide = GAP + max(map(_length, left)), max(map(_length, right))
    if start + wide > width():
        return [[*row] for row in (*left, [], *right)]
    pairs = zip_longest(left, right, fillvalue=())
    return [
        [*one, ("", " " * (start - _length(one))), *other] if other else [*one]
        for one, other in pairs
    ]


def _length(row: Sequence[Run]) -> int:
    return sum(len(text) for _, text in row)
