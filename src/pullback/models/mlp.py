"""`MLPClassifier`: a net with hidden layers that learns which class a row belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from pullback.core.dtypes import FLOAT32, FLOAT64
from pullback.data.standardize import fit_standardizer
from pullback.errors import DataError, OptionError, RunError
from pullback.gates.reduce import softmax
from pullback.models.rows import checked_labels, checked_rows, codes_of
from pullback.models.saved import About, Options, labels_of, load, save
from pullback.models.scorer import Scorer, scores_circuit
from pullback.nn.activations import ReLU
from pullback.nn.init import Array
from pullback.nn.layer import Layer
from pullback.nn.linear import Linear
from pullback.nn.losses import CrossEntropy
from pullback.nn.options import check_count
from pullback.nn.sequential import Sequential
from pullback.train.monitor import Monitor
from pullback.train.optimizers import SGD
from pullback.train.step import Task
from pullback.train.trainer import Examples, Plan, Stopped, Training

Rows = tuple[ArrayLike, ArrayLike]


class MLPClassifier:
    """Hidden ReLU layers, softmax scores; cross-entropy, made smaller by SGD with momentum.

    Columns are standardised by the training rows. With validation rows, training stops after
    `patience` epochs without a better validation loss and keeps the best weights; without, it runs
    for `max_epochs`. The same rows and random_state give the same weights, bit for bit. Ctrl-C ends
    `fit` early with the weights of the last full step; `stopped_` is then "interrupted".

    hidden: units of each hidden layer; () is softmax regression. dtype: of the net, "float32" or
    "float64". Learned: classes_, feature_names_in_, n_features_in_, scorer_, n_iter_, stopped_.
    Errors: OptionError, DataError; RunError when training diverges.

    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["low", "low", "high", "high"])
    >>> model = MLPClassifier(hidden=(8,), batch_size=4, max_epochs=50).fit(X, y)
    >>> model.predict([[-1.0], [4.0]])
    array(['low', 'high'], dtype='<U4')
    """

    classes_: Array
    feature_names_in_: tuple[str, ...]
    n_features_in_: int
    scorer_: Scorer
    n_iter_: int
    stopped_: Stopped

    def __init__(  # noqa: PLR0913  scikit-learn's manners: each option is an argument
        self,
        hidden: Sequence[int] = (64,),
        *,
        learning_rate: float = 0.05,
        momentum: float = 0.9,
        weight_decay: float = 0.001,
        batch_size: int = 32,
        max_epochs: int = 100,
        patience: int = 10,
        random_state: int = 0,
        dtype: str = "float32",
    ) -> None:
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.random_state = random_state
        self.dtype = dtype

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        validation: Rows | None = None,
        *,
        feature_names: Sequence[str] = (),
        monitor: Monitor | None = None,
    ) -> Self:
        """Learn from rows X (n, d) and labels y (n,). `validation` is such a pair too."""
        self.check_options()
        rows = checked_rows(X, feature_names)
        labels = checked_labels(y, len(rows))
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise DataError(f"all {len(rows)} rows have the label {labels[0]!r}; two are needed.")
        self.n_features_in_ = rows.shape[1]
        self.feature_names_in_ = tuple(feature_names) or _numbered(rows.shape[1])
        standardizer = fit_standardizer(rows, self.feature_names_in_)

        def examples(rows: Array, labels: Array) -> Examples:
            x = standardizer.apply(rows).astype(self.dtype)
            return Examples(x, codes_of(labels, self.classes_))

        net = self._net(len(self.classes_))
        judge = examples(*self._checked(*validation)) if validation else None
        training = Training(self._task(net), self._plan(), examples(rows, labels), judge)
        circuit = scores_circuit(net, standardizer, np.dtype(self.dtype))
        self.stopped_ = training.run(monitor)
        self.n_iter_ = training.now.epoch
        self.scorer_ = Scorer(circuit, training.weights)
        return self

    def predict(self, X: ArrayLike) -> Array:
        """The likeliest class of each row: (n, d) -> (n,)."""
        likeliest: Array = self._fitted().classes_[self.scores(X).argmax(axis=-1)]
        return likeliest

    def predict_proba(self, X: ArrayLike) -> Array:
        """The probability of each class, in the order of `classes_`: (n, d) -> (n, k)."""
        return np.asarray(softmax(self.scores(X), axis=-1))

    def scores(self, X: ArrayLike) -> Array:
        """What softmax makes probabilities of: (n, d) -> (n, k)."""
        return self._fitted().scorer_(checked_rows(X, self.feature_names_in_))

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """The share of rows whose class is predicted rightly."""
        return float(np.mean(self.predict(X) == checked_labels(y, len(np.asarray(X)))))

    def loss(self, X: ArrayLike, y: ArrayLike) -> float:
        """The mean cross-entropy on these rows, in nats."""
        rows, labels = self._fitted()._checked(X, y)
        return float(CrossEntropy()(self.scorer_(rows), codes_of(labels, self.classes_)))

    def save(self, path: Path | str) -> None:
        """Write the trained model to a file, whole or not at all. No pickle, no code."""
        about = About(
            model="MLPClassifier",
            options=Options(**self.options()),
            classes=self._fitted().classes_.tolist(),
            features=list(self.feature_names_in_),
            epochs=self.n_iter_,
            stopped=self.stopped_,
        )
        save(Path(path), self.scorer_, about)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """A model that predicts as it did when it was saved; FileError for any other file."""
        saved = load(Path(path))
        model = cls(**msgspec.structs.asdict(saved.about.options))
        model.classes_ = labels_of(saved.about.classes)
        model.feature_names_in_ = tuple(saved.about.features)
        model.n_features_in_ = len(saved.about.features)
        model.scorer_ = saved.scorer
        model.n_iter_, model.stopped_ = saved.about.epochs, saved.about.stopped
        return model

    def options(self) -> dict[str, Any]:
        """The options by name, as plain Python numbers."""
        return {
            name: np.asarray(getattr(self, name)).tolist() for name in Options.__struct_fields__
        }

    def check_options(self) -> None:
        """OptionError when an option lies outside its range. `fit` asks this first."""
        for units in self.hidden:
            check_count("hidden", units, least=1)
        check_count("random_state", self.random_state, least=0, below=2**32)
        if self.dtype not in (FLOAT32.name, FLOAT64.name):
            raise OptionError(f"dtype={self.dtype!r}; it is 'float32' or 'float64'.")
        self._plan()
        self._task(self._net(2))

    def _net(self, classes: int) -> Layer:
        hidden = [layer for units in self.hidden for layer in (Linear(units), ReLU())]
        return Sequential(*hidden, Linear(classes))

    def _task(self, net: Layer) -> Task:
        sgd = SGD(self.learning_rate, self.momentum, weight_decay=self.weight_decay)
        return Task(net, CrossEntropy(), sgd)

    def _plan(self) -> Plan:
        return Plan(self.batch_size, self.max_epochs, self.patience, self.random_state)

    def _checked(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        rows = checked_rows(X, self.feature_names_in_)
        return rows, checked_labels(y, len(rows))

    def _fitted(self) -> Self:
        if not hasattr(self, "scorer_"):
            raise RunError("this MLPClassifier has learned nothing yet.", fix="model.fit(X, y)")
        return self

    def __repr__(self) -> str:
        return f"MLPClassifier(hidden={tuple(self.hidden)!r})"


def _numbered(columns: int) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(columns))
