"""What there is to write: the rows of a circuit and of its backward pass, and which wire each is about.

A recipe that has no face in the language is opened here, into the gates it is made of. So rows are
counted anew; wires are those of the person's circuit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.gate import GATES
from pullback.core.replay import replay
from pullback.core.wire import Wire
from pullback.emit.expressions import spells
from pullback.emit.language import Language
from pullback.errors import FaceError
from pullback.passes.backward import Backward
from pullback.passes.expand import expand
from pullback.passes.pull import opened_recipe
from pullback.passes.rewrite import live


@dataclass
class Script:
    """The rows to write, by row; and the person's wires, by wire.

    circuit: all rows, forward then backward. forward: how many of them are forward. wires: the wire
    that each row is about. row_of: the row of each wire. inputs: wires; outputs, forces: rows. pulls:
    the row of the pull on each wire, -1 where nothing pulls. branches: what was summed into it, as
    (gate's wire, row). asked: the inputs whose pull is wanted, as wires; input_pulls: those pulls.
    """

    circuit: Circuit
    forward: int
    wires: list[int]
    row_of: list[int]
    names: Sequence[str]
    inputs: list[int]
    outputs: list[int]
    forces: list[int]
    pulls: list[int]
    branches: dict[int, list[tuple[int, int]]]
    asked: list[int]

    def __post_init__(self) -> None:
        self.rows: list[Row] = list(self.circuit.rows())
        self.own = set(self.row_of)  # rows that are a wire themselves, not the inside of a recipe
        self.input_pulls = [self.pulls[w] for w in self.asked]
        self.wanted = {*self.outputs, *(p for p in self.input_pulls if p >= 0)}
        self.live = live(dataclasses.replace(self.circuit, outputs=tuple(self.wanted)))
        self.users: list[list[Row]] = [[] for _ in self.rows]
        for row in self.rows:
            if self.live[row.wire]:
                for i in row.inputs:
                    self.users[i].append(row)

    def real_inputs(self) -> list[tuple[int, int]]:
        """The wires of the asked inputs that can be pulled, with the row of the pull on each."""
        pairs = zip(self.asked, self.input_pulls, strict=True)
        return [(w, p) for w, p in pairs if self.circuit.spec_of(self.row_of[w]).dtype.kind == "f"]


def forward_script(circuit: Circuit, language: Language) -> Script:
    """The forward pass."""
    _check(circuit, language)
    written, row_of, wires = _opened(circuit, language)
    return Script(
        circuit=written,
        forward=len(written),
        wires=wires,
        row_of=row_of,
        names=circuit.names,
        inputs=list(circuit.inputs),
        outputs=[row_of[o] for o in circuit.outputs],
        forces=[],
        pulls=[-1] * len(circuit),
        branches={},
        asked=[],
    )


def backward_script(
    back: Backward, language: Language, asked: Sequence[int] | None = None
) -> Script:
    """The forward pass and every pull that the pull on an asked input, by default on any, is made of."""
    _check(back.forward, language)
    written, row_of, wires = _opened(back.circuit, language)
    count = len(back.forward)
    return Script(
        circuit=written,
        forward=max(row_of[:count], default=-1) + 1,
        wires=[back.origin[w] for w in wires],
        row_of=row_of[:count],
        names=back.forward.names,
        inputs=list(back.forward.inputs),
        outputs=[row_of[o] for o in back.forward.outputs],
        forces=[row_of[f] for f in back.forces],
        pulls=[row_of[p] if p >= 0 else -1 for p in back.pulls],
        branches={w: [(b.gate, row_of[b.pull]) for b in bs] for w, bs in back.branches.items()},
        asked=list(back.forward.inputs if asked is None else asked),
    )


def _opened(circuit: Circuit, language: Language) -> tuple[Circuit, list[int], list[int]]:
    """The rows to write, the new row of each old one, and the old row of each new one."""
    faceless = {g.name for g in GATES.values() if g.recipe and not spells(g, language)}
    if faceless.isdisjoint(circuit.ops):
        return circuit, list(range(len(circuit))), list(range(len(circuit)))
    builder = Builder()
    row_of: list[int] = []
    wires: list[int] = []
    with builder.nowhere():
        for row in circuit.rows():
            row_of.append(_written(builder, circuit, row, row_of, faceless).id)
            wires += [row.wire] * (len(builder) - len(wires))
    outputs = [builder.wire(row_of[o]) for o in circuit.outputs]
    return builder.finish(outputs), row_of, wires


def _written(
    builder: Builder, circuit: Circuit, row: Row, row_of: list[int], faceless: Collection[str]
) -> Wire:
    if row.gate is None and circuit.is_input(row.wire):
        return builder.input(circuit.spec_of(row.wire), circuit.names[row.wire])
    if row.gate is None:
        return builder.constant(circuit.constant_of(row.wire))
    inputs = [builder.wire(row_of[i]) for i in row.inputs]
    if row.gate.name not in faceless:
        return builder.apply(row.gate, inputs, row.attributes)
    inside = opened_recipe(row.gate, [w.spec for w in inputs], row.attributes)
    return builder.adopt(replay(expand(inside, faceless), inputs)[0])


def _check(circuit: Circuit, language: Language) -> None:
    """Refuse what the language's variables cannot carry, by the name of the wire."""
    wanted = live(circuit)
    for wire in range(len(circuit)):
        spec = circuit.spec_of(wire)
        if not wanted[wire]:
            continue
        if language.scalar and spec.shape:
            raise FaceError(
                f"{circuit.describe(wire)} has shape {spec.shape}; {language.name} source takes scalars.",
                fix='lang="numpy"',
            )
        if spec.dtype.name not in language.dtypes:
            raise FaceError(
                f"{circuit.describe(wire)} is {spec.dtype.name}, which {language.name} has not.",
                fix='lang="numpy", or cast the inputs to float64',
            )
