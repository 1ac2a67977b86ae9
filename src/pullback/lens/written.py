"""A person's written backward pass, line by line: read by our parser, traced by gates, never executed.

Each line becomes a small circuit of the names it uses. Its size is known before anything is computed,
so a line that would fill the memory is refused, not run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.expression import Instruction, Parsed, parse
from pullback.core.replay import replay
from pullback.core.shapes import spec_of
from pullback.core.wire import Wire
from pullback.errors import ExpressionError, PullbackError
from pullback.lens.text import run_steps

MOST = 10_000_000  # numbers that one line may compute


@dataclass(frozen=True)
class Line:
    """One assignment: the name it gives, the steps that compute its value."""

    name: str
    steps: tuple[Instruction, ...]

    @property
    def used(self) -> set[str]:
        return {step.text for step in self.steps if step.kind == "name"}


@dataclass(frozen=True)
class Work:
    """All lines, in order."""

    parsed: Parsed
    lines: tuple[Line, ...]


def read_work(text: str) -> Work:
    """The assignments of a text. Raises ExpressionError where it is no list of assignments.

    >>> [line.name for line in read_work("dq = z * df; dz = q * df").lines]
    ['dq', 'dz']
    """
    parsed = parse(text)
    return Work(parsed, tuple(_lines(parsed)))


def _lines(parsed: Parsed) -> Iterator[Line]:
    steps: list[Instruction] = []
    for step in parsed.instructions:
        if step.kind == "assign":
            yield Line(step.text, tuple(steps))
            steps = []
        else:
            steps.append(step)
    # A text that ends with an assignment leaves one step behind, the name of its result.
    if len(steps) != 1 or not parsed.result or steps[0].text not in parsed.assigned:
        raise ExpressionError(
            "the last line gives its value to nothing.",
            text=parsed.text,
            position=steps[0].start,
            fix="dx = ...",
        )


def compute(work: Work, line: Line, scopes: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The line's value at each point; `scopes` gives what its names stand for there.

    Raises PullbackError, whatever the line does wrong.
    """
    for step in line.steps:
        if step.kind == "name" and step.text not in scopes[0]:
            raise ExpressionError(
                f"{step.text!r} has no value here.", text=work.parsed.text, position=step.start
            )
    names = sorted(line.used)
    try:
        circuit = _traced(work, line, {n: scopes[0][n] for n in names})
        return [replay(circuit, [scope[n] for n in names])[0] for scope in scopes]
    except PullbackError:
        raise
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        # A stranger's line: what it makes NumPy raise is its own mistake, never ours.
        said = str(error).split("\n")[0]
        raise _refused(work, line, f"this line cannot be computed: {said}.") from error


def _traced(work: Work, line: Line, values: Mapping[str, Any]) -> Circuit:
    builder = Builder()
    wires = {n: builder.input(spec_of(v), n) for n, v in values.items()}
    result = run_steps(work.parsed, line.steps, wires, number=builder.constant)
    circuit = builder.finish([result if isinstance(result, Wire) else builder.adopt(result)])
    sizes = np.array([float(np.prod(s.shape, dtype=float)) for s in circuit.specs])
    total = float(sizes[circuit.spec].sum())
    if total > MOST:
        raise _refused(
            work, line, f"this line computes {total:,.0f} numbers; the limit is {MOST:,}."
        )
    return circuit


def _refused(work: Work, line: Line, what: str) -> ExpressionError:
    return ExpressionError(what, text=work.parsed.text, position=line.steps[0].start)
