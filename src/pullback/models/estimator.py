"""`Estimator`: the interface of models that reports, files and commands use; `Classifier`, `Regressor`.

A new estimator is a subclass of one of the two with `Options`, `fit` and its registry line; whatever
depends on the task is here, so nobody else asks which kind a model is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from pullback.data.dataset import Features
from pullback.data.encode import Cells, Encoder, Written
from pullback.data.standardize import Standardizer, fit_standardizer
from pullback.data.table import Table, shown
from pullback.errors import DataError, FileError, RunError
from pullback.gates.reduce import softmax
from pullback.models.metrics import BaselineTerms, Metrics, class_metrics, number_metrics
from pullback.models.mistakes import Worst, worst_labels, worst_numbers
from pullback.models.rows import checked_labels, checked_numbers, checked_rows, codes_of
from pullback.models.saved import About, Stopped, labels_of, load, save
from pullback.models.scorer import Scorer
from pullback.models.target import Task
from pullback.nn.init import Array
from pullback.nn.losses import CrossEntropy
from pullback.train.monitor import Monitor

Pair = tuple[ArrayLike, ArrayLike]


class Answer(NamedTuple):
    """What a model says of each row: labels and how probable they are, or numbers."""

    labels: Array
    probabilities: Array
    classes: tuple[str, ...] = ()
    proba: Array | None = None


class Estimator(ABC):
    """A model of a table. Options are arguments of its constructor and fields of `Options`.

    After `fit`: feature_names_in_, n_features_in_, scorer_, n_iter_, stopped_. Trained on a table, it
    also knows encoder_ (how cells become features) and target_ (the column it learned).
    """

    task: ClassVar[Task]
    Options: ClassVar[type[msgspec.Struct]]
    random_state: int
    encoder_: Encoder | None = None
    target_: str = ""
    feature_names_in_: tuple[str, ...]
    n_features_in_: int
    scorer_: Scorer
    n_iter_: int
    stopped_: Stopped

    @abstractmethod
    def check_options(self) -> None:
        """OptionError when an option lies outside its range. `fit` asks this first."""

    @abstractmethod
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        validation: Pair | None = None,
        *,
        feature_names: Sequence[str] = (),
        monitor: Monitor | None = None,
    ) -> Self:
        """Learn from rows X (n, d) and targets y (n,). `validation` is such a pair too."""

    @abstractmethod
    def predict(self, X: ArrayLike) -> Array:
        """The class or number of each row: (n, d) -> (n,)."""

    @abstractmethod
    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Accuracy or R² on these rows."""

    @abstractmethod
    def loss(self, X: ArrayLike, y: ArrayLike) -> float:
        """The mean loss on these rows."""

    @abstractmethod
    def linear(self) -> Estimator:
        """The linear model with the same options, untrained: what this one has to beat."""

    def options(self) -> dict[str, Any]:
        """The options by name, as plain Python numbers."""
        names = self.Options.__struct_fields__
        return {name: np.asarray(getattr(self, name)).tolist() for name in names}

    def scores(self, X: ArrayLike) -> Array:
        """What the net says of each row (n, k); DataError names the cell that is beyond its numbers."""
        rows = checked_rows(X, self.fitted().feature_names_in_)
        with np.errstate(over="ignore", invalid="ignore"):
            scores = self.scorer_(rows)
        wrong = np.flatnonzero(~np.isfinite(scores).all(axis=-1))
        if len(wrong):
            row = int(wrong[0])
            column = int(np.abs(rows[row]).argmax())
            raise DataError(
                f"row {row}, column {shown(self.feature_names_in_[column])}: "
                f"{rows[row, column]:g} is too large for this model."
            )
        return scores

    def fitted(self) -> Self:
        """The model itself; RunError before `fit`."""
        if not hasattr(self, "scorer_"):
            name = type(self).__name__
            raise RunError(f"this {name} has learned nothing yet.", fix="model.fit(X, y)")
        return self

    def save(self, path: Path | str) -> None:
        """Write the trained model to a file, whole or not at all. No pickle, no code."""
        self.fitted()
        about = About(
            model=type(self).__name__,
            options=self.options(),
            classes=self.outcomes(),
            features=list(self.feature_names_in_),
            epochs=self.n_iter_,
            stopped=self.stopped_,
            encoder=self.encoder_,
            target=self.target_,
        )
        save(Path(path), self.scorer_, about)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """A model that predicts as it did when it was saved; FileError for any other file."""
        saved = load(Path(path), cls.__name__)
        about = saved.about
        try:
            options = msgspec.convert(about.options, cls.Options)
        except msgspec.ValidationError as error:
            raise FileError(f"'{path}' is not a model: {error}.") from None
        model = cls(**msgspec.structs.asdict(options))
        model.remember(about.classes)
        wanted, found = len(model.outcomes()) or 1, saved.scorer.outcomes
        if wanted != found:
            raise FileError(
                f"'{path}' names {len(about.features)} columns and {wanted} outcomes; its circuit has "
                f"{len(about.features)} and {found}."
            )
        model.feature_names_in_ = tuple(about.features)
        model.n_features_in_ = len(about.features)
        model.scorer_ = saved.scorer
        model.encoder_, model.target_ = about.encoder, about.target
        model.n_iter_, model.stopped_ = about.epochs, about.stopped
        return model

    def named(self, rows: Array, names: Sequence[str]) -> Standardizer:
        """Keep what the columns are called; how they are standardised."""
        self.n_features_in_ = rows.shape[1]
        self.feature_names_in_ = tuple(names) or tuple(f"x{i}" for i in range(rows.shape[1]))
        return fit_standardizer(rows, self.feature_names_in_)

    # What depends on the task

    @abstractmethod
    def outcomes(self) -> list[Any]:
        """The classes; none of a regression."""

    @abstractmethod
    def remember(self, classes: list[Any]) -> None:
        """The classes as they were saved."""

    @abstractmethod
    def terms(self, learned: Array, groups: dict[str, list[int]], **known: Any) -> BaselineTerms:
        """By what rows are judged: the constant baseline of the targets in `learned`."""

    @abstractmethod
    def metrics(self, X: Features, y: Array, terms: BaselineTerms) -> Metrics:
        """How the model does on labelled rows."""

    @abstractmethod
    def answer(self, X: Features) -> Answer:
        """What the model says of each row, for a person."""

    @abstractmethod
    def targets(self, table: Table, cells: Cells, written: Written) -> Array:
        """Cells of the target as what was learned; DataError for a class that was not."""

    @abstractmethod
    def worst(self, y: Array, metrics: Any) -> Worst:
        """The rows on which it errs most."""


