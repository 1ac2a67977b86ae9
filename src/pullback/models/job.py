"""A whole training, from rows to a run folder; and what a run says about the rows of a table."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pullback import __version__
from pullback.data.dataset import Dataset, Features
from pullback.data.dialect import Decimal, Hints
from pullback.data.encode import Cells, Written
from pullback.data.missing import Missing
from pullback.data.shipped import table_path
from pullback.data.split import Split
from pullback.data.table import Table, read_any_table, shown
from pullback.errors import DataError, FileError, RunError
from pullback.models.baselines import linear_score
from pullback.models.evidence import RunFacts, Source, evidence_of, judged
from pullback.models.files import load
from pullback.models.mlp import MLPClassifier, MLPRegressor
from pullback.models.problem import Problem, problem_of_dataset, rows_of
from pullback.models.saved import check_columns
from pullback.models.seen import write_seen
from pullback.nn.init import Array
from pullback.runs.atomic import write_atomic
from pullback.runs.folder import ROOT, Run, create_run, list_runs, open_run
from pullback.runs.rescue import save_somewhere
from pullback.show.report import report
from pullback.train.monitor import EpochRecord, Monitor, Monitors
from pullback.train.trainer import Stopped


@dataclass(frozen=True)
class Outcome:
    """How a training ended, measured on rows that had no part in it.

    confused: (true class, taken for, how often), the most frequent mistake; None without mistakes.
    test_accuracy and test_balanced are of a classification, test_r2 and test_error (the root of the
    mean squared error) of a regression. baseline: guessing, beside it. lost: what could not be
    written into the run folder, why, and where it is instead.
    """

    run: str
    seed: int
    task: str
    test_loss: float
    test_rows: int
    baseline: dict[str, Any]
    stopped: Stopped
    epochs: int
    seconds: float
    test_accuracy: float | None = None
    test_balanced: float | None = None
    test_f1: float | None = None
    test_auc: float | None = None
    confused: tuple[str, str, int] | None = None
    test_r2: float | None = None
    test_error: float | None = None
    target: str = ""
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    importance: tuple[tuple[str, float, float], ...] = ()
    report: str = ""
    lost: tuple[str, ...] = ()


class _Log:
    """Every epoch becomes a line of the run's log; one that cannot be written costs nothing else."""

    def __init__(self, run: Run) -> None:
        self.run, self.lost = run, 0

    def epoch(self, record: EpochRecord) -> None:
        row = asdict(record)
        terms = row.pop("terms")
        try:
            self.run.log(**{**terms, **row})
        except RunError as error:
            self.lost, self.why = self.lost + 1, error.what

    def remarks(self) -> list[str]:
        """What to say of the lines that are missing."""
        lines = "1 line" if self.lost == 1 else f"{self.lost} lines"
        return [f"{lines} of the log could not be written: {self.why}"] if self.lost else []


def train_classifier(
    data: Dataset, model: MLPClassifier, *, root: Path = ROOT, monitor: Monitor | None = None
) -> Outcome:
    """Train `model` on a seeded part of `data`, judge it on another, and write the run folder.

    70 % of the rows are learned from, 15 % say when to stop, 15 % judge. The model's random_state
    deals the rows out as well. Interrupted by Ctrl-C, the run is written all the same, with the
    weights of the last full step.
    """
    return train_problem(
        problem_of_dataset(data, model.random_state), model, root=root, monitor=monitor
    )


