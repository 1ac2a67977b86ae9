"""A whole training, from a data set to a run folder; and what a run says about the rows of a table."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pullback.data.dataset import Dataset
from pullback.data.split import Split, split
from pullback.data.table import read_table
from pullback.errors import RunError
from pullback.models.mlp import MLPClassifier
from pullback.nn.init import Array
from pullback.runs.folder import ROOT, Run, create_run, list_runs, open_run
from pullback.train.monitor import EpochRecord, Monitor, Monitors
from pullback.train.trainer import Stopped


@dataclass(frozen=True)
class Outcome:
    """How a training ended, measured on rows that had no part in it.

    confused: (true class, taken for, how often), the most frequent mistake; None without mistakes.
    """

    run: str
    seed: int
    test_accuracy: float
    test_loss: float
    test_rows: int
    confused: tuple[str, str, int] | None
    stopped: Stopped
    epochs: int
    seconds: float


@dataclass(frozen=True)
class _Log:
    """Every epoch becomes a line of the run's log."""

    run: Run

    def epoch(self, record: EpochRecord) -> None:
        self.run.log(**asdict(record))


def train_classifier(
    data: Dataset, model: MLPClassifier, *, root: Path = ROOT, monitor: Monitor | None = None
) -> Outcome:
    """Train `model` on a seeded part of `data`, judge it on another, and write the run folder.

    70 % of the rows are learned from, 15 % say when to stop, 15 % judge. The model's random_state
    deals the rows out as well. Interrupted by Ctrl-C, the run is written all the same, with the
    weights of the last full step.
    """
    began = time.perf_counter()
    parts = split(data.y, seed=model.random_state)
    model.check_options()
    options = {"data": data.name, **model.options(), "rows": _sizes(parts)}
    run = create_run(data.name, options, root)
    train, validation, test = (data.take(rows) for rows in parts)
    model.fit(
        train.X,
        train.y,
        (validation.X, validation.y),
        feature_names=data.feature_names,
        monitor=Monitors((_Log(run), *([monitor] if monitor else []))),
    )
    model.save(run.model)
    outcome = Outcome(
        run=str(run.path),
        seed=model.random_state,
        test_accuracy=model.score(test.X, test.y),
        test_loss=model.loss(test.X, test.y),
        test_rows=len(test),
        confused=_confused(test, model.predict(test.X)),
        stopped=model.stopped_,
        epochs=model.n_iter_,
        seconds=round(time.perf_counter() - began, 3),
    )
    run.write_metrics(asdict(outcome))
    return outcome


@dataclass(frozen=True, eq=False)
class Answers:
    """The likeliest class of each row and its probability. ignored: columns the run does not know."""

    run: str
    labels: Array
    probabilities: Array
    ignored: tuple[str, ...]


def predict_table(which: str | Path, table: Path, *, root: Path = ROOT) -> Answers:
    """Ask a run (a name, a folder, or "latest") about each row of a CSV file.

    Columns are found by name, in any order. Errors: UnknownName for the run, DataError for the
    table, FileError for the run's model.
    """
    run = open_run(which, root)
    if not run.model.exists():
        raise RunError(f"run {run.name!r} has no model: its training did not get that far.")
    model = MLPClassifier.load(run.model)
    cells = read_table(table)
    X = cells.numbers(model.feature_names_in_)
    probabilities = model.predict_proba(X)
    return Answers(
        run=str(run.path),
        labels=model.classes_[probabilities.argmax(axis=-1)],
        probabilities=probabilities.max(axis=-1),
        ignored=tuple(cells.other_columns(model.feature_names_in_)),
    )


@dataclass(frozen=True)
class Summary:
    """One run in a row. state: finished, interrupted, not finished, or damaged."""

    name: str
    started: str
    state: str
    test_accuracy: float | None = None
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
        state="interrupted" if metrics.get("stopped") == "interrupted" else "finished",
        test_accuracy=_number(metrics.get("test_accuracy")),
        epochs=_number(metrics.get("epochs")),
        seconds=_number(metrics.get("seconds")),
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) else None


def _sizes(parts: Split) -> dict[str, int]:
    return {name: len(rows) for name, rows in parts._asdict().items()}


def _confused(test: Dataset, predicted: Array) -> tuple[str, str, int] | None:
    k = len(test.class_names)
    mistakes = np.bincount(test.y * k + predicted, minlength=k * k).reshape(k, k)
    np.fill_diagonal(mistakes, 0)
    true, taken = np.unravel_index(mistakes.argmax(), mistakes.shape)
    count = int(mistakes[true, taken])
    return (test.class_names[true], test.class_names[taken], count) if count else None
