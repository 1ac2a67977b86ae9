"""`MLPClassifier` and `MLPRegressor`: nets with hidden layers that learn a class or a number from a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from pullback.core.dtypes import FLOAT32, FLOAT64
from pullback.core.ranges import check_count
from pullback.data.standardize import fit_standardizer
from pullback.errors import DataError, OptionError
from pullback.loop.optimizers import SGD
from pullback.loop.plan import Plan
from pullback.models.estimator import Classifier, Estimator, Pair, Regressor
from pullback.models.rows import checked_labels, checked_numbers, checked_rows, codes_of
from pullback.models.scorer import Scorer, scores_circuit
from pullback.nn.activations import ReLU
from pullback.nn.init import Array
from pullback.nn.layer import Layer
from pullback.nn.linear import Linear
from pullback.nn.losses import CrossEntropy, Loss, MeanSquaredError
from pullback.nn.sequential import Sequential
from pullback.train.monitor import Monitor
from pullback.train.step import Task
from pullback.train.trainer import Examples, Training


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of an `MLPClassifier` or an `MLPRegressor`."""

    hidden: list[int]
    learning_rate: float
    momentum: float
    weight_decay: float
    batch_size: int
    max_epochs: int
    patience: int
    random_state: int
    dtype: str


class _MLP(Estimator):
    """What both have in common: hidden ReLU layers, made better by SGD with momentum."""

    Options = Options
    _loss: Loss

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

    def check_options(self) -> None:
        """OptionError when an option lies outside its range. `fit` asks this first."""
        for units in self.hidden:
            check_count("hidden", units, least=1)
        check_count("random_state", self.random_state, least=0, below=2**32)
        if self.dtype not in (FLOAT32.name, FLOAT64.name):
            raise OptionError(f"dtype must be 'float32' or 'float64', got {self.dtype!r}.")
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

    def linear(self) -> Estimator:
        return type(self)(**{**self.options(), "hidden": ()})

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden={tuple(self.hidden)!r})"


class MLPClassifier(_MLP, Classifier):
    """A net with hidden ReLU layers and softmax scores, trained on cross-entropy by SGD with momentum.

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

    _loss = CrossEntropy()

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        validation: Pair | None = None,
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
        standardizer = self.named(rows, feature_names)

        def examples(rows: Array, labels: Array) -> Examples:
            x = standardizer.apply(rows).astype(self.dtype)
            return Examples(x, codes_of(labels, self.classes_))

        judge = examples(*self.checked(*validation)) if validation else None
        net, weights = self._learned(examples(rows, labels), judge, len(self.classes_), monitor)
        self.scorer_ = Scorer(scores_circuit(net, standardizer, np.dtype(self.dtype)), weights)
        return self


class MLPRegressor(_MLP, Regressor):
    """A net with hidden ReLU layers and one output, trained on the mean squared error by SGD.

    The learning rate is 0.01 unless given. The target is standardised by the training rows and brought
    back into its own units inside the circuit, so predictions and `loss` are in the target's units.
    Other options, early stopping, Ctrl-C and reproducibility are those of `MLPClassifier`.

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
        validation: Pair | None = None,
        *,
        feature_names: Sequence[str] = (),
        monitor: Monitor | None = None,
    ) -> Self:
        """Learn from rows X (n, d) and numbers y (n,). `validation` is such a pair too."""
        self.check_options()
        rows = checked_rows(X, feature_names)
        wanted = checked_numbers(y, len(rows))
        standardizer, units = self.named(rows, feature_names), fit_standardizer(wanted, ["y"])

        def examples(rows: Array, wanted: Array) -> Examples:
            x = standardizer.apply(rows).astype(self.dtype)
            return Examples(x, units.apply(wanted).astype(self.dtype))

        judge = examples(*self.checked(*validation)) if validation else None
        net, weights = self._learned(examples(rows, wanted), judge, 1, monitor)
        circuit = scores_circuit(net, standardizer, np.dtype(self.dtype), units)
        self.scorer_ = Scorer(circuit, weights)
        return self