def train_problem(
    problem: Problem,
    model: MLPClassifier | MLPRegressor,
    source: Source | None = None,
    *,
    root: Path = ROOT,
    monitor: Monitor | None = None,
) -> Outcome:
    """Like `train_classifier`, for any problem. source: where its rows are, so that it can be done again.

    What the disk refuses costs that file, never the weights: see `Outcome.lost`.
    """
    began = time.perf_counter()
    model.check_options()
    if problem.encoder:
        check_columns(problem.encoder)
    source = source or Source(problem.name)
    options = {**source.options(), **model.options(), "rows": _sizes(problem.parts)}
    run = create_run(problem.name.partition(".")[0], options, root)
    train, validation, test = (rows_of(problem, part) for part in problem.parts)
    write_seen(run, {"train": train, "validation": validation, "test": test})
    model.encoder_, model.target_ = problem.encoder, problem.target
    log = _Log(run)
    model.fit(
        *train,
        validation,
        feature_names=problem.features,
        monitor=Monitors((log, *([monitor] if monitor else []))),
    )
    _, elsewhere = save_somewhere(model.save, run)
    lost = [*log.remarks(), *([elsewhere] if elsewhere else [])]
    result = judged(problem, model)
    page = run.path / "report.html"
    linear = None if model.stopped_ == "interrupted" else linear_score(problem, model)
    commands, settings = source.commands(run, model), _settings(run, source)
    facts = RunFacts(run.name, _log_of(run), commands, linear, settings)
    evidence = evidence_of(problem, model, result, facts)
    page_there = _written(lambda: write_atomic(page, report(evidence).encode()), lost)
    outcome = Outcome(
        run=str(run.path),
        seed=model.random_state,
        task=problem.task,
        baseline={**asdict(result.baseline), "linear": linear},
        stopped=model.stopped_,
        epochs=model.n_iter_,
        seconds=round(time.perf_counter() - began, 3),
        target=problem.target,
        columns=tuple(column.said for column in problem.columns),
        notes=(*problem.notes, *result.notes),
        importance=tuple((one.column, one.drop, one.error_bar) for one in result.importance),
        report=str(page) if page_there else "",
        **result.scores(),
    )
    _written(lambda: run.write_metrics({**asdict(outcome), "lost": lost}), lost)
    return replace(outcome, lost=tuple(lost))


def _written(write: Callable[[], None], lost: list[str]) -> bool:
    """Whether it could be written; else what is lost has one more entry."""
    try:
        write()
    except RunError as error:
        lost.append(error.what)
        return False
    return True


def _log_of(run: Run) -> list[dict[str, Any]]:
    """The log so far; none where it cannot be read any more."""
    try:
        return run.read_log()
    except RunError:
        return []


@dataclass(frozen=True, eq=False)
class Answers:
    """What a run says of each row: labels and how probable they are, or numbers.

    proba (n, k): of every class in `classes`; both empty for a regression. ignored: columns the run
    does not know. notes: remarks, such as a category that was never seen. table: the rows as they were
    read; target: the column that is predicted, "" where it has no name.
    """

    run: str
    table: Table
    target: str
    labels: Array
    probabilities: Array
    ignored: tuple[str, ...]
    classes: tuple[str, ...] = ()
    proba: Array | None = None
    notes: tuple[str, ...] = ()


def predict_table(
    which: str | Path, table: Path, *, root: Path = ROOT, decimal: Decimal = "auto"
) -> Answers:
    """Ask a run (a name, a folder, or "latest") about each row of a table.

    Columns are found by name, in any order. decimal: the table's decimal sign, where the table and what
    the run learned cannot tell. Errors: UnknownName for the run, DataError for the
    table, FileError for the run's model.
    """
    run = open_run(which, root)
    model = model_of(run)
    cells, notes = read_rows(table, hints_of(model, decimal))
    X, known = features_of(model, cells, notes)
    ignored = tuple(name for name in cells.other_columns(known) if name != model.target_)
    told = (str(run.path), ignored, tuple(notes))
    with naming_lines(cells):
        if isinstance(model, MLPRegressor):
            labels, none = model.predict(X), np.empty(0)
            return Answers(told[0], cells, model.target_, labels, none, told[1], notes=told[2])
        proba = model.predict_proba(X)
    return Answers(
        run=told[0],
        table=cells,
        target=model.target_,
        labels=model.classes_[proba.argmax(axis=-1)],
        probabilities=proba.max(axis=-1),
        ignored=ignored,
        classes=tuple(map(str, model.classes_.tolist())),
        proba=proba,
        notes=told[2],
    )


