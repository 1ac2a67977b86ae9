"""The three strategies for raising an output: try at random, measure the slope, or compute it.

All three answer the same question on any circuit, and count what they cost in forward runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.errors import OptionError
from pullback.lens.function import as_circuit_function
from pullback.lens.objective import METHODS, Objective, numerical_gradient
from pullback.lens.snapshot import short

STRATEGIES = ("analytic", "numerical", "random")


@dataclass(frozen=True)
class Nudge:
    """What one step did: `after` against `before`, and what the gradient had promised.

    evaluations counts forward runs that found the direction (a backward pass counts as one), not
    the final one that measured `after`. predicted is None for random search, which has no gradient.
    """

    strategy: str
    values: dict[str, Any]
    before: float
    after: float
    predicted: float | None
    gradient: dict[str, Any] | None
    evaluations: int

    @property
    def gain(self) -> float:
        return self.after - self.before

    def __repr__(self) -> str:
        moved = ", ".join(f"{k} = {short(v, 6)}" for k, v in self.values.items())
        promise = (
            "" if self.predicted is None else f", predicted {self.predicted - self.before:+.6g}"
        )
        return (
            f"{self.strategy}: {self.before:.6g} -> {self.after:.6g} ({self.gain:+.6g}{promise}) "
            f"after {self.evaluations} evaluations\n{moved}"
        )


def nudge(  # noqa: PLR0913 - one question, and every knob of it by name
    function: Any,
    *values: Any,
    step: float = 0.01,
    strategy: str = "analytic",
    method: str = "central",
    up: bool = True,
    pinned: Sequence[str] = (),
    tries: int = 100,
    seed: int = 0,
    **named: Any,
) -> Nudge:
    """Move the inputs a little so that the output goes up (or down), by one of three strategies.

    "analytic" and "numerical" add step times the gradient; "random" tries `tries` points within
    +-step of the start and keeps the best. Inputs named in `pinned` stay where they are.

    >>> nudge("(x+y)*z", -2, 5, -4).values
    {'x': -2.04, 'y': 4.96, 'z': -3.97}
    """
    if strategy not in STRATEGIES:
        raise OptionError(f"strategy must be one of {', '.join(STRATEGIES)}, got {strategy!r}.")
    _check_step(step)
    if tries < 1:
        raise OptionError(f"tries={tries}; at least one point must be tried.")
    f = Objective(function, values, named, pinned)
    before = float(f.view.program.run(f.leaves)[0])
    sign = 1.0 if up else -1.0
    if strategy == "random":
        return _random(f, before, sign, step, tries, seed)
    gradient = f.gradient() if strategy == "analytic" else numerical_gradient(f, method)
    moved = f.start + sign * step * gradient
    spent = f.evaluations
    promised = before + sign * step * float(gradient @ gradient)
    after = float(f(moved))
    return Nudge(strategy, f.named(moved), before, after, promised, f.named(gradient), spent)


def _random(f: Objective, before: float, sign: float, step: float, tries: int, seed: int) -> Nudge:
    generator = np.random.Generator(np.random.PCG64(seed))
    best, point = before, f.start
    for _ in range(tries):
        tried = f.start + step * generator.uniform(-1.0, 1.0, f.start.shape)
        found = float(f(tried))
        # NaN is no improvement, and anything improves on it.
        if sign * found > sign * best or (math.isnan(best) and not math.isnan(found)):
            best, point = found, tried
    return Nudge("random", f.named(point), before, best, None, None, f.evaluations)


@dataclass(frozen=True)
class Microscope:
    """The output along the ray start + step * gradient: what each step promises and what it gives."""

    before: float
    steps: tuple[float, ...]
    promised: tuple[float, ...]
    actual: tuple[float, ...]
    up: bool = True

    @property
    def best(self) -> float:
        """The step that moves the output furthest the right way; 0.0 if none does."""
        sign = 1.0 if self.up else -1.0
        gains = [
            (sign * (a - self.before), s) for s, a in zip(self.steps, self.actual, strict=True)
        ]
        return max([g for g in gains if g[0] > 0], default=(0.0, 0.0))[1]

    @property
    def is_flat(self) -> bool:
        """Whether the gradient is zero: then no step along it moves anything."""
        return set(self.promised) == {self.before}

    def __repr__(self) -> str:
        if self.is_flat:
            return f"the gradient is zero here: no step changes {self.before:.6g}, large or small."
        lines = [f"{'step':>10}  {'predicted':>12}  {'actual':>12}"]
        rows = zip(self.steps, self.promised, self.actual, strict=True)
        lines += [f"{s:>10.4g}  {p:>12.6g}  {a:>12.6g}" for s, p, a in rows]
        return "\n".join(lines)


def microscope(
    function: Any,
    *values: Any,
    steps: Sequence[float] = (0.001, 0.01, 0.1, 1.0, 10.0),
    up: bool = True,
    pinned: Sequence[str] = (),
    **named: Any,
) -> Microscope:
    """How good is the gradient's prediction? The output at several steps along the gradient.

    The gradient predicts a straight line, which is right for small steps only. Where the gradient is
    zero it predicts no change, and printing the result says so.

    >>> microscope("x*y", -2, 3, steps=(0.01, 1.0, 2.0)).actual
    (-5.8706, 1.0, -4.0)
    """
    for step in steps:
        _check_step(step)
    f = Objective(function, values, named, pinned)
    before, gradient, sign = float(f(f.start)), f.gradient(), 1.0 if up else -1.0
    rise = sign * float(gradient @ gradient)
    actual = tuple(float(f(f.start + sign * s * gradient)) for s in steps)
    return Microscope(before, tuple(steps), tuple(before + s * rise for s in steps), actual, up)


def _check_step(step: float) -> None:
    if not (math.isfinite(step) and step > 0):
        raise OptionError(f"step must be a number above 0, got {step}.", fix="up=False to go down")


def landscape(
    function: Any,
    *values: Any,
    along: Sequence[str],
    reach: float = 1.0,
    points: int = 41,
    **named: Any,
) -> tuple[np.ndarray[Any, Any], ...]:
    """A slice of the output around a point, along one or two single-number inputs.

    Gives (offsets, outputs), or (offsets, offsets, outputs[i, j]) for two inputs.
    """
    made = as_circuit_function(function)
    for name in along:
        made.check_known(name)
    f = Objective(made, values, named, [p for p in made.parameters if p not in along])
    if len(along) not in (1, 2) or len(f.start) != len(along):
        raise OptionError("along= names one or two inputs that each carry a single number.")
    offsets = np.linspace(-reach, reach, points)
    grid = np.meshgrid(*[offsets] * len(along), indexing="ij")
    moves = np.stack([g.ravel() for g in grid], axis=-1)
    outputs = np.array([float(f(f.start + move)) for move in moves]).reshape(grid[0].shape)
    return (*[offsets] * len(along), outputs)


__all__ = ["METHODS", "STRATEGIES", "Microscope", "Nudge", "landscape", "microscope", "nudge"]
