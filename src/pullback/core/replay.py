"""Walk a circuit's gates over anything that gates accept: wires copy it into another circuit,
Units run it eagerly, numbers compute it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.core.circuit import Circuit


def replay(circuit: Circuit, inputs: Sequence[Any]) -> list[Any]:
    """The circuit's outputs for `inputs`, by calling its gates one after the other.

    >>> from pullback.core.build import Builder
    >>> from pullback.core.shapes import spec_of
    >>> b = Builder(); x = b.input(spec_of(0.0), "x"); c = b.finish([x * x])
    >>> replay(c, [3.0])
    [np.float64(9.0)]
    """
    values: list[Any] = [None] * len(circuit)
    for wire, value in zip(circuit.inputs, inputs, strict=True):
        values[wire] = value
    for row in circuit.rows():
        if row.gate is not None:
            values[row.wire] = row.gate(*[values[i] for i in row.inputs], **row.attributes)
        elif circuit.is_constant(row.wire):
            values[row.wire] = circuit.constant_of(row.wire)
    return [values[i] for i in circuit.outputs]
