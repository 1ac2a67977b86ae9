"""What arrays have, for wires and Units alike: `x.sum()`, `x[0]`, `x.T`. Each is a gate of that name.

What NumPy's arrays have and no gate computes is refused by the expression that does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NoReturn

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
    "item": "the number comes when the circuit runs", "tolist": "the numbers come when the circuit runs",
}  # fmt: skip


class Instead:
    """An attribute that is not there: whoever asks for it is told what to write."""

    def __init__(self, write: str) -> None:
        self.write = write

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, x: Any, owner: type) -> NoReturn:
        raise UnknownAttribute(f"wires and Units have no {self.name!r}.", fix=self.write)


class ArrayMethods:
    """Methods and attributes of NumPy's arrays."""

    __slots__ = ()

    @property
    def size(self: Any) -> int:
        """How many numbers it carries."""
        return math.prod(self.shape)

    @property
    def T(self: Any) -> Any:
        """With its axes in reverse order."""
        return GATES["transpose"](self)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return GATES["sum"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        return GATES["mean"](self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        return GATES["max"](self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        return GATES["min"](self, axis=axis, keepdims=keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Any:
        return GATES["prod"](self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Any:
        return GATES["argmax"](self, axis=axis, keepdims=keepdims)

    def dot(self, other: Any) -> Any:
        return GATES["dot"](self, other)

    def reshape(self, *shape: Any) -> Any:
        return GATES["reshape"](self, shape=shape[0] if len(shape) == 1 else shape)

    def flatten(self) -> Any:
        return GATES["reshape"](self, shape=-1)

    ravel = flatten

    def squeeze(self: Any, axis: Any = None) -> Any:
        """Without axes of size 1: all of them, or those named."""
        kept = np.squeeze(np.broadcast_to(np.False_, self.shape), axis=_squeezed(self.shape, axis))
        return GATES["reshape"](self, shape=kept.shape)

    def transpose(self, *axes: Any) -> Any:
        return GATES["transpose"](self, axes=axes[0] if len(axes) == 1 else axes or None)

    def astype(self, dtype: Any) -> Any:
        return GATES["cast"](self, dtype=dtype)

    def clip(self, min: Any = None, max: Any = None) -> Any:
        return GATES["clamp"](self, low=min, high=max)

    def __getitem__(self, index: Any) -> Any:
        return indexed(self, index)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise CircuitError(
            f"a {type(self).__name__} is never changed in place.",
            fix="where(condition, value, x) makes a new one; concat puts parts together",
        )

    def __len__(self: Any) -> int:
        if not self.shape:
            raise TypeError(f"a {type(self).__name__} that carries one number has no len()")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
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
            raise CircuitError(f"squeeze: axis {one} of {shape} is no axis of size 1.")
    return tuple(one % len(shape) for one in named)
