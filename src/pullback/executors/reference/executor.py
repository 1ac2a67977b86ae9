"""The reference as an executor: it has something for every circuit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.core.circuit import Circuit
from pullback.executors.record import Executor
from pullback.executors.reference.points import Points
from pullback.executors.reference.program import Program
from pullback.executors.reference.steps import Steps


def _program(circuit: Circuit, **_: Any) -> Program:
    return Program(circuit)


def _map(circuit: Circuit, *, mapped: Sequence[int], summed: Sequence[int], **_: Any) -> Points:
    return Points(circuit, mapped=mapped, summed=summed)


def _steps(circuit: Circuit, *, fast: bool, threads: int, **plan: Any) -> Steps:
    return Steps(circuit, **plan)


REFERENCE = Executor("reference", lacks=lambda: "", program=_program, map=_map, steps=_steps)
