"""A data set: rows to learn from, with the names and the origin that a report has to state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pullback.errors import DataError

Features = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Features X (n, d), labels y (n,) that count classes from 0, and where they come from.

    The arrays are read-only, so that one loaded copy can be shared; `X.copy()` may be changed.
    """

    name: str
    X: Features
    y: Labels
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    source: str
    licence: str

    def __post_init__(self) -> None:
        n, d = self.X.shape
        if self.y.shape != (n,) or len(self.feature_names) != d:
            raise DataError(
                f"data set {self.name!r}: X is {self.X.shape}, y is {self.y.shape}, "
                f"and there are {len(self.feature_names)} feature names."
            )
        self.X.setflags(write=False)
        self.y.setflags(write=False)

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        n, d = self.X.shape
        return f"<Dataset {self.name}: {n} rows, {d} features, {len(self.class_names)} classes>"

    def take(self, rows: Rows) -> Dataset:
        """The same data set with these rows only, in this order.

        >>> from pullback.data.digits import digits
        >>> digits().take(np.array([3, 1])).y
        array([3, 1])
        """
        return Dataset(
            name=self.name,
            X=self.X[rows],
            y=self.y[rows],
            feature_names=self.feature_names,
            class_names=self.class_names,
            source=self.source,
            licence=self.licence,
        )
