"""A row of the bench: one piece of work, who does it, and how fast we want to be."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# run(steps) starts afresh, makes so many steps and gives what they came to: numbers that must agree
# (None from a limit that does only part of the work).
Run = Callable[[int], Any]
# make(work) prepares a Run: imports, builds, compiles. An ImportError means that it is not installed.
Make = Callable[[Any], Run]

SCALES = {"ns": 1e9, "us": 1e6, "ms": 1e3, "s": 1.0}


@dataclass(frozen=True)
class Goal:
    """At most `most`: of the row's unit, or times what the runner `of` needs (0.1: ten times faster).

    mine: which of our runners is judged; the first where nothing is said.
    """

    most: float
    of: str = ""
    mine: str = ""

    def said(self, unit: str) -> str:
        """In words.

        >>> Goal(20).said("ns"), Goal(0.1, of="NumPy").said("ns"), Goal(1.2, of="C").said("ns")
        ('20 ns', '10 x NumPy', '1.2 x the time of C')
        """
        who = f" ({self.mine})" if self.mine else ""
        if not self.of:
            return f"{self.most:g} {unit}{who}"
        if self.most < 1:
            return f"{1 / self.most:g} x {self.of}{who}"
        return f"{self.most:g} x the time of {self.of}{who}"

    def share(self, ours: float, others: Mapping[str, float], unit: str) -> float | None:
        """A time in seconds over the longest that is good enough; None where nothing is to compare with.

        >>> Goal(20).share(26e-9, {}, "ns")
        1.3
        """
        if not self.of:
            return round(ours * SCALES[unit] / self.most, 12)
        return ours / (self.most * others[self.of]) if self.of in others else None

    def met(self, ours: float, others: Mapping[str, float], unit: str) -> bool | None:
        """Whether a time in seconds is good enough; None where there is nothing to compare it with."""
        share = self.share(ours, others, unit)
        return None if share is None else share <= 1


@dataclass(frozen=True)
class Row:
    """One line of the table.

    prepare: the work for a size, the same for everybody. ours, peers, limits: who does it. size: the
    usual one; sizes: those of a sweep. tolerance: how far results after `checked` steps may be apart,
    relative to the largest. note: why a peer wins or a goal is missed, where that is so.
    """

    key: str
    title: str
    each: str
    unit: str
    prepare: Callable[[int], Any]
    ours: Mapping[str, Make]
    peers: Mapping[str, Make] = field(default_factory=dict)
    limits: Mapping[str, Make] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    size: int = 1
    sizes: tuple[int, ...] = ()
    counted: str = "size"
    checked: int = 3
    tolerance: float = 1e-9
    clock: Callable[[], float] = time.process_time
    turn: float = 0.04  # seconds of one turn
    note: str = ""

    @property
    def runners(self) -> dict[str, Make]:
        """Everybody by name, we first."""
        return {**self.ours, **self.peers, **self.limits}


def again(once: Callable[[], Any]) -> Run:
    """The same so many times, where there is nothing that a step hands on."""

    def run(steps: int) -> Any:
        for _ in range(steps):
            found = once()
        return found

    return run
