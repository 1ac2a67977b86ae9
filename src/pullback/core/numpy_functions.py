"""NumPy's functions on wires and Units: the gates of the same meaning, or an error with what to write."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core.gate import GATES
from pullback.core.sites import unnamed
from pullback.errors import GateError, did_you_mean

# What people know from elsewhere, and what it is called here or is made of.
OTHER_NAMES = {
    "abs": "absolute(x)", "fabs": "absolute(x)", "pow": "power(a, b)", "ln": "log(x)",
    "clip": "clamp(x, low=0, high=1)", "concatenate": "concat(a, b, axis=0)",
    "cat": "concat(a, b, axis=0)", "hstack": "concat(a, b, axis=1)", "vstack": "concat(a, b, axis=0)",
    "stack": "concat(x[None], y[None], axis=0)", "amax": "max(x)", "amin": "min(x)", "square": "x * x",
    "reciprocal": "1 / x", "sign": "where(x > 0, 1.0, where(x < 0, -1.0, 0.0))",
    "floor_divide": "floor(x / y)", "remainder": "x - floor(x / y) * y", "mod": "x - floor(x / y) * y",
    "fmod": "x - floor(x / y) * y", "ceil": "-floor(-x)", "round": "floor(x + 0.5)",
    "rint": "floor(x + 0.5)", "log2": "log(x) / math.log(2)", "log10": "log(x) / math.log(10)",
    "exp2": "2.0 ** x", "tan": "sin(x) / cos(x)", "sinh": "(exp(x) - exp(-x)) / 2",
    "cosh": "(exp(x) + exp(-x)) / 2", "hypot": "norm(...) or sqrt(x*x + y*y)", "isnan": "x != x",
    "isfinite": "x - x == 0", "std": "sqrt(mean((x - mean(x)) ** 2))", "var": "mean((x - mean(x)) ** 2)",
    "average": "mean(x)", "argmin": "argmax(-x)", "cumsum": "np.tri(len(x)) @ x", "inner": "dot(a, b)",
    "vdot": "dot(a, b)", "einsum": "sums of products, or a @ b", "tensordot": "dot(a, b)",
    "take_along_axis": "pick(x, index)", "logical_and": "(a > 0) & (b > 0)",
    "logical_or": "(a > 0) | (b > 0)", "logical_not": "~(a > 0)", "nansum": "sum(where(x == x, x, 0.0))",
    "flip": "x[::-1]", "take": "gather(x, index)", "ravel": "reshape(x, shape=-1)",
    "expand_dims": "x[None]", "sub": "subtract(a, b)", "mul": "multiply(a, b)", "div": "divide(a, b)",
    "neg": "negative(x)", "arange": "np.arange", "array": "np.array", "zeros": "np.zeros",
    "ones": "np.ones", "linspace": "np.linspace", "outer": "x[:, None] * y",
}  # fmt: skip

FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}


def call_function(function: Callable[..., Any], args: Any, keywords: dict[str, Any]) -> Any:
    """What a function of NumPy makes of wires and Units."""
    known = FUNCTIONS.get(function)
    if known is None:
        raise no_gate(function)
    try:
        bound = inspect.signature(known).bind(*args, **keywords)
    except TypeError as error:
        takes = ", ".join(inspect.signature(known).parameters)
        raise GateError(f"{_called(function)} of a wire or Unit takes {takes}: {error}.") from None
    return known(*bound.args, **bound.kwargs)


def no_gate(function: Any, method: str = "__call__") -> GateError:
    """The error that no gate computes this function, and what to write instead."""
    name = function.__name__
    how = "" if method == "__call__" else f".{method}"
    return GateError(
        f"{_called(function)}{how} takes no wire and no Unit.",
        why="" if name in OTHER_NAMES else did_you_mean(name, GATES),
        fix=OTHER_NAMES.get(name, ""),
    )


def _called(function: Any) -> str:
    module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy").strip(".")
    return f"np.{module}.{function.__name__}" if module else f"np.{function.__name__}"


def _means(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def keep(made: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.update(dict.fromkeys(functions, made))
        return made

    return keep


def _fold(name: str, *functions: Callable[..., Any]) -> None:
    @_means(*functions)
    def fold(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
        return GATES[name](a, axis=axis, keepdims=keepdims)


_fold("sum", np.sum)
_fold("mean", np.mean)
_fold("max", np.max, np.amax)
_fold("min", np.min, np.amin)
_fold("prod", np.prod)
_fold("argmax", np.argmax)


@_means(np.dot)
def _dot(a: Any, b: Any) -> Any:
    return GATES["dot"](a, b)


@_means(np.outer)
def _outer(a: Any, b: Any) -> Any:
    with unnamed(a, b):
        column, row = GATES["reshape"](a, shape=(-1, 1)), GATES["reshape"](b, shape=(1, -1))
    return GATES["multiply"](column, row)


@_means(np.where)
def _where(condition: Any, x: Any, y: Any) -> Any:
    return GATES["where"](condition, x, y)


@_means(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None) -> Any:
    low, high = (None if b is None or np.ndim(b) else b for b in (a_min, a_max))
    with unnamed(a, a_min, a_max):
        for bound, gate in ((a_min, "maximum"), (a_max, "minimum")):
            if bound is not None and np.ndim(bound):
                a = GATES[gate](a, bound)
    return GATES["clamp"](a, low=low, high=high)


@_means(np.concatenate)
def _concatenate(arrays: Sequence[Any], axis: Any = 0) -> Any:
    if axis is None:
        return GATES["concat"](*_each(_ravel, arrays))
    return GATES["concat"](*arrays, axis=axis)


def _each(step: Callable[[Any], Any], arrays: Sequence[Any]) -> list[Any]:
    with unnamed(*arrays):
        return [step(x) for x in arrays]


@_means(np.stack)
def _stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    return GATES["concat"](*_each(lambda x: _expand_dims(x, axis), arrays), axis=axis)


@_means(np.vstack)
def _vstack(tup: Sequence[Any]) -> Any:
    rows = _each(lambda x: x if np.ndim(x) > 1 else GATES["reshape"](x, shape=(1, -1)), tup)
    return GATES["concat"](*rows, axis=0)


@_means(np.hstack)
def _hstack(tup: Sequence[Any]) -> Any:
    parts = _each(lambda x: x if np.ndim(x) else _ravel(x), tup)
    return GATES["concat"](*parts, axis=int(np.ndim(parts[0]) > 1))


@_means(np.reshape)
def _reshape(a: Any, shape: Any) -> Any:
    return GATES["reshape"](a, shape=shape)


@_means(np.ravel)
def _ravel(a: Any) -> Any:
    return GATES["reshape"](a, shape=-1)


@_means(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Any:
    return a.squeeze(axis)


@_means(np.expand_dims)
def _expand_dims(a: Any, axis: int) -> Any:
    at = axis if axis >= 0 else np.ndim(a) + 1 + axis
    return GATES["reshape"](a, shape=(*np.shape(a)[:at], 1, *np.shape(a)[at:]))


@_means(np.transpose)
def _transpose(a: Any, axes: Any = None) -> Any:
    return GATES["transpose"](a, axes=axes)


@_means(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any) -> Any:
    return GATES["broadcast_to"](array, shape=shape)


@_means(np.take)
def _take(a: Any, indices: Any, axis: Any = None) -> Any:
    if axis is None:
        with unnamed(a):
            a = _ravel(a)
        return GATES["gather"](a, indices)
    return GATES["gather"](a, indices, axis=axis)


@_means(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0.0) -> Any:
    if mode != "constant":
        raise GateError(f"np.pad of a wire or Unit has mode='constant', not {mode!r:.40}.")
    return GATES["pad"](array, widths=pad_width, value=constant_values)


@_means(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    if not (ord is None or (ord == 2 and (np.ndim(x) == 1 or isinstance(axis, int)))):
        raise GateError(
            f"np.linalg.norm of a wire or Unit is the square root of squares, not ord={ord!r:.40}."
        )
    return GATES["norm"](x, axis=axis, keepdims=keepdims)


@_means(np.shape)
def _shape(a: Any) -> Any:
    return a.shape


@_means(np.ndim)
def _ndim(a: Any) -> int:
    return len(a.shape)


@_means(np.size)
def _size(a: Any, axis: Any = None) -> Any:
    return a.size if axis is None else a.shape[axis]


@_means(np.zeros_like)
def _zeros_like(a: Any, dtype: Any = None) -> Any:
    return np.zeros(a.shape, dtype or a.dtype)


@_means(np.ones_like)
def _ones_like(a: Any, dtype: Any = None) -> Any:
    return np.ones(a.shape, dtype or a.dtype)
