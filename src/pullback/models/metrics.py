"""What labelled rows say about a model: scores, a baseline beside them, importance, calibration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pullback.data.dataset import Features, Rows
from pullback.models.measure import (
    Baseline,
    Calibration,
    Importance,
    calibration,
    class_baseline,
    confusion,
    importances,
    number_baseline,
)  # fmt: skip
from pullback.models.ranking import (
    ClassScore,
    TwoClasses,
    class_scores,
    mean_f1,
    roc_auc,
    two_classes,
)  # fmt: skip
from pullback.models.rows import codes_of
from pullback.nn.init import Array

Scores = Callable[[Features], Array]  # rows (n, d) -> what the model says of each (n, k)


@dataclass(frozen=True, eq=False)
class BaselineTerms:
    """By what rows are judged. groups: which features each column became. guess: what a constant
    baseline says, in words `said`. repeated: which rows are training rows too. series: whether rows
    follow time. seed: of the shuffles of the importance.
    """

    groups: dict[str, list[int]]
    guess: Any
    said: str = ""
    repeated: Array | None = None
    series: bool = False
    seed: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Metrics(ABC):
    """How a model does on some rows. score: accuracy or R². loss: in nats, or squared units."""

    rows: int
    loss: float
    score: float
    baseline: Baseline
    importance: Sequence[Importance]
    notes: tuple[str, ...] = ()
    task: ClassVar[str]
    importance_unit: ClassVar[str]
    form: ClassVar[str]  # of a score beside the baselines

    @abstractmethod
    def scores(self) -> dict[str, Any]:
        """As an outcome and a command call them."""

    @abstractmethod
    def numbers(self) -> list[tuple[str, str]]:
        """The headline of a page: pairs of what and how much."""

    @abstractmethod
    def shown(self, y: Array) -> dict[str, Any]:
        """What only a page of this task shows, by the names of `Evidence`. y: the true targets."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassMetrics(Metrics):
    """Of a classification. counts (k, k): rows true, columns predicted; proba (n, k)."""

    classes: tuple[str, ...]
    counts: Array
    proba: Array
    calibration: Calibration
    ranked: TwoClasses | None = None
    auc: float | None = None
    task: ClassVar[str] = "classification"
    importance_unit: ClassVar[str] = "accuracy lost"
    form: ClassVar[str] = "{:.2%}"

    @property
    def by_class(self) -> list[ClassScore]:
        """Precision, recall and F1 of every class."""
        return class_scores(self.counts, self.classes)

    @property
    def balanced(self) -> float:
        """The mean over classes of the share of their rows that is right: a large class counts no more."""
        sums = self.counts.sum(axis=1)
        return float((np.diag(self.counts)[sums > 0] / sums[sums > 0]).mean())

    @property
    def confused(self) -> tuple[str, str, int] | None:
        """The most frequent error: true class, predicted class, how often."""
        wrong = self.counts - np.diag(np.diag(self.counts))
        true, taken = np.unravel_index(int(wrong.argmax()), wrong.shape)
        count = int(wrong[true, taken])
        return (self.classes[true], self.classes[taken], count) if count else None

    def scores(self) -> dict[str, Any]:
        return {
            "test_loss": self.loss,
            "test_rows": self.rows,
            "test_accuracy": self.score,
            "test_balanced": self.balanced,
            "test_f1": mean_f1(self.by_class),
            "test_auc": self.auc,
            "confused": self.confused,
        }

    def numbers(self) -> list[tuple[str, str]]:
        # Two rows are added, one right and one wrong: all right is no proof that none will be wrong.
        share = (self.score * self.rows + 1) / (self.rows + 2)
        bar = np.sqrt(share * (1 - share) / (self.rows + 2))
        return [
            ("test accuracy", f"{self.score:.2%} ± {bar:.2%}"),
            ("balanced accuracy (mean over classes)", f"{self.balanced:.2%}"),
            ("F1 (mean over classes)", f"{mean_f1(self.by_class):.3f}"),
            *([("ROC-AUC", f"{self.auc:.3f}")] if self.auc is not None else []),
            ("test loss (cross-entropy)", f"{self.loss:.4f}"),
        ]

    def shown(self, y: Array) -> dict[str, Any]:
        ranked = self.ranked
        found: dict[str, Any] = {
            "classes": self.classes,
            "confusion": self.counts.tolist(),
            "bins": self.calibration.bins,
            "ece": self.calibration.ece,
            "scores": self.by_class,
        }
        if ranked:
            found |= {"positive": ranked.positive, "roc": ranked.curve}
            found |= {"auc": ranked.auc, "cuts": ranked.cuts}
        return found


