"""What the test rows say about a model: scores, guessing beside them, importance, the worst mistakes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pullback.data.columns import columns_said
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
from pullback.models.mistakes import worst
from pullback.models.mlp import MLPClassifier, MLPRegressor
from pullback.models.problem import Problem, Question, rows_of
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
from pullback.runs.folder import Run
from pullback.show.evidence import Evidence


@dataclass(frozen=True)
class Source:
    """Where rows came from: a shipped name or a file, its sha256, and what was asked of it."""

    data: str
    sha256: str = ""
    question: Question | None = None

    def options(self) -> dict[str, Any]:
        """For the run's config, which `rerun` reads."""
        if self.question is None:
            return {"data": self.data}
        return {"data": self.data, "sha256": self.sha256, **asdict(self.question)}

    def commands(self, run: Run, model: MLPClassifier | MLPRegressor) -> list[str]:
        """What to type to get the run again."""
        words = ["pullback", "train", self.data]
        if self.question:
            asked, standard = asdict(self.question), asdict(Question(self.question.target))
            for name, value in asked.items():
                if name == "target" or value != standard[name]:
                    words += _flags(name, value)
        standard = type(model)().options()
        for name, value in model.options().items():
            flag = FLAGS.get(name)
            if flag and value != standard[name]:
                values = value if isinstance(value, list) else [value]
                words += [word for one in values for word in (flag, str(one))]
        return [
            f"pullback rerun {shlex.quote(run.name)}",
            "# or, from the beginning:",
            shlex.join(words),
        ]


def _flags(name: str, value: Any) -> list[str]:
    """An option of a table as it is typed, once for each word: --header no, --missing=-999."""
    typed = "--" + name.replace("_", "-")
    values = value if isinstance(value, tuple | list) else [value]
    return [w for v in values for w in ([f"{typed}={v}"] if v.startswith("-") else [typed, v])]


