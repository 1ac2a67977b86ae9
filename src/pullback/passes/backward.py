"""Backward: circuit to circuit. The pull on every wire, by going through the gates in reverse once.

Wires 0..n-1 of the result are the forward circuit's own, so a wire has one id in both. Branches are
summed here and nowhere else, in reverse-use order starting from the first contribution: never 0 + x,
which would lose the sign of zero.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import Any, NamedTuple

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.names import unique
from pullback.core.tables import attribute_key
from pullback.core.wire import Wire
from pullback.errors import CircuitError
from pullback.passes.pull import Use, pull_template
from pullback.passes.tip import right_at_tip
from pullback.passes.unchosen import choice_of, guard_of


class Branch(NamedTuple):
    """One contribution to a wire's pull: from input `position` of the gate that puts out `gate`."""

    gate: int
    position: int
    pull: int


@dataclass(frozen=True, eq=False)
class Backward:
    """A forward circuit with its pulls.

    circuit: the forward rows, then the forces (inputs), then the pulls; its outputs are the forward
    outputs. pulls[i]: the wire that carries the pull on forward wire i, or -1. forces: one input an
    output that is pulled. origin[j]: the forward wire whose gate made row j (itself for j < n).
    branches[i]: the contributions that were summed into pulls[i], in order.
    """

    forward: Circuit
    circuit: Circuit
    pulls: tuple[int, ...]
    forces: tuple[int, ...]
    origin: tuple[int, ...]
    branches: dict[int, list[Branch]]

    def asking(self, outputs: Sequence[int]) -> Circuit:
        """The same circuit with other outputs."""
        return dataclasses.replace(self.circuit, outputs=tuple(outputs))

    @cached_property
    def input_pulls(self) -> tuple[int, ...]:
        """The pull wires of the forward inputs, -1 where nothing pulls."""
        return tuple(self.pulls[i] for i in self.forward.inputs)


def backward(circuit: Circuit, outputs: Sequence[int] = (0,), *, guarded: bool = False) -> Backward:
    """The circuit that also computes the pull on every wire, for a force on each of `outputs`.

    outputs: positions among the circuit's outputs. guarded: the outputs may lie on a side
    that was not chosen.
    Cost: a small constant times the forward's rows.
    """
    sweep = _Sweep(circuit)
    if guarded:
        sweep.guard.by_condition.update(circuit.outputs)
    forces = [sweep.push(circuit.outputs[o]) for o in outputs]
    sweep.run()
    return Backward(
        forward=circuit,
        circuit=sweep.builder.finish([sweep.builder.wire(o) for o in circuit.outputs]),
        pulls=tuple(-1 if p is None else p.id for p in sweep.pulls),
        forces=tuple(f.id for f in forces),
        origin=tuple(sweep.origin),
        branches=sweep.branches,
    )


class _Sweep:
    """One walk through the gates in reverse."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.builder = Builder(circuit)
        self.pulls: list[Wire | None] = [None] * len(circuit)
        self.active = _active(circuit)
        self.specs = [circuit.specs[s] for s in circuit.spec.tolist()]
        self.guard = guard_of(circuit)
        self.branches: dict[int, list[Branch]] = {}
        self.origin = list(range(len(circuit)))
        self.names = circuit.names
        self.taken = set(circuit.by_name)

    def push(self, output: int) -> Wire:
        """A force on an output: a new input that carries its pull."""
        spec = self.circuit.spec_of(output)
        if spec.dtype.kind != "f":
            raise CircuitError(
                f"{self.circuit.describe(output)} carries {spec.dtype.name}; only real numbers are pulled."
            )
        name = self._pull_name(self.names[output]) or unique("force", self.taken)
        self.taken.add(name)
        wire = self.builder.input(spec, name, "data")
        self._add(output, Branch(-1, 0, wire.id))
        self._mark(output)
        return wire

    def run(self) -> None:
        circuit, builder = self.circuit, self.builder
        sites, groups = circuit.site.tolist(), circuit.group.tolist()
        rows = list(circuit.rows())
        for row in reversed(rows):
            dy = self.pulls[row.wire]
            if dy is None:
                continue
            builder.here = (sites[row.wire], groups[row.wire])
            self._name(row.wire, dy)
            if any(self.active[i] for i in row.inputs):
                self._pull_row(row, dy)
            self._mark(row.wire)

    def _pull_row(self, row: Row, dy: Wire) -> None:
        assert row.gate is not None
        builder, specs = self.builder, self.specs
        given = tuple([specs[i] for i in row.inputs])
        choice = choice_of(row.gate, given, row.attributes)
        use = Use(
            row.gate,
            row.gate.rule,
            specs[row.wire],
            given,
            attribute_key(row.attributes),
            tuple([self.active[i] for i in row.inputs]),
            self._known_constants(row),
            self.guard.needed(row.wire, row.gate, choice),
        )
        circuit, pulled = pull_template(use)
        pulls = iter(builder.inlined(circuit, [dy.id, row.wire, *row.inputs]))
        for position, (wire, kept) in enumerate(zip(row.inputs, pulled, strict=True)):
            if kept:
                pull = next(pulls)
                if row.gate.length:
                    pull = right_at_tip(builder, row, dy, builder.wire(pull)).id
                self._add(wire, Branch(row.wire, position, pull))
        self.guard.passed_on(row.wire, choice, compress(row.inputs, pulled))

    def _known_constants(self, row: Row) -> tuple[Any, ...]:
        """The numbers among the inputs that make the gate's rule plainer."""
        assert row.gate is not None
        if not row.gate.folds:
            return (None,) * len(row.inputs)
        named = zip(row.gate.inputs, row.inputs, strict=True)
        return tuple(self._number(i) if name in row.gate.folds else None for name, i in named)

    def _number(self, wire: int) -> Any:
        """The number that a wire always is, None for anything else; an array makes no rule plainer.

        Its sign comes along: 0 and -0 are equal, but not what x to the 0 and x to the -0 pull with.
        """
        constant: Any = self.circuit.constant_of(wire) if self.circuit.is_constant(wire) else None
        is_number = constant is not None and np.ndim(constant) == 0
        return (np.signbit(constant), constant) if is_number else None

    def _add(self, wire: int, branch: Branch) -> None:
        pull, before = self.builder.wire(branch.pull), self.pulls[wire]
        self.pulls[wire] = pull if before is None else before + pull
        self.branches.setdefault(wire, []).append(branch)

    def _mark(self, wire: int) -> None:
        self.origin.extend([wire] * (len(self.builder) - len(self.origin)))

    def _name(self, wire: int, pull: Wire) -> None:
        """Call the finished pull on `q` dq, unless the same wire already pulls something named."""
        name = self._pull_name(self.names[wire])
        if name and pull.id >= len(self.circuit) and not self.builder.label_of(pull.id):
            self.builder.name(pull.id, name)

    def _pull_name(self, name: str) -> str:
        return unique(f"d{name}", self.taken) if name else ""


def _active(circuit: Circuit) -> list[bool]:
    """Which wires carry real numbers that depend on an input."""
    real = np.array([s.dtype.kind == "f" for s in circuit.specs])[circuit.spec].tolist()
    active: list[bool] = []
    for row in circuit.rows():
        listening = (
            circuit.is_input(row.wire) if row.gate is None else any(active[i] for i in row.inputs)
        )
        active.append(real[row.wire] and listening)
    return active
