"""Gates that fold an axis: sum, mean, max, argmax, logsumexp, softmax, and sum_to that undoes broadcasting.

axis is None (everything), an integer or a tuple; keepdims leaves the folded axes with size 1.
"""

import math
from functools import reduce
from typing import Any

import numpy as np

from pullback.core import options
from pullback.core.dtypes import INT64
from pullback.core.gate import gate, recipe
from pullback.core.shapes import Shape, broadcast, check_shape
from pullback.errors import ShapeError
from pullback.gates.choose import maximum, where
from pullback.gates.compare import equal, greater
from pullback.gates.curves import exp, log, sqrt
from pullback.gates.shape import axis_of, broadcast_to, cast, reshape, transpose
from pullback.gates.structural import stop_gradient


def folded_axes(ndim: int, axis: Any) -> tuple[int, ...]:
    """The axes that `axis` names, each once, counted from the front."""
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple | list) else (axis,)
    found = sorted(axis_of(ndim, a) for a in axes)
    if len({*found}) < len(found):
        raise ShapeError(f"{axis} names an axis twice.")
    return tuple(found)


def _folded(x: Shape, *, axis: Any, keepdims: bool, **_: Any) -> Shape:
    axes = folded_axes(len(x), axis)
    return tuple(1 if i in axes else s for i, s in enumerate(x) if keepdims or i not in axes)


_AXES = {"axis": options.axes}
_FOLD = {**_AXES, "keepdims": options.flag}


def kept_shape(shape: Shape, axis: Any) -> Shape:
    """`shape` with the folded axes kept, of size 1."""
    return _folded(shape, axis=axis, keepdims=True)


def unfold(y: Any, x: Any, axis: Any) -> Any:
    """`y`, folded from `x` along `axis`, spread out again to the shape of `x`."""
    return broadcast_to(reshape(y, shape=kept_shape(x.shape, axis)), shape=x.shape)


def _size(x: Any, axis: Any) -> int:
    return math.prod(x.shape[a] for a in folded_axes(len(x.shape), axis))


