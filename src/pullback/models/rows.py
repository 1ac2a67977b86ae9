"""Rows and labels from a person, checked before anything is learned from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pullback.data.table import shown
from pullback.errors import DataError

Array = NDArray[Any]
LARGEST = 1e150  # of a number to be learned: beyond, its square is no finite number


def checked_rows(X: ArrayLike, names: Sequence[str] = ()) -> NDArray[np.float64]:
    """X (n, d) as finite float64; DataError names the row and the column. `names` fix the columns.

    >>> checked_rows([[1, 2]]).dtype
    dtype('float64')
    """
    try:
        rows = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"X is not a table of numbers: {error}.") from None
    if rows.ndim != 2 or 0 in rows.shape:
        raise DataError(f"X has shape {rows.shape}; rows and columns (n, d) are needed.")
    if names and len(names) != rows.shape[1]:
        raise DataError(f"X has {rows.shape[1]} columns; the model takes {len(names)}.")
    wrong = np.argwhere(~np.isfinite(rows))
    if len(wrong):
        row, column = (int(i) for i in wrong[0])
        called = shown(names[column]) if names else f"number {column}"
        raise DataError(f"row {row}, column {called}: {rows[row, column]} is not finite.")
    return rows


def checked_labels(y: ArrayLike, rows: int) -> Array:
    """One label for each of `rows` rows; DataError where there is none.

    >>> checked_labels(["cat", "dog"], 2)
    array(['cat', 'dog'], dtype='<U3')
    """
    labels = np.asarray(y)
    if labels.shape != (rows,):
        raise DataError(f"y has shape {labels.shape}; there are {rows} rows in X.")
    if labels.dtype.kind not in "biufU":
        raise DataError(f"labels are {labels.dtype.name}; numbers or texts are needed.")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise DataError(f"the label of row {int(np.isfinite(labels).argmin())} is not finite.")
    return labels


def checked_numbers(y: ArrayLike, rows: int) -> NDArray[np.float64]:
    """One finite number for each of `rows` rows, as a column (n, 1).

    >>> checked_numbers([1, 2], 2).shape
    (2, 1)
    """
    labels = checked_labels(y, rows)
    if labels.dtype.kind == "U":
        raise DataError("y holds texts; a regression needs numbers.")
    numbers = labels.astype(np.float64)
    far = np.flatnonzero(np.abs(numbers) > LARGEST)
    if len(far):
        raise DataError(
            f"row {far[0]}, y is {numbers[far[0]]:g}: too large to be learned, as its square overflows; "
            f"at most {LARGEST:g} can be."
        )
    return numbers[:, None]


def codes_of(labels: Array, classes: Array) -> NDArray[np.int64]:
    """The position of each label among the sorted `classes`; DataError for one that is not there.

    >>> codes_of(np.array(["b", "a"]), np.array(["a", "b"]))
    array([1, 0])
    """
    codes = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    strange = np.flatnonzero(classes[codes] != labels)
    if len(strange):
        row = int(strange[0])
        raise DataError(
            f"row {row} has the label {shown(str(labels[row]))}, which was not learned.",
            where=[f"classes  {', '.join(shown(str(c)) for c in classes[:12])}"],
        )
    return codes.astype(np.int64)
