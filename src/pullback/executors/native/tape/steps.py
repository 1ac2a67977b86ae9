"""`TapeSteps`: training steps of more single numbers than fit into a straight line."""

from __future__ import annotations

from typing import Any

from pullback.core.circuit import Circuit
from pullback.executors.native.tape.program import TapeProgram
from pullback.executors.reference.steps import Steps


class TapeSteps(Steps):
    """`Steps` on a tape: some 20 us a step and 1 to 3 ns a gate. Subnormal numbers count as 0.

    Raises TooManyKinds as the tape does.
    """

    def __init__(self, circuit: Circuit, *, fast: bool = False, **plan: Any) -> None:
        self._fast = fast
        super().__init__(circuit, **plan)

    def _prepare(self) -> None:
        self._program = TapeProgram(self.circuit, fast=self._fast, flush=True)
