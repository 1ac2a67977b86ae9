"""Whether a training comes out the same a second time, to the last bit."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pullback.data.digits import digits
from pullback.data.shipped import table_path
from pullback.errors import DataError, RunError
from pullback.models.estimator import Estimator
from pullback.models.files import model_of
from pullback.models.job import Outcome, train_problem
from pullback.models.problem import Question, problem_of_dataset
from pullback.models.provenance import sha256
from pullback.models.tables import open_problem
from pullback.runs.folder import ROOT, open_run
from pullback.train.monitor import Monitor


class Asked(msgspec.Struct, frozen=True):
    """Where the rows of a run are, as its config says; a digits run has no more than `data`."""

    data: str
    sha256: str = ""
    target: str = ""


@dataclass(frozen=True)
class Rerun:
    """A run and its repetition. same: whether the two models are equal bit for bit."""

    first: str
    second: Outcome
    same: bool


def rerun(
    which: str | Path, *, data: str = "", root: Path = ROOT, monitor: Monitor | None = None
) -> Rerun:
    """Train a run again from its config, into a new folder, and compare the models' bytes.

    data: where the table is now, if it has moved. Errors: RunError for a run that was interrupted
    or whose config is not complete; DataError where the table has changed since.
    """
    run = open_run(which, root)
    if run.finished and run.read_metrics().get("stopped") == "interrupted":
        raise RunError(f"run {run.name!r} was interrupted; where exactly cannot be repeated.")
    kind = type(model_of(run))
    try:
        asked = msgspec.convert(run.config.options, Asked)
        question = msgspec.convert(run.config.options, Question) if asked.target else None
        known = {name: run.config.options.get(name) for name in kind.Options.__struct_fields__}
        model = kind(**msgspec.structs.asdict(msgspec.convert(known, kind.Options)))
    except msgspec.ValidationError as error:
        raise RunError(f"run {run.name!r} does not say how it was trained: {error}.") from None
    if question is None:
        problem = problem_of_dataset(digits(), model.random_state)
        second = train_problem(problem, model, root=root, monitor=monitor)
    else:
        asked = msgspec.structs.replace(asked, data=data or asked.data)
        second = _retrained(asked, question, model, root, monitor)
    same = run.model.read_bytes() == (Path(second.run) / "model.safetensors").read_bytes()
    return Rerun(str(run.path), second, same)


def _retrained(  # the run's own question, asked again
    asked: Asked, question: Question, model: Estimator, root: Path, monitor: Monitor | None
) -> Outcome:
    data, path = asked.data, table_path(asked.data)
    if os.path.exists(path) and asked.sha256 and sha256(path) != asked.sha256:
        raise DataError(f"'{data}' is not what it was at the first training: its bytes differ.")
    problem, source = open_problem(data, question, model.random_state)
    return train_problem(problem, model, source, root=root, monitor=monitor)
