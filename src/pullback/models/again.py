"""Asking a run again: of labelled rows how good it is, and whether it comes out the same a second time."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pullback.data.dataset import Features
from pullback.data.dialect import Decimal
from pullback.data.digits import digits
from pullback.data.encode import Cells, Written
from pullback.data.missing import Missing
from pullback.data.shipped import SHIPPED, table_path
from pullback.data.split import PARTS
from pullback.data.table import Table, shown
from pullback.data.text import raw_bytes
from pullback.errors import DataError, OptionError, RunError, did_you_mean
from pullback.models.evidence import Judged, Source, Terms, judge_classes, judge_numbers
from pullback.models.job import (
    Outcome,
    features_of,
    hints_of,
    model_of,
    naming_lines,
    read_rows,
    train_classifier,
    train_problem,
)  # fmt: skip
from pullback.models.mlp import MLPClassifier, MLPRegressor
from pullback.models.problem import Problem, Question, problem_of_table
from pullback.models.saved import Options
from pullback.models.seen import read_seen
from pullback.nn.init import Array
from pullback.runs.folder import ROOT, Run, open_run
from pullback.train.monitor import Monitor


class Asked(msgspec.Struct, frozen=True):
    """Where the rows of a run are, as its config says; a digits run has no more than `data`."""

    data: str
    sha256: str = ""
    target: str = ""


def open_problem(data: str, question: Question, seed: int) -> tuple[Problem, Source]:
    """Read a table (a file or a shipped name) and make of it what is asked."""
    path = _existing(data)
    table, notes = read_rows(path, question.hints)
    problem = problem_of_table(table, question, seed, name=Path(data).name)
    problem = replace(problem, notes=(*notes, *problem.notes))
    return problem, Source(data, _sha256(path), question)


def _existing(data: str) -> Path:
    path = table_path(data)
    if re.fullmatch(r"[\w-]+", data) and not os.path.exists(path):
        raise DataError(
            f"there is no file '{data[:80]}', and no table of this name is shipped.",
            where=[f"shipped  {', '.join(SHIPPED)}"],
            why=did_you_mean(data, SHIPPED),
        )
    return path


def columns_of(data: str, question: Question) -> OptionError:
    """The error that asks for a target; it names the columns, of a file that can be read."""
    table, _ = read_rows(_existing(data), question.hints)
    return OptionError(
        f"which column of {table.name} is to be learned?",
        where=[f"columns  {', '.join(map(shown, table.header[:12]))}"],
        fix=f"--target {shlex.quote(table.header[-1][:40])}",
    )


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
    kind = MLPClassifier if problem.task == "classification" else MLPRegressor
    return train_problem(problem, kind(**options), source, root=root, monitor=monitor)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A run judged by labelled rows. parts: how many of them the run has met, by part, and how many not.

    apart: the rows that had no part in training alone; None where that is all of them, or none.
    """

    run: str
    judged: Judged
    notes: tuple[str, ...]
    parts: dict[str, int]
    apart: Judged | None = None


def evaluate_table(
    which: str | Path, path: Path, *, root: Path = ROOT, decimal: Decimal = "auto"
) -> Evaluation:
    """Compare what a run predicts with what a table says; rows it was trained on are told apart.

    Errors: those of `predict_table`; DataError where the table has no target or a class that was
    not learned.
    """
    run = open_run(which, root)
    model = model_of(run)
    table, notes = read_rows(path, hints_of(model, decimal))
    table, y = _labelled(run, model, table, notes)
    X, _ = features_of(model, table, notes)
    with naming_lines(table):
        result = _judge(model, X, y)
        seen = read_seen(run)
        part = seen.part_of(X, y) if seen else np.full(len(X), 3)
        fresh = part >= 2
        apart = None if fresh.all() or not fresh.any() else _judge(model, X[fresh], y[fresh])
    parts = {name: int((part == i).sum()) for i, name in enumerate((*PARTS, "new"))}
    return Evaluation(str(run.path), result, tuple(notes), parts, apart)


