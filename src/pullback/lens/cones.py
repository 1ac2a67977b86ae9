"""All numerical gradients of a net's weights, each nudge followed through its own cone and no further."""

from __future__ import annotations

import math
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

    def work(self, position: int) -> int:
        """About how many numbers `slopes` computes for an input; 0 where it has none."""
        one = cone(self.circuit, position, 1)
        shape = self.circuit.spec_of(self.circuit.inputs[position]).shape
        return 0 if one is None else 2 * math.prod(shape) * _volume(one)

    def _nudges(self, position: int) -> _Nudges | None:
        shape = self.circuit.spec_of(self.circuit.inputs[position]).shape
        one = cone(self.circuit, position, 1)
        if one is None:
            return None
        # So many nudges at once that what they move stays in the caches.
        rows = shape[0] if len(shape) == 2 else 1
        count = 2 * min(rows, max(1, AT_ONCE // (2 * _volume(one))))
        found = cone(self.circuit, position, count)
        assert found is not None
        return _Nudges(found, self._values, (shape, count), self.executor)


def _volume(one: Cone) -> int:
    """How many numbers a single nudge moves."""
    inputs = set(one.circuit.inputs)
    sizes = [
        math.prod(one.circuit.spec_of(w).shape) for w in range(len(one.circuit)) if w not in inputs
    ]
    return max(1, sum(sizes))


AT_ONCE = 200_000  # numbers that a run of a cone computes
MOST = 300_000_000  # numbers computed for one input's gradient: about a second
STEP = 1e-4  # few corners lie that near, and rounding divided by it is still 1e-12 of the work
NOISE = 30.0  # sums in another order, in units of the work's last place


def suspects(
    circuit: Circuit, values: Sequence[Any], pulls: Sequence[Any]
) -> tuple[int, list[tuple[int, tuple[int, ...]]]]:
    """How many numbers were nudged, and those whose pull may be wrong: worst first.

    Two central differences with one extrapolation say what a pull should be, and about how exactly.
    A number near a corner is suspected too; a closer look must decide. An input for which that
    takes longer than a second or so is left out.
    """
    nudged, found = 0, []
    cones = Cones(circuit, values)
    for position, pull in enumerate(pulls):
        if cones.work(position) > MOST:
            continue
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

    def __init__(
        self, found: Cone, values: Sequence[Any], size: tuple[Any, int], executor: str
    ) -> None:
        (self.shape, self.count), self.columns = size, size[0][-1]
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
        """For each column its nudges, `count` at once: first those up, then those down."""
        half = self.count // 2
        lines, rows = self._ways.shape
        found = np.empty((-(-lines // half) * half, self.columns))
        for start in range(0, lines, half):
            ways = np.zeros((half, rows))
            some = self._ways[start : start + half]
            ways[: len(some)] = some
            moves = np.concatenate([step * ways, -step * ways])
            for j in range(self.columns):
                given = [v[j] if each else v for v, each in self._parts]
                for i in self._moves:
                    given[i] = moves
                done = self._run(given)[0]
                found[start : start + half, j] = (done[:half] - done[half:]) / (2 * step)
        return found[:lines].reshape(self.shape)
