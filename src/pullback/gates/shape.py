"""Gates that move numbers without changing them: reshape, broadcast_to, transpose, slice, concat, cast."""

from typing import Any

import numpy as np

from pullback.core.dtypes import DTYPES
from pullback.core.gate import gate
from pullback.errors import OptionError, ShapeError

Shape = tuple[int, ...]


def axis_of(ndim: int, axis: int) -> int:
    """`axis` counted from the front, or a ShapeError: an array of `ndim` axes has no such one."""
    # Not a bool: NumPy takes True for 1 in some places and refuses it in others.
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
        raise ShapeError(f"axis {axis!r} is no whole number.")
    if -ndim <= axis < ndim:
        return axis % ndim
    there = f"an axis from {-ndim} to {ndim - 1}" if ndim else ""
    raise ShapeError(f"axis {axis} of an array with {ndim} axes.", fix=there)


def _reshaped(x: Shape, *, shape: Shape) -> Shape:
    size = int(np.prod(x, dtype=np.int64))
    known = int(np.prod([s for s in shape if s != -1], dtype=np.int64))
    free = [i for i, s in enumerate(shape) if s == -1]
    if len(free) == 1 and known and size % known == 0:
        return tuple(size // known if s == -1 else s for s in shape)
    if free or known != size:
        raise ShapeError(f"{x} holds {size} numbers, which do not fill {tuple(shape)}.")
    return tuple(shape)


@gate(
    slopes="fixed",
    shape=_reshaped, takes="any", np="np.reshape({x}, {shape})",
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
    try:
        fits = np.broadcast_shapes(x, shape) == tuple(shape)
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{x} does not broadcast to {tuple(shape)}.")
    return tuple(shape)


@gate(
    slopes="fixed",
    shape=_spread, takes="any", np="np.broadcast_to({x}, {shape})",
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
    order = tuple(range(len(x)))[::-1] if axes is None else axes
    if sorted(a % len(x) if x else a for a in order) != list(range(len(x))):
        raise ShapeError(f"axes={axes} does not order the {len(x)} axes of {x}.")
    return tuple(x[a] for a in order)


@gate(
    slopes="fixed",
    shape=_transposed,
    takes="any",
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
    back = None if axes is None else tuple(np.argsort([a % len(axes) for a in axes]))
    return transpose(dy, axes=back)


def subscript(index: Any) -> tuple[Any, ...]:
    """The plain attribute of `slice` as NumPy takes it."""

    def one(i: Any) -> Any:
        return None if i == "new" else np.s_[i[0] : i[1] : i[2]] if isinstance(i, tuple) else i

    return tuple(one(i) for i in index)


def _is_part(part: Any) -> bool:
    # Not a bool: NumPy takes it for a mask and copies everything.
    if isinstance(part, tuple):
        return len(part) == 3 and all(p is None or type(p) is int for p in part)
    return type(part) is int or part == "new"


def _sliced(x: Shape, *, index: Any) -> Shape:
    if not all(_is_part(part) for part in index):
        raise ShapeError(f'index {index} is not made of integers, (start, stop, step) and "new".')
    try:
        return (
            np.empty(x, np.bool_)[subscript(index)].shape
            if np.prod(x) < 10**6
            else _lazily(x, index)
        )
    except IndexError as error:
        raise ShapeError(f"index {index} does not fit {x}: {error}.") from None


def _lazily(x: Shape, index: Any) -> Shape:
    shape: Shape = np.broadcast_to(np.False_, x)[subscript(index)].shape
    return shape


@gate(
    chooses="value",
    slopes="fixed",
    shape=_sliced,
    takes="any",
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
    if _sliced(shape, index=index) != x:
        raise ShapeError(f"{x} does not fill index {index} of {shape}.")
    return shape


@gate(
    slopes="fixed",
    shape=_unsliced,
    takes="any",
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
    shape=_joined, takes="any", np="np.concatenate([{xs}], axis={axis})",
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
    np="np.asarray({x}).astype({dtype!r})[()]",
    onnx="Cast",
)
def cast(x: Any, *, dtype: str) -> Any:
    """x as another kind of number: "float64", "float32", "int64" or "bool". Only real numbers pass a pull on.

    >>> float(cast(True, dtype="float64"))
    1.0
    """
    if dtype not in [d.name for d in DTYPES]:
        raise OptionError(f"dtype={dtype!r}; it is one of {', '.join(d.name for d in DTYPES)}.")
    return np.asarray(x).astype(dtype)[()]


@cast.pulls
def d_cast(dy: Any, y: Any, x: Any, *, dtype: str) -> Any:
    return cast(dy, dtype=x.dtype.name) if x.dtype.kind == "f" else None


def _padded(x: Shape, *, widths: Any, value: float) -> Shape:
    if len(widths) != len(x) or any(w < 0 for pair in widths for w in pair):
        raise ShapeError(f"widths={widths} does not give {x} a (before, after) pair an axis.")
    return tuple(s + before + after for s, (before, after) in zip(x, widths, strict=True))


def padding(value: float, dtype: np.dtype[Any]) -> Any:
    """`value` as a number of `dtype`, or an OptionError where whole numbers have no such one."""
    if dtype.kind == "i" and not -(2.0**63) <= value < 2.0**63:
        raise OptionError(f"pad: value={value} is no {dtype.name}.")
    return dtype.type(value)


@gate(
    slopes="fixed",
    shape=_padded, takes="any", np="np.pad({x}, {widths}, constant_values={value})",
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
