"""The functions and methods of NumPy that homework may use, and how large each one's result is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Shape = tuple[int, ...]
TORCH = ("torch", "F")  # modules whose functions may be gates of ours: F.softmax(x, 1)
# Names of options elsewhere: torch says dim and keepdim.
OPTIONS = {"dim": "axis", "keepdim": "keepdims"}
CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "newaxis": None}
DTYPES = {
    "float": float,
    "float64": float,
    "float32": float,
    "double": float,
    "int": int,
    "int64": int,
    "bool": bool,
}


class Word(NamedTuple):
    """A function, and the shape of its result from the same arguments."""

    function: Callable[..., Any]
    shape: Callable[..., Shape]


def _spread(*inputs: Any) -> Shape:
    found: Shape = np.broadcast_shapes(*[np.shape(x) for x in inputs])
    return found


def _first(x: Any, *_: Any, **__: Any) -> Shape:
    return np.shape(x)


def _product(a: Any, b: Any) -> Shape:
    """Of a matrix product; what it multiplies is counted as well, a hundredth of it."""
    left: Shape = np.shape(a)
    right: Shape = np.shape(b)
    if not left or not right:
        return left or right
    rows, columns = left[:-1], right[:-2] + right[-1:] if len(right) > 1 else ()
    return (*rows, *(columns[-1:]), max(left[-1] // 100, 1), *columns[:-1])


def _dotted(a: Any, b: Any) -> Shape:
    left, right = np.shape(a), np.shape(b)
    return (*left, *right[:-2], *right[-1:], 1) if left and right else left or right


def _joined(xs: Sequence[Any], axis: int = 0) -> Shape:
    return (sum(np.size(x) for x in xs),)


# Reductions


def _sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(x, axis=axis, keepdims=keepdims)


def _mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.mean(x, axis=axis, keepdims=keepdims)


def _max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(x, axis=axis, keepdims=keepdims)


def _min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.min(x, axis=axis, keepdims=keepdims)


def _prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.prod(x, axis=axis, keepdims=keepdims)


def _var(x: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    return np.var(x, axis=axis, keepdims=keepdims, ddof=ddof)


def _std(x: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    return np.std(x, axis=axis, keepdims=keepdims, ddof=ddof)


def _argmax(x: Any, axis: Any = None) -> Any:
    return np.argmax(x, axis=axis)


def _cumsum(x: Any, axis: Any = None) -> Any:
    return np.cumsum(x, axis=axis)


def _any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.any(x, axis=axis, keepdims=keepdims)


def _all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.all(x, axis=axis, keepdims=keepdims)


# Shapes


def _sizes(shape: tuple[Any, ...]) -> Any:
    """`reshape(2, 3)` and `reshape((2, 3))` say the same."""
    return shape[0] if len(shape) == 1 else shape


def _reshape(x: Any, *shape: Any) -> Any:
    return np.reshape(x, _sizes(shape))


def _transpose(x: Any, *axes: Any) -> Any:
    return np.transpose(x, _sizes(axes) if axes else None)


def _squeeze(x: Any, axis: Any = None) -> Any:
    return np.squeeze(x, axis)


def _repeat(x: Any, repeats: int, axis: Any = None) -> Any:
    return np.repeat(x, repeats, axis=axis)


def _concatenate(xs: Sequence[Any], axis: int = 0) -> Any:
    return np.concatenate(xs, axis=axis)


def _stack(xs: Sequence[Any], axis: int = 0) -> Any:
    return np.stack(xs, axis=axis)


def _flip(x: Any, axis: Any = None) -> Any:
    return np.flip(x, axis)


def _diag(x: Any) -> Any:
    return np.diag(x)


# Arrays made new


def _zeros(*shape: Any, dtype: Any = float) -> Any:
    return np.zeros(_made(*shape), _kind(shape, dtype))


def _ones(*shape: Any, dtype: Any = float) -> Any:
    return np.ones(_made(*shape), _kind(shape, dtype))


def _kind(shape: tuple[Any, ...], dtype: Any) -> Any:
    """The kind of number: `zeros((2, 3), int)` has it in the place of a size."""
    return shape[-1] if isinstance(shape[-1], type) else dtype


def _full(shape: Any, value: Any) -> Any:
    return np.full(shape, value)


def _zeros_like(x: Any, dtype: Any = None) -> Any:
    return np.zeros_like(x, dtype)


def _ones_like(x: Any, dtype: Any = None) -> Any:
    return np.ones_like(x, dtype)


def _full_like(x: Any, value: Any) -> Any:
    return np.full_like(x, value)


def _made(*shape: Any, dtype: Any = None) -> Shape:
    size = _sizes(tuple(s for s in shape if not isinstance(s, type)))
    return tuple(size) if isinstance(size, tuple | list) else (size,)


def _eye(n: int) -> Any:
    return np.eye(n)


def _arange(*ends: int) -> Any:
    return np.arange(*ends)


def _counted(*ends: int) -> Shape:
    return (len(range(*ends)),)


def _array(x: Any, dtype: Any = None) -> Any:
    return np.array(x, dtype)


def _one_hot(index: Any, num_classes: int) -> Any:
    return np.eye(num_classes)[index]


def _astype(x: Any, dtype: Any) -> Any:
    return np.asarray(x).astype(dtype)


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.clip(x, low, high)


_UNARY = (
    "exp", "log", "sqrt", "tanh", "absolute", "square", "sign", "negative", "positive", "sin", "cos", "tan",
    "log1p", "expm1", "log2", "log10", "cosh", "sinh", "arctan", "reciprocal", "floor", "ceil", "isnan",
    "logical_not",
)  # fmt: skip
_BINARY = (
    "add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "less", "less_equal", "greater",
    "greater_equal", "equal", "not_equal", "logical_and", "logical_or", "floor_divide", "remainder",
    "logaddexp", "float_power",
)  # fmt: skip
_FOLDS = {
    "sum": _sum, "mean": _mean, "max": _max, "amax": _max, "min": _min, "amin": _min, "prod": _prod,
    "var": _var, "std": _std, "argmax": _argmax, "cumsum": _cumsum, "any": _any, "all": _all,
}  # fmt: skip
_MOVES: dict[str, Callable[..., Any]] = {
    "reshape": _reshape, "view": _reshape, "transpose": _transpose, "permute": _transpose,
    "swapaxes": np.swapaxes, "squeeze": _squeeze, "ravel": lambda x: np.ravel(x),
    "flatten": lambda x: np.asarray(x).flatten(), "expand_dims": lambda x, axis: np.expand_dims(x, axis),
    "unsqueeze": lambda x, axis: np.expand_dims(x, axis), "flip": _flip, "copy": lambda x: np.array(x),
    "clone": lambda x: np.array(x), "detach": lambda x: x, "astype": _astype, "clip": _clip,
    "float": lambda x: _astype(x, float), "double": lambda x: _astype(x, float),
    "zeros_like": _zeros_like, "empty_like": _zeros_like, "ones_like": _ones_like, "full_like": _full_like,
    "asarray": _array, "array": _array, "atleast_2d": lambda x: np.atleast_2d(x), "item": lambda x: x,
    "asfarray": lambda x: _astype(x, float), "float64": lambda x: _astype(x, float)[()],
}  # fmt: skip
FUNCTIONS: dict[str, Word] = {
    **{name: Word(getattr(np, name), _spread) for name in (*_UNARY, *_BINARY)},
    **{name: Word(function, _first) for name, function in (_FOLDS | _MOVES).items()},
    "shape": Word(lambda x: np.shape(x), _first),
    "size": Word(lambda x: int(np.size(x)), _first),
    "ndim": Word(lambda x: int(np.ndim(x)), _first),
    "abs": Word(np.absolute, _spread),
    "fabs": Word(np.absolute, _spread),
    "pow": Word(np.power, _spread),
    "sub": Word(np.subtract, _spread),
    "mul": Word(np.multiply, _spread),
    "div": Word(np.divide, _spread),
    "where": Word(lambda condition, a, b: np.where(condition, a, b), _spread),
    "dot": Word(lambda a, b: np.dot(a, b), _dotted),
    "mm": Word(lambda a, b: np.matmul(a, b), _product),
    "matmul": Word(lambda a, b: np.matmul(a, b), _product),
    "outer": Word(lambda a, b: np.outer(a, b), lambda a, b: (np.size(a), np.size(b))),
    "broadcast_to": Word(lambda x, shape: np.broadcast_to(x, shape), lambda x, shape: tuple(shape)),
    "repeat": Word(_repeat, lambda x, repeats, axis=None: (np.size(x), repeats)),
    "tile": Word(
        lambda x, reps: np.tile(x, reps), lambda x, reps: (np.size(x), *np.atleast_1d(reps))
    ),
    "concatenate": Word(_concatenate, _joined),
    "stack": Word(_stack, _joined),
    "hstack": Word(lambda xs: np.hstack(xs), _joined),
    "vstack": Word(lambda xs: np.vstack(xs), _joined),
    "diag": Word(_diag, lambda x: (np.size(x), np.size(x))),
    "zeros": Word(_zeros, _made),
    "empty": Word(_zeros, _made),
    "ones": Word(_ones, _made),
    "full": Word(_full, lambda shape, value: _made(shape)),
    "eye": Word(_eye, lambda n: (n, n)),
    "identity": Word(_eye, lambda n: (n, n)),
    "arange": Word(_arange, _counted),
    "one_hot": Word(
        _one_hot, lambda index, num_classes: (np.size(index) + num_classes, num_classes)
    ),
}
# What may stand behind a dot: x.sum(axis=0), x.T.
METHODS = frozenset(
    {"sum", "mean", "max", "min", "prod", "var", "std", "argmax", "cumsum", "any", "all", "reshape", "view",
     "transpose", "permute", "swapaxes", "squeeze", "unsqueeze", "ravel", "flatten", "copy", "clone",
     "detach", "astype", "clip", "float", "double", "dot", "matmul", "mm", "repeat", "item", "exp", "log",
     "sqrt", "tanh", "abs", "pow"}
)  # fmt: skip
# Python's own functions. sum, max and min go over the rows alone, which nobody means.
BARE = {"abs": "abs", "float": "float", "range": "arange", "list": "asarray", "tuple": "asarray"}
REFUSED = {"sum": "np.sum", "max": "np.maximum", "min": "np.minimum"}
