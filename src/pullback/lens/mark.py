"""mark: grade a backward pass that a person wrote by hand, variable by variable, and name each mistake.

The work is a list of assignments in our expression language, `dq = z * df; dz = q * df; ...`; it is
read by our own parser and computed by gates, so nothing of the person's is ever executed. A line is
judged with the right pulls put in for the ones above it, so that one slip does not spoil the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.expression import Instruction, Parsed, parse
from pullback.errors import CircuitError, ExpressionError, PullbackError
from pullback.lens.function import CircuitFunction, as_circuit_function
from pullback.lens.snapshot import Snapshot
from pullback.lens.text import run_steps
from pullback.passes.backward import Branch
from pullback.passes.pull import pull_inputs

POINTS = 5
# Right answers written differently differ by rounding only; a real mistake is far larger.
TOLERANCE = 1e-7
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
        return f"{self.name}: {self.verdict}" + (f" - {self.mistake}" if self.mistake else "")


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

    >>> mark("q = x + y; f = q * z", "dq = z; dz = q; dx = dq; dy = z", -2, 5, -4).passed
    True
    >>> mark("q = x + y; f = q * z", "dz = q; dx = 1; dy = z", -2, 5, -4).marks[2]
    dx: wrong - missing upstream factor: the pull on 'q' is not multiplied in
    """
    made = as_circuit_function(function)
    runs = list(_runs(made, made.bind(values, named)))
    wanted = _wanted(runs[0])
    try:
        answers = [_answers(parse(work), run, wanted) for run in runs]
    except PullbackError as error:
        return Grade(tuple(Mark(f"d{n}", MISSING) for n in wanted), error=str(error))
    marks = []
    for name, wire in wanted.items():
        given = [a.get(f"d{name}") for a in answers]
        if given[0] is not None:
            marks.append(_marked(name, wire, given, runs))
        elif runs[0].circuit.is_input(wire):
            marks.append(Mark(f"d{name}", MISSING, "no line gives it a value"))
    return Grade(tuple(marks))


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


def _answers(parsed: Parsed, run: Snapshot, wanted: dict[str, int]) -> dict[str, Any]:
    """What the work gives each variable, every line computed from the right pulls of the others."""
    right = {f"d{name}": run.grad_of(wire) for name, wire in wanted.items()}
    values = {n: run.values[w] for w, n in enumerate(run.circuit.names) if n}
    names: dict[str, Any] = right | values
    given: dict[str, Any] = {}
    for name, steps in _statements(parsed):
        # A variable that is being added up (dx += ...) sees its own sum so far.
        scope = names | ({name: given[name]} if name in given else {})
        missing = [s for s in steps if s.kind == "name" and s.text not in scope]
        if missing:
            raise ExpressionError(
                f"{missing[0].text!r} has no value here.",
                text=parsed.text,
                position=missing[0].start,
            )
        given[name] = run_steps(parsed, steps, scope)
        if name not in right:
            names[name] = given[name]
    return given


def _statements(parsed: Parsed) -> Iterator[tuple[str, list[Instruction]]]:
    steps: list[Instruction] = []
    for step in parsed.instructions:
        if step.kind == "assign":
            yield step.text, steps
            steps = []
        else:
            steps.append(step)
    if len(steps) > 1:
        raise ExpressionError(
            "the last line gives its value to nothing.",
            text=parsed.text,
            position=steps[0].start,
            fix="dx = ...",
        )


def _marked(name: str, wire: int, given: list[Any], runs: list[Snapshot]) -> Mark:
    expected = [run.grad_of(wire) for run in runs]
    if _same(given, expected):
        return Mark(f"d{name}", RIGHT, given=given[0], expected=expected[0])
    mistake = _shape_mistake(given, expected)
    mistake = mistake or next((s for s, guess in _mistakes(wire, runs) if _same(given, guess)), "")
    mistake = mistake or _factor(given, expected)
    return Mark(f"d{name}", WRONG, mistake, given[0], expected[0])


def _same(given: Sequence[Any], expected: Sequence[Any]) -> bool:
    """Equal at every point where both are finite, and finite somewhere."""
    if any(np.shape(g) != np.shape(e) for g, e in zip(given, expected, strict=True)):
        return False
    a, b = (
        np.concatenate([np.ravel(np.asarray(x, float)) for x in side]) for side in (given, expected)
    )
    finite = np.isfinite(a) & np.isfinite(b)
    scale = np.maximum(np.abs(b[finite]), 1e-12 + 1e-9 * np.max(np.abs(b[finite]), initial=0.0))
    return bool(finite.any() and np.all(np.abs(a[finite] - b[finite]) <= TOLERANCE * scale))


Guess = Callable[[Snapshot], Any]


def _mistakes(wire: int, runs: list[Snapshot]) -> Iterator[tuple[str, list[Any]]]:
    """Wrong answers with a name: what each usual mistake would give at every point."""
    for said, guess in _guesses(wire, runs[0]):
        try:
            with np.errstate(all="ignore"):
                yield said, [guess(run) for run in runs]
        except (PullbackError, ValueError, IndexError):
            continue  # this mistake cannot be made here


def _guesses(wire: int, run: Snapshot) -> Iterator[tuple[str, Guess]]:
    back, circuit = run.view.back, run.circuit
    branches = [b for b in back.branches[wire] if b.gate >= 0]
    yield "the sign is wrong", partial(_negated_pull, wire=wire)
    if len(branches) == 1:
        yield from _single_branch_guesses(run, branches[0])
    elif branches:
        yield from _several_branch_guesses(circuit, branches)
    for name, other in _wanted(run).items():
        if other != wire:
            yield f"this is the pull on '{name}'", partial(_pull, wire=other)
    yield "this is the wire's value, not its pull", partial(_value, wire=wire)
    yield "transposed", partial(_transposed_pull, wire=wire)


