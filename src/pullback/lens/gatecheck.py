"""Gate by gate: does each gate's pull rule agree with its own value, at the numbers it has in this run?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit, Row
from pullback.core.gate import Gate
from pullback.lens.chain import complex_slope
from pullback.lens.compare import KINK, WRONG, Finding, Inside, Move, compared, is_corner
from pullback.lens.numeric import EPSILON
from pullback.lens.switches import state
from pullback.passes.pull import pull_inputs

# Gates that change the pull on purpose: it is a person's will, not the slope of their value.
TINY = 1e-6
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
        dy = uneven(np.shape(row.gate.body(*inputs, **row.attributes)), seed=7)
        for position, x in enumerate(map(np.asarray, inputs)):
            if x.dtype.kind == "f" and x.size:
                one = _OneInput(row, inputs, position, dy)
                found = _compared(one, circuit.describe(row.inputs[position]), tolerance)
                if found.verdict == WRONG:
                    bad.append(dataclasses.replace(found, gate=said[0], line=said[1]))
    return bad


def _compared(one: _OneInput, where: str, tolerance: float) -> Finding:
    """A pull at a kink is wrong unless it lies between the slopes on both sides."""
    move = one.move(where)
    found = compared(move, one.scale, tolerance)
    # Where nothing is pulled, as in a gate of steps, no slope beside a step says otherwise.
    steep = found.verdict == KINK and np.any(one.parts) and not is_corner(move, tolerance)
    return dataclasses.replace(found, verdict=WRONG) if steep else found


class _OneInput:
    """One input of a gate, moved along a fixed uneven direction: one number stands for its Jacobian."""

    def __init__(self, row: Row, inputs: Sequence[Any], position: int, dy: Any) -> None:
        assert row.gate is not None
        self.gate, self.attributes, self.dy = row.gate, row.attributes, dy
        self.inputs, self.position = inputs, position
        self.x = np.asarray(inputs[position])
        self.direction = _direction(row.gate, inputs, row.attributes, self.x)
        self.parts = self.parts_at(self.x)
        self.slope, self.scale = float(np.sum(self.parts)), float(np.nansum(np.abs(self.parts)))

    def move(self, where: str) -> Move:
        chain = self.complex_slope if self.gate.holomorphic else None
        inside = Inside(self.noise, self.rounding, chain, alone=True)
        # Within 1 % of its size a gate alone is smooth, and the edge of its domain is not crossed.
        return Move(where, 0.0, 0.01, self.slope, self.at, inside=inside)

    def _with(self, x: Any) -> list[Any]:
        return [*self.inputs[: self.position], x[()], *self.inputs[self.position + 1 :]]

    def at(self, t: float) -> tuple[float, Sequence[bytes]]:
        moved = self._with(self.x + t * self.direction)
        done = self.gate.body(*moved, **self.attributes)
        return float(np.sum(self.dy * done)), [state(self.gate, moved, self.attributes)]

    def parts_at(self, x: Any) -> Any:
        """What each number of the pull at `x` adds to the slope along the direction."""
        moved = self._with(x)
        y = self.gate.body(*moved, **self.attributes)
        pull = pull_inputs(self.gate, self.dy, y, moved, self.attributes)[self.position]
        return np.zeros(()) if pull is None else np.asarray(pull) * self.direction

    def noise(self) -> float:
        work = self.dy * self.gate.body(*self.inputs, **self.attributes)
        return EPSILON * (float(np.sum(np.abs(work))) + self.scale)

    def rounding(self) -> float:
        """How far the slope moves when the last digit of the input does."""
        near = [self.parts_at(self.x * (1.0 + k * EPSILON)) for k in (-1.0, 1.0)]
        # Below 1e-308 numbers have fewer digits, the smallest has one.
        few_digits = 4.0 * float(np.spacing(0.0)) * float(np.sum(np.abs(self.direction)))
        return max(abs(float(np.sum(parts)) - self.slope) for parts in near) + few_digits

    def complex_slope(self) -> float:
        still = [np.zeros(np.shape(x)) for x in self.inputs]
        ways = [*still[: self.position], self.direction, *still[self.position + 1 :]]
        found = complex_slope(self.gate, self.inputs, ways, self.attributes)
        return np.nan if found is None else float(np.sum(self.dy * found))


def _direction(gate: Gate, inputs: Sequence[Any], attributes: dict[str, Any], x: Any) -> Any:
    size = np.abs(x)
    # A tiny number may be beside a pole, so it is moved by a share of its own size.
    share = np.where((size > 0.0) & (size < TINY), size, np.maximum(size, 0.1))
    direction = uneven(x.shape, seed=5) * share
    if gate.kink is not None:
        distance = np.asarray(gate.kink(*inputs, **attributes))
        if distance.shape == x.shape and np.any(distance):
            return np.where(distance == 0, 0.0, direction)  # the rest can still be checked exactly
    return direction


def uneven(shape: tuple[int, ...], seed: int) -> Any:
    """Fixed numbers around 1, unlike any symmetry that a wrong rule may have."""
    return np.random.Generator(np.random.PCG64(seed)).uniform(0.5, 1.5, shape)
