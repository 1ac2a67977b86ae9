"""One analytic slope beside the numerical one: right, wrong, at a kink, or too uncertain to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pullback.lens.numeric import Slope, sides, slope

OK, WRONG, KINK, UNSURE = "ok", "wrong", "kink", "unsure"
# Numbers below this share of the largest gradient are compared with it, not with themselves.
SMALLEST = 1e-6
# How the reach shrinks until no corner lies within it; nearer than 1e-8 is called "at" the corner.
SHRINKS = (1.0, 1e-2, 1e-4, 1e-6)
# Ridders' estimate is of the last correction; ten times it bounds what rounding left behind.
HONEST = 10.0


@dataclass(frozen=True)
class Finding:
    """One comparison. `where` names what was moved (with its index), `gate` the gate that is wrong
    or stands at its kink, `line` its place in the person's code."""

    where: str
    analytic: float
    numerical: float
    error: float  # relative difference
    uncertainty: float  # relative, of the numerical side
    verdict: str
    gate: str = ""
    line: str = ""


@dataclass(frozen=True)
class Move:
    """One number that is moved. `at(x)` gives the work done there and the state of every switch.

    A switch is what a corner turns: which side of 0 a relu is on, what a comparison answers.
    """

    where: str
    start: float
    reach: float
    analytic: float
    at: Callable[[float], tuple[float, Sequence[bytes]]]
    said: Callable[[int], tuple[str, str]] = lambda switch: ("", "")  # its gate and line
    noise: float = 0.0  # what rounding on the way may do to the work

    def work(self, x: float) -> float:
        return self.at(x)[0]


def compared(move: Move, scale: float, tolerance: float) -> Finding:
    """The finding about one move. scale: the size of the largest gradient beside it."""
    found, corner = _measured(move, scale)
    if found is None:
        near = slope(move.work, move.start, move.reach * SHRINKS[-1])
        error = _relative(move.analytic, near.value, scale)
        return Finding(
            move.where, move.analytic, near.value, error, np.inf, KINK, *move.said(corner)
        )
    error = _relative(move.analytic, found.value, scale)
    size = max(abs(move.analytic), abs(found.value), SMALLEST * scale)
    uncertainty = (found.error + move.noise / found.step) / size if size else 0.0
    verdict = _verdict(move.analytic, found.value, error, (tolerance, HONEST * uncertainty))
    if verdict == WRONG and is_corner(move, tolerance):
        verdict = KINK
    return Finding(move.where, move.analytic, found.value, error, uncertainty, verdict)


def _verdict(analytic: float, numerical: float, error: float, limits: tuple[float, float]) -> str:
    tolerance, doubt = limits
    if analytic == numerical or error <= tolerance:
        return OK
    # An infinite slope cannot be measured; a NaN among the pulls is wrong beside any number.
    return UNSURE if not np.isfinite(numerical) or error <= doubt else WRONG


def is_corner(move: Move, tolerance: float) -> bool:
    """Whether the slopes to the left and right differ and the analytic one lies between them."""
    left, right = sides(move.work, move.start, move.reach * SHRINKS[1])
    low, high = sorted((left.value, right.value))
    slack = HONEST * max(left.error, right.error) + tolerance * max(abs(low), abs(high))
    return high - low > slack and low - slack <= move.analytic <= high + slack


def _measured(move: Move, scale: float) -> tuple[Slope | None, int]:
    """The best slope over a stretch without a corner, or None and the switch that is in the way."""
    here = move.at(move.start)[1]
    best, corner = None, -1
    for shrink in SHRINKS:
        crossed: list[int] = []

        def work(x: float, crossed: list[int] = crossed) -> float:
            done, switches = move.at(x)
            crossed += _turned(here, switches)
            return done

        found = slope(work, move.start, move.reach * shrink)
        if crossed:
            corner = min(crossed)
            continue
        if best is None or found.error < best.error:
            best = found
        if found.error <= 1e-11 * max(abs(found.value), SMALLEST * scale):
            break
    return best, corner


def _turned(here: Sequence[bytes], there: Sequence[bytes]) -> list[int]:
    """The first switch that differs, if one does."""
    if here == there:
        return []
    return [next(i for i, pair in enumerate(zip(here, there, strict=True)) if pair[0] != pair[1])]


def _relative(a: float, b: float, scale: float) -> float:
    largest = max(abs(a), abs(b), SMALLEST * scale)
    return abs(a - b) / largest if largest else 0.0
