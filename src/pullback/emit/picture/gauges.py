"""What a picture reads off a run besides numbers: switches, inactive relus, heat strips of closed groups."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.circuit import Circuit, Row
from pullback.emit.picture.drawing import VALUE
from pullback.emit.picture.fold import Group
from pullback.emit.picture.look import Numbers

SWITCHES = ("relu", "maximum", "minimum", "where")
CELLS = 8  # of a heat strip


class Gauges:
    """Reads one run of one circuit. Without numbers there is nothing to read."""

    def __init__(self, circuit: Circuit, rows: list[Row], numbers: Numbers | None) -> None:
        self.circuit, self.rows, self.numbers = circuit, rows, numbers
        self._most: dict[str, float] = {}

    def pull(self, wire: int) -> Any:
        """The pull on a wire, None where nothing pulls."""
        pulls = self.numbers.pulls if self.numbers else None
        return None if pulls is None else pulls[wire]

    def switched(self, wire: int) -> tuple[int, ...] | None:
        """Which inputs a switch lets through, () for none; None where there is no switch to show."""
        row = self.rows[wire]
        assert row.gate is not None
        one = not self.circuit.spec_of(wire).shape
        if self.numbers is None or not one or row.gate.name not in SWITCHES:
            return None
        y, *inputs = (self.numbers.values[w] for w in (wire, *row.inputs))
        if y != y:
            return None  # a NaN went through, by no choice of the switch
        if row.gate.name == "where":
            return (1 if inputs[0] else 2,)
        if row.gate.name == "relu":
            return (0,) if inputs[0] > 0 else ()
        equal = tuple(i for i, x in enumerate(inputs) if x == y)
        return equal[:1] if row.attributes.get("ties") == "first" else equal

    def off(self, group: Group) -> tuple[int, int]:
        """How many relus of a group put out 0, of how many; (0, 0) without numbers."""
        if self.numbers is None:
            return 0, 0
        relus = [r for r in group.rows if self.circuit.ops[int(self.circuit.op[r])] == "relu"]
        values = [np.asarray(self.numbers.values[r]) for r in relus]
        return sum(int((v == 0).sum()) for v in values), sum(v.size for v in values)

    def cells(self, group: Group, ink: str) -> tuple[float, ...]:
        """|value| or |pull| inside a group, gate by gate; of a few gates on arrays, unit by unit.

        0 is nothing and 1 the most of the whole circuit, on a square-root scale: small ones stay
        visible. NaN for a number that is not finite.
        """
        units = self._units(group.rows[-1], ink) if len(group.rows) < CELLS else []
        found = units or [self._size(r, ink) for r in group.rows]
        count = min(CELLS, len(found))
        cuts = [len(found) * i // count for i in range(count + 1)]
        peaks = [max(found[cuts[i] : cuts[i + 1]]) for i in range(count)]
        most = self._most_of(ink)
        return tuple(
            float("nan") if not np.isfinite(p) else min(p / most, 1.0) ** 0.5 if most else 0.0
            for p in peaks
        )

    def _units(self, wire: int, ink: str) -> list[float]:
        """The size of each unit of an array, its last axis; none for a single number."""
        value = self._number(wire, ink)
        if value is None or np.ndim(value) == 0 or np.size(value) == 0:
            return []
        array = np.abs(np.asarray(value, np.float64)).reshape(-1, np.shape(value)[-1])
        means: list[float] = array.mean(axis=0).tolist()
        return means

    def _number(self, wire: int, ink: str) -> Any:
        assert self.numbers is not None
        return self.numbers.values[wire] if ink == VALUE else self.pull(wire)

    def _size(self, wire: int, ink: str) -> float:
        value = self._number(wire, ink)
        if value is None or np.size(value) == 0:
            return 0.0
        array = np.abs(np.asarray(value, np.float64))
        return float(array.mean()) if np.isfinite(array).all() else float("inf")

    def _most_of(self, ink: str) -> float:
        if ink not in self._most:
            gates = np.nonzero(self.circuit.op > 1)[0].tolist()
            sizes = [s for s in (self._size(r, ink) for r in gates) if np.isfinite(s)]
            self._most[ink] = max(sizes, default=0.0)
        return self._most[ink]
