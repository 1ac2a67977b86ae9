"""mark: grade a backward pass that a person wrote by hand, variable by variable, and name each mistake.

The work is a list of assignments in our expression language, `dq = z * df; dz = q * df; ...`; it is
read by our own parser and computed by gates, so nothing of the person's is ever executed. A line is
judged with the right pulls put in for the ones above it, so that one slip does not spoil the rest.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.errors import CircuitError, PullbackError
from pullback.lens.function import CircuitFunction, as_circuit_function
from pullback.lens.mistakes import Question, name_mistake
from pullback.lens.repairs import repaired
from pullback.lens.snapshot import Snapshot, short
from pullback.lens.written import Line, Work, compute, read_work

POINTS = 5
RIGHT, WRONG, MISSING = "right", "wrong", "missing"


@dataclass(frozen=True)
class Mark:
    """The verdict on one variable: `mistake` says what went wrong, in words, where it is recognised."""

    name: str
    verdict: str
    mistake: str = ""
    given: Any = None
    expected: Any = None

    def __repr__(self) -> str:
        said = self.mistake
        if self.verdict == WRONG and not said:
            said = f"it is {short(self.given, 6)} and should be {short(self.expected, 6)}"
        return f"{self.name}: {self.verdict}" + (f" - {said}" if said else "")


@dataclass(frozen=True)
class Grade:
    """All marks of one piece of work, in the order of the backward pass. Printing it shows them."""

    marks: tuple[Mark, ...]
    error: str = field(default="")

    @property
    def passed(self) -> bool:
        return not self.error and all(m.verdict == RIGHT for m in self.marks)

    @property
    def score(self) -> float:
        """The share of variables that are right."""
        return sum(m.verdict == RIGHT for m in self.marks) / len(self.marks) if self.marks else 0.0

    def __repr__(self) -> str:
        return "\n".join([*([self.error] if self.error else []), *map(repr, self.marks)])


def mark(function: Any, work: str, *values: Any, **named: Any) -> Grade:
    """Grade hand-written derivatives of `function` around these values.

    work: assignments to `d` + the name of a wire, in any order that can be computed; the pull on the
    output is 1 unless the work gives it a name (`df`). Every input must be given its pull; named wires
    between are marked if the work mentions them. Other names are the work's own and are not marked.

    Five points around the values are looked at; where a curve is so flat that its slope is lost in
    rounding (1 - y*y of a tanh beyond 15), a right answer written that way cannot be told from a wrong
    one. Raises CircuitError where a pull is not finite at these values.

    >>> mark("q = x + y; f = q * z", "dq = z; dz = q; dx = dq; dy = z", -2, 5, -4).passed
    True
    >>> mark("q = x + y; f = q * z", "dz = q; dx = 1; dy = z", -2, 5, -4).marks[2]
    dx: wrong - missing upstream factor: the pull on 'q' is not multiplied in
    """
    return Marker(function, *values, **named).grade(work)


@dataclass(frozen=True)
class Answer:
    """What the last line about a variable gave it at every point, or why it cannot be computed."""

    line: Line
    scopes: Sequence[Mapping[str, Any]]
    values: list[Any] = field(default_factory=list)
    error: str = ""


class Marker:
    """Grades any number of works on one circuit around one set of values."""

    def __init__(self, function: Any, /, *values: Any, **named: Any) -> None:
        made = as_circuit_function(function)
        self.runs = list(_runs(made, made.bind(values, named)))
        self.wanted = _wanted(self.runs[0])
        for name, wire in self.wanted.items():
            if not any(np.all(np.isfinite(run.grad_of(wire))) for run in self.runs):
                raise CircuitError(
                    f"the pull on '{name}' is not finite around these values: nothing can be marked."
                )

    def grade(self, work: str) -> Grade:
        """Mark one piece of work. Raises nothing for what a person wrote in it."""
        try:
            read = read_work(work)
        except PullbackError as error:
            return self.unread(str(error))
        answers = self._answers(read)
        marks = []
        for name, wire in self.wanted.items():
            if f"d{name}" in answers:
                marks.append(self._judged(read, name, answers[f"d{name}"]))
            elif self.runs[0].circuit.is_input(wire):
                marks.append(Mark(f"d{name}", MISSING, "no line gives it a value"))
        return Grade(tuple(marks))

    def unread(self, error: str) -> Grade:
        """The grade of a work that cannot be read at all."""
        inputs = [n for n, w in self.wanted.items() if self.runs[0].circuit.is_input(w)]
        return Grade(tuple(Mark(f"d{n}", MISSING) for n in inputs), error=error)

    def _answers(self, work: Work) -> dict[str, Answer]:
        """What the work says of each variable, every line computed from the right pulls of the others."""
        right = [self._right(run) for run in self.runs]
        own: list[dict[str, Any]] = [{} for _ in self.runs]
        answers: dict[str, Answer] = {}
        for line in work.lines:
            before = answers.get(line.name)
            if before and before.error:
                continue
            # A variable that is being added up (dx += ...) sees its own sum so far.
            so_far = [{line.name: v} for v in before.values] if before else [{} for _ in own]
            scopes = [ChainMap(*maps) for maps in zip(so_far, own, right, strict=True)]
            try:
                answers[line.name] = Answer(line, scopes, compute(work, line, scopes))
            except PullbackError as error:
                said = f"{error.what} {error.why}".strip()
                answers[line.name] = Answer(line, scopes, error=said)
            if line.name not in right[0]:
                for names, value in zip(own, answers[line.name].values, strict=False):
                    names[line.name] = value
        return answers

    def _right(self, run: Snapshot) -> dict[str, Any]:
        values = {n: run.values[w] for w, n in enumerate(run.circuit.names) if n}
        return values | {f"d{name}": run.grad_of(wire) for name, wire in self.wanted.items()}

    def _judged(self, work: Work, name: str, answer: Answer) -> Mark:
        wire = self.wanted[name]
        expected, given = self.runs[0].grad_of(wire), (answer.values or [None])[0]
        question = Question(wire, self.runs, answer.values)
        if answer.values and question.is_right():
            return Mark(f"d{name}", RIGHT, "", given, expected)
        said = name_mistake(question) if answer.values else ""
        said = said or repaired(
            work, answer.line, answer.scopes, lambda v: Question(wire, self.runs, v).is_right()
        )
        return Mark(f"d{name}", WRONG, said or answer.error, given, expected)


def _runs(made: CircuitFunction, bound: list[Any]) -> Iterator[Snapshot]:
    """The circuit at the given values and at seeded points around them."""
    generator = np.random.Generator(np.random.PCG64(5))
    yield made.run(*bound)
    for _ in range(POINTS - 1):
        yield made.run(*[_moved(value, generator) for value in bound])


def _moved(value: Any, generator: np.random.Generator) -> Any:
    array = np.asarray(value)
    if array.dtype.kind in "b" or (array.dtype == np.int64 and array.ndim):
        return value
    return array * generator.uniform(0.7, 1.3, array.shape) + generator.uniform(
        0.01, 0.1, array.shape
    )


def _wanted(run: Snapshot) -> dict[str, int]:
    """The named wires that are pulled, the latest first, by name."""
    found = {n: w for w, n in enumerate(run.circuit.names) if n and run.view.back.pulls[w] >= 0}
    return dict(sorted(found.items(), key=lambda item: -item[1]))
