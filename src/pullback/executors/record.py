"""`Executor`: what an executor has to offer, as one record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pullback.executors.reference.points import Points
from pullback.executors.reference.program import Program
from pullback.executors.reference.steps import Steps


@dataclass(frozen=True)
class Executor:
    """An executor. What it has nothing for gives None, and the next one is asked.

    lacks(): what keeps it from running here, with the remedy, or "". program(circuit, fast, threads),
    map(circuit, mapped, summed, fast, threads) and steps(circuit, fast, threads, and what `Steps` takes):
    as `compile`, `compile_map` and `compile_steps` give them.
    """

    name: str
    lacks: Callable[[], str]
    program: Callable[..., Program | None]
    map: Callable[..., Points | None]
    steps: Callable[..., Steps | None]
