"""`x[...]` of a wire or a Unit as NumPy has it: a `slice`; for arrays of places a `gather` or `pick`."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from pullback.core.dtypes import INT64, canonical
from pullback.core.gate import GATES
from pullback.core.options import NEW_AXIS, told
from pullback.core.shapes import broadcast
from pullback.core.sites import unnamed
from pullback.errors import CircuitError, RangeError, ShapeError

EVERYTHING = (None, None, None)


def indexed(x: Any, index: Any) -> Any:
    """What stands in `x` at `index`: integers, slices, None, `...`, and arrays, lists or wires of places."""
    parts = index if type(index) is tuple else (index,)
    plain = [part if part is Ellipsis else _plain(part) for part in parts]
    if not any(_is_places(part) for part in plain):
        return GATES["slice"](x, index=tuple(_without_dots(plain, x.ndim)))
    _check_neighbours(plain)
    return _gathered(x, _without_dots(plain, x.ndim))


def _without_dots(parts: list[Any], ndim: int) -> list[Any]:
    """`...` written out as the whole axes that it stands for."""
    dots = [i for i, part in enumerate(parts) if part is Ellipsis]
    if not dots:
        return parts
    if len(dots) > 1:
        raise CircuitError("an index has `...` at most once.")
    missing = ndim - sum(part is not Ellipsis and _is_axis(part) for part in parts)
    return [*parts[: dots[0]], *[EVERYTHING] * missing, *parts[dots[0] + 1 :]]


def _is_axis(part: Any) -> bool:
    return not (isinstance(part, str) and part == NEW_AXIS)


def _check_neighbours(parts: list[Any]) -> None:
    """Refuse arrays and integers with a slice or `...` between them: NumPy moves their axes to the front."""
    at = [i for i, part in enumerate(parts) if isinstance(part, int) or _is_places(part)]
    if at[-1] - at[0] >= len(at):
        raise CircuitError(
            "arrays and integers in one index must be next to each other.",
            fix="two steps, as in x[:, i][j]",
        )


def _plain(part: Any) -> Any:
    """An integer, a triple, "new", or what holds places: an array of whole numbers, a wire, a Unit."""
    if type(part) is int:
        return part
    if part is None:
        return NEW_AXIS
    if isinstance(part, slice):
        return _triple(part)
    if hasattr(part, "__apply_gate__"):
        return _checked(part)
    if isinstance(part, np.ndarray) and not part.ndim:
        return _plain(part[()])
    if isinstance(part, list | tuple | np.ndarray):
        found = canonical(part, "an index")
        return _checked(found if found.size else found.astype(INT64))
    try:
        if isinstance(part, bool):
            raise TypeError
        return operator.index(part)
    except TypeError:
        raise CircuitError(
            f"a wire cannot be indexed by {type(part).__name__}, {told(part)}.",
            fix="integers, slices, None, `...`, or an array of whole numbers",
        ) from None


def _triple(part: slice) -> tuple[Any, ...]:
    ends = (part.start, part.stop, part.step)
    try:
        return tuple([None if v is None else operator.index(v) for v in ends])
    except TypeError:
        raise CircuitError(
            f"a wire cannot be cut by {told(part)}; a slice is made of whole numbers."
        ) from None


def _checked(places: Any) -> Any:
    """Places as gather takes them, or its error: a mask is none, and neither is half a place."""
    GATES["gather"].check_kind("index", places.dtype)
    return places


def _is_places(part: Any) -> bool:
    return not isinstance(part, int | tuple | str) and part is not Ellipsis


def _gathered(x: Any, parts: list[Any]) -> Any:
    """x at arrays of places along neighbouring axes; what else there is is cut out first."""
    given = [i for i, part in enumerate(parts) if _is_places(part)]
    rest = tuple(EVERYTHING if i in given else part for i, part in enumerate(parts))
    if any(part != EVERYTHING for part in rest):
        with unnamed(x):
            x = GATES["slice"](x, index=rest)
    elif len(parts) > x.ndim:
        raise ShapeError(f"{len(parts)} indices for an array with {x.ndim} axes.")
    at = sum(not isinstance(part, int) for part in parts[: given[0]])
    places = [_counted(parts[i], x.shape[at + k], at + k) for k, i in enumerate(given)]
    if len(places) == 1:
        return GATES["gather"](x, places[0], axis=at)
    return _at_pairs(x, places, at)


def _counted(places: Any, size: int, axis: int) -> Any:
    """Places that are known, counted from the front; a wire's are checked when it runs."""
    if not isinstance(places, np.ndarray):
        return places
    wrong = (places < -size) | (places >= size)
    if wrong.any():
        raise RangeError(
            f"index {places[wrong].flat[0]} lies outside {-size}..{size - 1} of axis {axis}."
        )
    return np.where(places < 0, places + size, places).astype(INT64)


def _at_pairs(x: Any, places: list[Any], at: int) -> Any:
    """x[i, j]: one element for every pair of places, as scores[np.arange(n), label]."""
    shape = broadcast([p.shape for p in places], [f"index {k}" for k in range(len(places))])
    if all(isinstance(p, np.ndarray) for p in places):
        if len(places) == 2 and x.ndim == 2 and _is_every_row(places[0], x.shape[0], shape):
            return GATES["pick"](x, np.broadcast_to(places[1], shape))
        sizes = x.shape[at : at + len(places)]
        steps = [math.prod(sizes[k + 1 :]) for k in range(len(sizes))]
        flat = sum(p * step for p, step in zip(places, steps, strict=True))
        joined = (*x.shape[:at], math.prod(sizes), *x.shape[at + len(places) :])
        with unnamed(x):
            table = GATES["reshape"](x, shape=joined)
        return GATES["gather"](table, flat, axis=at)
    if len(places) != 2 or x.ndim != 2:
        raise CircuitError(
            "wires of places along two axes of an array with more of them, or along three.",
            fix="gather(x, i, axis=...) for one axis after the other, pick(x, j) for the last",
        )
    rows, columns = places
    with unnamed(x, rows, columns):
        columns = _spread(columns, shape)
        if not (isinstance(rows, np.ndarray) and _is_every_row(rows, x.shape[0], shape)):
            x = GATES["gather"](x, _spread(rows, shape), axis=0)
    return GATES["pick"](x, columns)


def _is_every_row(places: Any, size: int, shape: tuple[int, ...]) -> bool:
    return shape == (size,) and np.array_equal(places, np.arange(size))


def _spread(places: Any, shape: tuple[int, ...]) -> Any:
    return places if places.shape == shape else GATES["broadcast_to"](places, shape=shape)
