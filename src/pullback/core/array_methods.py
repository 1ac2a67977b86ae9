"""What arrays have, for wires and Units alike: `x.sum()`, `x[0]`, `x.T`. Each is a gate of that name.

What NumPy's arrays have and no gate computes is refused by the expression that does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NoReturn, Self, TypeVar

import numpy as np

from pullback.core.gate import GATES
from pullback.core.indexing import indexed
from pullback.errors import CircuitError, UnknownAttribute

INSTEAD = {
    "std": "sqrt(mean((x - mean(x)) ** 2))", "var": "mean((x - mean(x)) ** 2)", "argmin": "argmax(-x)",
    "round": "floor(x + 0.5)", "take": "gather(x, index, axis=0)", "repeat": "broadcast_to(x, shape=...)",
    "any": "max(cast(x, dtype='float64')) > 0", "all": "min(cast(x, dtype='float64')) > 0",
    "cumsum": "np.tri(len(x)) @ x", "copy": "x itself: it never changes",
    "swapaxes": "transpose(x, axes=...)",
    "exp": "exp(x)", "log": "log(x)", "tanh": "tanh(x)", "sigmoid": "sigmoid(x)", "relu": "relu(x)",
    "sqrt": "sqrt(x)", "abs": "absolute(x)", "softmax": "softmax(x)", "norm": "norm(x)", "pow": "x ** a",
    "item": "the number exists only when the circuit runs",
    "tolist": "the numbers exist only when the circuit runs",
}  # fmt: skip


class Instead:
    """An attribute that does not exist; the error says what to write instead."""

    def __init__(self, write: str) -> None:
        self.write = write

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, x: Any, owner: type) -> NoReturn:
        raise UnknownAttribute(f"wires and Units have no {self.name!r}.", fix=self.write)


X = TypeVar("X")


def _of(x: X, gate: str, *others: Any, **attributes: Any) -> X:
    """The gate of that name, called with `x`: wires give wires, Units give Units."""
    made: X = GATES[gate](x, *others, **attributes)
    return made


class ArrayMethods:
    """Methods and attributes of NumPy's arrays."""

    __slots__ = ()

    @property
    def size(self: Any) -> int:
        """How many numbers it carries."""
        return math.prod(self.shape)

    @property
    def T(self) -> Self:
        """With its axes in reverse order."""
        # With an attribute a wire asks for the place anew: what it remembers of places is by the caller.
        return _of(self, "transpose", axes=None)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Self:
        return _of(self, "sum", axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Self:
        return _of(self, "mean", axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Self:
        return _of(self, "max", axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Self:
        return _of(self, "min", axis=axis, keepdims=keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Self:
        return _of(self, "prod", axis=axis, keepdims=keepdims)

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Self:
        return _of(self, "argmax", axis=axis, keepdims=keepdims)

    def dot(self, other: Any) -> Self:
        return _of(self, "dot", other)

    def reshape(self, *shape: Any) -> Self:
        return _of(self, "reshape", shape=shape[0] if len(shape) == 1 else shape)

    def flatten(self) -> Self:
        return _of(self, "reshape", shape=-1)

    ravel = flatten

    def squeeze(self, axis: Any = None) -> Self:
        """Without axes of size 1: all of them, or those named."""
        shape: tuple[int, ...] = self.shape  # type: ignore[attr-defined]
        kept = np.squeeze(np.broadcast_to(np.False_, shape), axis=_squeezed(shape, axis))
        return _of(self, "reshape", shape=kept.shape)

    def transpose(self, *axes: Any) -> Self:
        return _of(self, "transpose", axes=axes[0] if len(axes) == 1 else axes or None)

    def astype(self, dtype: Any) -> Self:
        return _of(self, "cast", dtype=dtype)

    def clip(self, min: Any = None, max: Any = None) -> Self:
        return _of(self, "clamp", low=min, high=max)

    def __getitem__(self, index: Any) -> Self:
        part: Self = indexed(self, index)
        return part

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise CircuitError(
            f"a {type(self).__name__} is never changed in place.",
            fix="where(condition, value, x) makes a new one; concat puts parts together",
        )

    def __len__(self: Any) -> int:
        if not self.shape:
            raise TypeError(f"a {type(self).__name__} that carries one number has no len()")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))


for _name, _write in INSTEAD.items():
    _instead = Instead(_write)
    _instead.__set_name__(ArrayMethods, _name)
    setattr(ArrayMethods, _name, _instead)


def _squeezed(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """The axes of size 1 that `axis` names, all of them for None, or max's and squeeze's own error."""
    if axis is None:
        return tuple(i for i, size in enumerate(shape) if size == 1)
    axes = GATES["sum"].options["axis"]("axis", axis)
    named = axes if isinstance(axes, tuple) else (axes,)
    for one in named:
        if not -len(shape) <= one < len(shape) or shape[one] != 1:
            raise CircuitError(f"squeeze: axis {one} of {shape} is not an axis of size 1.")
    return tuple(one % len(shape) for one in named)
