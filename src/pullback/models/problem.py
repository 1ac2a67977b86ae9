"""The learning problem: a table and options become features, targets and a train/validation/test split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from pullback.data.columns import UNREAD, Column, recognise
from pullback.data.dataset import Dataset, Features, Rows
from pullback.data.dates import day_of
from pullback.data.dialect import Decimal, Header, Hints
from pullback.data.doubts import flag
from pullback.data.encode import Encoder, fit_encoder
from pullback.data.missing import Missing
from pullback.data.split import Split, split
from pullback.data.standardize import fit_standardizer
from pullback.data.table import Table, shown
from pullback.errors import DataError
from pullback.models.target import Task, Wanted, wanted_of
from pullback.nn.init import Array

MOST_SLIPS = 10  # that are named
Order = Literal["auto", "random", "time"]


@dataclass(frozen=True)
class Question:
    """What a person asks of a table, and says about how it is written.

    missing: further words for a missing cell; not_missing: words that are values. number, category:
    columns to be read as such. header: whether the first line holds names.
    """

    target: str
    task: Literal["auto", "classification", "regression"] = "auto"
    order: Order = "auto"
    missing: tuple[str, ...] = ()
    not_missing: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    number: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    decimal: Decimal = "auto"
    header: Header = "auto"

    @property
    def hints(self) -> Hints:
        """What concerns the reading of the file."""
        return Hints(self.decimal, self.header, self.missing, self.not_missing)

    def kind_of(self, column: str) -> str:
        """How a person wants a column to be read; empty where that is left to us."""
        return "number" if column in self.number else "category" if column in self.category else ""


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
    gone = Missing(question.missing, question.not_missing)
    table = _with_target(table, question.target, gone, notes)
    kind = question.kind_of(question.target)
    wanted = wanted_of(table, question.target, question.task, gone, kind)
    table, wanted = _without_single_rows(table, wanted, notes)
    columns = _recognised(table, question, gone)
    unread = [shown(column.name) for column in columns if UNREAD in column.why]
    if unread:
        notes.append(f"left out although its cells begin with numbers: {', '.join(unread[:8])}")
    series = _series(table, columns, question.order)
    parts = _parts(wanted, bool(series), seed)
    parts = _known_classes_only(parts, wanted, notes)
    encoder = fit_encoder(table, columns, parts.train, question.hints, wanted.written)
    X = encoder.encode(table)
    fit_standardizer(X[parts.train], encoder.features)  # refuses what no net could learn from
    if wanted.task == "regression":
        fit_standardizer(wanted.y[parts.train, None], [question.target])
    used = [*encoder.names, question.target]
    notes += _remarks(table, encoder, X, wanted)
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


def _with_target(table: Table, target: str, gone: Missing, notes: list[str]) -> Table:
    """The rows whose target is known."""
    cells = table.column(target)
    known = [i for i, cell in enumerate(cells) if not gone(cell)]
    lacking = Counter(cell for cell in cells if gone(cell))
    if not known:
        raise DataError(
            f"{table.name}: column {shown(target)} is empty; there is nothing to learn."
        )
    word = max((cell for cell in lacking if cell), key=lacking.__getitem__, default="")
    said = f" ({lacking[word]:,} hold {shown(word)}; {flag('not-missing', word)} makes it a value)"
    if word and len({cells[i] for i in known}) == 1:
        raise DataError(
            f"{table.name}: column {shown(target)} holds {shown(cells[known[0]])} in {len(known):,} rows; "
            f"the other {sum(lacking.values()):,} count as missing{said}."
        )
    if lacking:
        often = word.isalpha() and lacking[word] >= max(5, len(cells) // 20)
        count = sum(lacking.values())
        notes.append(f"{_rows(count)} without {shown(target)} left out{said if often else ''}")
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
        f"{_rows(len(single))} left out: a class of a single row cannot be split ({named})"
    )
    keep = [int(i) for i in np.flatnonzero(~np.isin(codes, single))]
    return table.take(keep), wanted.take(keep)


def _recognised(table: Table, question: Question, gone: Missing) -> list[Column]:
    for name in (*question.leave_out, *question.number, *question.category):
        table.position(name)  # a misspelt one is said
    dropped = {question.target, *question.leave_out}
    columns = [
        recognise(table, name, gone, question.kind_of(name))
        for name in table.header
        if name not in dropped
    ]
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
            days = [day_of(cell, column.form) or 0.0 for cell in table.column(column.name)]
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
    keys = list(zip(*(table.column(name) for name in used), strict=True))
    learned = {keys[i] for i in parts.train}
    return np.array([i for i in parts.test if keys[i] in learned], dtype=np.int64)


def _remarks(table: Table, encoder: Encoder, X: Features, wanted: Wanted) -> list[str]:
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
                f"{shares.min():.2%} {shown(str(wanted.class_of(rarest)))}; accuracy alone is misleading"
            )
    else:
        codes = np.unique(wanted.y, return_inverse=True)[1]
    exact = []
    for column in encoder.columns:
        cells = _codes(table.column(column.name))
        pairs = len(np.unique(cells * (codes.max() + 1) + codes))
        if pairs == codes.max() + 1 == cells.max() + 1 < len(cells):
            exact.append(shown(column.name))
    if exact:
        named = ", ".join(exact[:5]) + (f" and {len(exact) - 5:,} more" if len(exact) > 5 else "")
        verb = "determines" if len(exact) == 1 else "determine"
        said.append(
            f"column {named} {verb} the target exactly: target leakage? Leave it out with "
            "--leave-out if it is not known when predicting"
        )
    return said + _outliers(table, encoder, X)


def _codes(cells: Sequence[str]) -> Rows:
    """The same whole number for the same cell, from 0 without gaps."""
    place = {cell: i for i, cell in enumerate(dict.fromkeys(cells))}
    return np.array([place[cell] for cell in cells], dtype=np.int64)


def _outliers(table: Table, encoder: Encoder, X: Features) -> list[str]:
    """Numbers so far from all others that they look like a slip of the keyboard."""
    said = []
    first = [features[0] for features in encoder.groups.values()]
    low, middle, high = np.percentile(
        X[:, first] / 4, [10, 50, 90], axis=0
    )  # quarters: no overflow
    room = np.maximum(np.maximum(high - low, np.abs(middle)), 1e-300)
    far = np.abs(X[:, first] / 4 - middle) / 1000 > room
    few = (high > low) & far.any(axis=0) & (far.sum(axis=0) <= max(1, len(X) // 100))
    for j in np.flatnonzero(few)[:MOST_SLIPS]:
        row = int(far[:, j].argmax())
        said.append(
            f"line {table.lines[row]}, column {shown(encoder.names[j])}: {X[row, first[j]]:g} is a thousand "
            "times beyond the others; is it a typing error?"
        )
    return said


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def rows_of(problem: Problem, part: Rows) -> tuple[Features, Any]:
    """Features and targets of one part."""
    return problem.X[part], problem.y[part]
