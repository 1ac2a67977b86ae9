"""Measures one row: results are compared first; then runners take turns, and medians count."""

from __future__ import annotations

import gc
import importlib
import math
import resource
import statistics
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.bench.row import Make, Row, Run

ROUNDS = 9
MISSING = "not installed"


@dataclass
class Timed:
    """What one runner came to. ready: seconds to prepare it; steps: of a turn; times: a step, by turn."""

    ready: float = 0.0
    steps: int = 1
    times: list[float] = field(default_factory=list)
    said: str = ""  # why there is no time

    @property
    def time(self) -> float:
        """The median time of a step, in seconds."""
        return statistics.median(self.times)


def measure(row: Row, size: int, names: Iterable[str], rounds: int = ROUNDS) -> dict[str, Timed]:
    """Each runner named, in one process. One that is missing, fails or disagrees gets words, no time."""
    work = row.prepare(size)
    found: dict[str, Timed] = {}
    runs: dict[str, Run] = {}
    wanted: Any = None
    for name in names:
        found[name], run, result = _prepared(row.runners[name], work, row.checked)
        if result is not None and wanted is not None:
            found[name].said = disagreement(result, wanted, row.tolerance)
        if run is not None and not found[name].said:
            wanted = result if wanted is None else wanted
            runs[name] = run
    for name, run in runs.items():
        found[name].steps = _enough(run, row)
    for turn in range(rounds):
        for name in _rotated(list(runs), turn):
            found[name].times.append(_turn(runs[name], found[name].steps, row))
    return found


def _prepared(make: Make, work: Any, steps: int) -> tuple[Timed, Run | None, Any]:
    began = time.perf_counter()
    try:
        run = make(work)
        result = run(steps)
    except ImportError as error:
        return Timed(said=f"{MISSING} ({error.name})" if error.name else MISSING), None, None
    except Exception as error:  # noqa: BLE001 - another library's failure is a line of the table
        return Timed(said=f"{type(error).__name__}: {error}".splitlines()[0]), None, None
    return Timed(ready=time.perf_counter() - began), run, result


def disagreement(found: Any, wanted: Any, tolerance: float) -> str:
    """Words when two results are further apart than `tolerance` of the largest number, else "".

    >>> disagreement([1.0, 2.0], [1.0, 2.5], 1e-9)
    'disagrees: off by 2.0e-01'
    """
    f, w = np.ravel(np.asarray(found, float)), np.ravel(np.asarray(wanted, float))
    if f.shape != w.shape:
        return f"disagrees: {f.size} numbers, not {w.size}"
    off = np.max(np.abs(f - w), initial=0.0) / max(np.max(np.abs(w), initial=0.0), 1e-300)
    return "" if off <= tolerance else f"disagrees: off by {off:.1e}"


def _enough(run: Run, row: Row) -> int:
    """How many steps fill a turn. The first one warms up."""
    run(1)
    steps, before = 1, math.inf
    while True:
        took = _turn(run, steps, row) * steps
        # Eight times the steps in the same time: that was not the time of steps.
        if took >= row.turn or (took >= row.turn / 4 and took > 4 * before):
            return max(1, round(steps * row.turn / took))
        steps, before = 8 * steps, took


def _turn(run: Run, steps: int, row: Row) -> float:
    # What others left behind is not this one's to clear; what it leaves behind is.
    gc.collect()
    gc.freeze()
    began = row.clock()
    run(steps)
    gc.collect()
    taken = row.clock() - began
    gc.unfreeze()
    return taken / steps


def _rotated(names: list[str], turn: int) -> list[str]:
    """Nobody is always the one behind the one who fills the caches."""
    start = turn % max(len(names), 1)
    return names[start:] + names[:start]


def peak_memory() -> int:
    """The most bytes this process ever had in memory."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def exponent(times: Mapping[int, float]) -> float:
    """How time grows with size: the slope between their logarithms. 1 is proportional.

    >>> round(exponent({10: 1.0, 100: 100.0, 1000: 10000.0}), 6)
    2.0
    """
    sizes = np.log(np.array(list(times), float))
    return float(np.polyfit(sizes, np.log(np.array(list(times.values()))), 1)[0])


def library(name: str) -> Any:
    """Somebody else's module, imported when its turn comes."""
    return importlib.import_module(name)
