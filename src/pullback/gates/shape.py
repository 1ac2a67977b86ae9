"""Gates that move numbers without changing them: reshape, broadcast_to, transpose, slice, concat, cast."""

import math
from typing import Any

import numpy as np

from pullback.core import options
from pullback.core.gate import gate
from pullback.core.shapes import Shape, check_shape
from pullback.errors import OptionError, ShapeError


def axis_of(ndim: int, axis: int) -> int:
    """`axis` counted from the front, or a ShapeError: an array of `ndim` axes has no such one."""
    if -ndim <= axis < ndim:
        return axis % ndim
    there = f"an axis from {-ndim} to {ndim - 1}" if ndim else ""
    raise ShapeError(f"axis {axis} of an array with {ndim} axes.", fix=there)


def _reshaped(x: Shape, *, shape: Shape) -> Shape:
    size, known = math.prod(x), math.prod(s for s in shape if s != -1)
    free = shape.count(-1)
    if any(s < -1 for s in shape) or free > 1:
        raise ShapeError(f"{shape} is not a shape: sizes are 0 or more, and one may be -1.")
    if free and known and size % known == 0:
        return tuple(size // known if s == -1 else s for s in shape)
    if free or known != size:
        raise ShapeError(f"{x} holds {size} numbers, which do not fill {shape}.")
    return shape


_SHAPE = {"shape": options.shape}


@gate(
    slopes="fixed",
    shape=_reshaped, takes="any", options=_SHAPE, np="np.reshape({x}, {shape})",
    latex=r"\mathrm{{reshape}}{shape!i}({x})", onnx="Reshape", holomorphic=True,
)  # fmt: skip
def reshape(x: Any, *, shape: Any) -> Any:
    """The same numbers in rows of another shape; one size may be -1.

    >>> reshape(np.arange(4.0), shape=(2, -1)).shape
    (2, 2)
    """
    return np.reshape(x, shape)[()]


@reshape.pulls
def d_reshape(dy: Any, y: Any, x: Any, *, shape: Any) -> Any:
    return reshape(dy, shape=x.shape)


def _spread(x: Shape, *, shape: Shape) -> Shape:
    check_shape(shape)
    pairs = zip(x[::-1], shape[::-1], strict=False)
    if len(x) > len(shape) or any(a not in (1, b) for a, b in pairs):
        raise ShapeError(f"{x} does not broadcast to {shape}.")
    return shape


@gate(
    slopes="fixed",
    shape=_spread, takes="any", options=_SHAPE, np="np.broadcast_to({x}, {shape})",
    latex=r"\mathrm{{broadcast}}{shape!i}({x})", onnx="Expand", holomorphic=True,
)  # fmt: skip
def broadcast_to(x: Any, *, shape: Any) -> Any:
    """x repeated along new axes and along axes of size 1. The pulls on the copies add up.

    >>> broadcast_to(np.array([1.0, 2.0]), shape=(3, 2)).shape
    (3, 2)
    """
    return np.broadcast_to(x, shape)[()]


@broadcast_to.pulls
def d_broadcast_to(dy: Any, y: Any, x: Any, *, shape: Any) -> Any:
    return dy  # `backward` adds up what was broadcast, here as everywhere


def _transposed(x: Shape, *, axes: Any) -> Shape:
    order = range(len(x))[::-1] if axes is None else axes if isinstance(axes, tuple) else (axes,)
    if sorted(axis_of(len(x), a) for a in order) != list(range(len(x))):
        raise ShapeError(f"axes={axes} does not order the {len(x)} axes of {x}.")
    return tuple(x[a] for a in order)


@gate(
    slopes="fixed",
    shape=_transposed,
    takes="any",
    options={"axes": options.axes},
    np="np.transpose({x}, axes={axes})",
    latex="{x}^{{T{axes!i}}}",
    onnx="Transpose",
    holomorphic=True,
)
def transpose(x: Any, *, axes: Any = None) -> Any:
    """x with its axes in another order; reversed when `axes` is None.

    >>> transpose(np.ones((2, 3))).shape
    (3, 2)
    """
    return np.transpose(x, axes)


@transpose.pulls
def d_transpose(dy: Any, y: Any, x: Any, *, axes: Any) -> Any:
    back = axes if not isinstance(axes, tuple) else np.argsort([a % len(axes) for a in axes])
    return transpose(dy, axes=back)


def subscript(index: Any) -> tuple[Any, ...]:
    """The plain attribute of `slice` as NumPy takes it."""

    def one(i: Any) -> Any:
        return None if i == "new" else np.s_[i[0] : i[1] : i[2]] if isinstance(i, tuple) else i

    return tuple(one(i) for i in index)


def _sliced(x: Shape, *, index: Any) -> Shape:
    try:
        shape: Shape = np.broadcast_to(np.False_, x)[subscript(index)].shape
    except IndexError as error:
        raise ShapeError(f"index {index} does not fit {x}: {error}.") from None
    return shape


@gate(
    chooses="value",
    slopes="fixed",
    shape=_sliced,
    takes="any",
    options={"index": options.index},
    np="{x}[{index!i}]",
    latex="{x}[{index}]",
    onnx="Slice",
    holomorphic=True,
)
def slice(x: Any, *, index: Any) -> Any:
    """A part of x: integers, (start, stop, step) triples and "new" axes, one an axis. `x[1:, 0]` makes one.

    >>> slice(np.arange(5.0), index=((1, 3, None),))
    array([1., 2.])
    """
    return np.asarray(x)[subscript(index)]


@slice.pulls
def d_slice(dy: Any, y: Any, x: Any, *, index: Any) -> Any:
    return unslice(dy, index=index, shape=x.shape)


def _unsliced(x: Shape, *, index: Any, shape: Shape) -> Shape:
    check_shape(shape)
    if _sliced(shape, index=index) != x:
        raise ShapeError(f"{x} does not fill index {index} of {shape}.")
    return shape


@gate(
    slopes="fixed",
    shape=_unsliced,
    takes="any",
    options={"index": options.index, "shape": options.shape},
    np="unslice({x}, np.s_[{index!i}], {shape})",
    latex=r"\mathrm{{unslice}}{index!i}({x})",
    holomorphic=True,
)
def unslice(x: Any, *, index: Any, shape: Any) -> Any:
    """Zeros of `shape` with x put where `slice` would have read it. The pull of slice.

    >>> unslice(np.array([7.0]), index=((1, 2, None),), shape=(3,))
    array([0., 7., 0.])
    """
    y = np.zeros(shape, np.asarray(x).dtype)
    y[subscript(index)] = x
    return y


@unslice.pulls
def d_unslice(dy: Any, y: Any, x: Any, *, index: Any, shape: Any) -> Any:
    return slice(dy, index=index)


unslice.helper(
    numpy="""def unslice(x, index, shape):
    y = np.zeros(shape, x.dtype)
    y[index] = x
    return y"""
)


def _joined(*xs: Shape, axis: int) -> Shape:
    at = axis_of(len(xs[0]), axis)
    if len({(*x[:at], "joined", *x[at + 1 :]) if len(x) > at else x for x in xs}) > 1:
        raise ShapeError(f"{' and '.join(str(x) for x in xs[:4])} do not join along axis {axis}.")
    return tuple(sum(x[i] for x in xs) if i == at else s for i, s in enumerate(xs[0]))


@gate(
    slopes="fixed",
    shape=_joined, takes="any", options={"axis": options.axis}, np="np.concatenate([{xs}], axis={axis})",
    latex=r"\mathrm{{concat}}{axis!i}({xs})", onnx="Concat", holomorphic=True,
)  # fmt: skip
def concat(*xs: Any, axis: int = 0) -> Any:
    """The inputs one behind the other along an axis they differ in at most.

    >>> concat(np.array([1.0]), np.array([2.0, 3.0]))
    array([1., 2., 3.])
    """
    return np.concatenate(xs, axis=axis)


@concat.pulls
def d_concat(dy: Any, y: Any, *xs: Any, axis: int) -> Any:
    at = axis % len(y.shape)
    stops = np.cumsum([x.shape[at] for x in xs]).tolist()
    whole = [(None, None, None)] * at
    pairs = zip([0, *stops], stops, strict=False)
    return tuple(slice(dy, index=(*whole, (start, stop, None))) for start, stop in pairs)


@gate(
    slopes="fixed",
    takes="any",
    result=lambda dtype: np.dtype(dtype),
    options={"dtype": options.dtype},
    np="np.asarray({x}).astype({dtype!r})[()]",
    onnx="Cast",
)
def cast(x: Any, *, dtype: str) -> Any:
    """x as another kind of number: "float64", "float32", "int64" or "bool". Only real numbers pass a pull on.

    >>> float(cast(True, dtype="float64"))
    1.0
    """
    return np.asarray(x).astype(dtype)[()]


@cast.pulls
def d_cast(dy: Any, y: Any, x: Any, *, dtype: str) -> Any:
    return cast(dy, dtype=x.dtype.name) if x.dtype.kind == "f" else None


def _padded(x: Shape, *, widths: Any, value: float) -> Shape:
    if len(widths) != len(x):
        raise ShapeError(f"widths={widths} does not give {x} a (before, after) pair an axis.")
    return tuple(s + before + after for s, (before, after) in zip(x, widths, strict=True))


def padding(value: float, dtype: np.dtype[Any]) -> Any:
    """`value` as a number of `dtype`, or an OptionError where whole numbers have no such one."""
    if dtype.kind == "i" and not -(2.0**63) <= value < 2.0**63:
        raise OptionError(f"pad: value={value} is no {dtype.name}.")
    return dtype.type(value)


@gate(
    slopes="fixed",
    shape=_padded, takes="any", options={"widths": options.pairs, "value": options.number},
    np="np.pad({x}, {widths}, constant_values={value})",
    latex=r"\mathrm{{pad}}{widths!i}({x})", onnx="Pad",
    holomorphic=True,
)  # fmt: skip
def pad(x: Any, *, widths: Any, value: float = 0.0) -> Any:
    """x with a border of `value`: one (before, after) pair an axis.

    >>> pad(np.array([7.0]), widths=((1, 2),))
    array([0., 7., 0., 0.])
    """
    if not widths:
        return np.asarray(x)[()]
    return np.pad(x, widths, constant_values=padding(value, np.asarray(x).dtype))


@pad.pulls
def d_pad(dy: Any, y: Any, x: Any, *, widths: Any, value: float) -> Any:
    index = tuple(
        (before, before + s, None) for s, (before, _) in zip(x.shape, widths, strict=True)
    )
    return slice(dy, index=index)
