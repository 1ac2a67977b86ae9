"""The derivative of a function of one number, by differences extrapolated, with an honest error estimate."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

EPSILON = float(np.finfo(np.float64).eps)
ROWS = 8  # each halves the step; more would only add rounding


class Slope(NamedTuple):
    """A numerical derivative, how far off it may be, and the widest step that was used."""

    value: float
    error: float
    step: float


def reach(start: float) -> float:
    """How far from `start` one looks first: 10 % of it, and 0.01 near 0."""
    return 0.1 * max(abs(start), 0.1)


def slope(f: Callable[[float], float], start: float, step: float | None = None) -> Slope:
    """df/dx at `start` by central differences with shrinking steps, extrapolated to step 0.

    Each row halves the step; Richardson's table cancels the errors h^2, h^4, ... and the best entry
    is the one whose neighbours agree most (Ridders 1982). About 1e-13 for smooth f in up to 16
    calls; a NaN on the way only costs the rows it stands in.

    >>> round(slope(lambda x: x**3, 2.0).value, 9)
    12.0
    """

    def central(h: float) -> tuple[float, float]:
        up, down = start + h, start - h
        high, low = f(up), f(down)
        return (high - low) / (up - down), max(abs(high), abs(low)) / h

    return _extrapolated(central, step or reach(start), power=4.0)


def _extrapolated(
    difference: Callable[[float], tuple[float, float]], step: float, power: float
) -> Slope:
    """The best entry of Richardson's table; `difference(h)` gives a quotient and the size of its rounding."""
    best, error = np.nan, np.inf
    before: list[float] = []
    for i in range(ROWS):
        quotient, size = difference(step / 2**i)
        row = [quotient]
        for j, coarse in enumerate(before):
            row.append(row[j] + (row[j] - coarse) / (power ** (j + 1) - 1.0))
        for j in range(1, len(row)):
            spread = max(abs(row[j] - row[j - 1]), abs(row[j] - before[j - 1]))
            spread = max(spread, EPSILON * size)
            if spread < error:
                best, error = row[j], spread
        if i and (error <= EPSILON * size or abs(row[-1] - before[-1]) > 4.0 * error):
            break  # smaller steps would only round more, or have begun to make it worse
        before = row
    return Slope(float(best), float(error), abs(step))
