"""Gate by gate: does each gate's pull rule agree with its own value, at the numbers it has in this run?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit, Row
from pullback.core.gate import Gate
from pullback.lens.compare import KINK, WRONG, Finding, Move, compared, is_corner
from pullback.passes.pull import pull_inputs

# Gates that change the pull on purpose: it is a person's will, not the slope of their value.
BY_HAND = ("stop_gradient", "force")


def bad_gates(circuit: Circuit, values: Sequence[Any], tolerance: float) -> list[Finding]:
    """Every gate whose pull is wrong, in running order. values: of every wire, all real ones float64.

    Gates of one kind that listen to the same numbers are asked once.
    """
    bad: list[Finding] = []
    asked: set[Any] = set()
    for row in circuit.rows():
        inputs = [values[i] for i in row.inputs]
        if not _is_asked(circuit, row, inputs):
            continue
        numbers = (np.asarray(x).tobytes() for x in inputs)
        key = (row.gate, *row.attributes.items(), *map(np.shape, inputs), *numbers)
        if key not in asked:
            asked.add(key)
            bad += _wrong_pulls(circuit, row, inputs, tolerance)
    return bad


def _is_asked(circuit: Circuit, row: Row, inputs: Sequence[Any]) -> bool:
    gate = row.gate
    if gate is None or circuit.spec_of(row.wire).dtype.kind != "f" or gate.name in BY_HAND:
        return False
    has_pull = gate.rule is not None or gate.recipe
    return has_pull and all(x is not None and np.all(np.isfinite(x)) for x in inputs)


def _wrong_pulls(
    circuit: Circuit, row: Row, inputs: Sequence[Any], tolerance: float
) -> list[Finding]:
    assert row.gate is not None
    site, name = circuit.sites[int(circuit.site[row.wire])], circuit.names[row.wire]
    said = row.gate.name + (f" '{name}'" if name else ""), str(site) if site.file else ""
    bad = []
    with np.errstate(all="ignore"):
        y = row.gate.body(*inputs, **row.attributes)
        dy = uneven(np.shape(y), seed=7)
        pulls = pull_inputs(row.gate, dy, y, inputs, row.attributes)
        for position, pull in enumerate(pulls):
            x = np.asarray(inputs[position])
            if x.dtype.kind == "f" and x.size:
                where = circuit.describe(row.inputs[position])
                move, scale = _one_input(row, inputs, position, pull, dy, where)
                found = compared(move, scale, tolerance)
                corner = found.verdict == KINK and not is_corner(move, tolerance)
                if found.verdict == WRONG or corner:
                    numbers = found.analytic, found.numerical, found.error, found.uncertainty
                    bad.append(Finding(where, *numbers, WRONG, *said))
    return bad


def _one_input(
    row: Row, inputs: Sequence[Any], position: int, pull: Any, dy: Any, where: str
) -> tuple[Move, float]:
    """The move of one input along a fixed uneven direction, so that one number stands for its Jacobian."""
    gate, attributes, x = row.gate, row.attributes, np.asarray(inputs[position])
    assert gate is not None
    direction = _direction(gate, inputs, attributes, x)

    def at(t: float) -> tuple[float, Sequence[bytes]]:
        moved = [*inputs[:position], (x + t * direction)[()], *inputs[position + 1 :]]
        work = float(np.sum(dy * gate.body(*moved, **attributes)))
        return work, [np.sign(gate.kink(*moved, **attributes)).tobytes()] if gate.kink else []

    parts = np.zeros(()) if pull is None else np.asarray(pull) * direction
    # Within 1 % of its size a gate alone is smooth, and the edge of its domain is not crossed.
    return Move(where, 0.0, 0.01, float(np.sum(parts)), at), float(np.sum(np.abs(parts)))


def _direction(gate: Gate, inputs: Sequence[Any], attributes: dict[str, Any], x: Any) -> Any:
    direction = uneven(x.shape, seed=5) * np.maximum(np.abs(x), 0.1)
    if gate.kink is not None:
        distance = np.asarray(gate.kink(*inputs, **attributes))
        if distance.shape == x.shape and np.any(distance):
            return np.where(distance == 0, 0.0, direction)  # the rest can still be checked exactly
    return direction


def uneven(shape: tuple[int, ...], seed: int) -> Any:
    """Fixed numbers around 1, unlike any symmetry that a wrong rule may have."""
    return np.random.Generator(np.random.PCG64(seed)).uniform(0.5, 1.5, shape)
