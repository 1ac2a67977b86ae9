"""mark: grade a backward pass that a person wrote by hand, variable by variable, and name each mistake.

The work is a list of assignments in our expression language or in NumPy; it is read by our own parser
and never executed. A line is judged with the right pulls put in for the ones above it, so that one slip
does not spoil the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.dtypes import canonical
from pullback.core.shapes import spec_of
from pullback.errors import CircuitError, PullbackError
from pullback.lens.function import CircuitFunction, as_circuit_function
from pullback.lens.homework.read import Work, read_work
from pullback.lens.homework.sheet import Answer, Sheet
from pullback.lens.mistakes import name_mistake, reason
from pullback.lens.points import beside, calm, is_label, points, points_of_data
from pullback.lens.question import Question, place_of
from pullback.lens.slips import Catalogue
from pullback.lens.snapshot import Snapshot, full_force, short
from pullback.lens.specialize import Specialization
from pullback.passes.backward import Backward

RIGHT, WRONG, MISSING = "right", "wrong", "missing"
FORCES = ("dout", "dL", "df", "dloss", "upstream")  # what an output without a name may be pulled by
AT_A_KINK = "the slope jumps here; any value between the two sides is right"
AT_ROUNDING = "judged at smaller numbers: at the given ones rounding leaves no digit of it"


@dataclass(frozen=True)
class Mark:
    """The verdict on one variable: `mistake` says what went wrong, in words, where it is recognised.

    note: the reason behind a common mistake, or a remark about a right answer.
    """

    name: str
    verdict: str
    mistake: str = ""
    given: Any = None
    expected: Any = None
    note: str = ""

    def __repr__(self) -> str:
        return f"{self.name}: {self.verdict}" + (f" - {self.said}" if self.said else "")

    @property
    def said(self) -> str:
        """The mistake and its reason, or the remark."""
        return (
            f"{self.mistake} ({self.note})"
            if self.mistake and self.note
            else self.mistake or self.note
        )


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

    @property
    def mistake(self) -> str:
        """The first mistake in words, "" where there is none."""
        if self.error:
            return self.error.split("\n")[0]
        wrong = [m for m in self.marks if m.verdict != RIGHT]
        return f"{wrong[0].name}: {wrong[0].mistake}" if wrong else ""

    def __repr__(self) -> str:
        return "\n".join([*([self.error] if self.error else []), *map(repr, self.marks)])


def mark(function: Any, work: str, *values: Any, **named: Any) -> Grade:
    """Grade hand-written derivatives of `function` around these values.

    work: assignments to `d` + the name of a wire, in any order that can be computed, in the notation of
    circuits or in NumPy; the pull on the output is 1 unless the work assigns it (`df`). Every input
    must be
    given its pull, or every one of the circuit's `parameters` where it has such; other named wires are
    marked if the work mentions them. Other names are the work's own and are not marked.

    Five points or more are looked at: the values given, and others at which labels stay labels and
    whole numbers stay as they are. Where a curve is so flat that its slope is lost in rounding
    (1 - y*y of a tanh beyond 15), a right answer written that way cannot be told from a wrong one.
    Raises CircuitError where a pull is not finite at these values.

    >>> mark("q = x + y; f = q * z", "dq = z; dz = q; dx = dq; dy = z", -2, 5, -4).passed
    True
    >>> mark("q = x + y; f = q * z", "dz = q; dx = 1; dy = z", -2, 5, -4).marks[2].mistake
    "missing upstream factor: the pull on 'q' is not multiplied in"
    """
    return Marker(function, *values, **named).grade(work)


class Marker:
    """Grades any number of works on one circuit around one set of values.

    runs: the circuit at every point. near, data: which of them judge a wire that labels may not help,
    and all others; the first is the point given. whole: inputs given as whole numbers.
    """

    def __init__(self, function: Any, /, *values: Any, **named: Any) -> None:
        made = as_circuit_function(function)
        view, given = made.specialize(made.bind(values, named))
        self.given, self.whole = _real(made, view, [_precise(v) for v in given])
        self.view = made.traces.traced(view.arguments, [spec_of(v) for v in self.given])
        self.circuit = self.view.circuit
        self._collect(list(self.circuit.input_names))
        first = self.runs[0]
        self.wanted = _wanted(first)
        self.names = {n: w for w, n in enumerate(self.circuit.names) if n}
        if not any(self.circuit.is_input(w) for w in self.wanted.values()):
            raise CircuitError("no input carries real numbers: there is no gradient to grade.")
        for name, wire in self.wanted.items():
            if not any(np.all(np.isfinite(run.grad_of(wire))) for run in self.runs):
                raise CircuitError(
                    f"the pull on '{name}' is not finite around these values: nothing can be graded."
                )

    def _collect(self, names: list[str]) -> None:
        """Run at every point; with labels among the inputs there are two kinds of points."""
        free = list(points(names, self.given, self._is_fine))
        self.labels = {
            w
            for w, n, v in zip(self.circuit.inputs, names, self.given, strict=True)
            if is_label(n, v)
        }
        kept = list(points_of_data(names, self.given, self._is_fine)) if self.labels else []
        self.runs = [self.run(p) for p in [self.given, *free, *kept]]
        self.near = range(len(free) + 1)
        self.data = [0, *range(len(free) + 1, len(self.runs))] if kept else self.near

    def run(self, values: Sequence[Any]) -> Snapshot:
        force = full_force(self.view, 1.0)
        program = self.view.watched_program
        return Snapshot(self.view, program.watch([*values, force], checked=False), force)

    def _is_fine(self, values: Sequence[Any]) -> bool:
        run = self.run(values)
        pulls = [run.grad_of(w) for w in self.circuit.inputs]
        return all(np.all(np.isfinite(p)) for p in pulls if p is not None)

    def points_of(self, wire: int) -> Sequence[int]:
        """The runs at which a pull is judged: that on labels themselves where the labels move."""
        return self.near if wire in self.labels else self.data

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.runs)

    @property
    def back(self) -> Backward:
        return self.view.back

    @cached_property
    def required(self) -> list[str]:
        """The inputs whose pull must be there: the parameters, or all but whole numbers where none is."""
        roles = dict(zip(self.circuit.inputs, self.circuit.roles, strict=True))
        whole = {self.circuit.inputs[at] for at in self.whole}
        inputs = {n: w for n, w in self.wanted.items() if self.circuit.is_input(w)}
        chosen = [n for n, w in inputs.items() if roles[w] == "parameter"]
        return chosen or [n for n, w in inputs.items() if w not in whole] or list(inputs)

    def right(self, run: Snapshot) -> dict[str, Any]:
        """The value of every named wire at a point, and the right pull on it as `d` + its name."""
        values = {n: run.values[w] for n, w in self.names.items()}
        pulls = {f"d{name}": run.grad_of(wire) for name, wire in self.wanted.items()}
        output = run.values[self.circuit.outputs[0]]
        forces = dict.fromkeys(FORCES, np.ones_like(output, float)[()])
        return forces | values | pulls

    def grade(self, work: str) -> Grade:
        """Mark one piece of work. Raises nothing for what a person wrote in it."""
        try:
            read = read_work(work, self.names)
        except PullbackError as error:
            return self.unread(str(error))
        sheet = Sheet(self, read, self.runs)
        return Grade(tuple(self._marks(read, sheet)))

    def _marks(self, read: Work, sheet: Sheet) -> Iterator[Mark]:
        for name, wire in self.wanted.items():
            answer = sheet.answers.get(f"d{name}")
            if answer is not None:
                yield self._judged(read, sheet, name, answer)
                continue
            used = any(f"d{name}" in line.used for line in read.lines)
            if name in self.required or (used and self._must_be_given(read, wire)):
                said = (
                    "it is used, but no line gives it a value"
                    if used
                    else "no line gives it a value"
                )
                yield Mark(f"d{name}", MISSING, said, expected=self.runs[0].grad_of(wire))

    def _must_be_given(self, read: Work, wire: int) -> bool:
        """Whether a pull that is used must have its line: all but the output's and what comes in."""
        return wire != self.circuit.outputs[0] and f"d{self.circuit.names[wire]}" not in read.given

    def unread(self, error: str) -> Grade:
        """The grade of a work that cannot be read at all."""
        return Grade(tuple(Mark(f"d{n}", MISSING) for n in self.required), error=error)

    def _judged(self, read: Work, sheet: Sheet, name: str, answer: Answer) -> Mark:
        wire = self.wanted[name]
        expected = self.runs[0].grad_of(wire)
        given = answer.values[0] if answer.values else None
        note = self._right_because(read, sheet, name, answer)
        if note is not None:
            return Mark(f"d{name}", RIGHT, "", given, expected, note)
        said = name_mistake(self, sheet, answer) or answer.error
        said = said or _numbers(given, expected)
        return Mark(f"d{name}", WRONG, said, given, expected, reason(said))

    def _right_because(self, read: Work, sheet: Sheet, name: str, answer: Answer) -> str | None:
        """Why an answer is right, "" where nothing is to be said about it; None where it is not."""
        wire = self.wanted[name]
        if not answer.values:
            return None
        question = self.question(wire, answer.values)
        if question.is_right():
            return ""
        if not self.circuit.is_input(wire):
            if answer.name in sheet.good:
                return sheet.good[answer.name]
            if question.fitted().is_right():
                have, want = np.shape(answer.values[0]), np.shape(question.right[0])
                return f"its shape is {have}, that of the wire {want}"
        if question.wrong_at() == [0] and self._is_right_at(beside(self.given), read, name):
            return AT_A_KINK
        if question.is_rounding() and self._is_right_at(calm(self.given), read, name):
            return AT_ROUNDING
        return None

    def _is_right_at(self, places: Iterator[list[Any]], read: Work, name: str) -> bool:
        """Whether the answer is right at other points than those it is judged at."""
        runs = [self.run(p) for p in places]
        answer = Sheet(self, read, runs).answers[f"d{name}"]
        return bool(answer.values) and Question(self.wanted[name], runs, answer.values).is_right()

    def question(self, wire: int, values: Sequence[Any]) -> Question:
        """An answer beside the runs at which it is judged."""
        chosen = self.points_of(wire)
        return Question(wire, [self.runs[i] for i in chosen], [values[i] for i in chosen])


