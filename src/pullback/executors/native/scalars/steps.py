"""`ScalarSteps`: steps of single numbers, one row of data each, as one loop that keeps all in registers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from pullback.core.circuit import Circuit
from pullback.executors.native.scalars.loop import Loop, Looped
from pullback.executors.native.scalars.stepper import Stepper
from pullback.executors.reference.steps import Array, Steps


class ScalarSteps(Steps):
    """`Steps` of single numbers as machine code. Inside `run` subnormal numbers count as 0.

    The loop and the single step are compiled when they are first asked for. A call of `step` costs
    the step and some 50 ns. Not for two threads at once.
    """

    _stepper: Stepper | None

    def __init__(self, circuit: Circuit, *, fast: bool = False, **plan: Any) -> None:
        self._fast = fast
        super().__init__(circuit, **plan)

    def step(self, *columns: Any) -> Any:
        """One step; gives the shown outputs, a tuple or the one there is."""
        self._stepper = Stepper(
            self.circuit,
            carried=dict(self._pairs),
            columns=self._columns,
            start=self._state,
            fixed=self._given,
            fast=self._fast,
        )
        vars(self)["step"] = self._stepper.step  # from now on nothing stands between
        return self._stepper.step(*columns)

    def _prepare(self) -> None:
        self._stepper = None

    def _kept(self) -> Sequence[Any]:
        return self._stepper.carried if self._stepper else self._state

    def _keep(self, state: list[Any]) -> None:
        super()._keep(state)
        if self._stepper:
            self._stepper.carried = state

    def _give(self, given: list[Any]) -> None:
        super()._give(given)
        if self._stepper:
            self._stepper.fixed = given

    @cached_property
    def _made(self) -> Loop:
        return Loop(
            self.circuit,
            carried=dict(self._pairs),
            columns=self._columns,
            recorded=self._singles,
            ending=True,
            fast=self._fast,
        )

    def _loop(self, data: list[Array], rows: Array, total: int) -> None:
        try:
            made = self._made.checked(self.carried, self._given, (data, rows, self.records), total)
        except KeyboardInterrupt:
            if self._made.stopped is not None:
                self._take(self._made.stopped)
            raise
        self._take(made)

    def _take(self, made: Looped) -> None:
        # In one go: an interruption finds the steps made or not made.
        self._state, self._done = list[Any](made.carried), made.steps
        self._keep(self._state)
