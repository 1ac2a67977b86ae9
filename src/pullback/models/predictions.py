"""The prediction of a run for each row of a table; and the table with the predictions appended."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from pullback.data.dialect import Decimal
from pullback.data.table import Table
from pullback.models.files import model_of
from pullback.models.tables import features_of, hints_of, naming_lines, read_rows
from pullback.nn.init import Array
from pullback.runs.atomic import write_atomic
from pullback.runs.folder import ROOT, open_run


@dataclass(frozen=True, eq=False)
class Predictions:
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
) -> Predictions:
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
    with naming_lines(cells):
        answer = model.answer(X)
    return Predictions(
        run=str(run.path),
        table=cells,
        target=model.target_,
        ignored=ignored,
        notes=tuple(notes),
        **answer._asdict(),
    )


def write_predictions(found: Predictions, path: Path) -> Path:
    """Write a CSV file, whole or not at all: every column of the table, then the predictions.

    Classes: `predicted_TARGET` and the probability of each class; numbers: `predicted_TARGET` alone.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    name = "_".join(filter(None, ["predicted", found.target]))
    writer.writerow([*found.table.header, name, *(f"probability_{c}" for c in found.classes)])
    shares = [[f"{p:.6g}" for p in row] for row in _shares(found)]
    for row, label, more in zip(found.table.rows, found.labels.tolist(), shares, strict=True):
        writer.writerow([*row, f"{label:.10g}" if isinstance(label, float) else label, *more])
    write_atomic(path, text.getvalue().encode())
    return path


def _shares(found: Predictions) -> list[list[float]]:
    if found.proba is None:
        return [[] for _ in found.labels]
    shares: list[list[float]] = found.proba.tolist()
    return shares
