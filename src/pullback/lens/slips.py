"""The usual slips of a backward pass, made on purpose: the pulls they give are compared with an answer.

A slip sits on one edge of the circuit, where a gate's pull goes on to one of its inputs: the upstream
factor, the local slope or the whole contribution is left out, or its sign turned. All pulls behind
that edge follow from it, as they would in a person's work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pullback.core.circuit import Row
from pullback.core.speech import said, spoken
from pullback.errors import PullbackError
from pullback.gates.reduce import sum_to
from pullback.lens.snapshot import Snapshot
from pullback.passes.pull import pull_inputs

if TYPE_CHECKING:
    from pullback.lens.question import Question

MOST_EDGES = 150  # of a circuit whose every edge is tried
GATES_WITH_A_MASK = ("relu", "maximum", "minimum", "where", "clamp", "absolute", "max", "min")
EVEN = ("multiply", "add", "maximum", "minimum")  # both inputs mean the same
SWAPPED = ("multiply", "divide", "power", "maximum", "minimum")


class Slip(NamedTuple):
    """One slip: what kind, at which gate (the wire it puts out) and which of its inputs."""

    kind: str
    gate: int
    positions: tuple[int, ...]


class Catalogue:
    """The slips of one circuit, computed when they are first asked for."""

    def __init__(self, runs: Sequence[Snapshot]) -> None:
        self.runs = runs
        self.circuit, self.back = runs[0].circuit, runs[0].view.back
        self.rows = list(self.circuit.rows())

    def upstream(self, question: Question, written: Collection[str]) -> str:
        """The upstream factor left out at a gate with a name, where the text does not speak of it."""
        for slip in self._edges(question.wire, "upstream"):
            name = self.circuit.names[slip.gate]
            if name and f"d{name}" not in written and self._fits(question, slip):
                return self.words(slip)
        return ""

    def branch(self, question: Question) -> str:
        """A contribution that is left out."""
        fitting = (s for s in self._edges(question.wire, "branch") if self._fits(question, s))
        return next(map(self.words, fitting), "")

    def direct(self, question: Question) -> str:
        """A slip at one of the gates that the wire goes into, or two that often come together."""
        for kind in ("upstream", "sign", "share", "half"):
            for slip in self._edges(question.wire, kind):
                if self._fits(question, slip):
                    return self.words(slip)
        return self._several(question)

    def left_out(self, question: Question, written: Collection[str]) -> str:
        """A local slope left out where the text says so: it has the pull on what comes next, as it is.

        Also that of a curve or a mask at any gate behind the wire.
        """
        for slip in self._edges(question.wire, "slope"):
            name = self.circuit.names[slip.gate]
            if name and f"d{name}" in written and self._fits(question, slip):
                return self.words(slip)
        return self._deep(
            question, lambda s: s.kind in ("share", "slope") and self._is_curve(s.gate)
        )

    def local(self, question: Question, written: Collection[str]) -> str:
        """A local slope that is another one, or left out."""
        spoken_of = self.circuit.names[question.wire] in written
        for kind in ("softmax", "slope", "swapped") if spoken_of else ("softmax", "slope"):
            for slip in self._edges(question.wire, kind):
                if self._fits(question, slip):
                    return self.words(slip)
        return ""

    def deep(self, question: Question) -> str:
        """A slip at any gate behind the wire, in a work that takes several gates in one line."""
        return self._deep(question, lambda slip: True)

    def _deep(self, question: Question, asked: Callable[[Slip], bool]) -> str:
        given = question.given[-1]
        for slip, pulls in self._all:
            pull = pulls.get(question.wire) if asked(slip) else None
            alike = pull is not None and question.runs[-1] is self.runs[-1] and _near(given, pull)
            if alike and self._fits(question, slip):
                return self.words(slip)
        return ""

    def _is_curve(self, gate: int) -> bool:
        return len(self.rows[gate].inputs) == 1

    # Words

    def words(self, slip: Slip) -> str:
        """A slip in words, with the reason where it is a common one."""
        row = self.rows[slip.gate]
        into, gate = spoken(self.circuit, slip.gate), row.gate.name if row.gate else ""
        at = slip.positions[0]
        wire = said(self.circuit, row.inputs[at])
        if slip.kind == "upstream":
            return f"missing upstream factor: the pull on {into} is not multiplied in"
        if slip.kind == "branch":
            return f"`=` for `+=`: the branch through {into} is missing"
        if slip.kind == "sign":
            return f"in the branch through {into} the sign is wrong"
        if slip.kind == "half":
            return f"2 times too small in the branch through {into}, which uses {wire} twice"
        if slip.kind == "share" or (slip.kind == "slope" and gate == "mean"):
            n = np.size(self.runs[0].values[row.inputs[0]]) // max(
                np.size(self.runs[0].values[row.wire]), 1
            )
            return f"{n} times too large: the factor 1/{n} of the mean is missing"
        if slip.kind == "softmax":
            return (
                "a term is missing: every score of a softmax pulls on all others, - p * sum(p * dp)"
            )
        if slip.kind == "swapped":
            other = said(self.circuit, row.inputs[1 - at])
            return f"swapped: in {into} this is the slope for {other}, not for {wire}"
        if gate in GATES_WITH_A_MASK:
            return f"the mask of {gate} is missing: the pull is 0 where {into} is flat"
        return f"the local slope of {gate} is missing: this is the pull on {into} as it is"

    # Slips of one wire

    def _edges(self, wire: int, kind: str) -> Iterator[Slip]:
        """The slips of a kind that can be made where the wire goes into a gate; x * x is one place."""
        places = self._places(wire)
        for gate, positions in places:
            row = self.rows[gate]
            name = row.gate.name if row.gate else ""
            possible = {
                "branch": len(places) > 1,
                "sign": len(places) > 1,
                "half": len(positions) == 2,
                "share": name == "mean",
                "softmax": name == "softmax",
                "swapped": name in SWAPPED and len(set(row.inputs)) == 2,
                "upstream": not self._is_steady_one(gate),
            }
            if possible.get(kind, True):
                yield Slip(kind, gate, positions)
                if kind == "upstream" and len(positions) == 2:
                    yield Slip(kind, gate, positions[:1])

    def _places(self, wire: int) -> list[tuple[int, tuple[int, ...]]]:
        """Where a wire goes: a gate and its position, or both positions of a product with itself."""
        found: dict[tuple[int, int], list[int]] = {}
        for branch in self.back.branches[wire]:
            gate = self.rows[branch.gate].gate if branch.gate >= 0 else None
            if gate is not None:
                alone = -1 if gate.name in EVEN else branch.position
                found.setdefault((branch.gate, alone), []).append(branch.position)
        return [(gate, tuple(positions)) for (gate, _), positions in found.items()]

    def _is_steady_one(self, wire: int) -> bool:
        return all(np.all(np.asarray(run.grad_of(wire)) == 1) for run in self.runs)

    def _several(self, question: Question) -> str:
        """Two slips at once that often come together: a branch and an upstream factor, or all of these."""
        wire, places = question.wire, self._places(question.wire)
        if len(places) < 2:
            return ""
        whole = [s for s in self._edges(wire, "upstream") if (s.gate, s.positions) in places]
        if whole and self._mixed(question, whole):
            return "missing upstream factor in every branch"
        for place in places:
            into = spoken(self.circuit, place[0])
            gone = [Slip("branch", *p) for p in places if p != place]
            if self._mixed(question, gone):
                return f"`=` for `+=`: only the branch through {into} is there"
            alone = [s for s in whole if (s.gate, s.positions) == place]
            if alone and self._mixed(question, [*gone, *alone]):
                missing = f"the pull on {into} is not multiplied in"
                return f"`=` for `+=`, and a missing upstream factor: {missing}"
        return ""

    def _mixed(self, question: Question, slips: Sequence[Slip]) -> bool:
        """Whether these slips together give the answer."""

        def guess(run: Snapshot) -> Any:
            parts = {(s.gate, at): self._part(run, s, at) for s in slips for at in s.positions}
            return self._sum(run, question.wire, parts)

        return self._answered(question, guess)

    def _fits(self, question: Question, slip: Slip) -> bool:
        return self._answered(question, lambda run: self.pulls(run, slip).get(question.wire))

    def _answered(self, question: Question, guess: Callable[[Snapshot], Any]) -> bool:
        try:
            found = [guess(run) for run in question.runs]
        except (PullbackError, ValueError, IndexError, TypeError):
            return False  # this slip cannot be made here
        return all(f is not None for f in found) and question.answered(found)

    # Pulls with a slip in them

    @cached_property
    def _all(self) -> list[tuple[Slip, dict[int, Any]]]:
        """Every slip with the pulls it gives at the last point; none for a large circuit."""
        wires = [w for w in self.back.branches if not self.circuit.is_constant(w)]
        edges = sum(len(self.back.branches[w]) for w in wires)
        found = []
        for kind in ("share", "slope", "branch", "sign", "half", "upstream", "softmax"):
            for wire in wires if edges <= MOST_EDGES else []:
                for slip in self._edges(wire, kind):
                    try:
                        found.append((slip, self.pulls(self.runs[-1], slip)))
                    except (PullbackError, ValueError, IndexError, TypeError):
                        continue
        return found

    def pulls(self, run: Snapshot, slip: Slip) -> dict[int, Any]:
        """The pulls behind a slip, by wire; those it does not reach are left out."""
        wire = self.rows[slip.gate].inputs[slip.positions[0]]
        parts = {(slip.gate, at): self._part(run, slip, at) for at in slip.positions}
        changed: dict[int, Any] = {wire: self._sum(run, wire, parts)}
        for row in reversed(self.rows[: wire + 1]):
            if row.wire not in changed or row.gate is None or changed[row.wire] is None:
                continue
            inputs = [run.values[i] for i in row.inputs]
            found = pull_inputs(
                row.gate, changed[row.wire], run.values[row.wire], inputs, row.attributes
            )
            for position, (i, part) in enumerate(zip(row.inputs, found, strict=True)):
                if part is not None and self.back.pulls[i] >= 0:
                    parts[row.wire, position] = part
                    changed[i] = None
            for i in row.inputs:
                if i in changed:
                    changed[i] = self._sum(run, i, parts)
        return changed

    def _sum(self, run: Snapshot, wire: int, parts: dict[tuple[int, int], Any]) -> Any:
        """A wire's pull with some of its contributions in another form; None for none at all."""
        told = [
            parts.get((b.gate, b.position), run.values[b.pull]) for b in self.back.branches[wire]
        ]
        left = [p for p in told if p is not None]
        return _total(left) if left else np.zeros_like(run.values[wire])[()]

    def _part(self, run: Snapshot, slip: Slip, at: int) -> Any:
        """The contribution to one input with the slip in it; None where it is left out."""
        row = self.rows[slip.gate]
        dy = np.asarray(run.grad_of(slip.gate), float)
        x = np.asarray(run.values[row.inputs[at]], float)
        if slip.kind == "branch":
            return None
        if slip.kind == "upstream":
            return self._pulled(run, row, np.ones_like(dy)[()])[at]
        if slip.kind in ("slope", "share"):
            fitted = dy[()] if dy.shape == x.shape else _spread(dy, x, row)
            return fitted if np.shape(fitted) == x.shape else sum_to(dy, shape=x.shape)
        if slip.kind == "softmax":
            return np.asarray(run.values[slip.gate]) * dy
        parts = self._pulled(run, row, dy[()])
        if slip.kind == "half":
            return 0.5 * np.asarray(parts[at])
        return parts[1 - at] if slip.kind == "swapped" else -parts[at]

    def _pulled(self, run: Snapshot, row: Row, dy: Any) -> list[Any]:
        assert row.gate is not None
        inputs = [run.values[i] for i in row.inputs]
        return pull_inputs(row.gate, dy, run.values[row.wire], inputs, row.attributes)


def _spread(dy: Any, x: Any, row: Row) -> Any:
    """A pull on a reduced array for every element of it, if it can be spread so."""
    axis = row.attributes.get("axis")
    if axis is not None and not row.attributes.get("keepdims") and np.ndim(dy) < np.ndim(x):
        dy = np.expand_dims(dy, axis)
    try:
        return np.broadcast_to(dy, np.shape(x))[()]
    except ValueError:
        return dy


def _near(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and bool(
        np.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True)
    )


def _total(parts: Any) -> Any:
    return sum(np.asarray(p) for p in parts)
