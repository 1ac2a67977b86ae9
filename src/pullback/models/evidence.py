"""What the test rows say about a model: scores, guessing beside them, importance, the worst mistakes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
from pullback.models.mlp import MLPClassifier, MLPRegressor
from pullback.models.problem import Problem, Question, rows_of
from pullback.models.rows import codes_of
from pullback.nn.init import Array
from pullback.runs.folder import Run
from pullback.show.report import Evidence

WORST, MOST_CELLS = 10, 10


@dataclass(frozen=True)
class Source:
    """Where rows came from: a shipped name or a file, its sha256, and what was asked of it."""

    data: str
    sha256: str = ""
    question: Question | None = None

    def options(self) -> dict[str, Any]:
        """For the run's config, which `rerun` reads."""
        asked = self.question
        if asked is None:
            return {"data": self.data}
        return {
            "data": self.data,
            "sha256": self.sha256,
            "target": asked.target,
            "task": asked.task,
            "order": asked.order,
            "missing": list(asked.missing),
            "leave_out": list(asked.leave_out),
        }

    def commands(self, run: Run, model: MLPClassifier | MLPRegressor) -> list[str]:
        """What to type to get the run again."""
        words = ["pullback", "train", self.data]
        if self.question:
            asked = self.question
            words += ["--target", asked.target]
            words += ["--task", asked.task] * (asked.task != "auto")
            words += ["--order", asked.order] * (asked.order != "auto")
            words += [word for cell in asked.missing for word in ("--missing", cell)]
            words += [word for name in asked.leave_out for word in ("--leave-out", name)]
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
    notes: tuple[str, ...] = ()

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
        balanced, confused = self.balanced, self.confused
        return {
            **both, "test_accuracy": self.score, "test_balanced": balanced, "confused": confused
        }  # fmt: skip


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
        guess, said = float(learned[-1]), "the last value learned from"
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
        notes=_repeats(terms.repeated, right.astype(np.float64), "{:.1%} are right"),
    )


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
    told = f"{count:,} of {n:,} test rows also stand among the training rows, cell by cell"
    others = values[~repeated]
    return (f"{told}; of the others {said.format(others.mean())}" if len(others) else told,)


def evidence_of(
    problem: Problem,
    model: MLPClassifier | MLPRegressor,
    result: Judged,
    name: str,
    log: list[dict[str, Any]],
    commands: list[str],
) -> Evidence:
    """Everything about a run, ready for its page."""
    head, mistakes = _mistakes(problem, model, result)
    learned = f"learned {_learned(problem)} from {problem.name}"
    unit = (
        "share of right rows lost"
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
        title=f"{name}: {learned}",
        verdict=result.baseline.verdict[:1].upper() + result.baseline.verdict[1:],
        better=result.baseline.better,
        numbers=_numbers(problem, model, result),
        columns=[column.said for column in problem.columns],
        notes=[*_order_said(problem), *problem.notes, *result.notes],
        log=log,
        commands=commands,
        circuit=model.scorer_.circuit,
        classes=result.classes,
        confusion=[] if result.counts is None else result.counts.tolist(),
        residuals=residuals,
        bins=result.calibration.bins if result.calibration else (),
        ece=result.calibration.ece if result.calibration else 0.0,
        importance=[(one.column, one.drop, one.error_bar) for one in result.importance],
        importance_unit=unit,
        mistake_head=head,
        mistakes=mistakes,
    )


def _learned(problem: Problem) -> str:
    return f"'{problem.target}'" if problem.target else "to tell classes apart"


def _order_said(problem: Problem) -> list[str]:
    if not problem.series:
        return []
    return [
        f"the rows are in the order of '{problem.series}': the first 70 % are learned from, the last "
        "15 % judge, so this is foretelling, not filling in; --order random fills in"
    ]


def _numbers(
    problem: Problem, model: MLPClassifier | MLPRegressor, result: Judged
) -> list[tuple[str, str]]:
    parts = problem.parts
    if result.task == "classification":
        # Two rows are added, one right and one wrong: all right is no proof that none will be wrong.
        share = (result.score * result.rows + 1) / (result.rows + 2)
        bar = np.sqrt(share * (1 - share) / (result.rows + 2))
        rows = [
            ("test accuracy", f"{result.score:.2%} ± {bar:.2%}"),
            ("mean over classes", f"{result.balanced:.2%}"),
            ("test loss (cross-entropy)", f"{result.loss:.4f}"),
        ]
    else:
        rows = [
            ("test R²", f"{result.score:.4f}"),
            ("typical error (root of the mean square)", f"{np.sqrt(result.loss):.5g}"),
        ]
    told = ("learned from", "to stop by", "to judge by")
    return [
        *rows,
        ("guessing", f"{result.baseline.what}: {result.baseline.score:.4g}"),
        ("rows", ", ".join(f"{len(part):,} {why}" for part, why in zip(parts, told, strict=True))),
        ("model", f"{model!r}, {problem.X.shape[1]} features"),
        ("epochs", f"{model.n_iter_} ({model.stopped_})"),
        ("seed", str(model.random_state)),
    ]


def _mistakes(
    problem: Problem, model: MLPClassifier | MLPRegressor, result: Judged
) -> tuple[list[str], list[list[str]]]:
    """The ten worst test rows: the true class thought least likely, or the largest miss."""
    test = problem.parts.test
    y = problem.y[test]
    if isinstance(model, MLPClassifier):
        assert result.proba is not None
        codes = codes_of(y, model.classes_)
        sure = result.proba[np.arange(len(codes)), codes]
        taken = result.proba.argmax(axis=-1)
        order = [int(i) for i in np.argsort(sure, kind="stable") if taken[i] != codes[i]][:WORST]
        said = [
            [result.classes[codes[i]], result.classes[taken[i]], f"{result.proba[i, taken[i]]:.1%}"]
            for i in order
        ]
        head = ["true", "taken for", "how sure"]
    else:
        assert result.expected is not None
        miss = y - result.expected
        order = [int(i) for i in np.argsort(-np.abs(miss), kind="stable")[:WORST]]
        said = [[f"{y[i]:.6g}", f"{result.expected[i]:.6g}", f"{miss[i]:+.4g}"] for i in order]
        head = ["true", "predicted", "left over"]
    names, cells = _cells(problem, [int(test[i]) for i in order])
    return [*head, *names], [[*a, *b] for a, b in zip(said, cells, strict=True)]


def _cells(problem: Problem, rows: list[int]) -> tuple[list[str], list[list[str]]]:
    if problem.table is None:
        some = list(problem.features[:MOST_CELLS])
        cells = [[str(i), *(f"{v:g}" for v in problem.X[i, :MOST_CELLS])] for i in rows]
        return ["row", *some], cells
    names = [c.name for c in problem.columns if c.used][:MOST_CELLS]
    at = [problem.table.position(name) for name in names]
    lines, table = problem.table.lines, problem.table
    return ["line", *names], [[str(lines[i]), *(table.rows[i][j] for j in at)] for i in rows]
