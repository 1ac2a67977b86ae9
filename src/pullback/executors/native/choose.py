"""Which native program suits a circuit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.executors.native.arrays.kernels import KERNELS
from pullback.executors.native.arrays.program import ArrayProgram
from pullback.executors.native.arrays.steps import CannotCarry, NativeSteps
from pullback.executors.native.llvm.lower import is_scalar
from pullback.executors.native.scalars.map import Lanes
from pullback.executors.native.scalars.program import NativeProgram, is_short
from pullback.executors.native.scalars.steps import ScalarSteps
from pullback.executors.native.tape.plan import TooManyKinds
from pullback.executors.native.tape.program import TapeProgram
from pullback.executors.native.tape.steps import TapeSteps
from pullback.executors.reference.points import Points
from pullback.executors.reference.program import Program, one_an_input
from pullback.executors.reference.steps import Steps
from pullback.passes.planning.plan import can_plan

A_ROW, A_KERNEL = 0.3e-3, 2e-3  # seconds that an elementwise row takes to compile, and another one
LONGEST = 20.0  # seconds that anybody waits for machine code
SHORT_MAP = 3000  # gates, compiled for any number of points in 0.2 s at most
LARGEST_MAP = 10_000  # gates that are compiled, in a second, for as many points as there are gates


def choose(circuit: Circuit, *, fast: bool = False, threads: int = 1) -> Program | None:
    """The native program for `circuit`, or None where there is none yet and the reference must do."""
    if is_scalar(circuit):
        return _of_scalars(circuit, fast)
    if any(spec.shape for spec in circuit.specs) and _is_planned(circuit):
        return ArrayProgram(circuit, fast=fast, threads=threads)
    return None


def _is_planned(circuit: Circuit) -> bool:
    """Whether there is a kernel for every gate, and compiling them ends in time."""
    return compiling(circuit) <= LONGEST and can_plan(circuit, KERNELS)


def compiling(circuit: Circuit) -> float:
    """About how many seconds it takes to compile a circuit of arrays."""
    kernels = [KERNELS.find(name) for name in circuit.ops]
    each = [A_ROW if kernel is KERNELS.loop else A_KERNEL for kernel in kernels]
    return float(np.array(each)[circuit.op][circuit.op > 1].sum())


def _of_scalars(circuit: Circuit, fast: bool) -> Program | None:
    """Straight-line code up to a few hundred gates, a tape beyond."""
    if is_short(circuit):
        return NativeProgram(circuit, fast=fast)
    try:
        return TapeProgram(circuit, fast=fast)
    except TooManyKinds:
        return None


def choose_map(
    circuit: Circuit, *, mapped: Sequence[int], summed: Sequence[int], fast: bool, threads: int
) -> Points | None:
    """The native map of `circuit` over points, or None where the reference must do."""
    if not is_scalar(circuit):
        return None
    plan: dict[str, Any] = {"mapped": mapped, "summed": summed}
    lanes = partial(Lanes, circuit, fast=fast, threads=threads, **plan)
    if circuit.gate_count <= SHORT_MAP:
        return lanes()
    program = _of_scalars(circuit, fast)
    if circuit.gate_count > LARGEST_MAP:
        return Points(circuit, program=program, **plan)
    return LongMap(circuit, lanes, program=program, **plan)


class LongMap(Points):
    """A long circuit: few points one by one, many in lanes, which are compiled when they are first
    worth it. How many there are alone decides, so the same points have the same bits."""

    def __init__(self, circuit: Circuit, lanes: Callable[[], Lanes], **plan: Any) -> None:
        super().__init__(circuit, **plan)
        self._made = lanes

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        one_an_input(self.circuit, self.circuit.inputs, inputs)
        many = np.size(inputs[self.mapped[0]]) >= self.circuit.gate_count
        return self._lanes.run(inputs) if many else super().run(inputs)

    @cached_property
    def _lanes(self) -> Lanes:
        return self._made()


def _steps_of_scalars(circuit: Circuit, **plan: Any) -> Steps | None:
    if is_short(circuit):
        return ScalarSteps(circuit, **plan)
    try:
        return TapeSteps(circuit, **plan)
    except TooManyKinds:
        return None


def choose_steps(
    circuit: Circuit, *, fast: bool = False, threads: int = 1, **plan: Any
) -> Steps | None:
    """The native steps of `circuit`, or None where the reference must do."""
    shapes = [circuit.spec_of(circuit.inputs[i]).shape for i in plan["columns"]]
    if is_scalar(circuit):
        return _steps_of_scalars(circuit, fast=fast, **plan)
    if () in shapes:
        return None  # arrays, but a row without an axis of rows
    if not _is_planned(circuit):
        return None
    try:
        return NativeSteps(circuit, fast=fast, threads=threads, **plan)
    except CannotCarry:
        return None
