"""A whole training, from rows to a run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pullback.data.dataset import Dataset
from pullback.data.split import Split
from pullback.errors import RunError
from pullback.models.baselines import linear_score
from pullback.models.estimator import Estimator
from pullback.models.metrics import Metrics
from pullback.models.page import RunFacts, page_data
from pullback.models.problem import Problem, Question, problem_of_dataset, rows_of
from pullback.models.provenance import Provenance, settings
from pullback.models.registry import kind_for
from pullback.models.saved import Stopped, check_columns
from pullback.models.seen import write_seen
from pullback.models.tables import open_problem
from pullback.runs.atomic import write_atomic
from pullback.runs.folder import ROOT, Run, create_run
from pullback.runs.rescue import save_somewhere
from pullback.show.report import report
from pullback.train.monitor import EpochRecord, Monitor, Monitors


@dataclass(frozen=True)
class Outcome:
    """How a training ended, measured on rows that had no part in it.

    confused: (true class, predicted class, count) of the most frequent error; None without errors.
    test_accuracy and test_balanced are of a classification, test_r2 and test_error (the root of the
    mean squared error) of a regression. baseline: the constant baseline. lost: what could not be
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
    data: Dataset, model: Estimator, *, root: Path = ROOT, monitor: Monitor | None = None
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
    model: Estimator,
    source: Provenance | None = None,
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
    source = source or Provenance(problem.name)
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
    result = _measured(problem, model)
    page = run.path / "report.html"
    linear = None if model.stopped_ == "interrupted" else linear_score(problem, model)
    commands, known = source.commands(run, model), settings(run, source)
    facts = RunFacts(run.name, _log_of(run), commands, linear, known)
    page_of_run = page_data(problem, model, result, facts)
    page_there = _written(lambda: write_atomic(page, report(page_of_run).encode()), lost)
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


def train_file(  # one call for the command
    data: str,
    question: Question,
    options: dict[str, Any],
    *,
    root: Path = ROOT,
    monitor: Monitor | None = None,
    told: Callable[[Problem], None] | None = None,
) -> Outcome:
    """Train on a table whatever its target asks for, and write the run folder. `told` hears the problem."""
    problem, source = open_problem(data, question, options.get("random_state", 0))
    if told:
        told(problem)
    model = kind_for(problem.task)(**options)
    return train_problem(problem, model, source, root=root, monitor=monitor)


def _measured(problem: Problem, model: Estimator) -> Metrics:
    """How the model does on the test part."""
    X, y = rows_of(problem, problem.parts.test)
    learned = problem.y[problem.parts.train]
    repeated, series = np.isin(problem.parts.test, problem.repeated), bool(problem.series)
    terms = model.terms(learned, problem.groups, repeated=repeated, series=series)
    return model.metrics(X, y, terms)


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


def _sizes(parts: Split) -> dict[str, int]:
    return {name: len(rows) for name, rows in parts._asdict().items()}
