"""P4: the guide's three steps, called from Python step by step.

    python bench/p04_called.py [calls]

Three ways in: weights kept inside (`Stepper`), all numbers in and out (`call`), and C through ctypes.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from guide_steps import COLUMNS, RATE, WORKLOADS, Workload, c_library
from side_by_side import least, table

from pullback.executors import compile
from pullback.executors.native.stepper import Stepper


def rivals(work: Workload, calls: int, library: Any) -> dict[str, Callable[[], Any]]:
    """So many calls of one step, each in its own way."""
    circuit = work.step.circuit()
    row = [float(c[0]) for c in work.columns]
    stepper = Stepper(
        circuit, carried=work.carried, columns=work.positions, start=work.start, fixed=[RATE]
    )
    whole = [float(w) for w in work.start] + row + [RATE]
    found = {
        "weights kept inside": repeated(stepper.step, row, calls),
        "all in, all out": repeated(compile(circuit, executor="native").call, whole, calls),
        "a list in, a list out": repeated(compile(circuit, executor="native").run, [whole], calls),
    }
    if library is not None:
        state, order = np.array(work.start), np.zeros(1, np.int64)
        places = [ctypes.c_void_p(a.ctypes.data) for a in (state, *COLUMNS, order)]
        given = [*places, ctypes.c_int64(1), ctypes.c_double(RATE)]
        found["C by ctypes"] = repeated(getattr(library, work.c_name), given, calls)
    return found


def repeated(step: Callable[..., Any], given: list[Any], calls: int) -> Callable[[], None]:
    """A loop of calls, as a person writes it."""

    def run() -> None:
        for _ in range(calls):
            step(*given)

    return run


def main(calls: int) -> None:
    """One table a workload."""
    library = c_library()
    for work in WORKLOADS:
        table(f"P4 {work.said}", least(rivals(work, calls, library)), calls, what="call")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
