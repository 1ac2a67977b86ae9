"""Which native program suits a circuit: one place that knows them all."""

from __future__ import annotations

from pullback.core.circuit import Circuit
from pullback.executors.native.lower import is_scalar
from pullback.executors.native.program import LARGEST, NativeProgram
from pullback.executors.reference.program import Program


def choose(
    circuit: Circuit, *, fast: bool = False, watch: bool = False, threads: int = 1
) -> Program | None:
    """The native program for `circuit`, or None where there is none yet and the reference must do."""
    if circuit.gate_count <= LARGEST and is_scalar(circuit):
        return NativeProgram(circuit, fast=fast)
    return None
