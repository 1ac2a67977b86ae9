"""`ScalarSteps`: steps of single numbers, one row of data each, as one loop that keeps all in registers."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.executors.native.loop import Loop, Looped
from pullback.executors.native.program import LARGEST, NativeProgram
from pullback.executors.reference.steps import Array, Steps


def can_step(circuit: Circuit) -> bool:
    """Whether a step circuit of single numbers is short enough for a straight line."""
    return circuit.gate_count <= LARGEST


class ScalarSteps(Steps):
    """`Steps` of single numbers as machine code. Inside `run` subnormal numbers count as 0."""

    def _prepare(self) -> None:
        self._program = NativeProgram(self.circuit)
        self._made = Loop(
            self.circuit,
            carried=dict(self._pairs),
            columns=self._columns,
            recorded=self._singles,
        )

    def _loop(self, data: list[Array], rows: Array, total: int) -> None:
        try:
            made = self._run(data, rows)
        except KeyboardInterrupt:
            if self._made.stopped is not None:
                self._take(self._made.stopped)
            raise
        odd = [~np.isfinite(record) for record in made.records]
        wrong = np.flatnonzero(np.any(odd, axis=0)) if odd else np.zeros(0, int)
        if len(
            wrong
        ):  # again, up to the first step that went wrong: the same bits, and then it ends
            made = self._run(data, rows[: int(wrong[0]) + 1])
        self._take(made)

    def _run(self, data: list[Array], rows: Array) -> Looped:
        return self._made.run(self._state, fixed=self._given, columns=data, order=rows)

    def _take(self, made: Looped) -> None:
        for record, found in zip(self.records, made.records, strict=True):
            record[: made.steps] = found
        # In one go: an interruption finds the steps made or not made.
        self._state, self._done = list[Any](made.carried), made.steps