@dataclass(frozen=True, eq=False, kw_only=True)
class NumberMetrics(Metrics):
    """Of a regression. expected (n,): what was predicted."""

    expected: Array
    task: ClassVar[str] = "regression"
    importance_unit: ClassVar[str] = "increase of the squared error, as a share of the variance"
    form: ClassVar[str] = "{:.5g}"

    def scores(self) -> dict[str, Any]:
        both = {"test_loss": self.loss, "test_rows": self.rows}
        return {**both, "test_r2": self.score, "test_error": float(np.sqrt(self.loss))}

    def numbers(self) -> list[tuple[str, str]]:
        return [
            ("test R²", f"{self.score:.4f}"),
            ("test RMSE (root mean squared error)", f"{np.sqrt(self.loss):.5g}"),
        ]

    def shown(self, y: Array) -> dict[str, Any]:
        return {"residuals": list(zip(y.tolist(), self.expected.tolist(), strict=True))}


def class_metrics(
    scores: Scores, proba: Array, classes: Array, loss: float, rows: tuple[Features, Array],
    terms: BaselineTerms,
) -> ClassMetrics:  # fmt: skip
    """A classifier on labelled rows (X, y); `terms.guess` is the class of the constant baseline."""
    X, y = rows
    codes = codes_of(y, classes)
    taken = proba.argmax(axis=-1)
    right = taken == codes

    def errors(rows: Features, own: Rows) -> Array:
        missed: Array = (scores(rows).argmax(axis=-1) != codes[own]).astype(np.float64)
        return missed

    names = tuple(str(label) for label in classes.tolist())
    ranked = two_classes(codes == 1, proba[:, 1], names[1]) if len(names) == 2 else None
    commonest = int(codes_of(np.array([terms.guess]), classes)[0])
    return ClassMetrics(
        rows=len(X),
        loss=loss,
        score=float(right.mean()),
        baseline=class_baseline(right, codes, commonest, names[commonest], series=terms.series),
        importance=importances(errors, X, terms.groups, terms.seed),
        classes=names,
        counts=confusion(codes, taken, len(classes)),
        proba=proba,
        calibration=calibration(proba.max(axis=-1), right),
        ranked=ranked,
        auc=ranked.auc if ranked else _mean_auc(codes, proba),
        notes=_repeats(terms.repeated, right.astype(np.float64), "{:.1%} are right"),
    )


def number_metrics(
    predict: Scores, loss: float, score: float, rows: tuple[Features, Array], terms: BaselineTerms
) -> NumberMetrics:
    """A regression on rows whose number is known; `terms.guess` is that of the constant baseline."""
    X, y = rows
    expected = predict(X)
    unit = float(y.var()) or 1.0

    def errors(rows: Features, own: Rows) -> Array:
        missed: Array = (predict(rows) - y[own]) ** 2 / unit
        return missed

    return NumberMetrics(
        rows=len(X),
        loss=loss,
        score=score,
        baseline=number_baseline(y, expected, terms.guess, terms.said, series=terms.series),
        importance=importances(errors, X, terms.groups, terms.seed),
        expected=expected,
        notes=_repeats(terms.repeated, np.abs(y - expected), "the mean absolute error is {:.4g}"),
    )


def _mean_auc(codes: Array, proba: Array) -> float | None:
    """The mean over classes of each one's ROC-AUC against the rest."""
    found = [roc_auc(codes == i, proba[:, i]) for i in range(proba.shape[1])]
    known = [auc for auc in found if auc is not None]
    return float(np.mean(known)) if known else None


def _repeats(repeated: Array | None, values: Array, said: str) -> tuple[str, ...]:
    """Rows in both parts make a score look better than it is: how is it without them?"""
    if repeated is None or not repeated.any():
        return ()
    count, n = int(repeated.sum()), len(repeated)
    told = f"{count:,} of {n:,} test rows are duplicate training rows, cell by cell"
    others = values[~repeated]
    return (f"{told}; of the others {said.format(others.mean())}" if len(others) else told,)
