"""P1 to P3: the guide's neuron, support vector machine and two-layer net, the loop inside.

    python bench/p01_p03_loops.py [steps]

Rivals: C with the same loop (the limit), numba by hand where it is installed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from guide_steps import RATE, WORKLOADS, Workload, c_library, c_steps
from side_by_side import least, table

from pullback.executors.native.loop import Loop


def rivals(work: Workload, steps: int, order: Any, library: Any) -> dict[str, Callable[[], Any]]:
    """The same steps, each in its own way; each gives the weights after them."""
    options = {"carried": work.carried, "columns": work.positions}
    given = {"fixed": [RATE], "columns": work.columns, "order": order, "steps": steps}
    strict, fast = (Loop(work.step.circuit(), fast=f, **options) for f in (False, True))
    found = {
        "pullback": lambda: strict.run(work.start, **given).carried,
        "pullback fast": lambda: fast.run(work.start, **given).carried,
    }
    if library is not None:
        found["C -O3 -march=native"] = lambda: c_steps(library, work, order).tolist()
    return found


def main(steps: int) -> None:
    """Both orders of the rows: a branch that can be guessed costs C nothing."""
    library = c_library()
    rows = np.random.default_rng(0).integers(0, 6, steps)
    for work in WORKLOADS:
        for said, order in (("rows at random", rows), ("rows in turn", np.arange(steps) % 6)):
            if work.columns or said == "rows in turn":
                runs = rivals(work, steps, order, library)
                weights = [run() for run in runs.values()]
                assert np.allclose(weights, weights[0], rtol=1e-6), "the rivals disagree"
                table(f"{work.row} {work.said}, {said}", least(runs), steps)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