@gate(
    slopes="fixed",
    shape=_folded, takes="number", options=_FOLD, pattern="distributes", holomorphic=True,
    np="np.sum({x}, axis={axis}, keepdims={keepdims})",
    latex=r"\sum{axis!i}({x})", onnx="ReduceSum",
)  # fmt: skip
def sum(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """y = x[0] + x[1] + ...: every element is pulled as hard as the sum. Empty sums are 0.

    >>> float(sum(np.array([1.0, 2.0, 3.0])))
    6.0
    """
    return np.sum(x, axis=axis, keepdims=keepdims)


@sum.pulls
def d_sum(dy: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    return unfold(dy, x, axis)


@recipe(
    slopes="fixed",
    shape=_folded, takes="float", options=_FOLD, np="np.mean({x}, axis={axis}, keepdims={keepdims})",
    latex=r"\mathrm{{mean}}{axis!i}({x})",
)  # fmt: skip
def mean(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """y = sum(x) / n: n elements share the pull. The mean of nothing is NaN.

    >>> float(mean(np.array([1.0, 2.0, 3.0])))
    2.0
    """
    return sum(x, axis=axis, keepdims=keepdims) / _size(x, axis)


def _summed(x: Shape, *, shape: Shape) -> Shape:
    check_shape(shape)
    if broadcast([x, shape], ["x", "shape"]) != x:
        raise ShapeError(f"{x} is not what {shape} broadcasts to.")
    return shape


@gate(
    slopes="fixed",
    shape=_summed, takes="number", options={"shape": options.shape}, pattern="distributes", holomorphic=True,
    np="sum_to({x}, {shape})", latex=r"\mathrm{{sum\_to}}{shape!i}({x})",
)  # fmt: skip
def sum_to(x: Any, *, shape: Any) -> Any:
    """Sum over the axes along which `shape` was broadcast to x's shape. The pull of broadcasting.

    Where nothing was repeated nothing is added: a -0 stays a -0.

    >>> sum_to(np.ones((2, 3)), shape=(3,))
    array([2., 2., 2.])
    """
    if np.size(x) == math.prod(shape):
        return np.reshape(x, shape)[()]
    extra = np.ndim(x) - len(shape)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, s in enumerate(shape) if s == 1 and np.shape(x)[i + extra] != 1
    )
    return np.reshape(np.sum(x, axis=axes, keepdims=True), shape)[()]


@sum_to.pulls
def d_sum_to(dy: Any, y: Any, x: Any, *, shape: Any) -> Any:
    return broadcast_to(dy, shape=x.shape)


sum_to.helper(
    numpy="""def sum_to(x, shape):
    if np.size(x) == np.prod(shape):
        return np.reshape(x, shape)[()]
    extra = np.ndim(x) - len(shape)
    axes = tuple(range(extra))
    axes += tuple(i + extra for i, s in enumerate(shape) if s == 1 and np.shape(x)[i + extra] != 1)
    return np.reshape(np.sum(x, axis=axes, keepdims=True), shape)[()]"""
)


def _picked(x: Shape, *, axis: Any, keepdims: bool = False) -> Shape:
    if any(x[a] == 0 for a in folded_axes(len(x), axis)):
        raise ShapeError(
            f"nothing is largest or smallest of nothing: {x} has no element along axis {axis}."
        )
    return _folded(x, axis=axis, keepdims=keepdims)


def _spot(x: Shape, *, axis: Any, keepdims: bool) -> Shape:
    if isinstance(axis, tuple):
        raise ShapeError(f"a place is looked for along one axis or all, not along {axis}.")
    return _picked(x, axis=axis, keepdims=keepdims)


def _lead(x: Any, *, axis: Any, keepdims: bool) -> Any:
    # How far each element is ahead of the best of the others: 0 at a tie, and the sign says who wins.
    axes = folded_axes(np.ndim(x), axis)
    rest = [i for i in range(np.ndim(x)) if i not in axes]
    rows = np.reshape(
        np.transpose(x, [*rest, *axes]), [*(x.shape[i] for i in rest), _size(x, axis)]
    )
    if rows.shape[-1] == 1:
        return np.ones_like(x)
    kept = kept_shape(np.shape(x), axis)
    second, top = np.moveaxis(np.sort(rows, axis=-1)[..., -2:], -1, 0)
    top, second = np.reshape(top, kept), np.reshape(second, kept)
    return np.where(x == top, top - second, x - top)


@gate(
    chooses="value", slopes="fixed",
    shape=_picked, takes="number", options=_FOLD, kink=_lead, pattern="routes",
    np="np.max({x}, axis={axis}, keepdims={keepdims}) + 0",
    latex=r"\max{axis!i}({x})", onnx="ReduceMax",
)  # fmt: skip
def max(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """y = the largest element; a NaN wins, and a zero is +0. Equal largest elements share the pull.

    >>> float(max(np.array([1.0, 5.0, 3.0])))
    5.0
    """
    # Adding 0 turns -0 into +0, so the order in which zeros are compared cannot show.
    return np.max(x, axis=axis, keepdims=keepdims) + np.zeros((), np.asarray(x).dtype)[()]


@max.pulls
def d_max(dy: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    largest = equal(x, unfold(y, x, axis))
    ties = sum(cast(largest, dtype=dy.dtype.name), axis=axis, keepdims=True)
    return where(largest, unfold(dy, x, axis) / ties, 0.0)


def _one_by_one(x: Any, axis: Any) -> list[Any]:
    """The elements that are folded into one, each an array of its own."""
    axes = folded_axes(len(x.shape), axis)
    rest = [i for i in range(len(x.shape)) if i not in axes]
    order = (*rest, *axes)
    rows = x if order == tuple(range(len(order))) else transpose(x, axes=order)
    rows = _in_shape(rows, (*(x.shape[i] for i in rest), _size(x, axis)))
    return [rows[..., i] for i in range(rows.shape[-1])]


def _in_shape(x: Any, shape: Shape) -> Any:
    return x if x.shape == shape else reshape(x, shape=shape)


@max.parts
def max_parts(x: Any, *, axis: Any, keepdims: bool) -> Any:
    # Of three equal ones `maximum` halves twice: a quarter, a quarter, a half.
    largest = reduce(maximum, _one_by_one(x, axis)) + 0
    return _in_shape(largest, _folded(x.shape, axis=axis, keepdims=keepdims))


@gate(
    slopes="fixed",
    shape=_spot, takes="any", options=_FOLD, result=INT64,
    np="np.argmax({x}, axis={axis}, keepdims={keepdims})",
    latex=r"\mathrm{{argmax}}{axis!i}({x})", onnx="ArgMax",
)  # fmt: skip
def argmax(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The index of the largest element along one axis; of equal ones the first. Nothing can pull it.

    axis=None: its place among all elements, row by row.

    >>> int(argmax(np.array([1.0, 5.0, 3.0])))
    1
    """
    return np.argmax(x, axis=axis, keepdims=keepdims)


@argmax.parts
def argmax_parts(x: Any, *, axis: Any, keepdims: bool) -> Any:
    largest, *others = _one_by_one(x, axis)
    index = where(equal(largest, largest), np.int64(0), np.int64(0))
    for i, other in enumerate(others, 1):
        wins = where(equal(other, other), greater(other, largest), equal(largest, largest))
        index, largest = where(wins, np.int64(i), index), where(wins, other, largest)
    return _in_shape(index, _spot(x.shape, axis=axis, keepdims=keepdims))


def _powers(x: Any, axis: Any) -> tuple[Any, Any]:
    """e^(x - top) and top, the largest element; -inf alone gives zeros, +inf a 1 and the others 0."""
    largest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    # -inf - -inf and inf - inf would be NaN.
    top = np.where(largest == -np.inf, np.zeros_like(largest), largest)
    return np.where(x == np.inf, np.ones_like(x), np.exp(x - top)), top


@gate(
    slopes="finite",
    shape=_folded, options=_FOLD, np="logsumexp({x}, {axis}, {keepdims})",
    latex=r"\mathrm{{logsumexp}}{axis!i}({x})",
    onnx="ReduceLogSumExp",
)  # fmt: skip
def logsumexp(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """y = log(sum(e^x)) along axis, without overflow.

    All -inf gives -inf with pull 0. An element of +inf takes all of the pull; several share it.

    >>> round(float(logsumexp(np.array([1000.0, 1000.0]))), 4)
    1000.6931
    """
    e, top = _powers(x, axis)
    y = np.log(np.sum(e, axis=axis, keepdims=True)) + top
    return np.reshape(y, _folded(np.shape(x), axis=axis, keepdims=keepdims))[()]


@logsumexp.pulls
def d_logsumexp(dy: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    return softmax(x, axis=axis) * unfold(dy, x, axis)


def _shifted(x: Any, axis: Any) -> tuple[Any, Any]:
    """x below its largest element, and that. The shift changes nothing, so nothing pulls it."""
    top = stop_gradient(max(x, axis=axis, keepdims=True))
    return x - top, top


@logsumexp.parts
def logsumexp_parts(x: Any, *, axis: Any, keepdims: bool) -> Any:
    shifted, top = _shifted(x, axis)
    y = log(sum(exp(shifted), axis=axis, keepdims=True)) + top
    return _in_shape(y, _folded(x.shape, axis=axis, keepdims=keepdims))


_LOGSUMEXP = """def logsumexp(x, axis, keepdims):
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(top == -np.inf, np.zeros_like(top), top)
    e = np.where(x == np.inf, np.ones_like(x), np.exp(x - top))
    y = np.log(np.sum(e, axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)[()]"""
logsumexp.helper(numpy=_LOGSUMEXP)


def _same(x: Shape, *, axis: Any) -> Shape:
    folded_axes(len(x), axis)
    return x


@gate(
    slopes="finite",
    shape=_same, options=_AXES, np="softmax({x}, {axis})",
    latex=r"\mathrm{{softmax}}{axis!i}({x})", onnx="Softmax",
)  # fmt: skip
def softmax(x: Any, *, axis: Any = -1) -> Any:
    """y = e^x / sum(e^x) along axis: positive and summing to 1. A row of all -inf gives zeros, +inf 1.

    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    e = _powers(x, axis)[0]
    total = np.sum(e, axis=axis, keepdims=True)
    return e / np.where(total == 0, np.ones_like(total), total)


@softmax.pulls
def d_softmax(dy: Any, y: Any, x: Any, *, axis: Any) -> Any:
    return y * (dy - sum(y * dy, axis=axis, keepdims=True))


@softmax.parts
def softmax_parts(x: Any, *, axis: Any) -> Any:
    e = exp(_shifted(x, axis)[0])
    return e / sum(e, axis=axis, keepdims=True)


softmax.helper(
    numpy="""def softmax(x, axis):
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(top == -np.inf, np.zeros_like(top), top)
    e = np.where(x == np.inf, np.ones_like(x), np.exp(x - top))
    total = np.sum(e, axis=axis, keepdims=True)
    return e / np.where(total == 0, np.ones_like(total), total)"""
)


@recipe(
    slopes="finite",
    shape=_same, takes="float", options=_AXES, np="log_softmax({x}, {axis})",
    latex=r"\mathrm{{log\_softmax}}{axis!i}({x})",
)  # fmt: skip
def log_softmax(x: Any, *, axis: Any = -1) -> Any:
    """y = x - logsumexp(x): the log of softmax where softmax itself would round to 0.

    >>> float(log_softmax(np.array([0.0, -1000.0]))[1])
    -1000.0
    """
    if 0 in x.shape:
        return x
    # The largest goes first: beside scores of 10,000 the sum's last digits would be lost.
    shifted = where(equal(x, np.inf), 0.0, x - max(x, axis=axis, keepdims=True))
    return shifted - logsumexp(shifted, axis=axis, keepdims=True)


@log_softmax.pulls
def d_log_softmax(dy: Any, y: Any, x: Any, *, axis: Any) -> Any:
    return dy - exp(y) * sum(dy, axis=axis, keepdims=True)


log_softmax.helper(
    numpy=_LOGSUMEXP
    + """


def log_softmax(x, axis):
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf) + np.zeros((), x.dtype)
    shifted = np.where(x == np.inf, np.zeros_like(x), x - top)
    return shifted - logsumexp(shifted, axis, True)"""
)


@recipe(
    chooses="value",
    slopes="fixed",
    shape=_picked,
    options=_FOLD,
    latex=r"\min{axis!i}({x})",
    takes="number",
)
def min(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """y = the smallest element; a NaN wins. Equal smallest elements share the pull.

    >>> float(min(np.array([1.0, 5.0, 3.0])))
    1.0
    """
    return -max(-x, axis=axis, keepdims=keepdims)


@gate(
    slopes="finite",
    shape=_folded, takes="number", options=_FOLD, holomorphic=True,
    np="np.prod({x}, axis={axis}, keepdims={keepdims})", latex=r"\prod{axis!i}({x})", onnx="ReduceProd",
)  # fmt: skip
def prod(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """y = x[0] x[1] ...: the pull on each element is the product of the others. Of no elements, 1.

    The pull is right at zeros too, and so are second derivatives; it costs n^2 for n elements.

    >>> float(prod(np.array([2.0, 3.0, 4.0])))
    24.0
    """
    return np.prod(x, axis=axis, keepdims=keepdims)


@prod.pulls
def d_prod(dy: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    axes, n = folded_axes(len(x.shape), axis), _size(x, axis)
    order = (*(i for i in range(len(x.shape)) if i not in axes), *axes)
    rows = transpose(x, axes=order)
    table = reshape(rows, shape=(*rows.shape[: len(order) - len(axes)], 1, n))
    others = prod(where(np.eye(n, dtype=bool), 1.0, table), axis=-1)
    back = transpose(reshape(others, shape=rows.shape), axes=np.argsort(order))
    return back * unfold(dy, x, axis)


@gate(
    chooses="value", slopes="finite", length=True,
    shape=_folded, options=_FOLD, np="norm({x}, {axis}, {keepdims})",
    latex=r"\lVert {x} \rVert{axis!i}", onnx="ReduceL2"
)  # fmt: skip
def norm(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """y = sqrt(sum(x^2)), without overflow. At the zero vector nothing pulls.

    >>> float(norm(np.array([3.0, 4.0])))
    5.0
    """
    largest = np.max(np.abs(x), axis=axis, keepdims=True, initial=0.0)
    scale = np.where(np.isfinite(largest) & (largest > 0), largest, np.ones_like(largest))
    y = scale * np.sqrt(np.sum(np.square(x / scale), axis=axis, keepdims=True))
    return np.reshape(y, _folded(np.shape(x), axis=axis, keepdims=keepdims))[()]


@norm.pulls
def d_norm(dy: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    length = unfold(y, x, axis)
    still = equal(length, 0.0)
    return where(still, 0.0, x / where(still, 1.0, length) * unfold(dy, x, axis))


@norm.parts
def norm_parts(x: Any, *, axis: Any, keepdims: bool) -> Any:
    return sqrt(sum(x * x, axis=axis, keepdims=keepdims))


norm.helper(
    numpy="""def norm(x, axis, keepdims):
    largest = np.max(np.abs(x), axis=axis, keepdims=True, initial=0.0)
    scale = np.where(np.isfinite(largest) & (largest > 0), largest, np.ones_like(largest))
    y = scale * np.sqrt(np.sum(np.square(x / scale), axis=axis, keepdims=True))
    return y if keepdims else np.squeeze(y, axis=axis)[()]"""
)