def model_of(run: Run) -> MLPClassifier | MLPRegressor:
    """The trained model of a run; RunError where the training did not get that far."""
    if not run.model.exists():
        raise RunError(f"run {run.name!r} has no model: its training did not get that far.")
    model = load(run.model)
    if not isinstance(model, MLPClassifier | MLPRegressor):
        raise FileError(f"'{run.model}' holds no model of a table.")
    return model


def read_rows(path: Path, hints: Hints | None = None) -> tuple[Table, list[str]]:
    """A person's table, and remarks on how it is written and what was left out of it."""
    table, dialect, notes = read_any_table(table_path(path), hints=hints)
    said = [dialect.said] * (not dialect.plain) + notes
    return table, [f"{table.name}: {text}" for text in said]


def hints_of(model: MLPClassifier | MLPRegressor, decimal: Decimal = "auto") -> Hints:
    """How the tables of a model are written, as far as it learned that; decimal: what a person says."""
    learned = model.encoder_.hints if model.encoder_ else Hints()
    return replace(learned, decimal=decimal)


def features_of(
    model: MLPClassifier | MLPRegressor, table: Table, notes: list[str]
) -> tuple[Features, Sequence[str]]:
    """What goes into the net, and the columns it came from."""
    if model.encoder_ is None:
        names = model.feature_names_in_
        columns = [Cells(table, name, Missing(), notes).numbers(Written()) for name in names]
        X = np.column_stack(columns)
        lacking = np.argwhere(np.isnan(X))
        if len(lacking):
            row, column = lacking[0]
            raise DataError(
                f"{table.name}, line {table.lines[row]}, column {shown(names[column])}: the cell is empty; "
                "a number is needed."
            )
        return X, names
    return model.encoder_.encode(table, notes), model.encoder_.names


@contextmanager
def naming_lines(table: Table) -> Iterator[None]:
    """A model counts rows; a person counts lines."""
    try:
        yield
    except DataError as error:
        found = re.match(r"row (\d+), ", error.what)
        if not found:
            raise
        line = table.lines[int(found[1])]
        raise DataError(f"{table.name}, line {line}, {error.what[found.end() :]}") from None


@dataclass(frozen=True)
class Summary:
    """One run in a row. state: finished, interrupted, not finished, or damaged. target: what it predicts."""

    name: str
    started: str
    state: str
    target: str = ""
    test_accuracy: float | None = None
    test_r2: float | None = None
    epochs: float | None = None
    seconds: float | None = None


def summaries(root: Path = ROOT) -> tuple[Summary, ...]:
    """Every run below `root`, newest first; the damaged ones come last."""
    runs = list_runs(root)
    damaged = tuple(Summary(bad.path.name, "", f"damaged: {bad.reason}") for bad in runs.damaged)
    return (*(_summary(run) for run in runs.usable), *damaged)


def _summary(run: Run) -> Summary:
    started = run.config.started
    if not run.finished:
        return Summary(run.name, started, "not finished")
    try:
        metrics = run.read_metrics()
    except RunError as error:
        return Summary(run.name, started, f"damaged: {error.what}")
    return Summary(
        name=run.name,
        started=started,
        target=str(metrics.get("target") or ""),
        state="interrupted" if metrics.get("stopped") == "interrupted" else "finished",
        test_accuracy=_number(metrics.get("test_accuracy")),
        test_r2=_number(metrics.get("test_r2")),
        epochs=_number(metrics.get("epochs")),
        seconds=_number(metrics.get("seconds")),
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) else None


def _settings(run: Run, source: Source) -> list[tuple[str, str]]:
    """Options, the hash of the data, versions and date, for the run's page."""
    asked = {k: v for k, v in run.config.options.items() if k not in ("data", "rows")}
    shown = [(name.replace("_", " "), str(value)) for name, value in asked.items()]
    date = run.config.started[:19].replace("T", " ") + " UTC"
    return [("data", source.data), *shown, ("pullback", __version__), ("started", date)]


def _sizes(parts: Split) -> dict[str, int]:
    return {name: len(rows) for name, rows in parts._asdict().items()}
