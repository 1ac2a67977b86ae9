"""Which native program suits a circuit: one place that knows them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.core.circuit import Circuit
from pullback.executors.native.arrays.plan import can_plan
from pullback.executors.native.arrays.program import ArrayProgram
from pullback.executors.native.arrays.steps import NativeSteps, can_carry
from pullback.executors.native.lanes import Lanes
from pullback.executors.native.lower import is_scalar
from pullback.executors.native.program import LARGEST, NativeProgram
from pullback.executors.reference.points import Points
from pullback.executors.reference.program import Program
from pullback.executors.reference.steps import Steps

LARGEST_MAP = (
    3000  # gates; compiling takes half a millisecond each, and a map is run for many points
)


def choose(
    circuit: Circuit, *, fast: bool = False, watch: bool = False, threads: int = 1
) -> Program | None:
    """The native program for `circuit`, or None where there is none yet and the reference must do."""
    if circuit.gate_count <= LARGEST and is_scalar(circuit):
        return NativeProgram(circuit, fast=fast)
    if any(spec.shape for spec in circuit.specs) and can_plan(circuit):
        return ArrayProgram(circuit, fast=fast)
    return None


def choose_map(
    circuit: Circuit, mapped: Sequence[int], summed: Sequence[int], *, fast: bool, threads: int
) -> Points | None:
    """The native map of `circuit` over points, or None where the reference must do."""
    if not is_scalar(circuit) or circuit.gate_count > LARGEST_MAP:
        return None
    return Lanes(circuit, mapped=mapped, summed=summed, fast=fast, threads=threads)


def choose_steps(circuit: Circuit, **plan: Any) -> Steps | None:
    """The native steps of `circuit`, or None where the reference must do."""
    if not can_plan(circuit) or not can_carry(circuit, plan["carried"]):
        return None
    return NativeSteps(circuit, **plan)