def _labelled(
    run: Run, model: MLPClassifier | MLPRegressor, table: Table, notes: list[str]
) -> tuple[Table, Array]:
    """The rows whose target is known, and their targets as the model learned them."""
    target = model.target_ or (
        SHIPPED[run.config.options["data"]].target if _is_shipped(run) else ""
    )
    if not target:
        raise RunError(f"run {run.name!r} does not say which column it learned.")
    encoder = model.encoder_
    gone = encoder.missing if encoder else Missing()
    known = [i for i, cell in enumerate(table.column(target)) if not gone(cell)]
    if not known:
        raise DataError(f"{table.name}: column {shown(target)} is empty; nothing can be compared.")
    if len(known) < len(table):
        notes.append(f"{len(table) - len(known):,} rows without {shown(target)} left out")
    table = table.take(known)
    written = encoder.target if encoder else Written()
    cells = Cells(table, target, gone, notes, encoder.separator if encoder else "")
    if isinstance(model, MLPRegressor):
        return table, cells.numbers(written)
    if model.classes_.dtype.kind == "U":
        return table, _labels(table, cells.texts, model, np.array(cells.texts))
    return table, _labels(table, cells.texts, model, cells.numbers(written))


def _judge(model: MLPClassifier | MLPRegressor, X: Features, y: Array) -> Judged:
    groups = model.encoder_.groups if model.encoder_ else {}
    if isinstance(model, MLPRegressor):
        return judge_numbers(model, X, y, Terms(groups, float(y.mean()), "the mean of these rows"))
    values, counts = np.unique(y, return_counts=True)
    return judge_classes(model, X, y, Terms(groups, values[counts.argmax()]))


def _is_shipped(run: Run) -> bool:
    return run.config.options.get("data") in SHIPPED


def _labels(table: Table, cells: list[str], model: MLPClassifier, values: Array) -> Array:
    """Values as the classes of the model; DataError for one that was not learned."""
    strange = np.flatnonzero(~np.isin(values, model.classes_))
    if len(strange):
        row = int(strange[0])
        raise DataError(
            f"{table.name}, line {table.lines[row]}, {shown(cells[row])} is a class that was not learned.",
            where=[f"classes  {', '.join(shown(str(c)) for c in model.classes_[:12])}"],
        )
    return values.astype(model.classes_.dtype)


@dataclass(frozen=True)
class Again:
    """A run and its repetition. same: whether the two models are equal bit for bit."""

    first: str
    second: Outcome
    same: bool


def rerun(
    which: str | Path,
    *,
    data: str = "",
    root: Path = ROOT,
    monitor: Monitor | None = None,
) -> Again:
    """Train a run again from its config, into a new folder, and compare the models' bytes.

    data: where the table is now, if it has moved. Errors: RunError for a run that was interrupted
    or whose config is not complete; DataError where the table has changed since.
    """
    run = open_run(which, root)
    if run.finished and run.read_metrics().get("stopped") == "interrupted":
        raise RunError(f"run {run.name!r} was interrupted; where exactly cannot be repeated.")
    first = model_of(run)
    try:
        asked = msgspec.convert(run.config.options, Asked)
        question = msgspec.convert(run.config.options, Question) if asked.target else None
        known = {name: run.config.options.get(name) for name in Options.__struct_fields__}
        options = msgspec.structs.asdict(msgspec.convert(known, Options))
    except msgspec.ValidationError as error:
        raise RunError(f"run {run.name!r} does not say how it was trained: {error}.") from None
    if question is None:
        second = train_classifier(digits(), MLPClassifier(**options), root=root, monitor=monitor)
    else:
        asked = msgspec.structs.replace(asked, data=data or asked.data)
        second = _retrained(asked, question, type(first)(**options), root, monitor)
    same = run.model.read_bytes() == (Path(second.run) / "model.safetensors").read_bytes()
    return Again(str(run.path), second, same)


def _retrained(  # the run's own question, asked again
    asked: Asked,
    question: Question,
    model: MLPClassifier | MLPRegressor,
    root: Path,
    monitor: Monitor | None,
) -> Outcome:
    data, path = asked.data, table_path(asked.data)
    if os.path.exists(path) and asked.sha256 and _sha256(path) != asked.sha256:
        raise DataError(f"'{data}' is not what it was at the first training: its bytes differ.")
    problem, source = open_problem(data, question, model.random_state)
    return train_problem(problem, model, source, root=root, monitor=monitor)


def _sha256(path: Path) -> str:
    return hashlib.sha256(raw_bytes(path)).hexdigest()
