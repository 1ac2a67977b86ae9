"""What gradcheck moves: the numbers of a function's inputs, one by one, and the work done when they move."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback.errors import CircuitError
from pullback.lens.compare import Inside, Move
from pullback.lens.gatecheck import uneven
from pullback.lens.numeric import reach


class Probe:
    """Inputs that can be moved, and the analytic pull on each; a subclass says what work they do.

    names, inputs and pulls: one an input; only inputs that are arrays of real numbers are moved.
    noise: what rounding inside may do to the work.
    """

    noise = 0.0

    def __init__(self, names: Sequence[str], inputs: list[Any], pulls: list[Any]) -> None:
        self.names, self.inputs, self.pulls = names, inputs, pulls
        self.evaluations = 0

    def work(self, inputs: list[Any]) -> tuple[float, Sequence[bytes]]:
        """The work at these inputs, and the state of every switch on the way."""
        raise NotImplementedError

    def said(self, switch: int) -> tuple[str, str]:
        """The gate of a switch and its line."""
        raise NotImplementedError

    @property
    def scale(self) -> float:
        """The size of the largest pull that is a finite number."""
        sizes = (np.abs(p) for p in self.pulls)
        return max(
            (float(np.max(s, initial=0.0, where=np.isfinite(s))) for s in sizes), default=0.0
        )

    def places(self) -> list[tuple[int, tuple[int, ...]]]:
        """Every real number among the inputs: its input's position and its index."""
        return [
            (i, at) for i, x in enumerate(self.inputs) if is_real(x) for at in np.ndindex(x.shape)
        ]

    def element(self, position: int, index: tuple[int, ...]) -> Move:
        """One number is moved."""
        start = float(self.inputs[position][index])
        where = self.names[position] + (f"[{', '.join(map(str, index))}]" if index else "")

        def at(x: float) -> tuple[float, Sequence[bytes]]:
            moved = self.inputs[position].copy()
            moved[index] = x
            return self._counted([*self.inputs[:position], moved, *self.inputs[position + 1 :]])

        way = np.zeros(self.inputs[position].shape)
        way[index] = 1.0
        ways = [way if i == position else None for i in range(len(self.inputs))]
        analytic, inside = float(self.pulls[position][index]), self.inside(ways)
        return Move(where, start, reach(start), analytic, at, self.said, self.noise, inside)

    def inside(self, ways: list[Any]) -> Inside | None:
        """What is known of a move of all inputs along `ways`, None for one that stands still."""
        return None

    def together(self, seed: int) -> Move:
        """All real numbers are moved at once, each by a share of its size."""
        directions = [
            uneven(x.shape, 100 * seed + i) * np.maximum(np.abs(x), 0.1) if is_real(x) else None
            for i, x in enumerate(self.inputs)
        ]

        def at(t: float) -> tuple[float, Sequence[bytes]]:
            moves = zip(self.inputs, directions, strict=True)
            return self._counted([x if d is None else x + t * d for x, d in moves])

        pairs = zip(self.pulls, directions, strict=True)
        analytic = sum(float(np.sum(p * d)) for p, d in pairs if d is not None)
        where, inside = f"all inputs, way {seed + 1}", self.inside(directions)
        return Move(where, 0.0, 0.01, analytic, at, self.said, self.noise, inside)

    def _counted(self, inputs: list[Any]) -> tuple[float, Sequence[bytes]]:
        self.evaluations += 1
        with np.errstate(all="ignore"):
            return self.work(inputs)


class HandProbe(Probe):
    """A Python function with a backward written by hand: nothing inside it can be seen."""

    def __init__(
        self, function: Any, backward: Any, values: Sequence[Any], named: Mapping[str, Any]
    ) -> None:
        bound = _named(function, values, named)
        inputs = [np.asarray(x, np.float64) if is_real(x) else x for x in bound.values()]
        pulls = _pulls_by_hand(backward(*map(_plain, inputs)), list(bound), inputs)
        super().__init__(list(bound), inputs, pulls)
        self.function = function

    def work(self, inputs: list[Any]) -> tuple[float, Sequence[bytes]]:
        """A point outside the function's domain counts as NaN."""
        try:
            out = self.function(*map(_plain, inputs))
        except (ArithmeticError, ValueError):
            return np.nan, ()
        if np.size(out) != 1:
            raise CircuitError(
                f"the function puts out an array of shape {np.shape(out)}; one number is checked.",
                fix="return y.sum()",
            )
        return float(np.asarray(out).item()), ()

    def said(self, switch: int) -> tuple[str, str]:
        return "", ""


def is_real(x: Any) -> bool:
    """Whether `x` is one or more real numbers. A single Python int counts: people write 2 for 2.0."""
    return type(x) is int or (np.asarray(x).dtype.kind == "f")


def _named(function: Any, values: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """The values by the function's own parameter names, where Python knows them."""
    try:
        return dict(inspect.signature(function).bind(*values, **named).arguments)
    except ValueError:  # a builtin without a signature
        return {f"input {i}": x for i, x in enumerate([*values, *named.values()])}


def _plain(x: Any) -> Any:
    return float(x) if isinstance(x, np.ndarray) and x.ndim == 0 and x.dtype.kind == "f" else x


def _pulls_by_hand(answer: Any, names: list[str], inputs: list[Any]) -> list[Any]:
    """What a hand-written backward answers, one array an input: by position, by name, or just one."""
    if isinstance(answer, Mapping):
        answer = tuple(answer.get(name) for name in names)
    answer = answer if isinstance(answer, tuple | list) and len(names) > 1 else (answer,)
    if len(answer) != len(names):
        raise CircuitError(
            f"backward returns {len(answer)} gradients for {len(names)} inputs ({', '.join(names)})."
        )
    return [_fitting(n, x, p) for n, x, p in zip(names, inputs, answer, strict=True)]


def _fitting(name: str, x: Any, pull: Any) -> Any:
    if pull is None or not is_real(x):
        return np.zeros(np.shape(x))
    pull = np.asarray(pull, np.float64)
    if pull.shape != x.shape:
        raise CircuitError(
            f"backward gives {name!r} a gradient of shape {pull.shape}; its value has {x.shape}."
        )
    return pull
