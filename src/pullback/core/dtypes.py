"""The four kinds of number a wire may carry, and how numbers from outside become one of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.errors import DtypeError

FLOAT64, FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)
INT64, BOOL = np.dtype(np.int64), np.dtype(np.bool_)
DTYPES = (FLOAT64, FLOAT32, INT64, BOOL)


def canonical(value: Any, what: str = "a value") -> Any:
    """`value` as NumPy numbers of one of the four dtypes; a single number becomes a NumPy scalar.

    Python ints and floats are real numbers (float64). Smaller and foreign-endian kinds are widened:
    float16 to float32, every integer to int64.

    >>> canonical(-2).dtype, canonical(np.float16(1)).dtype, canonical([True]).dtype
    (dtype('float64'), dtype('float32'), dtype('bool'))
    """
    if type(value) is float or type(value) is int:
        return _float_of(value, what)
    if type(value) is not np.ndarray and _is_masked(value):
        raise DtypeError(f"{what} is a masked array with masked numbers.", fix="x.filled(0.0)")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DtypeError(
            f"{what} is ragged: its rows differ in length.", fix="np.array(...)"
        ) from error
    if array.dtype in DTYPES and array.dtype.isnative:
        return array[()] if array.ndim == 0 else array
    wanted = _widened(array, what)
    return array.astype(wanted)[()]


def _is_masked(value: Any) -> bool:
    masked = isinstance(value, np.ndarray) and hasattr(value, "mask")
    return masked and bool(np.any(value.mask))


def typed_by_hand(value: Any, what: str) -> Any:
    """`value`, but a list of plain numbers as an array: whole ones are real there, as a single one is.

    >>> typed_by_hand([1, 2], "x"), typed_by_hand(["a"], "x")
    (array([1., 2.]), ['a'])
    """
    first = value
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if first is value or not isinstance(first, int | float | np.number | np.bool_):
        return value
    array = canonical(value, what)
    return array.astype(np.float64) if type(first) is int else array


def _float_of(value: float, what: str) -> Any:
    try:
        return np.float64(value)
    except OverflowError as error:
        raise DtypeError(f"{what} is an integer too large for float64.") from error


def _widened(array: np.ndarray[Any, Any], what: str) -> np.dtype[Any]:
    kind = array.dtype.kind
    if kind == "f" and array.dtype.itemsize <= 8:
        return FLOAT64 if array.dtype.itemsize == 8 else FLOAT32
    if kind == "b":
        return BOOL
    if kind in "iu":
        if (
            array.dtype.itemsize == 8
            and kind == "u"
            and array.size
            and array.max() > np.iinfo(np.int64).max
        ):
            raise DtypeError(f"{what} holds an integer above int64's largest, {array.max()}.")
        return INT64
    raise DtypeError(
        f"{what} holds {_said(array)}; a wire carries float64, float32, int64 or bool.",
        fix="np.asarray(..., dtype=float)" if kind in "OUSg" else "",
    )


def _said(array: np.ndarray[Any, Any]) -> str:
    """What it holds, and of what is not a number the first one."""
    kind = {"O": "objects", "U": "text", "S": "bytes"}.get(array.dtype.kind)
    odd = (x for x in array.flat if not isinstance(x, int | float))
    return f"{kind}, first {str(next(odd, None))[:40]!r}" if kind else array.dtype.name


def weak(number: float | int, dtype: np.dtype[Any]) -> Any:
    """A plain Python number in the dtype of the numbers beside it."""
    if dtype.kind == "i" and isinstance(number, float) and not number.is_integer():
        raise DtypeError(f"{number} is not a whole number; an index is.")
    try:
        return dtype.type(number)
    except OverflowError:
        raise DtypeError(f"{str(number)[:40]} is too large for {dtype.name}.") from None


def promoted(dtypes: tuple[np.dtype[Any], ...]) -> np.dtype[Any]:
    """The dtype that holds all of `dtypes`: bool < int64 < float32 < float64.

    An int64 beside a float32 stays float32, unlike NumPy: an index or a count never doubles a net's size.
    """
    rank = max(_RANK[d] for d in dtypes)
    return _BY_RANK[rank]


_BY_RANK = (BOOL, INT64, FLOAT32, FLOAT64)
_RANK = {d: i for i, d in enumerate(_BY_RANK)}
