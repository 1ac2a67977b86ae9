"""The catalogue of mistakes in hand-written derivatives: what each usual slip would give, and its name.

An answer is compared with the wrong answers that people give: the upstream factor left out, a branch
forgotten, a sign, two inputs swapped, a matrix on the wrong side, the copies of a bias not added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from pullback.core.speech import spoken
from pullback.errors import CircuitError, PullbackError
from pullback.lens.snapshot import Snapshot
from pullback.passes.backward import Branch
from pullback.passes.pull import pull_inputs

# Right answers written differently differ by rounding only; a real mistake is far larger.
TOLERANCE = 1e-7
# Of the branches' own size: what two branches that cancel may leave by rounding.
ROUNDING = 1e-12
Guess = Callable[[Snapshot], Any]


@dataclass(frozen=True)
class Question:
    """One wire at several points: what was answered, and what is right."""

    wire: int
    runs: Sequence[Snapshot]
    given: Sequence[Any]

    @property
    def right(self) -> list[Any]:
        return [run.grad_of(self.wire) for run in self.runs]

    @property
    def branches(self) -> list[Branch]:
        return [b for b in self.runs[0].view.back.branches[self.wire] if b.gate >= 0]

    def spoken(self, wire: int) -> str:
        return spoken(self.runs[0].circuit, wire)

    def is_right(self) -> bool:
        return self.answered(self.right)

    def answered(self, guess: Sequence[Any]) -> bool:
        """Whether the answer is this guess, at every point."""
        return same(self.given, guess, [_size(run, self.branches) for run in self.runs])


def same(given: Sequence[Any], wanted: Sequence[Any], sizes: Sequence[float] = ()) -> bool:
    """Equal up to rounding wherever `wanted` is finite, and it is finite somewhere.

    sizes: how large the numbers were that went into `wanted` at each point.
    """
    compared = False
    for i, (g, w) in enumerate(zip(given, wanted, strict=True)):
        if np.shape(g) != np.shape(w):
            return False
        g, w = np.asarray(g, float), np.asarray(w, float)
        finite = np.isfinite(w)
        room = TOLERANCE * np.abs(w[finite]) + ROUNDING * (sizes[i] if sizes else 0.0)
        if not np.all(np.abs(g[finite] - w[finite]) <= room):  # NaN is not within the room
            return False
        compared = compared or bool(finite.any())
    return compared


def _size(run: Snapshot, branches: Sequence[Branch]) -> float:
    """The largest finite number among the contributions to a pull."""
    found = [np.abs(np.asarray(run.values[b.pull], float)) for b in branches]
    return float(max((f[np.isfinite(f)].max(initial=0.0) for f in found), default=0.0))


def name_mistake(question: Question) -> str:
    """The mistake in words, or "" where it is none of the catalogue."""
    with np.errstate(all="ignore"):
        if np.shape(question.given[0]) != np.shape(question.right[0]):
            return _shape_mistake(question)
        return _value_mistake(question)


def _value_mistake(question: Question) -> str:
    return (
        next((said for said, guess in _mistakes(question) if question.answered(guess)), "")
        or _branch_factor(question)
        or _factor(question.given, question.right, "")
    )


def _mistakes(question: Question) -> Iterator[tuple[str, list[Any]]]:
    """What each usual mistake would give at every point."""
    for said, guess in _guesses(question):
        try:
            found = [guess(run) for run in question.runs]
        except (PullbackError, ValueError, IndexError):
            continue  # this mistake cannot be made here
        yield said, found


def _guesses(question: Question) -> Iterator[tuple[str, Guess]]:
    branches, wire = question.branches, question.wire
    yield "the sign is wrong", partial(_negated, wire=wire)
    if len(branches) == 1:
        yield from _single_branch_guesses(question, branches[0])
    elif branches:
        yield from _several_branch_guesses(question, branches)
    yield from _other_pulls(question)
    yield "this is the wire's value, not its pull", partial(_value, wire=wire)
    yield "transposed", partial(_transposed, wire=wire)


def _single_branch_guesses(question: Question, branch: Branch) -> Iterator[tuple[str, Guess]]:
    into, row = question.spoken(branch.gate), question.runs[0].circuit.row(branch.gate)
    yield (
        f"missing upstream factor: the pull on {into} is not multiplied in",
        partial(_local, branch=branch),
    )
    for other, listened in enumerate(row.inputs):
        if other != branch.position:
            name, swapped = question.spoken(listened), Branch(branch.gate, other, -1)
            yield f"swapped: this is the pull on {name}", partial(_contribution, branch=swapped)
            yield (
                f"swapped, and the upstream factor is missing: this is the slope for {name}",
                partial(_local, branch=swapped),
            )
    if row.gate and row.gate.name == "matmul":
        yield from _matmul_guesses(question, branch)
    if not _is_steady(question, branch.gate):
        yield (
            f"the local slope is missing: this is the pull on {into}",
            partial(_pull, wire=branch.gate),
        )


def _matmul_guesses(question: Question, branch: Branch) -> Iterator[tuple[str, Guess]]:
    """For y = a b: da = dy b^T and db = a^T dy; people forget the transpose or the order."""
    row = question.runs[0].circuit.row(branch.gate)
    other = row.inputs[1 - branch.position]
    name = question.spoken(other)
    for flip, turn in ((False, False), (True, False), (False, True), (True, True)):
        product = partial(
            _product,
            gate=branch.gate,
            other=other,
            first=branch.position == 0,
            flip=flip,
            turn=turn,
        )
        order = "the two sides are swapped" if flip else ""
        turned = "" if turn else f"{name} is not transposed"
        yield " and ".join(filter(None, [order, turned])) or "transposed", product


def _several_branch_guesses(
    question: Question, branches: list[Branch]
) -> Iterator[tuple[str, Guess]]:
    for branch in branches:
        into, rest = question.spoken(branch.gate), [b for b in branches if b is not branch]
        if len(rest) > 1:
            yield (
                f"`=` for `+=`: only the branch through {into} is there",
                partial(_total, branches=[branch]),
            )
        yield (
            f"`=` for `+=`: the branch through {into} is missing",
            partial(_total, branches=rest),
        )
        missing = f"missing upstream factor: the pull on {into} is not multiplied in"
        yield missing, partial(_total, branches=rest, local=[branch])
        yield (
            f"`=` for `+=`, and {missing.replace('missing', 'a missing', 1)}",
            partial(_total, branches=[], local=[branch]),
        )
    for branch in branches:
        rest = [b for b in branches if b is not branch]
        said = f"in the branch through {question.spoken(branch.gate)} the sign is wrong"
        yield said, partial(_total, branches=rest, less=[branch])
    for branch in branches:
        yield from _swapped_branch_guesses(
            question, branch, [b for b in branches if b is not branch]
        )
    yield "missing upstream factor in every branch", partial(_total, branches=[], local=branches)


def _swapped_branch_guesses(
    question: Question, branch: Branch, rest: list[Branch]
) -> Iterator[tuple[str, Guess]]:
    for other, listened in enumerate(question.runs[0].circuit.row(branch.gate).inputs):
        if other != branch.position and listened != question.wire:
            name, into = question.spoken(listened), question.spoken(branch.gate)
            yield (
                f"swapped: in the branch through {into} this is the pull on {name}",
                partial(_swapped, rest=rest, branch=Branch(branch.gate, other, -1)),
            )


def _other_pulls(question: Question) -> Iterator[tuple[str, Guess]]:
    run = question.runs[0]
    for wire, name in enumerate(run.circuit.names):
        pulled = name and run.view.back.pulls[wire] >= 0 and wire != question.wire
        if pulled and not _is_steady(question, wire):
            yield f"swapped: this is the pull on '{name}'", partial(_pull, wire=wire)


def _is_steady(question: Question, wire: int) -> bool:
    """A pull that is the same number everywhere, as 1 on the output: an answer of 1 need not mean it."""
    pulls = [np.asarray(run.grad_of(wire)) for run in question.runs]
    return all(p.ndim == 0 for p in pulls) and len({float(p) for p in pulls}) == 1


def _pull(run: Snapshot, wire: int) -> Any:
    return run.grad_of(wire)


def _negated(run: Snapshot, wire: int) -> Any:
    return -np.asarray(run.grad_of(wire))


def _transposed(run: Snapshot, wire: int) -> Any:
    return np.transpose(run.grad_of(wire))


def _value(run: Snapshot, wire: int) -> Any:
    return run.values[wire]


def _product(run: Snapshot, gate: int, other: int, first: bool, flip: bool, turn: bool) -> Any:
    dy, side = np.asarray(run.grad_of(gate)), np.asarray(run.values[other])
    side = side.T if turn else side
    return dy @ side if first is not flip else side @ dy


def _total(
    run: Snapshot,
    branches: Sequence[Branch],
    less: Sequence[Branch] = (),
    local: Sequence[Branch] = (),
) -> Any:
    """Branches added up, some taken away, some with their local slope alone."""
    whole = [np.asarray(run.values[b.pull]) for b in branches]
    taken = [-np.asarray(run.values[b.pull]) for b in less]
    return sum([*whole, *taken, *(np.asarray(_local(run, b)) for b in local)])


def _swapped(run: Snapshot, rest: Sequence[Branch], branch: Branch) -> Any:
    return _total(run, rest) + _contribution(run, branch)


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


def _branch_factor(question: Question) -> str:
    """One branch off by a constant factor, the others right."""
    if len(question.branches) < 2:
        return ""
    for branch in question.branches:
        parts = [run.values[branch.pull] for run in question.runs]
        rest = [
            _total(run, [b for b in question.branches if b is not branch]) for run in question.runs
        ]
        left = [np.asarray(g) - r for g, r in zip(question.given, rest, strict=True)]
        said = _factor(left, parts, f"in the branch through {question.spoken(branch.gate)} ")
        if said:
            return said
    return ""


def _factor(given: Sequence[Any], wanted: Sequence[Any], where: str) -> str:
    """A constant factor between an answer and the truth, in words."""
    a, b = (
        np.concatenate([np.ravel(np.asarray(x, float)) for x in side]) for side in (given, wanted)
    )
    told = np.isfinite(a) & np.isfinite(b) & (b != 0)
    ratios = a[told] / b[told]
    if len(ratios) < 2 or not np.allclose(ratios, ratios[0], rtol=1e-6, atol=0.0):
        return ""
    if np.any(np.abs(a[~told & np.isfinite(a)]) > 0):
        return ""
    ratio = float(np.median(ratios))
    if ratio == 0.0:
        return f"{where}it is 0, but this wire is pulled"
    if np.isclose(ratio, -1.0):
        return f"{where}the sign is wrong"
    return where + _scaled(ratio, sizes=[np.size(given[0]), *range(2, 65)])


def _scaled(ratio: float, sizes: Sequence[int]) -> str:
    sign = ", and the sign is wrong" if ratio < 0 else ""
    for n in sizes:
        if n > 1 and np.isclose(abs(ratio), n):
            return f"{n} times too large: a factor 1/{n} is missing{sign}"
        if n > 1 and np.isclose(abs(ratio), 1.0 / n):
            return f"{n} times too small: a factor {n} is missing{sign}"
    return f"off by the constant factor {ratio:.6g}"


def _shape_mistake(question: Question) -> str:
    given, right = question.given, question.right
    have, want = np.shape(given[0]), np.shape(right[0])
    summed = _summed_up(given, want)
    if summed and same(summed, right):
        return f"missing broadcast sum: it has shape {have}, the wire {want}; add up the copies"
    if have == want[::-1] and same([np.transpose(g) for g in given], right):
        return "transposed"
    if have == () and same([np.broadcast_to(g, want) for g in given], right):
        return f"one number, where the wire has shape {want}: every element has its own pull"
    try:
        spread = [np.broadcast_to(g, want) for g in given]
    except ValueError:
        return ""
    return _value_mistake(replace(question, given=spread))


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
