"""`MLPClassifier` and `MLPRegressor`: nets with hidden layers that learn a class or a number from a row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from pullback.core.dtypes import FLOAT32, FLOAT64
from pullback.core.ranges import check_count
from pullback.data.encode import Encoder
from pullback.data.standardize import Standardizer, fit_standardizer
from pullback.data.table import shown
from pullback.errors import DataError, OptionError, RunError
from pullback.gates.reduce import softmax
from pullback.loop.plan import Plan
from pullback.models.rows import checked_labels, checked_numbers, checked_rows, codes_of
from pullback.models.saved import About, Options, labels_of, load, save
from pullback.models.scorer import Scorer, scores_circuit
from pullback.nn.activations import ReLU
from pullback.nn.init import Array
from pullback.nn.layer import Layer
from pullback.nn.linear import Linear
from pullback.nn.losses import CrossEntropy, Loss, MeanSquaredError
from pullback.nn.sequential import Sequential
from pullback.train.monitor import Monitor
from pullback.train.optimizers import SGD
from pullback.train.step import Task
from pullback.train.trainer import Examples, Stopped, Training

Rows = tuple[ArrayLike, ArrayLike]


class _MLP:
    """What both have in common: hidden ReLU layers, made better by SGD with momentum, and their file."""

    _loss: Loss
    encoder_: Encoder | None = None
    target_: str = ""
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

    def _net(self, outputs: int) -> Layer:
        hidden = [layer for units in self.hidden for layer in (Linear(units), ReLU())]
        return Sequential(*hidden, Linear(outputs))

    def _task(self, net: Layer) -> Task:
        sgd = SGD(self.learning_rate, self.momentum, weight_decay=self.weight_decay)
        return Task(net, self._loss, sgd, self.dtype)

    def _plan(self) -> Plan:
        return Plan(self.batch_size, self.max_epochs, self.patience, self.random_state)

    def _learned(
        self, examples: Examples, judge: Examples | None, outputs: int, monitor: Monitor | None
    ) -> tuple[Layer, dict[str, Array]]:
        """Train a net on standardised examples; the net and its weights."""
        net = self._net(outputs)
        training = Training(self._task(net), self._plan(), examples, judge)
        self.stopped_ = training.run(monitor)
        self.n_iter_ = training.now.epoch
        return net, training.weights

    def _named(self, rows: Array, names: Sequence[str]) -> Standardizer:
        self.n_features_in_ = rows.shape[1]
        self.feature_names_in_ = tuple(names) or tuple(f"x{i}" for i in range(rows.shape[1]))
        return fit_standardizer(rows, self.feature_names_in_)

    def _scores(self, X: ArrayLike) -> Array:
        """What the net says of each row; DataError names the cell where a row is beyond its numbers."""
        rows = checked_rows(X, self._fitted().feature_names_in_)
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

    def save(self, path: Path | str) -> None:
        """Write the trained model to a file, whole or not at all. No pickle, no code."""
        about = About(
            model=type(self).__name__,  # type: ignore[arg-type]  # checked when it is read
            options=Options(**self.options()),
            classes=self._fitted()._classes(),
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
        model = cls(**msgspec.structs.asdict(saved.about.options))
        model._remember(saved.about)
        model.feature_names_in_ = tuple(saved.about.features)
        model.n_features_in_ = len(saved.about.features)
        model.scorer_ = saved.scorer
        model.encoder_, model.target_ = saved.about.encoder, saved.about.target
        model.n_iter_, model.stopped_ = saved.about.epochs, saved.about.stopped
        return model

    def _classes(self) -> list[Any]:
        return []

    def _remember(self, about: About) -> None:
        """What only one kind of model has to take out of its file."""

    def _fitted(self) -> Self:
        if not hasattr(self, "scorer_"):
            raise RunError(
                f"this {type(self).__name__} has learned nothing yet.", fix="model.fit(X, y)"
            )
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden={tuple(self.hidden)!r})"


class MLPClassifier(_MLP):
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
    _loss = CrossEntropy()

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
        standardizer = self._named(rows, feature_names)

        def examples(rows: Array, labels: Array) -> Examples:
            x = standardizer.apply(rows).astype(self.dtype)
            return Examples(x, codes_of(labels, self.classes_))

        judge = examples(*self._checked(*validation)) if validation else None
        net, weights = self._learned(examples(rows, labels), judge, len(self.classes_), monitor)
        self.scorer_ = Scorer(scores_circuit(net, standardizer, np.dtype(self.dtype)), weights)
        return self

    def predict(self, X: ArrayLike) -> Array:
        """The likeliest class of each row: (n, d) -> (n,)."""
        scores = self.scores(X)
        likeliest: Array = self.classes_[scores.argmax(axis=-1)]
        return likeliest

    def predict_proba(self, X: ArrayLike) -> Array:
        """The probability of each class, in the order of `classes_`: (n, d) -> (n, k)."""
        return np.asarray(softmax(self.scores(X), axis=-1))

    def scores(self, X: ArrayLike) -> Array:
        """What softmax makes probabilities of: (n, d) -> (n, k)."""
        return self._scores(X)

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """The share of rows whose class is predicted rightly."""
        return float(np.mean(self.predict(X) == checked_labels(y, len(np.asarray(X)))))

    def loss(self, X: ArrayLike, y: ArrayLike) -> float:
        """The mean cross-entropy on these rows, in nats."""
        rows, labels = self._fitted()._checked(X, y)
        return float(CrossEntropy()(self.scorer_(rows), codes_of(labels, self.classes_)))

    def _checked(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        rows = checked_rows(X, self.feature_names_in_)
        return rows, checked_labels(y, len(rows))

    def _classes(self) -> list[Any]:
        found: list[Any] = self.classes_.tolist()
        return found

    def _remember(self, about: About) -> None:
        self.classes_ = labels_of(about.classes)


class MLPRegressor(_MLP):
    """Hidden ReLU layers and one number at the end; the mean squared error, made smaller by SGD.

    The learning rate is 0.01 unless given. The target is standardised by the training rows and brought
    back into its own units inside the circuit, so predictions and `loss` are in the target's units.
    Other options, early stopping, Ctrl-C and the promise of equal bits are those of `MLPClassifier`.

    Learned: feature_names_in_, n_features_in_, scorer_, n_iter_, stopped_.

    >>> X = np.arange(20.0)[:, None]
    >>> model = MLPRegressor(hidden=(), batch_size=5, max_epochs=200, weight_decay=0.0)
    >>> [round(float(y), 2) for y in model.fit(X, 3 * X[:, 0] + 1).predict([[2.0], [30.0]])]
    [7.0, 91.0]
    """

    _loss = MeanSquaredError()

    def __init__(self, hidden: Sequence[int] = (64,), **options: Any) -> None:
        # Squares pull without bound, cross-entropy does not: the standard step is shorter.
        super().__init__(hidden, **{"learning_rate": 0.01, **options})

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        validation: Rows | None = None,
        *,
        feature_names: Sequence[str] = (),
        monitor: Monitor | None = None,
    ) -> Self:
        """Learn from rows X (n, d) and numbers y (n,). `validation` is such a pair too."""
        self.check_options()
        rows = checked_rows(X, feature_names)
        wanted = checked_numbers(y, len(rows))
        standardizer, units = self._named(rows, feature_names), fit_standardizer(wanted, ["y"])

        def examples(rows: Array, wanted: Array) -> Examples:
            x = standardizer.apply(rows).astype(self.dtype)
            return Examples(x, units.apply(wanted).astype(self.dtype))

        judge = examples(*self._checked(*validation)) if validation else None
        net, weights = self._learned(examples(rows, wanted), judge, 1, monitor)
        circuit = scores_circuit(net, standardizer, np.dtype(self.dtype), units)
        self.scorer_ = Scorer(circuit, weights)
        return self

    def predict(self, X: ArrayLike) -> Array:
        """The number that each row is expected to have: (n, d) -> (n,)."""
        expected: Array = self._scores(X)[:, 0]
        return expected

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """R^2: the share of the spread of y that is explained; below 0, its mean would do better."""
        wanted = checked_numbers(y, len(np.asarray(X)))[:, 0]
        spread = float(np.sum((wanted - wanted.mean()) ** 2))
        return 1.0 - float(np.sum((wanted - self.predict(X)) ** 2)) / spread if spread else np.nan

    def loss(self, X: ArrayLike, y: ArrayLike) -> float:
        """The mean squared error on these rows, in squared units of y."""
        rows, wanted = self._fitted()._checked(X, y)
        return float(np.mean((self.predict(rows) - wanted[:, 0]) ** 2))

    def _checked(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        rows = checked_rows(X, self.feature_names_in_)
        return rows, checked_numbers(y, len(rows))
