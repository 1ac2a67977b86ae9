"""The one loop that copies a circuit row by row, with names, scopes and lines; a visitor may change rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.wire import Wire

Visitor = Callable[[Builder, Row, list[Wire]], Wire | None]


def rewrite(circuit: Circuit, visit: Visitor) -> Circuit:
    """A copy of `circuit` in which `visit(builder, row, inputs)` may put out another wire for a row.

    It returns None to copy the row as it is. Rows that nobody listens to afterwards are left out.
    """
    wanted = live(circuit)
    builder = Builder()
    new: dict[int, Wire] = {}
    for row in circuit.rows():
        if not wanted[row.wire]:
            continue
        with builder.standing_in(circuit, row.wire):
            new[row.wire] = _copied(circuit, builder, row, new, visit)
        _keep_name(circuit, builder, row, new[row.wire])
    return builder.finish([new[o] for o in circuit.outputs])


def _copied(
    circuit: Circuit, builder: Builder, row: Row, new: dict[int, Wire], visit: Visitor
) -> Wire:
    if circuit.is_input(row.wire):
        role = circuit.roles[int(circuit.attribute[row.wire])]
        return builder.input(circuit.spec_of(row.wire), circuit.names[row.wire], role)
    if row.gate is None:
        return builder.constant(circuit.constant_of(row.wire))
    inputs = [new[i] for i in row.inputs]
    visited = visit(builder, row, inputs)
    return builder.apply(row.gate, inputs, row.attributes) if visited is None else visited


def _keep_name(circuit: Circuit, builder: Builder, row: Row, wire: Wire) -> None:
    if not builder.label_of(wire.id) and circuit.names[row.wire]:
        builder.name(wire.id, circuit.names[row.wire])


def live(circuit: Circuit) -> list[bool]:
    """Which rows an output listens to, directly or not; inputs always count."""
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
