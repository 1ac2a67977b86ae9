"""Standardize: every column to mean 0 and spread 1, by numbers learned from the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pullback.data.dataset import Features
from pullback.data.table import shown
from pullback.errors import DataError


@dataclass(frozen=True, eq=False)
class Standardizer:
    """z = (x - mean) / scale, column by column. Fit it on the training rows and on those alone.

    mean (d,), scale (d,): the standard deviation (over n, not n - 1), or 1 for a constant column.
    """

    mean: Features
    scale: Features

    def apply(self, X: Features) -> Features:
        """Into standard units: X (n, d) -> (n, d)."""
        return (self._checked(X) - self.mean) / self.scale

    def undo(self, Z: Features) -> Features:
        """Back into the columns' own units: the inverse of `apply`."""
        return self._checked(Z) * self.scale + self.mean

    def _checked(self, X: Features) -> Features:
        if X.ndim != 2 or X.shape[1] != len(self.mean):
            raise DataError(f"rows have shape {X.shape}; (n, {len(self.mean)}) was fitted.")
        return X


def fit_standardizer(X: Features, names: Sequence[str] | None = None) -> Standardizer:
    """Learn mean and scale of every column of X (n, d). `names` are for the error messages.

    >>> rows = np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> fit_standardizer(rows).apply(rows)
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    if X.ndim != 2 or 0 in X.shape:
        raise DataError(f"X has shape {X.shape}; rows and columns are needed.")
    with np.errstate(over="ignore", invalid="ignore"):
        top, bottom = X.max(axis=0), X.min(axis=0)
        spread = top - bottom
    for column in np.flatnonzero(~np.isfinite(spread)):
        raise _unusable(X[:, column], shown(names[int(column)]) if names else f"number {column}")
    # A power of two brings each column near 1 without rounding: no square over- or underflows.
    exponent = np.frexp(np.maximum(np.abs(top), np.abs(bottom)))[1]
    near_one = np.ldexp(X, -exponent)
    mean = np.ldexp(near_one.mean(axis=0), exponent)
    scale = np.ldexp(near_one.std(axis=0), exponent)
    # A constant column gets its own value, not a mean that rounding may have moved off it.
    mean = np.where(spread == 0, bottom, mean)
    return Standardizer(mean, np.where((spread == 0) | (scale == 0), 1.0, scale))


def _unusable(values: Features, column: str) -> DataError:
    rows = np.flatnonzero(~np.isfinite(values))
    if len(rows):
        return DataError(f"column {column}, row {rows[0]}: {values[rows[0]]} is not finite.")
    return DataError(f"column {column} spans too much: from {values.min()} to {values.max()}.")