def _real(
    made: CircuitFunction, view: Specialization, given: list[Any]
) -> tuple[list[Any], set[int]]:
    """The values with whole numbers made real where these can be pulled, and the places of those."""
    whole: set[int] = set()
    for at, value in enumerate(given):
        if value.dtype.kind == "i":
            tried = [*given[:at], value.astype(float), *given[at + 1 :]]
            try:
                other = made.traces.traced(view.arguments, [spec_of(v) for v in tried])
                pulled = other.back.input_pulls[at] >= 0
            except PullbackError:
                continue  # an index
            if pulled:
                given, whole = tried, whole | {at}
    return given, whole


def _precise(value: Any) -> Any:
    """A float32 as a float64: right answers written differently must agree to many digits."""
    found = canonical(value)
    return found.astype(float)[()] if found.dtype == np.float32 else found


def _wanted(run: Snapshot) -> dict[str, int]:
    """The named wires that are pulled, the latest first, by name."""
    names, pulls = run.circuit.names, run.view.back.pulls
    # Where an input is called dout, that name is not the pull on a wire called out.
    found = {n: w for w, n in enumerate(names) if n and pulls[w] >= 0 and f"d{n}" not in names}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _numbers(given: Any, expected: Any) -> str:
    """What is there and what should be; of an array the first number that differs."""
    if np.shape(given) != np.shape(expected):
        return f"its shape is {np.shape(given)} and should be {np.shape(expected)}"
    at = place_of(given, expected)
    if not at:
        return f"it is {short(given, 6)} and should be {short(expected, 6)}"
    here = [short(np.asarray(v)[at], 6) for v in (given, expected)]
    index = ", ".join(map(str, at))
    return f"at [{index}] it is {here[0]} and should be {here[1]}"
