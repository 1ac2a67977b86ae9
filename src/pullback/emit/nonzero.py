"""Can a divisor be 0? Where it cannot, a plain division is safe in languages that stop at 1 / 0."""

from __future__ import annotations

import math

from pullback.core.circuit import Circuit, Row

DEPTH = 6  # gates inside one another that are looked into
# Gates whose value is never below 0; an exponential may be so small that it is 0.
NOT_NEGATIVE = ("exp", "sigmoid", "absolute", "sqrt", "relu", "softplus", "norm")


def never_zero(circuit: Circuit, wire: int) -> bool:
    """Whether no inputs make this single number 0.

    >>> from pullback.lens.function import circuit
    >>> made = circuit("s = 1 + exp(x); x / s").circuit()
    >>> never_zero(made, made.find("s")), never_zero(made, made.find("x"))
    (True, False)
    """
    if circuit.is_constant(wire):
        return bool(circuit.constant_of(wire) != 0)
    return least(circuit, wire) > 0.0


def least(circuit: Circuit, wire: int, depth: int = DEPTH) -> float:
    """A number that the wire is never below, unless it is NaN; -infinity where none is known."""
    if circuit.is_constant(wire):
        return float(circuit.constant_of(wire))
    row = circuit.row(wire)
    if row.gate is None or depth == 0:
        return -math.inf
    below = [least(circuit, i, depth - 1) for i in row.inputs]
    if row.gate.name == "add":
        return sum(below)
    if row.gate.name == "maximum":
        return max(below)
    return 0.0 if _is_not_negative(circuit, row, below) else -math.inf


def _is_not_negative(circuit: Circuit, row: Row, below: list[float]) -> bool:
    assert row.gate is not None
    name = row.gate.name
    if name in NOT_NEGATIVE:
        return True
    if name == "multiply":
        return row.inputs[0] == row.inputs[1] or min(below) >= 0.0
    if name == "power" and circuit.is_constant(row.inputs[1]):
        return float(circuit.constant_of(row.inputs[1])) % 2.0 == 0.0
    return False
