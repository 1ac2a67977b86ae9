"""A slope measured with a whole ladder of steps, believed only where steps far apart give the same answer.

One step size can be fooled: a pole lies within it, a wave is faster, the value's rounding is larger
than the rise. So every step from wide to tiny is tried, neighbours are extrapolated to step 0 four
at a time, and each result carries its own error: what the extrapolation changed, and the rounding.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pullback.lens.numeric import EPSILON

Array = np.ndarray[Any, Any]
STEPS, RATIO = 48, 0.5  # from the widest step down to 1e-14 of it
START = 0.97  # no round number: a wave of period 0.1 or 1 would look still to round steps
WINDOW = 4  # steps that are extrapolated together: errors of h^2, h^4, h^6 cancel
LAST = 6  # of the smallest steps, which show how rough the function is
UNDERFLOW = float(np.finfo(np.float64).tiny)  # below it digits are lost
ROUGH = 1e5  # last digits; a function that is rougher is no smooth one at any step
# The extrapolation's own error is estimated, not bounded; ten times the estimate is taken for a bound.
HONEST = 10.0
DISAGREE = "the slope differs from step to step: a jump, a pole or a fast wave is near"
TOO_ROUGH = "the value is rough: rounding, a jump or a wave faster than the smallest step"
NO_VALUE = "there is no finite value beside it"


@dataclass(frozen=True)
class Measured:
    """A slope and its error, the same from other steps, and by how much the slope jumps here.

    `reason` says why there is none.

    >>> ladder(lambda x: x**3, 2.0, 0.2).refutes(12.000001)
    True
    """

    value: float
    error: float
    other: tuple[float, float]
    jump: tuple[float, float] = (0.0, np.inf)  # the slope to the right less that to the left
    reason: str = ""

    def refutes(self, claimed: float, room: float = 0.0, also: float | None = None) -> bool:
        """Whether two measurements that agree both say that the slope is not `claimed`.

        They are two sets of steps with none in common, or the better set and `also`, a slope that
        was measured in another way.
        """
        if self.reason or not abs(claimed - self.value) > room + HONEST * self.error:
            return False
        value, error = self.other
        if abs(claimed - value) > room + HONEST * error:
            return True
        if also is None or not abs(also - self.value) <= HONEST * self.error:
            return False
        return abs(claimed - also) > room

    def corner(self, claimed: float) -> bool:
        """Whether here is a corner, and `claimed` lies between the slopes on its two sides.

        >>> ladder(abs, 0.0, 0.1).corner(0.5), ladder(abs, 0.0, 0.1).corner(1.5)
        (True, False)
        """
        size, error = self.jump
        far = abs(claimed - self.value) - HONEST * (self.error + self.other[1] + error)
        return abs(size) > HONEST * error and far <= 0.5 * abs(size)


def ladder(
    function: Callable[[float], float], start: float, widest: float, noise: float = 0.0
) -> Measured:
    """The slope at `start` of a function of one number. noise: how rough its values are known to be."""
    steps = exact_steps(start, widest)
    here = function(start)
    up = np.array([function(start + h) for h in steps])
    down = np.array([function(start - h) for h in steps])
    if not np.isfinite(here) or len(steps) < WINDOW:
        return Measured(np.nan, np.inf, (np.nan, np.inf), reason=NO_VALUE)
    seen = _roughness(here, up, down)
    rough = max(noise, UNDERFLOW, seen)
    slopes, errors = windows(steps, up, down, rough)
    moved = _any_in_window((up != here) | (down != here))
    # Where rounding makes stairs of a function, it stands still for small steps: that says nothing.
    usable = np.isfinite(slopes) & (moved if np.any(moved & np.isfinite(slopes)) else True)
    found = _agreed(slopes, np.where(usable, errors, np.inf))
    if not found.reason and seen > ROUGH * EPSILON * float(np.nanmax(np.abs([*up, *down, here]))):
        found = dataclasses.replace(found, reason=TOO_ROUGH)
    with np.errstate(over="ignore", invalid="ignore"):  # values near the largest number
        bends = up - 2.0 * here + down
    return dataclasses.replace(found, jump=_jump(steps, bends, rough + EPSILON * abs(here)))


def _agreed(slopes: Array, errors: Array) -> Measured:
    """The best window that no smaller steps contradict, if one without a common step agrees."""
    if not np.isfinite(errors).any():
        return Measured(np.nan, np.inf, (np.nan, np.inf), reason=NO_VALUE)
    errors = np.where(_contradicted(slopes, errors), np.inf, errors)
    best = int(np.argmin(errors))
    apart = np.abs(np.arange(len(slopes)) - best) >= WINDOW
    second = int(np.argmin(np.where(apart, errors, np.inf)))
    value, error = float(slopes[best]), float(errors[best])
    other = float(slopes[second]), float(np.where(apart, errors, np.inf)[second])
    agree = np.isfinite(other[1]) and abs(other[0] - value) <= HONEST * (other[1] + error)
    return Measured(value, error, other, reason="" if agree else DISAGREE)


def _jump(steps: list[float], bent: Array, noise: float) -> tuple[float, float]:
    """By how much the slope jumps at the start, and how far off that may be.

    bent: up - 2 here + down, which over the step is the jump, and more for smooth bends: those
    shrink with the step, so that they can be extrapolated away.
    """
    h = np.array(steps)
    with np.errstate(all="ignore"):
        near, jumps, rounding = _by_four(h), _by_four(bent / h), _by_four(4.0 * noise / h)
        jump, rough = _at_zero(near, jumps, 1), _at_zero(near[:, 1:], jumps[:, 1:], 1)
        errors = np.abs(jump - rough) + 0.5 * _at_zero(near, rounding, 1, np.abs)
    errors = np.where(np.isfinite(errors), errors, np.inf)
    errors = np.where(_contradicted(jump, errors), np.inf, errors)
    best = int(np.argmin(errors))
    return float(jump[best]), float(errors[best])


def _contradicted(slopes: Array, errors: Array) -> Array:
    """Windows that some window of smaller steps does not agree with."""
    with np.errstate(all="ignore"):
        room = HONEST * (errors[:, None] + errors[None, :])
        differ = np.abs(slopes[:, None] - slopes[None, :]) > room
    contradicted: Array = np.any(np.triu(differ), axis=1)
    return contradicted


class Sides(NamedTuple):
    """The slopes left and right of a number in order of size, what they are uncertain by, a jump between.

    All NaN where one side could not be measured.
    """

    low: float
    high: float
    slack: float
    jumps: bool


def beside(function: Callable[[float], float], start: float, reach: float) -> Sides:
    """The slopes on both sides, each measured near `start` and nearer, with no step across it.

    >>> [round(s, 6) for s in beside(abs, 0.0, 0.1)[:2]]
    [-1.0, 1.0]
    """
    slopes, slack, rise = [], 0.0, 0.0
    near, nearer = reach * 1e-3, reach * 1e-5
    for sign in (-1.0, 1.0):
        there, here = (ladder(function, start + sign * d, 0.9 * d) for d in (near, nearer))
        if there.reason or here.reason:
            return Sides(np.nan, np.nan, np.nan, False)
        slopes.append(here.value)
        slack += HONEST * here.error + abs(here.value - there.value)
        rise += sign * function(start + sign * nearer)
    jump = abs(rise - sum(slopes) * nearer)
    room = 2.0 * slack * nearer + 64.0 * EPSILON * abs(function(start + nearer))
    return Sides(min(slopes), max(slopes), slack, bool(jump > room))


def exact_steps(start: float, widest: float, count: int = STEPS) -> list[float]:
    """Ever smaller steps, each so that start + step and start - step are exact."""
    steps = []
    for k in range(count if np.isfinite(widest) else 0):
        step = START * widest * RATIO**k
        unit = 2.0 * float(np.spacing(abs(start) + step))
        if not 8.0 * unit <= step:
            break
        steps.append(round(step / unit) * unit)
    return steps


def windows(steps: list[float], up: Array, down: Array, noise: Any) -> tuple[Array, Array]:
    """For each four neighbouring steps the slope at step 0, and how far off it may be.

    up and down: the values, one row a step; for functions of many values the other axes are theirs.
    """
    h = np.array(steps)
    tall = h.reshape(-1, *[1] * (up.ndim - 1))
    with np.errstate(all="ignore"):
        quotients = _by_four((up - down) / (2.0 * tall))
        rounding = _by_four((noise + EPSILON * np.maximum(np.abs(up), np.abs(down))) / tall)
        near = _by_four(h)
        slope, rough, rougher = (_at_zero(near[:, n:], quotients[:, n:], 2) for n in range(3))
        doubt = np.maximum(np.abs(slope - rough), 0.01 * np.abs(rough - rougher))
        # Four independent roundings: the root of their squares is about half of their sum.
        return slope, doubt + 0.5 * _at_zero(near, rounding, 2, np.abs)


def _by_four(values: Array) -> Array:
    """Every four neighbours along the first axis: (k, ...) -> (k - 3, 4, ...)."""
    return np.moveaxis(sliding_window_view(values, WINDOW, axis=0), -1, 1)


def _at_zero(
    steps: Array, values: Array, power: int, kind: Callable[[Array], Array] = np.asarray
) -> Array:
    """Polynomials in step ** power through these values, one a row, at step 0 (Lagrange).

    kind: of the weights; np.abs for the worst that errors of the values can add up to.
    """
    near = (steps / steps[:, :1]) ** power
    a, b = near[:, :, None], near[:, None, :]
    same = np.eye(near.shape[1], dtype=bool)
    weights = kind(np.prod(np.where(same, 1.0, b / np.where(same, 1.0, b - a)), axis=2))
    found: Array = np.einsum("kn,kn...->k...", weights, values)
    return found


def _roughness(here: float, up: Array, down: Array) -> float:
    """How far values lie off any smooth curve: what second differences of the smallest steps show."""
    with np.errstate(all="ignore"):
        bent = np.abs(up - 2.0 * here + down)[-LAST:]
        jumps = np.abs(np.concatenate([up, down]) - here)
    rough = float(np.max(bent[np.isfinite(bent)], initial=0.0))
    stairs = up[-1] == here == down[-1]
    real = jumps[(jumps > 0.0) & np.isfinite(jumps)]
    return max(rough, float(np.min(real, initial=np.inf)) if stairs and real.size else 0.0)


def _any_in_window(flags: Array) -> Array:
    some: Array = np.any(_by_four(flags), axis=1)
    return some
