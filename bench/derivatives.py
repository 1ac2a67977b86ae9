"""First and second derivatives of every gate against mpmath: at 50 points, and at its corners.

    python bench/derivatives.py [POINTS] [gate ...]

Prints for each gate how far the worst slope and curvature are off, in units of the rounding of float64
and of float32, over both executors. Exit code 1 if one is off by more than the law allows.
"""
# ruff: noqa: T201 - a command prints, and finds the tests' own cases first

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from laws.derivative_cases import CURVATURE, SLOPE, asked_gates, corners, exact, found, off, points
from laws.gate_cases import Case

EXECUTORS, DTYPES = ("reference", "native"), (np.float64, np.float32)
Worst = dict[Any, tuple[float, float]]


def ask(case: Case, worst: Worst) -> None:
    """Both precisions, both executors; the worst distances are kept."""
    for dtype in DTYPES:
        typed = case.as_dtype(np.dtype(dtype))
        asked = [found(typed, executor) for executor in EXECUTORS]
        wanted = exact(typed, asked[0][0])
        for force, ours in asked:
            slope, curvature = off(force, ours, wanted, typed, dtype)
            before = worst.get(dtype, (0.0, 0.0))
            worst[dtype] = max(before[0], slope), max(before[1], curvature)
            if slope > SLOPE or curvature > CURVATURE:
                print(f"  {typed} at {typed.inputs}: {slope:.3g} {curvature:.3g}")


def main(count: int, names: list[str]) -> int:
    """One line a gate, then what was asked in all."""
    print("gate          points   float64: slope curvature   float32: slope curvature")
    total, everything = 0, list[tuple[float, float]]()
    for gate in asked_gates():
        if names and gate.name not in names:
            continue
        cases, worst = [*points(gate, count), *corners(gate)], Worst()
        for case in cases:
            ask(case, worst)
        total, everything = total + len(cases), [*everything, *worst.values()]
        figures = "   ".join(f"{a:14.1f} {b:9.1f}" for a, b in worst.values())
        print(f"{gate.name:12} {len(cases):7}   {figures}", flush=True)
    slope, curvature = (max(column) for column in zip(*everything, strict=True))
    print(
        f"{total} points, worst slope {slope:.1f}, worst curvature {curvature:.1f} units of rounding"
    )
    return int(slope > SLOPE or curvature > CURVATURE)


if __name__ == "__main__":
    words = sys.argv[1:]
    number = int(words.pop(0)) if words and words[0].isdigit() else 50
    raise SystemExit(main(number, words))
