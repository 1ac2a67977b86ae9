"""Gates that read and write by index: gather and scatter_add, pick and unpick. Each is the other's pull."""

from typing import Any

import numpy as np

from pullback.core import options
from pullback.core.dtypes import INT64
from pullback.core.gate import gate
from pullback.core.shapes import Shape, broadcast
from pullback.errors import RangeError, ShapeError
from pullback.gates.shape import axis_of

_INDEX = {"index": INT64}


def _checked(index: Any, size: int, gate_name: str) -> Any:
    index = np.asarray(index)
    bad = (index < 0) | (index >= size)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        where = f" at {at[0] if len(at) == 1 else at}" if at else ""
        raise RangeError(
            f"{gate_name}: index {index[bad].flat[0]}{where} lies outside 0..{size - 1}."
        )
    return index


def _gathered(x: Shape, index: Shape, *, axis: int) -> Shape:
    at = axis_of(len(x), axis)
    return (*x[:at], *index, *x[at + 1 :])


@gate(
    chooses="value", slopes="fixed",
    shape=_gathered, takes="any", kinds=_INDEX, options={"axis": options.axis},
    np="np.take({x}, {index}, axis={axis})",
    latex=r"\mathrm{{gather}}{axis!i}({x}, {index})", onnx="Gather",
)  # fmt: skip
def gather(x: Any, index: Any, *, axis: int = 0) -> Any:
    """y = x[index] along one axis: rows of a table by number. RangeError outside 0..size-1.

    ShapeError where x has no such axis: a single number has no rows.

    >>> gather(np.array([10.0, 20.0]), np.array([1, 1, 0]))
    array([20., 20., 10.])
    """
    at = axis_of(np.ndim(x), axis)
    return np.take(x, _checked(index, np.shape(x)[at], "gather"), axis=at)[()]


@gather.pulls
def d_gather(dy: Any, y: Any, x: Any, index: Any, *, axis: int) -> Any:
    return scatter_add(dy, index, axis=axis, size=x.shape[axis]), None


def _scattered(x: Shape, index: Shape, *, axis: int, size: int) -> Shape:
    at = axis_of(len(x) - len(index) + 1, axis) if len(x) >= len(index) else 0
    if x[at : at + len(index)] != index:
        raise ShapeError(f"{x} has not the shape of its index, {index}, along axis {axis}.")
    return (*x[:at], size, *x[at + len(index) :])


@gate(
    slopes="fixed",
    shape=_scattered, takes="any", kinds=_INDEX, options={"axis": options.axis, "size": options.size},
    np="scatter_add({x}, {index}, {axis}, {size})",
    latex=r"\mathrm{{scatter}}{axis!i}({x}, {index})",
)  # fmt: skip
def scatter_add(x: Any, index: Any, *, axis: int = 0, size: int) -> Any:
    """Zeros with x added at `index` along one axis: equal indices add up.

    >>> scatter_add(np.array([1.0, 2.0, 5.0]), np.array([1, 1, 0]), size=3)
    array([5., 3., 0.])
    """
    index = _checked(index, size, "scatter_add")
    y = np.zeros(_scattered(np.shape(x), index.shape, axis=axis, size=size), np.asarray(x).dtype)
    at = axis % y.ndim
    np.add.at(y, (np.s_[:],) * at + (index,), x)
    return y


@scatter_add.pulls
def d_scatter_add(dy: Any, y: Any, x: Any, index: Any, *, axis: int, size: int) -> Any:
    return gather(dy, index, axis=axis), None


scatter_add.helper(
    numpy="""def scatter_add(x, index, axis, size):
    at = axis % (np.ndim(x) - np.ndim(index) + 1)
    shape = np.shape(x)[:at] + (size,) + np.shape(x)[at + np.ndim(index) :]
    y = np.zeros(shape, np.asarray(x).dtype)
    np.add.at(y, (np.s_[:],) * at + (index,), x)
    return y"""
)


@gate(
    chooses="value",
    slopes="fixed",
    shape="(...,k),(...)->(...)",
    takes="any",
    kinds=_INDEX,
    np="pick({x}, {index})",
    latex=r"\mathrm{{pick}}({x}, {index})",
    onnx="GatherElements",
)
def pick(x: Any, index: Any) -> Any:
    """y[i] = x[i, index[i]]: one element of each row, for instance the score of the right label.

    >>> pick(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0]))
    array([2., 3.])
    """
    size = np.shape(x)[-1]
    rows = np.broadcast_shapes(np.shape(x)[:-1], np.shape(index))
    index = np.broadcast_to(_checked(index, size, "pick"), rows)
    return np.take_along_axis(np.broadcast_to(x, (*rows, size)), index[..., None], axis=-1)[..., 0]


@pick.pulls
def d_pick(dy: Any, y: Any, x: Any, index: Any) -> Any:
    return unpick(dy, index, size=x.shape[-1]), None


pick.helper(
    numpy="""def pick(x, index):
    rows = np.broadcast_shapes(x.shape[:-1], np.shape(index))
    index = np.broadcast_to(index, rows)
    return np.take_along_axis(np.broadcast_to(x, rows + x.shape[-1:]), index[..., None], axis=-1)[..., 0]"""
)


@gate(
    slopes="fixed",
    shape=lambda x, index, size: (*broadcast([x, index], ["x", "index"]), size),
    takes="any", kinds=_INDEX, options={"size": options.size}, np="unpick({x}, {index}, {size})",
    latex=r"\mathrm{{unpick}}({x}, {index})",
)  # fmt: skip
def unpick(x: Any, index: Any, *, size: int) -> Any:
    """Rows of zeros with x[i] at index[i]. The pull of pick.

    >>> unpick(np.array([7.0]), np.array([1]), size=3)
    array([[0., 7., 0.]])
    """
    rows = np.broadcast_shapes(np.shape(x), np.shape(index))
    index = np.broadcast_to(_checked(index, size, "unpick"), rows)
    y = np.zeros((*rows, size), np.asarray(x).dtype)
    np.put_along_axis(y, index[..., None], np.broadcast_to(x, rows)[..., None], axis=-1)
    return y


@unpick.pulls
def d_unpick(dy: Any, y: Any, x: Any, index: Any, *, size: int) -> Any:
    return pick(dy, index), None


unpick.helper(
    numpy="""def unpick(x, index, size):
    rows = np.broadcast_shapes(np.shape(x), np.shape(index))
    x, index = np.broadcast_to(x, rows)[..., None], np.broadcast_to(index, rows)[..., None]
    y = np.zeros(rows + (size,), x.dtype)
    np.put_along_axis(y, index, x, axis=-1)
    return y"""
)
