"""All numerical gradients of a net's weights, each nudge followed through its own cone and no further."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.executors import compile
from pullback.executors.reference.program import Program
from pullback.lens.cone import Cone, cone, part_of

Array = np.ndarray[Any, Any]


class Cones:
    """The slopes of a circuit's first output along each number of an input, by central differences.

    circuit: in float64, its first output a single number; values: one an input. An input has
    slopes here if it is W of one x @ W or b of one y + b, with known gates behind it (see
    `lens.cone`); for others `slopes` answers None.
    """

    def __init__(self, circuit: Circuit, values: Sequence[Any], executor: str = "auto") -> None:
        self.circuit, self.executor = circuit, executor
        self._values = Program(circuit).watch(values)
        self._made: dict[int, _Nudges | None] = {}

    def slopes(self, position: int, step: float) -> Array | None:
        """(work at +step - work at -step) / (2 step) for every number of an input, in its shape."""
        if position not in self._made:
            self._made[position] = self._nudges(position)
        nudges = self._made[position]
        return None if nudges is None else nudges.slopes(step)

    @property
    def noise(self) -> float:
        """What rounding does to the work."""
        return float(np.spacing(max(abs(self._values[self.circuit.outputs[0]]), 1e-300)))

    def _nudges(self, position: int) -> _Nudges | None:
        shape = self.circuit.spec_of(self.circuit.inputs[position]).shape
        count = 2 * (shape[0] if len(shape) == 2 else 1)
        found = cone(self.circuit, position, count)
        return None if found is None else _Nudges(found, self._values, shape, self.executor)


STEP = 1e-4  # few corners lie that near, and rounding divided by it is still 1e-12 of the work
NOISE = 30.0  # sums in another order, in units of the work's last place


def suspects(
    circuit: Circuit, values: Sequence[Any], pulls: Sequence[Any]
) -> tuple[int, list[tuple[int, tuple[int, ...]]]]:
    """How many numbers were nudged, and those whose pull may be wrong: worst first.

    Two central differences with one extrapolation say what a pull should be, and about how exactly.
    A number near a corner is suspected too; a closer look must decide.
    """
    nudged, found = 0, []
    cones = Cones(circuit, values)
    for position, pull in enumerate(pulls):
        wide = cones.slopes(position, STEP)
        near = cones.slopes(position, STEP / 2)
        if wide is not None and near is not None:
            nudged += wide.size
            doubt = np.abs(near - wide) + NOISE * cones.noise / STEP
            off = np.abs(pull - (4 * near - wide) / 3)
            wrong = ~(off <= doubt)
            found += [
                (off[at], position, tuple(map(int, at))) for at in map(tuple, np.argwhere(wrong))
            ]
    found.sort(key=lambda one: -np.nan_to_num(one[0], nan=np.inf))
    return nudged, [(position, at) for _, position, at in found]


class _Nudges:
    """One cone, compiled, with the parts of the values that it listens to."""

    def __init__(self, found: Cone, values: Sequence[Any], shape: Any, executor: str) -> None:
        self.shape, self.columns = shape, shape[-1]
        self._run = compile(found.circuit, executor=executor).run
        rows = np.shape(values[found.start])[0]
        # What a nudge of 1 moves: row i of W moves by x[:, i], a bias by 1.
        self._ways = np.ones((1, rows)) if found.left < 0 else np.asarray(values[found.left]).T
        self._moves = [i for i, part in enumerate(found.parts) if part.kind == "moves"]
        specs = [found.circuit.spec_of(w) for w in found.circuit.inputs]
        self._parts: list[tuple[Any, bool]] = []
        for part, spec in zip(found.parts, specs, strict=True):
            if part.kind == "moves":
                self._parts.append((None, False))
            elif part.kind == "labels":
                classes = np.arange(spec.shape[0])[:, None, None]
                self._parts.append((np.asarray(values[part.wire]) == classes, False))
            else:
                self._parts.append(part_of(part, values, self.columns))

    def slopes(self, step: float) -> Array:
        """For each column all its nudges at once: first those up, then those down."""
        moves = np.concatenate([step * self._ways, -step * self._ways])
        half = len(self._ways)
        found = np.empty((half, self.columns))
        for j in range(self.columns):
            given = [v[j] if each else v for v, each in self._parts]
            for i in self._moves:
                given[i] = moves
            done = self._run(given)[0]
            found[:, j] = (done[:half] - done[half:]) / (2 * step)
        return found.reshape(self.shape)
