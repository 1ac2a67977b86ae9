"""What is learned from what: a table and a question become features, targets and three parts of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from pullback.data.columns import Column, is_missing, recognise
from pullback.data.dataset import Dataset, Features, Rows
from pullback.data.dates import day_of
from pullback.data.encode import Encoder, fit_encoder
from pullback.data.split import Split, split
from pullback.data.standardize import fit_standardizer
from pullback.data.table import Table, shown
from pullback.errors import DataError
from pullback.models.target import Task, Wanted, wanted_of
from pullback.nn.init import Array

Order = Literal["auto", "random", "time"]


@dataclass(frozen=True)
class Question:
    """What a person asks of a table. missing: further words for a missing cell."""

    target: str
    task: Literal["auto", "classification", "regression"] = "auto"
    order: Order = "auto"
    missing: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows ready for training. `groups`: which features each column became; `notes`: remarks for a person.

    why: it is this task. table: the rows as text, for a report. series: the column whose time the rows
    follow; the latest ones judge. repeated: test rows that stand among the training rows too.
    """

    name: str
    task: Task
    target: str
    X: Features
    y: Array
    classes: tuple[str, ...]
    features: tuple[str, ...]
    parts: Split
    groups: dict[str, list[int]]
    encoder: Encoder | None = None
    table: Table | None = None
    columns: tuple[Column, ...] = ()
    why: str = ""
    series: str = ""
    repeated: Rows = field(default_factory=lambda: np.empty(0, np.int64))
    notes: tuple[str, ...] = ()


def problem_of_dataset(data: Dataset, seed: int) -> Problem:
    """A shipped data set, whose columns are numbers already."""
    groups = {name: [i] for i, name in enumerate(data.feature_names)}
    parts = split(data.y, seed=seed)
    names = (data.feature_names, parts, groups)
    return Problem(data.name, "classification", "", data.X, data.y, data.class_names, *names)


def problem_of_table(table: Table, question: Question, seed: int, name: str = "") -> Problem:
    """Recognise the columns, deal out the rows, learn the encoding from the training part alone.

    Raises DataError where nothing can be learned: it names the column, and the line where it can.
    """
    notes: list[str] = []
    words = [word.strip().lower() for word in question.missing]
    table = _with_target(table, question.target, words, notes)
    wanted = wanted_of(table, question.target, question.task, words)
    table, wanted = _without_single_rows(table, wanted, notes)
    columns = _recognised(table, question, words)
    series = _series(table, columns, question.order)
    parts = _parts(wanted, bool(series), seed)
    parts = _known_classes_only(parts, wanted, notes)
    encoder = fit_encoder(table, columns, parts.train, words)
    X = encoder.encode(table)
    fit_standardizer(X[parts.train], encoder.features)  # refuses what no net could learn from
    if wanted.task == "regression":
        fit_standardizer(wanted.y[parts.train, None], [question.target])
    used = [*encoder.names, question.target]
    notes += _remarks(table, encoder, X, wanted, parts)
    return Problem(
        name=name or table.name,
        task=wanted.task,
        target=question.target,
        X=X,
        y=wanted.y,
        classes=wanted.classes,
        features=tuple(encoder.features),
        parts=parts,
        groups=encoder.groups,
        encoder=encoder,
        table=table,
        columns=tuple(columns),
        why=wanted.why,
        series=series,
        repeated=_repeated(table, used, parts),
        notes=tuple(notes),
    )


def _with_target(table: Table, target: str, words: Sequence[str], notes: list[str]) -> Table:
    """The rows whose target is known."""
    at = table.position(target)
    known = [i for i, row in enumerate(table.rows) if not is_missing(row[at], words)]
    lacking = len(table) - len(known)
    if not known:
        raise DataError(
            f"{table.name}: column {shown(target)} is empty; there is nothing to learn."
        )
    if lacking:
        notes.append(f"{_rows(lacking)} without {shown(target)} left out")
    return table.take(known)


def _without_single_rows(table: Table, wanted: Wanted, notes: list[str]) -> tuple[Table, Wanted]:
    """A class of one row could be learned or be judged by, not both."""
    if wanted.task == "regression":
        return table, wanted
    values, codes, counts = np.unique(wanted.y, return_inverse=True, return_counts=True)
    single = np.flatnonzero(counts == 1)
    if not len(single):
        return table, wanted
    if len(values) - len(single) < 2:
        alone = int(np.argmax(codes == single[0]))
        raise DataError(
            f"{table.name}: fewer than two classes have two rows or more: "
            f"{shown(str(values[single[0]]))} stands in line {table.lines[alone]} alone."
        )
    named = ", ".join(shown(str(values[i])) for i in single[:5])
    notes.append(
        f"{_rows(len(single))} left out: a class of a single row cannot be judged ({named})"
    )
    keep = [int(i) for i in np.flatnonzero(~np.isin(codes, single))]
    return table.take(keep), wanted.take(keep)


