"""Timings printed beside one another: the least of several turns, taken in turn so that noise is shared."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

TURNS = 9


def least(rivals: Mapping[str, Callable[[], Any]], turns: int = TURNS) -> dict[str, float]:
    """Seconds of processor time that each rival took at best; one turn of each, again and again."""
    best = dict.fromkeys(rivals, float("inf"))
    for _ in range(turns):
        for name, run in rivals.items():
            began = time.thread_time()
            run()
            best[name] = min(best[name], time.thread_time() - began)
    return best


def table(
    title: str, seconds: Mapping[str, float], each: int, unit: str = "ns", what: str = "step"
) -> None:
    """One line a rival: its time for one of `each`, and how many times ours that is."""
    scale = {"ns": 1e9, "us": 1e6, "ms": 1e3}[unit]
    ours = next(iter(seconds.values()))
    lines = [title]
    for name, took in seconds.items():
        lines.append(
            f"  {name:28} {took / each * scale:10.2f} {unit}/{what}   {took / ours:7.2f} x ours"
        )
    sys.stdout.write("\n".join(lines) + "\n")