class Classifier(Estimator):
    """Tells classes apart: classes_ (k,), sorted; the scores of a row are turned into probabilities."""

    task: ClassVar[Task] = "classification"
    classes_: Array

    def predict(self, X: ArrayLike) -> Array:
        """The likeliest class of each row: (n, d) -> (n,)."""
        scores = self.scores(X)
        likeliest: Array = self.classes_[scores.argmax(axis=-1)]
        return likeliest

    def predict_proba(self, X: ArrayLike) -> Array:
        """The probability of each class, in the order of `classes_`: (n, d) -> (n, k)."""
        return np.asarray(softmax(self.scores(X), axis=-1))

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """The share of rows whose class is predicted rightly."""
        return float(np.mean(self.predict(X) == checked_labels(y, len(np.asarray(X)))))

    def loss(self, X: ArrayLike, y: ArrayLike) -> float:
        """The mean cross-entropy on these rows, in nats."""
        rows, labels = self.fitted().checked(X, y)
        return float(CrossEntropy()(self.scorer_(rows), codes_of(labels, self.classes_)))

    def checked(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Rows and labels, or a DataError that names the wrong one."""
        rows = checked_rows(X, self.feature_names_in_)
        return rows, checked_labels(y, len(rows))

    def outcomes(self) -> list[Any]:
        found: list[Any] = self.classes_.tolist()
        return found

    def remember(self, classes: list[Any]) -> None:
        self.classes_ = labels_of(classes)

    def terms(self, learned: Array, groups: dict[str, list[int]], **known: Any) -> BaselineTerms:
        values, counts = np.unique(learned, return_counts=True)
        return BaselineTerms(groups, values[counts.argmax()], seed=self.random_state, **known)

    def metrics(self, X: Features, y: Array, terms: BaselineTerms) -> Metrics:
        proba, loss = self.predict_proba(X), self.loss(X, y)
        return class_metrics(self.scores, proba, self.classes_, loss, (X, y), terms)

    def answer(self, X: Features) -> Answer:
        proba, names = self.predict_proba(X), tuple(map(str, self.classes_.tolist()))
        return Answer(self.classes_[proba.argmax(axis=-1)], proba.max(axis=-1), names, proba)

    def targets(self, table: Table, cells: Cells, written: Written) -> Array:
        texts = self.classes_.dtype.kind == "U"
        values = np.array(cells.texts) if texts else cells.numbers(written)
        strange = np.flatnonzero(~np.isin(values, self.classes_))
        if len(strange):
            row = int(strange[0])
            said = f"{table.name}, line {table.lines[row]}, {shown(cells.texts[row])}"
            raise DataError(
                f"{said} is a class that is not in the training rows.",
                where=[f"classes  {', '.join(shown(str(c)) for c in self.classes_[:12])}"],
            )
        return values.astype(self.classes_.dtype)

    def worst(self, y: Array, metrics: Any) -> Worst:
        return worst_labels(codes_of(y, self.classes_), metrics.proba, metrics.classes)


class Regressor(Estimator):
    """Predicts one number a row, in the target's own units."""

    task: ClassVar[Task] = "regression"

    def predict(self, X: ArrayLike) -> Array:
        """The number that each row is expected to have: (n, d) -> (n,)."""
        expected: Array = self.scores(X)[:, 0]
        return expected

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """R^2: the share of the spread of y that is explained; below 0, its mean would do better."""
        wanted = checked_numbers(y, len(np.asarray(X)))[:, 0]
        spread = float(np.sum((wanted - wanted.mean()) ** 2))
        return 1.0 - float(np.sum((wanted - self.predict(X)) ** 2)) / spread if spread else np.nan

    def loss(self, X: ArrayLike, y: ArrayLike) -> float:
        """The mean squared error on these rows, in squared units of y."""
        rows, wanted = self.fitted().checked(X, y)
        return float(np.mean((self.predict(rows) - wanted[:, 0]) ** 2))

    def checked(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Rows and numbers (n, 1), or a DataError that names the wrong one."""
        rows = checked_rows(X, self.feature_names_in_)
        return rows, checked_numbers(y, len(rows))

    def outcomes(self) -> list[Any]:
        return []

    def remember(self, classes: list[Any]) -> None:
        """There are no classes."""

    def terms(self, learned: Array, groups: dict[str, list[int]], **known: Any) -> BaselineTerms:
        guess, said = float(learned.mean()), known.pop("said", "the mean of the training rows")
        if known.get("series"):
            guess, said = float(learned[-1]), "the last training value"
        return BaselineTerms(groups, guess, said, seed=self.random_state, **known)

    def metrics(self, X: Features, y: Array, terms: BaselineTerms) -> Metrics:
        return number_metrics(self.predict, self.loss(X, y), self.score(X, y), (X, y), terms)

    def answer(self, X: Features) -> Answer:
        return Answer(self.predict(X), np.empty(0))

    def targets(self, table: Table, cells: Cells, written: Written) -> Array:
        return cells.numbers(written)

    def worst(self, y: Array, metrics: Any) -> Worst:
        return worst_numbers(y, metrics.expected)
