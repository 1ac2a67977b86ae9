"""Precision, recall, F1 and ROC: what a confusion matrix and the scores behind it say of a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pullback.nn.init import Array

STEPS = 9  # thresholds in a table


class ClassScore(NamedTuple):
    """One class. precision: of the rows predicted as it, the share that are it; recall: of its rows, the
    share predicted as it; f1: their harmonic mean; each is None where nothing can be counted."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    rows: int


def class_scores(counts: Array, names: tuple[str, ...]) -> list[ClassScore]:
    """Scores of every class from a confusion matrix (k, k): rows true, columns predicted.

    >>> class_scores(np.array([[3, 1], [0, 4]]), ("no", "yes"))[1]
    ClassScore(name='yes', precision=0.8, recall=1.0, f1=0.8888888888888888, rows=4)
    """
    found = []
    for i, name in enumerate(names):
        hits, of_it, said = int(counts[i, i]), int(counts[i].sum()), int(counts[:, i].sum())
        f1 = 2 * hits / (of_it + said) if of_it + said else None
        precision, recall = (hits / said if said else None), (hits / of_it if of_it else None)
        found.append(ClassScore(name, precision, recall, f1, of_it))
    return found


def mean_f1(scores: list[ClassScore]) -> float:
    """The mean F1 over the classes that occur (macro F1)."""
    return float(np.mean([s.f1 for s in scores if s.f1 is not None]))


def roc_auc(positive: Array, scores: Array) -> float | None:
    """The chance that a random positive row scores above a random other one; ties count half.

    positive (n,): truths; scores (n,). None where one of the two kinds is missing. Source: Hanley and
    McNeil 1982.

    >>> roc_auc(np.array([False, True, False, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    1.0
    """
    ones, n = int(positive.sum()), len(positive)
    if not 0 < ones < n:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * (n - ones)))


def roc_curve(positive: Array, scores: Array) -> list[tuple[float, float]]:
    """(false positive rate, true positive rate) for every threshold, from (0, 0) to (1, 1)."""
    order = np.argsort(-scores, kind="stable")
    hits = positive[order]
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    true, false = np.cumsum(hits)[last], np.cumsum(~hits)[last]
    ends = max(int(true[-1]), 1), max(int(false[-1]), 1)
    return [(0.0, 0.0), *zip((false / ends[1]).tolist(), (true / ends[0]).tolist(), strict=True)]


class Cut(NamedTuple):
    """What a threshold on the probability of the positive class gives."""

    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, eq=False)
class TwoClasses:
    """Ranking and thresholds of a classifier of two classes. positive: the class that is looked for."""

    positive: str
    auc: float
    curve: list[tuple[float, float]]
    cuts: list[Cut]


def two_classes(truths: Array, proba: Array, name: str) -> TwoClasses | None:
    """truths (n,): which rows are of the positive class; proba (n,): its probability."""
    auc = roc_auc(truths, proba)
    if auc is None:
        return None
    cuts = [cut_at(truths, proba, (i + 1) / (STEPS + 1)) for i in range(STEPS)]
    return TwoClasses(name, auc, roc_curve(truths, proba), cuts)


def cut_at(truths: Array, proba: Array, threshold: float) -> Cut:
    """Precision, recall and F1 where a row counts as positive from `threshold` on."""
    said = proba >= threshold
    counts = np.array(
        [[0, (said & ~truths).sum()], [(~said & truths).sum(), (said & truths).sum()]]
    )
    score = class_scores(counts, ("other", "positive"))[1]
    return Cut(threshold, score.precision, score.recall, score.f1)