def _single_branch_guesses(run: Snapshot, branch: Branch) -> Iterator[tuple[str, Guess]]:
    into, row = run.circuit.describe(branch.gate), run.circuit.row(branch.gate)
    yield (
        f"missing upstream factor: the pull on {into} is not multiplied in",
        partial(_local, branch=branch),
    )
    yield (
        f"the local slope is missing: this is the pull on {into}",
        partial(_pull, wire=branch.gate),
    )
    for other, listened in enumerate(row.inputs):
        if other != branch.position:
            name, swapped = run.circuit.describe(listened), Branch(branch.gate, other, -1)
            yield f"swapped: this is the pull on {name}", partial(_contribution, branch=swapped)
            yield (
                f"swapped, and the upstream factor is missing: this is the slope for {name}",
                partial(_local, branch=swapped),
            )


def _several_branch_guesses(
    circuit: Circuit, branches: list[Branch]
) -> Iterator[tuple[str, Guess]]:
    for branch in branches:
        into, rest = circuit.describe(branch.gate), [b for b in branches if b is not branch]
        yield (
            f"`=` for `+=`: only the branch through {into} is there",
            partial(_total, branches=[branch]),
        )
        yield f"a branch is missing: the one through {into}", partial(_total, branches=rest)
        yield (
            f"the branch through {into} is counted twice",
            partial(_total, branches=[*branches, branch]),
        )
        yield (
            f"the sign of the branch through {into} is wrong",
            partial(_total, branches=rest, less=[branch]),
        )
        yield (
            f"missing upstream factor: the pull on {into} is not multiplied in",
            partial(_total, branches=rest, local=[branch]),
        )
    yield "missing upstream factor in every branch", partial(_total, branches=[], local=branches)


def _pull(run: Snapshot, wire: int) -> Any:
    return run.grad_of(wire)


def _negated_pull(run: Snapshot, wire: int) -> Any:
    return -np.asarray(run.grad_of(wire))


def _transposed_pull(run: Snapshot, wire: int) -> Any:
    return np.transpose(run.grad_of(wire))


def _value(run: Snapshot, wire: int) -> Any:
    return run.values[wire]


def _total(
    run: Snapshot,
    branches: Sequence[Branch],
    less: Sequence[Branch] = (),
    local: Sequence[Branch] = (),
) -> Any:
    """Branches added up, some taken away, some with their local slope alone."""
    kept = [np.asarray(run.values[b.pull]) for b in branches]
    taken = [-np.asarray(run.values[b.pull]) for b in less]
    return sum([*kept, *taken, *(np.asarray(_local(run, b)) for b in local)])


def _local(run: Snapshot, branch: Branch) -> Any:
    """The branch with a pull of 1 on the gate's output: the slope without the upstream factor."""
    return _pulled(run, branch, np.ones_like(run.values[branch.gate])[()])


def _contribution(run: Snapshot, branch: Branch) -> Any:
    """What this input of the gate is pulled with in truth."""
    return _pulled(run, branch, run.values[run.view.back.pulls[branch.gate]])


def _pulled(run: Snapshot, branch: Branch, dy: Any) -> Any:
    row = run.circuit.row(branch.gate)
    assert row.gate is not None
    inputs = [run.values[i] for i in row.inputs]
    pull = pull_inputs(row.gate, dy, run.values[row.wire], inputs, row.attributes)[branch.position]
    if pull is None:
        raise CircuitError("nothing pulls here.")
    return pull


def _factor(given: list[Any], expected: list[Any]) -> str:
    """A constant factor between the answer and the truth, in words."""
    if any(np.shape(g) != np.shape(e) for g, e in zip(given, expected, strict=True)):
        return ""
    a, b = (
        np.concatenate([np.ravel(np.asarray(x, float)) for x in side]) for side in (given, expected)
    )
    told = np.isfinite(a) & np.isfinite(b) & (b != 0)
    ratios = a[told] / b[told]
    if len(ratios) < 2 or not np.allclose(ratios, ratios[0], rtol=1e-6):
        return ""
    ratio = float(ratios[0])
    if ratio == 0.0:
        return "it is 0, but this wire is pulled"
    for n in (len(a) // len(given), *range(2, 65)):
        if n > 1 and np.isclose(ratio, n):
            return f"{n} times too large: a 1/{n} is missing"
        if n > 1 and np.isclose(ratio, 1.0 / n):
            return f"{n} times too small: a factor {n} is missing"
    return f"off by the constant factor {ratio:.6g}"


def _shape_mistake(given: list[Any], expected: list[Any]) -> str:
    have, want = np.shape(given[0]), np.shape(expected[0])
    if have == want:
        return ""
    try:
        from_broadcast = np.broadcast_shapes(have, want) == have
    except ValueError:
        from_broadcast = False
    if from_broadcast:
        axes = tuple(range(len(have) - len(want)))
        axes += tuple(i + len(axes) for i, s in enumerate(want) if s != have[i + len(axes)])
        summed = [np.sum(g, axis=axes, keepdims=True).reshape(want) for g in given]
        if _same(summed, expected):
            return f"missing broadcast sum: it has shape {have}, the wire {want}; add up the copies"
    if have == want[::-1] and _same([np.transpose(g) for g in given], expected):
        return "transposed"
    return f"it has shape {have}, the wire {want}"
