"""Split rows into training, validation and test, every class in its share in each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pullback.data.dataset import Rows
from pullback.errors import DataError, OptionError

PARTS = ("train", "validation", "test")


class Split(NamedTuple):
    """Row numbers of the three parts: no row in two of them, no row left out."""

    train: Rows
    validation: Rows
    test: Rows


def split(
    labels: npt.ArrayLike,
    *,
    seed: int,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
) -> Split:
    """Deal the rows out at random, class by class, so that each part has the classes' shares.

    Of n rows of one class a part gets its fraction of n, rounded up or down; what rounding leaves
    goes to the part that is furthest behind. A class of one row is in one part only. Rows come in
    random order, so the first hundred are a fair sample too. Without labels pass zeros.

    labels (n,) of any kind; the same seed gives the same rows on every machine.

    >>> train, validation, test = split(["a", "b"] * 4, seed=1, fractions=(0.5, 0.25, 0.25))
    >>> len(train), len(validation), len(test)
    (4, 2, 2)
    """
    shares = _checked_fractions(fractions)
    codes = _checked_labels(labels)
    if seed < 0:
        raise OptionError(f"seed must be at least 0, got {seed}.")
    # Sorted doubles, not `permutation`: of a seed NumPy keeps only the bits for ever (NEP 19).
    generator = np.random.Generator(np.random.PCG64(seed))
    shuffled = np.argsort(generator.random(len(codes)), kind="stable")
    part_of = np.empty(len(codes), dtype=np.int64)
    given, dealt = np.zeros(3), 0
    for code in range(int(codes.max()) + 1):
        rows = shuffled[codes[shuffled] == code]
        dealt += len(rows)
        counts = _counts(len(rows), shares, behind=shares * dealt - given)
        given += counts
        part_of[rows] = np.repeat(np.arange(3), counts)
    parts = Split(*(shuffled[part_of[shuffled] == part] for part in range(3)))
    for name, rows, share in zip(PARTS, parts, shares, strict=True):
        if share and not len(rows):
            raise DataError(f"{len(codes)} rows are too few: none is left for {name} ({share:g}).")
    return parts


def _counts(n: int, shares: npt.NDArray[np.float64], behind: npt.NDArray[np.float64]) -> Rows:
    """How many of n rows each part gets. `behind`: how many rows it lacks, these n included."""
    exact = n * shares
    counts = np.floor(exact).astype(np.int64)
    # 0.1 * 30 is 3 and a little: that little is rounding, not a claim to a fourth row.
    open_parts = exact - counts > 1e-9
    lacking = np.where(open_parts, behind - counts, -np.inf)
    counts[np.argsort(-lacking, kind="stable")[: n - counts.sum()]] += 1
    return counts


def _checked_fractions(fractions: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    shares = np.asarray(fractions, dtype=np.float64)
    if shares.shape != (3,) or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-9:
        raise OptionError(
            f"fractions are {fractions}; train, validation and test must be >= 0 and sum to 1.",
            fix="(0.7, 0.15, 0.15)",
        )
    return shares


def _checked_labels(labels: npt.ArrayLike) -> Rows:
    array = np.asarray(labels)
    if array.ndim != 1 or not len(array):
        raise DataError(f"labels have shape {array.shape}; one label for each row is needed.")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise DataError(f"the label of row {int(np.isnan(array).argmax())} is missing (NaN).")
    try:
        return np.unique(array, return_inverse=True)[1].astype(np.int64)
    except TypeError as error:
        raise DataError(f"labels are of mixed kinds: {error}.") from None
