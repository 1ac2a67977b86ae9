"""Scores on test rows with error bars: baseline, permutation importance, calibration, confusion matrix.

Error bars are standard errors over the test rows. A difference counts when it is more than twice its
error bar: there is no other threshold here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pullback.data.dataset import Features, Rows
from pullback.nn.init import Array

SURE = 2.0  # so many error bars are no accident
REPEATS = 5
STRETCHES = 8  # of a series
AT_ONCE = 20_000  # rows that a model is asked about in one go
MOST_ROWS, MOST_COLUMNS = 2_000, 300  # of a permutation test; beyond, it would take minutes


@dataclass(frozen=True)
class Baseline:
    """A constant answer, compared with the model. gain: the model's score less the constant's.

    score: share of right rows, or the root of the mean squared error. verdict: a whole sentence.
    """

    what: str
    score: float
    gain: float
    error_bar: float
    better: bool
    verdict: str


@dataclass(frozen=True)
class Importance:
    """How much worse the model does when a column is shuffled. In shares of right rows, or squared units
    of the target, as a share of its variance."""

    column: str
    drop: float
    error_bar: float


def class_baseline(
    right: Array, true: Array, commonest: int, name: str, *, series: bool = False
) -> Baseline:
    """A classifier compared with always the commonest training class. right (n,): truths."""
    guessed = true == commonest
    gain, bar = _mean_and_bar(right.astype(np.float64) - guessed, series)
    said = f"always {name!r}"
    guess = float(guessed.mean())
    better = gain > SURE * bar
    points = f"{100 * abs(gain):.1f} ± {100 * bar:.1f} points"
    verdict = _verdict(f"({said}, {guess:.1%})", points, better, gain < -SURE * bar)
    return Baseline(said, guess, gain, bar, better, verdict)


def number_baseline(
    true: Array, predicted: Array, guess: float, said: str, *, series: bool = False
) -> Baseline:
    """A regression compared with always one number: by squared errors, printed as their roots (RMSE)."""
    ours, theirs = (true - predicted) ** 2, (true - guess) ** 2
    unit = float(theirs.mean()) or 1.0
    gain, bar = _mean_and_bar((theirs - ours) / unit, series)
    here, there = float(np.sqrt(ours.mean())), float(np.sqrt(theirs.mean()))
    better = gain > SURE * bar
    change = f"{100 * abs(gain):.1f} ± {100 * bar:.1f} % of the squared error"
    verdict = _verdict(f"({said}, RMSE {there:.4g})", change, better, gain < -SURE * bar)
    verdict += f"; RMSE {here:.4g}"
    return Baseline(said, there, gain, bar, better, verdict)


def _verdict(baseline: str, difference: str, better: bool, worse: bool) -> str:
    if better:
        return f"beats the baseline {baseline} by {difference}"
    if worse:
        return f"is worse than the baseline {baseline} by {difference}"
    return (
        f"does not beat the baseline {baseline}: the difference, {difference}, is within twice its error "
        "bar; in these rows the columns used show no relation to the target"
    )


def importances(
    errors: Callable[[Features, Rows], Array],
    X: Features,
    groups: dict[str, list[int]],
    seed: int,
) -> list[Importance]:
    """Permutation importance (Breiman 2001): each column shuffled over the rows, the largest drop first.

    errors: rows X (m, d) and which row's target each has (m,) -> how wrong each is (m,). Columns that
    tell the same stand in for each other, so each of them looks unimportant.
    """
    X = X[:MOST_ROWS]
    n = len(X)
    if n < 2 or len(groups) > MOST_COLUMNS:
        return []
    generator = np.random.Generator(np.random.PCG64([seed, 7]))
    own = np.arange(n)
    before = errors(X, own)
    found, columns = [], list(groups.items())
    some = max(1, AT_ONCE // (REPEATS * n))
    for part in (columns[i : i + some] for i in range(0, len(columns), some)):
        rows = np.tile(X, (len(part), REPEATS, 1))  # a block of rows for each column
        for block, (_, features) in zip(rows, part, strict=True):
            orders = np.argsort(generator.random((REPEATS, n)), axis=1, kind="stable")
            block[:, features] = X[orders.ravel()][:, features]
        whose = np.tile(own, len(part) * REPEATS)
        after = errors(rows.reshape(len(whose), -1), whose).reshape(len(part), REPEATS, n)
        for (column, _), worse in zip(part, after.mean(axis=1), strict=True):
            drop, bar = _mean_and_bar(worse - before)
            found.append(Importance(column, drop, bar))
    return sorted(found, key=lambda one: -one.drop)


@dataclass(frozen=True)
class Calibration:
    """bins: (mean confidence, share right, rows); ece: the expected calibration error."""

    bins: tuple[tuple[float, float, int], ...]
    ece: float


def calibration(confidence: Array, right: Array, bins: int = 10) -> Calibration:
    """Reliability of the likeliest class in equal bins, and the expected calibration error.

    ECE = sum over bins of (rows / n) |share right - mean confidence|. Source: Guo et al. 2017.

    >>> calibration(np.array([0.9, 0.9]), np.array([True, False])).ece
    0.4
    """
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    found = []
    for i in range(bins):
        here = place == i
        if here.any():
            rows = int(here.sum())
            found.append((float(confidence[here].mean()), float(right[here].mean()), rows))
    ece = sum(rows * abs(share - sure) for sure, share, rows in found) / len(confidence)
    return Calibration(tuple(found), ece)


def confusion(true: Array, taken: Array, k: int) -> Array:
    """The confusion matrix (k, k): rows are the true classes, columns the predicted ones."""
    return np.bincount(true * k + taken, minlength=k * k).reshape(k, k)


def _mean_and_bar(values: Array, series: bool = False) -> tuple[float, float]:
    """The mean and its standard error. In time order neighbours are alike: there, stretches are counted."""
    means = values
    if series and len(values) > STRETCHES:
        means = np.array([np.mean(stretch) for stretch in np.array_split(values, STRETCHES)])
    n = len(means)
    bar = float(means.std(ddof=1) / np.sqrt(n)) if n > 1 else float("inf")
    return float(values.mean()), bar
