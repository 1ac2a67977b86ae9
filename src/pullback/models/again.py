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

from pullback.data.columns import is_missing
from pullback.data.digits import digits
from pullback.data.shipped import SHIPPED, table_path
from pullback.data.table import shown
from pullback.errors import DataError, OptionError, RunError, did_you_mean
from pullback.models.evidence import Judged, Source, Terms, judge_classes, judge_numbers
from pullback.models.job import (
    Outcome,
    features_of,
    model_of,
    naming_lines,
    read_rows,
    train_classifier,
    train_problem,
)  # fmt: skip
from pullback.models.mlp import MLPClassifier, MLPRegressor
from pullback.models.problem import Problem, Question, problem_of_table
from pullback.models.saved import Options
from pullback.nn.init import Array
from pullback.runs.folder import ROOT, Run, open_run
from pullback.train.monitor import Monitor


class Asked(msgspec.Struct, frozen=True):
    """What a run's config says about its rows; a digits run has no more than `data`."""

    data: str
    sha256: str = ""
    target: str = ""
    task: str = "auto"
    order: str = "auto"
    missing: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()


def open_problem(data: str, question: Question, seed: int) -> tuple[Problem, Source]:
    """Read a table (a file or a shipped name) and make of it what is asked."""
    path = _existing(data)
    table, notes = read_rows(path)
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


def columns_of(data: str) -> OptionError:
    """The error that asks for a target; it names the columns, of a file that can be read."""
    table, _ = read_rows(_existing(data))
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
    """A run judged by labelled rows that it may never have seen. left_out: rows without a target."""

    run: str
    judged: Judged
    notes: tuple[str, ...]


def evaluate_table(which: str | Path, path: Path, *, root: Path = ROOT) -> Evaluation:
    """Compare what a run predicts with what a table says.

    Errors: those of `predict_table`; DataError where the table has no target or a class that was
    not learned.
    """
    run = open_run(which, root)
    model = model_of(run)
    table, notes = read_rows(path)
    target = model.target_ or (
        SHIPPED[run.config.options["data"]].target if _is_shipped(run) else ""
    )
    if not target:
        raise RunError(f"run {run.name!r} does not say what it has learned.")
    at, words = table.position(target), model.encoder_.words if model.encoder_ else []
    known = [i for i, row in enumerate(table.rows) if not is_missing(row[at], words)]
    if not known:
        raise DataError(f"{table.name}: column {shown(target)} is empty; nothing can be compared.")
    if len(known) < len(table):
        notes.append(f"{len(table) - len(known):,} rows without {shown(target)} left out")
        table = table.take(known)
    X, _ = features_of(model, table, notes)
    groups = model.encoder_.groups if model.encoder_ else {}
    cells = [row[at].strip() for row in table.rows]
    with naming_lines(table):
        if isinstance(model, MLPRegressor):
            y = table.numbers([target])[:, 0]
            terms = Terms(groups, float(y.mean()), "the mean of these rows")
            result = judge_numbers(model, X, y, terms)
        else:
            y = _labels(cells, model)
            values, counts = np.unique(y, return_counts=True)
            result = judge_classes(model, X, y, Terms(groups, values[counts.argmax()]))
    return Evaluation(str(run.path), result, tuple(notes))


def _is_shipped(run: Run) -> bool:
    return run.config.options.get("data") in SHIPPED


def _labels(cells: list[str], model: MLPClassifier) -> Array:
    """Cells as the classes were learned: whole numbers however they are written, or texts."""
    of_text: dict[Any, Any] = {str(label): label for label in model.classes_.tolist()}
    if model.classes_.dtype.kind != "U":
        of_number = {float(label): label for label in model.classes_.tolist()}
        for cell in set(cells) - set(of_text):
            try:
                of_text[cell] = of_number[float(cell)]
            except (KeyError, ValueError):
                continue
    strange = next((i for i, cell in enumerate(cells) if cell not in of_text), None)
    if strange is not None:
        raise DataError(
            f"row {strange}, {shown(cells[strange])} is a class that was not learned.",
            where=[f"classes  {', '.join(shown(str(c)) for c in model.classes_[:12])}"],
        )
    return np.array([of_text[cell] for cell in cells], dtype=model.classes_.dtype)


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
        known = {name: run.config.options.get(name) for name in Options.__struct_fields__}
        options = msgspec.structs.asdict(msgspec.convert(known, Options))
    except msgspec.ValidationError as error:
        raise RunError(f"run {run.name!r} does not say how it was trained: {error}.") from None
    if not asked.target:
        second = train_classifier(digits(), MLPClassifier(**options), root=root, monitor=monitor)
    else:
        second = _retrained(asked, data or asked.data, type(first), options, root, monitor)
    same = run.model.read_bytes() == (Path(second.run) / "model.safetensors").read_bytes()
    return Again(str(run.path), second, same)


def _retrained(  # the run's own question, asked again
    asked: Asked,
    data: str,
    kind: type[MLPClassifier] | type[MLPRegressor],
    options: dict[str, Any],
    root: Path,
    monitor: Monitor | None,
) -> Outcome:
    path = table_path(data)
    if os.path.exists(path) and asked.sha256 and _sha256(path) != asked.sha256:
        raise DataError(f"'{data}' is not what it was at the first training: its bytes differ.")
    question = msgspec.convert(
        {name: getattr(asked, name) for name in Question.__dataclass_fields__}, Question
    )
    problem, source = open_problem(data, question, options["random_state"])
    return train_problem(problem, kind(**options), source, root=root, monitor=monitor)


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {error.strerror or error}.") from None
