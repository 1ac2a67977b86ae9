"""How good is a run on labelled rows? Rows it was trained on are scored separately."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pullback.data.dialect import Decimal
from pullback.data.encode import Cells, Written
from pullback.data.missing import Missing
from pullback.data.shipped import SHIPPED
from pullback.data.split import PARTS
from pullback.data.table import Table, shown
from pullback.errors import DataError, RunError
from pullback.models.estimator import Estimator
from pullback.models.files import model_of
from pullback.models.metrics import Metrics
from pullback.models.seen import read_seen
from pullback.models.tables import features_of, hints_of, naming_lines, read_rows
from pullback.nn.init import Array
from pullback.runs.folder import ROOT, Run, open_run

HERE = "the mean of these rows"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A run judged by labelled rows. parts: how many of them the run has met, by part, and how many not.

    apart: the rows that had no part in training alone; None where that is all of them, or none.
    """

    run: str
    metrics: Metrics
    notes: tuple[str, ...]
    parts: dict[str, int]
    apart: Metrics | None = None


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
    groups = model.encoder_.groups if model.encoder_ else {}
    with naming_lines(table):
        metrics = model.metrics(X, y, model.terms(y, groups, said=HERE))
        seen = read_seen(run)
        part = seen.part_of(X, y) if seen else np.full(len(X), 3)
        fresh, apart = part >= 2, None
        if fresh.any() and not fresh.all():
            apart = model.metrics(X[fresh], y[fresh], model.terms(y[fresh], groups, said=HERE))
    parts = {name: int((part == i).sum()) for i, name in enumerate((*PARTS, "new"))}
    return Evaluation(str(run.path), metrics, tuple(notes), parts, apart)


def _labelled(run: Run, model: Estimator, table: Table, notes: list[str]) -> tuple[Table, Array]:
    """The rows whose target is known, and their targets as the model learned them."""
    data = run.config.options.get("data")
    target = model.target_ or (SHIPPED[data].target if data in SHIPPED else "")
    if not target:
        raise RunError(f"run {run.name!r} does not record its target column.")
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
    return table, model.targets(table, cells, written)