def _recognised(table: Table, question: Question, words: Sequence[str]) -> list[Column]:
    for name in question.leave_out:
        table.position(name)  # a misspelt one is said
    dropped = {question.target, *question.leave_out}
    columns = [recognise(table, name, words) for name in table.header if name not in dropped]
    if not any(column.used for column in columns):
        raise DataError(
            f"{table.name}: no column beside {shown(question.target)} can be learned from.",
            where=[column.said for column in columns[:8]],
        )
    return columns


def _series(table: Table, columns: Sequence[Column], order: Order) -> str:
    """The column that puts the rows in time order: a date that rises from row to row."""
    if order == "random":
        return ""
    for column in columns:
        if column.kind == "date" and not column.missing and len(table) >= 20:
            at = table.position(column.name)
            days = [day_of(row[at], column.form) or 0.0 for row in table.rows]
            if (np.diff(days) > 0).all():
                return column.name
    if order == "time":
        raise DataError(f"{table.name}: no column holds dates that rise from row to row.")
    return ""


def _parts(wanted: Wanted, in_order: bool, seed: int) -> Split:
    n = len(wanted.y)
    if in_order:
        ends = [int(n * 0.7), int(n * 0.85)]
        return Split(*(part.astype(np.int64) for part in np.split(np.arange(n), ends)))
    if wanted.task == "classification":
        return split(wanted.y, seed=seed)
    # Numbers are dealt out by tenths, so that each part has its share of the large and the small.
    ranks = np.argsort(np.argsort(wanted.y, kind="stable"), kind="stable")
    return split(ranks * min(10, max(n // 10, 1)) // n, seed=seed)


def _known_classes_only(parts: Split, wanted: Wanted, notes: list[str]) -> Split:
    """In time order, a class may turn up after the training rows: it cannot be predicted."""
    if wanted.task == "regression":
        return parts
    learned = np.unique(wanted.y[parts.train])
    if len(learned) < 2:
        raise DataError(
            f"all training rows have the class {shown(str(learned[0]))}.", fix="--order random"
        )
    kept = Split(*(rows[np.isin(wanted.y[rows], learned)] for rows in parts))
    lost = sum(map(len, parts)) - sum(map(len, kept))
    if lost:
        notes.append(f"{_rows(lost)} left out: their class first occurs after the training rows")
    return kept


def _repeated(table: Table, used: Sequence[str], parts: Split) -> Rows:
    """Test rows that stand among the training rows too, cell by cell."""
    at = [table.position(name) for name in used]
    keys = [tuple(row[i].strip() for i in at) for row in table.rows]
    learned = {keys[i] for i in parts.train}
    return np.array([i for i in parts.test if keys[i] in learned], dtype=np.int64)


def _remarks(
    table: Table, encoder: Encoder, X: Features, wanted: Wanted, parts: Split
) -> list[str]:
    """What a person should know before believing a result: imbalance, give-aways, outliers."""
    said = []
    if wanted.task == "classification":
        _, codes, counts = np.unique(wanted.y, return_inverse=True, return_counts=True)
        shares = counts / counts.sum()
        # Normalised entropy below a half: nearly all the labels say the same.
        if -(shares * np.log(shares)).sum() < 0.5 * np.log(len(shares)):
            largest, rarest = (
                shown(str(wanted.class_of(int(counts.argmax())))),
                int(counts.argmin()),
            )
            said.append(
                f"unbalanced: {shares.max():.1%} of the rows are {largest}, "
                f"{shares.min():.2%} {shown(str(wanted.class_of(rarest)))}; accuracy alone flatters"
            )
    else:
        codes = np.unique(wanted.y, return_inverse=True)[1]
    for column in encoder.columns:
        at = table.position(column.name)
        cells = np.unique([row[at].strip() for row in table.rows], return_inverse=True)[1]
        pairs = len(np.unique(cells * (codes.max() + 1) + codes))
        if pairs == codes.max() + 1 == cells.max() + 1 < len(cells):
            said.append(
                f"column {shown(column.name)} tells the target exactly: is it known beforehand?"
            )
    return said + _outliers(table, encoder, X, parts)


def _outliers(table: Table, encoder: Encoder, X: Features, parts: Split) -> list[str]:
    """Numbers so far from all others that they look like a slip of the keyboard."""
    said = []
    for name, features in encoder.groups.items():
        values = X[:, features[0]]
        low, middle, high = np.percentile(values / 4, [10, 50, 90])  # quarters: no overflow
        room = max(high - low, abs(middle), 1e-300)
        far = np.flatnonzero(np.abs(values / 4 - middle) / 1000 > room)
        if high > low and 0 < len(far) <= max(1, len(values) // 100):
            row = int(far[0])
            said.append(
                f"line {table.lines[row]}, column {shown(name)}: {values[row]:g} is a thousand times "
                "beyond the others; is it a slip?"
            )
    return said


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def rows_of(problem: Problem, part: Rows) -> tuple[Features, Any]:
    """Features and targets of one part."""
    return problem.X[part], problem.y[part]
