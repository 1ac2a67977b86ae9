"""The one loop that copies a circuit row by row, with names, scopes and lines; a visitor may change rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.copying import Copy
from pullback.core.wire import Wire

Visitor = Callable[[Builder, Row, list[Wire]], Wire | None]


def rewrite(circuit: Circuit, visit: Visitor) -> Circuit:
    """A copy of `circuit` in which `visit(builder, row, inputs)` may put out another wire for a row.

    It returns None to copy the row as it is, else a wire of the same shape and dtype. Rows that
    nobody listens to afterwards are left out.
    """
    wanted = live(circuit)
    builder = Builder()
    copy = Copy(builder, circuit)
    new: dict[int, Wire] = {}
    for row in circuit.rows():
        if wanted[row.wire]:
            leaf = row.gate is None
            new[row.wire] = (
                _leaf(copy, row.wire) if leaf else _visited(builder, copy, row, new, visit)
            )
    return builder.finish([new[o] for o in circuit.outputs])


def _leaf(copy: Copy, wire: int) -> Wire:
    circuit, name = copy.circuit, copy.circuit.names[wire]
    if circuit.is_input(wire):
        role = circuit.roles[int(circuit.attribute[wire])]
        return copy.builder.input(circuit.spec_of(wire), name, role)
    return _named(copy.builder.constant(circuit.constant_of(wire)), name)


def _visited(builder: Builder, copy: Copy, row: Row, new: dict[int, Wire], visit: Visitor) -> Wire:
    """What the visitor puts out for a row; else the row as it is, since its inputs carry the same."""
    name = copy.circuit.names[row.wire]
    inputs = [new[i] for i in row.inputs]
    builder.here = place = copy.place(row.wire)
    visited = visit(builder, row, inputs)
    builder.here = None
    if visited is None:
        kind = copy.kind(row.wire, place, "")
        visited = builder.row(kind, builder.kinds[kind].spec, [x.id for x in inputs])
    return _named(visited, name)


def _named(wire: Wire, name: str) -> Wire:
    """The wire, called `name` unless it has a name."""
    if name and not wire.builder.label_of(wire.id):
        wire.builder.name(wire.id, name)
    return wire


def live(circuit: Circuit) -> list[bool]:
    """Which rows an output depends on, directly or not; inputs always count."""
    heard = np.bincount(circuit.operands, minlength=len(circuit)) > 0
    heard[[*circuit.outputs, *circuit.inputs]] = True
    if heard.all():  # then the last row is an output, and so on down
        return [True] * len(circuit)
    wanted = [False] * len(circuit)
    for wire in (*circuit.outputs, *circuit.inputs):
        wanted[wire] = True
    first, operands = circuit.first.tolist(), circuit.operands.tolist()
    for wire in range(len(circuit) - 1, -1, -1):
        if wanted[wire]:
            for i in operands[first[wire] : first[wire + 1]]:
                wanted[i] = True
    return wanted


def constant_value(builder: Builder, wire: Wire) -> Any:
    """The value of a wire that is a constant row, else None."""
    kind = builder.kind_of(wire.id)
    return builder.constants[kind.attribute] if kind.op == 1 else None
