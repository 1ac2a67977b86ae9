"""What a circuit costs by estimate: how many runs of it are worth machine code."""

from __future__ import annotations

import math

from pullback.core.circuit import Circuit

A_GATE = 3e-6  # seconds that the reference takes for a gate, beside its arithmetic
A_NUMBER = 3e-9  # for each number it makes
A_PRODUCT = 1e-10  # for each product of a matrix product
COMPILING = 2e-3  # seconds, a gate: 8 ms the first time, next to nothing when it was kept


def seconds(circuit: Circuit) -> float:
    """What one run by the reference takes, to a factor of three."""
    total = 0.0
    for row in circuit.rows():
        if row.gate is None:
            continue
        size = math.prod(circuit.spec_of(row.wire).shape)
        inner = circuit.spec_of(row.inputs[0]).shape[-1] if row.gate.name == "matmul" else 0
        total += A_GATE + A_NUMBER * size + A_PRODUCT * size * inner
    return total


def runs(circuit: Circuit) -> float:
    """So many runs by the reference take as long as compiling."""
    return COMPILING * circuit.gate_count / max(seconds(circuit), A_GATE)
