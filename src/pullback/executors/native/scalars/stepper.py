"""A step circuit that keeps its carried values: called from Python, each call is one step."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.executors.native.scalars.loop import Stepping, check, filled, lower_outputs
from pullback.executors.native.scalars.program import calls_of
from pullback.executors.native.scalars.straight import Slots, Straight, new_code, slot_of


class Stepper:
    """`stepper.step(x, y, label)` makes one step and gives the outputs that are not carried.

    Weights stay in machine memory between the calls, so a call costs the step and some 50 ns. Not
    for two threads at once. `carried` reads or sets the weights.
    """

    def __init__(
        self,
        circuit: Circuit,
        *,
        carried: Mapping[int, int],
        columns: Sequence[int],
        start: Sequence[Any],
        fixed: Sequence[Any] = (),
        fast: bool = False,
    ) -> None:
        self._plan = plan = Stepping(circuit, tuple(carried.items()), tuple(columns))
        check(plan)
        inputs, outputs = circuit.inputs, circuit.outputs
        made = Straight(
            _text(plan, fast),
            circuit,
            [inputs[i] for i in columns],
            [outputs[o] for o in plan.shown],
        )
        self._state = _place(made, "state", len(carried))
        self._given = _place(made, "fixed", len(plan.fixed))
        self.fixed, self.carried = list(fixed), list(start)
        self._made = made
        self.step = calls_of(made)[1]

    @property
    def carried(self) -> list[Any]:
        """The carried values after the last step, in the order they were declared."""
        kinds = [self._plan.input(i).dtype for i, _ in self._plan.carried]
        return [slot_of(self._state, n, dtype)[0] for n, dtype in enumerate(kinds)]

    @carried.setter
    def carried(self, values: Sequence[Any]) -> None:
        self._state[:] = filled(self._plan, [i for i, _ in self._plan.carried], values)

    @property
    def fixed(self) -> list[Any]:
        """The inputs that are neither carried nor columns."""
        kinds = [self._plan.input(i).dtype for i in self._plan.fixed]
        return [slot_of(self._given, n, dtype)[0] for n, dtype in enumerate(kinds)]

    @fixed.setter
    def fixed(self, values: Sequence[Any]) -> None:
        self._given[:] = filled(self._plan, self._plan.fixed, values)


def _text(plan: Stepping, fast: bool) -> str:
    code = new_code(plan.circuit, fast=fast)
    inputs = {}
    for place, positions in (
        ("@state", [i for i, _ in plan.carried]), ("@fixed", plan.fixed), ("%in", plan.columns),
    ):  # fmt: skip
        for n, i in enumerate(positions):
            inputs[i] = code.load(code.at(place, n, "double"), plan.kind(i))
    outputs = lower_outputs(code, plan.circuit, inputs)
    for place, wanted in (("@state", [o for _, o in plan.carried]), ("%out", plan.shown)):
        for n, o in enumerate(wanted):
            code.store(outputs[o], code.at(place, n, "double"))
    head = f"""@state = global [{len(plan.carried) + 1} x double] zeroinitializer
@fixed = global [{len(plan.fixed) + 1} x double] zeroinitializer
define void @values(ptr noalias %in, ptr noalias %out) nounwind {{"""
    return "\n".join([code.module(), head, *code.lines, "  ret void", "}"])


def _place(made: Straight, name: str, count: int) -> Slots:
    """A global of the module as an array of slots."""
    place = (ctypes.c_double * (count + 1)).from_address(made.library.address(name))
    return np.ctypeslib.as_array(place)