FLAGS = {
    "hidden": "--hidden", "learning_rate": "--learning-rate", "momentum": "--momentum",
    "weight_decay": "--weight-decay", "batch_size": "--batch", "max_epochs": "--epochs",
    "patience": "--patience", "random_state": "--seed",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Judged:
    """The test rows' verdict. proba (n, k) of a classification, expected (n,) of a regression."""

    task: str
    rows: int
    loss: float
    score: float
    baseline: Baseline
    importance: Sequence[Importance]
    classes: tuple[str, ...] = ()
    counts: Array | None = None
    proba: Array | None = None
    expected: Array | None = None
    calibration: Calibration | None = None
    ranked: TwoClasses | None = None
    auc: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def by_class(self) -> list[ClassScore]:
        """Precision, recall and F1 of every class."""
        assert self.counts is not None
        return class_scores(self.counts, self.classes)

    @property
    def balanced(self) -> float:
        """The mean over classes of the share of their rows that is right: a large class counts no more."""
        assert self.counts is not None
        sums = self.counts.sum(axis=1)
        return float((np.diag(self.counts)[sums > 0] / sums[sums > 0]).mean())

    @property
    def confused(self) -> tuple[str, str, int] | None:
        assert self.counts is not None
        wrong = self.counts - np.diag(np.diag(self.counts))
        true, taken = np.unravel_index(int(wrong.argmax()), wrong.shape)
        count = int(wrong[true, taken])
        return (self.classes[true], self.classes[taken], count) if count else None

    def scores(self) -> dict[str, Any]:
        """As an outcome and a command call them."""
        both = {"test_loss": self.loss, "test_rows": self.rows}
        if self.task == "regression":
            return {**both, "test_r2": self.score, "test_error": float(np.sqrt(self.loss))}
        return {
            **both,
            "test_accuracy": self.score,
            "test_balanced": self.balanced,
            "test_f1": mean_f1(self.by_class),
            "test_auc": self.auc,
            "confused": self.confused,
        }


@dataclass(frozen=True, eq=False)
class Terms:
    """By what rows are judged. groups: which features each column became. guess: what guessing says, in
    words `said`. repeated: which rows were learned from too. series: whether rows follow time.
    """

    groups: dict[str, list[int]]
    guess: Any
    said: str = ""
    repeated: Array | None = None
    series: bool = False


def judged(problem: Problem, model: MLPClassifier | MLPRegressor) -> Judged:
    """Measure the model on the test part."""
    X, y = rows_of(problem, problem.parts.test)
    learned = problem.y[problem.parts.train]
    repeated, series = np.isin(problem.parts.test, problem.repeated), bool(problem.series)
    if isinstance(model, MLPClassifier):
        values, counts = np.unique(learned, return_counts=True)
        commonest = values[counts.argmax()]
        return judge_classes(model, X, y, Terms(problem.groups, commonest, "", repeated, series))
    guess, said = float(learned.mean()), "the mean of the training rows"
    if series:
        guess, said = float(learned[-1]), "the last training value"
    return judge_numbers(model, X, y, Terms(problem.groups, guess, said, repeated, series))


def judge_classes(
    model: MLPClassifier,
    X: Features,
    y: Array,
    terms: Terms,
) -> Judged:
    """A classifier on labelled rows; `terms.guess` is the class that guessing names."""
    classes = model.classes_
    codes, proba = codes_of(y, classes), model.predict_proba(X)
    taken = proba.argmax(axis=-1)
    right = taken == codes

    def errors(rows: Features, own: Rows) -> Array:
        missed: Array = (model.scores(rows).argmax(axis=-1) != codes[own]).astype(np.float64)
        return missed

    names = tuple(str(label) for label in classes.tolist())
    ranked = two_classes(codes == 1, proba[:, 1], names[1]) if len(names) == 2 else None
    commonest = int(codes_of(np.array([terms.guess]), classes)[0])
    return Judged(
        task="classification",
        rows=len(X),
        loss=model.loss(X, y),
        score=float(right.mean()),
        baseline=class_baseline(right, codes, commonest, names[commonest], series=terms.series),
        importance=importances(errors, X, terms.groups, model.random_state),
        classes=names,
        counts=confusion(codes, taken, len(classes)),
        proba=proba,
        calibration=calibration(proba.max(axis=-1), right),
        ranked=ranked,
        auc=ranked.auc if ranked else _mean_auc(codes, proba),
        notes=_repeats(terms.repeated, right.astype(np.float64), "{:.1%} are right"),
    )


def _mean_auc(codes: Array, proba: Array) -> float | None:
    """The mean over classes of each one's ROC-AUC against the rest."""
    found = [roc_auc(codes == i, proba[:, i]) for i in range(proba.shape[1])]
    known = [auc for auc in found if auc is not None]
    return float(np.mean(known)) if known else None


def judge_numbers(
    model: MLPRegressor,
    X: Features,
    y: Array,
    terms: Terms,
) -> Judged:
    """A regression on rows whose number is known; `terms.guess` is the number that guessing says."""
    expected = model.predict(X)
    unit = float(y.var()) or 1.0

    def errors(rows: Features, own: Rows) -> Array:
        missed: Array = (model.predict(rows) - y[own]) ** 2 / unit
        return missed

    return Judged(
        task="regression",
        rows=len(X),
        loss=model.loss(X, y),
        score=model.score(X, y),
        baseline=number_baseline(y, expected, terms.guess, terms.said, series=terms.series),
        importance=importances(errors, X, terms.groups, model.random_state),
        expected=expected,
        notes=_repeats(terms.repeated, np.abs(y - expected), "the mean absolute error is {:.4g}"),
    )


def _repeats(repeated: Array | None, values: Array, said: str) -> tuple[str, ...]:
    """Rows in both parts make a score look better than it is: how is it without them?"""
    if repeated is None or not repeated.any():
        return ()
    count, n = int(repeated.sum()), len(repeated)
    told = f"{count:,} of {n:,} test rows are duplicate training rows, cell by cell"
    others = values[~repeated]
    return (f"{told}; of the others {said.format(others.mean())}" if len(others) else told,)


@dataclass(frozen=True)
class RunFacts:
    """What a page says of the run itself. linear: the score of a linear model beside it."""

    name: str
    log: list[dict[str, Any]]
    commands: list[str]
    linear: float | None = None
    settings: Sequence[tuple[str, str]] = ()


def evidence_of(
    problem: Problem, model: MLPClassifier | MLPRegressor, result: Judged, run: RunFacts
) -> Evidence:
    """Everything about a run, ready for its page."""
    errors = worst(problem, model, result.proba, result.expected)
    unit = (
        "accuracy lost"
        if result.task == "classification"
        else "squared error gained, as a share of the variance"
    )
    y = problem.y[problem.parts.test]
    residuals = (
        []
        if result.expected is None
        else list(zip(y.tolist(), result.expected.tolist(), strict=True))
    )
    return Evidence(
        title=f"{run.name}: {_learned(problem)} of {problem.name}",
        verdict=result.baseline.verdict[:1].upper() + result.baseline.verdict[1:],
        better=result.baseline.better,
        numbers=_numbers(problem, model, result, run.linear),
        columns=columns_said(problem.columns),
        notes=[*_order_said(problem), *problem.notes, *result.notes],
        log=run.log,
        commands=run.commands,
        circuit=model.scorer_.circuit,
        classes=result.classes,
        confusion=[] if result.counts is None else result.counts.tolist(),
        residuals=residuals,
        bins=result.calibration.bins if result.calibration else (),
        ece=result.calibration.ece if result.calibration else 0.0,
        importance=[(one.column, one.drop, one.error_bar) for one in result.importance],
        importance_unit=unit,
        scores=result.by_class if result.counts is not None else (),
        positive=result.ranked.positive if result.ranked else "",
        roc=result.ranked.curve if result.ranked else (),
        auc=result.ranked.auc if result.ranked else 0.0,
        cuts=result.ranked.cuts if result.ranked else (),
        mistake_head=errors.head,
        mistakes=errors.rows,
        images=errors.images,
        settings=run.settings,
    )


def _learned(problem: Problem) -> str:
    return f"'{problem.target}'" if problem.target else "classes"


def _order_said(problem: Problem) -> list[str]:
    if not problem.series:
        return []
    return [
        f"the rows are in the order of '{problem.series}': the first 70 % are for training, the last 15 % "
        "for the test, so the model extrapolates; --order random interpolates"
    ]


def _numbers(
    problem: Problem, model: MLPClassifier | MLPRegressor, result: Judged, linear: float | None
) -> list[tuple[str, str]]:
    parts = problem.parts
    if result.task == "classification":
        # Two rows are added, one right and one wrong: all right is no proof that none will be wrong.
        share = (result.score * result.rows + 1) / (result.rows + 2)
        bar = np.sqrt(share * (1 - share) / (result.rows + 2))
        rows = [
            ("test accuracy", f"{result.score:.2%} ± {bar:.2%}"),
            ("balanced accuracy (mean over classes)", f"{result.balanced:.2%}"),
            ("F1 (mean over classes)", f"{mean_f1(result.by_class):.3f}"),
            *([("ROC-AUC", f"{result.auc:.3f}")] if result.auc is not None else []),
            ("test loss (cross-entropy)", f"{result.loss:.4f}"),
        ]
    else:
        rows = [
            ("test R²", f"{result.score:.4f}"),
            ("test RMSE (root mean squared error)", f"{np.sqrt(result.loss):.5g}"),
        ]
    told = ("train", "validation", "test")
    form = "{:.2%}" if result.task == "classification" else "{:.5g}"
    return [
        *rows,
        ("constant baseline", f"{result.baseline.what}: {form.format(result.baseline.score)}"),
        *([("linear baseline", form.format(linear))] if linear is not None else []),
        ("rows", ", ".join(f"{len(part):,} {why}" for part, why in zip(parts, told, strict=True))),
        ("model", f"{model!r}, {problem.X.shape[1]} features"),
        ("epochs", f"{model.n_iter_} ({model.stopped_})"),
        ("seed", str(model.random_state)),
    ]
