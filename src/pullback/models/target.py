"""The column to be learned: classes or numbers, decided by what stands in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pullback.data.columns import Column, recognise
from pullback.data.dataset import Rows
from pullback.data.encode import Cells, Written
from pullback.data.missing import Missing
from pullback.data.numerals import numeral_of
from pullback.data.table import Table, shown
from pullback.errors import DataError
from pullback.models.rows import LARGEST
from pullback.nn.init import Array

Task = Literal["classification", "regression"]
MOST_WHOLE = 10  # numbers with at most so many different whole values are taken for classes
MOST_CLASSES = 100
PLAIN = Written()


@dataclass(frozen=True, eq=False)
class Wanted:
    """The target of each row: y (n,) labels (whole numbers or texts) or numbers; why it is that task.

    written: how its numbers are written in the table.
    """

    task: Task
    y: Array
    why: str
    written: Written = PLAIN

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names in order; none of a regression."""
        if self.task == "regression":
            return ()
        return tuple(str(value) for value in np.unique(self.y))

    def class_of(self, code: int) -> str:
        return self.classes[code]

    def take(self, rows: Sequence[int] | Rows) -> Wanted:
        return Wanted(self.task, self.y[np.asarray(rows)], self.why, self.written)


def wanted_of(
    table: Table, name: str, task: str, gone: Missing | None = None, kind: str = ""
) -> Wanted:
    """The target column `name`, none of it missing. `task` is auto, classification or regression.

    kind: "number" or "category" where a person has decided how its cells are read.
    """
    cells = table.column(name)
    different = len(set(cells))
    if different == 1:
        raise DataError(
            f"{table.name}: column {shown(name)} is {shown(cells[0])} in every row; there is "
            "nothing to learn."
        )
    column = _read_column(table, name, task, gone, kind)
    if column is None:
        return _classes(table, name, np.array(cells), "it holds texts")
    written = Written(column.decimal, column.unit)
    values = Cells(table, name, gone or Missing()).numbers(written)
    _check_size(table, name, values)
    whole = bool((values == np.rint(values)).all() and np.abs(values).max() < 2**53)
    few = different <= 2 or (whole and different <= MOST_WHOLE and different <= len(cells) // 5)
    if task == "regression" or (task == "auto" and not few):
        how = f" ({column.why})" if column.why else ""
        return Wanted("regression", values, f"it holds numbers{how}", written)
    labels = values.astype(np.int64) if whole else values
    kinds = "whole numbers" if whole else "numbers"
    return _classes(table, name, labels, f"it holds {different} different {kinds}", written)


def _read_column(
    table: Table, name: str, task: str, gone: Missing | None, kind: str
) -> Column | None:
    """The target as a column of numbers; None where its cells are texts."""
    cells = table.column(name)
    if task == "regression" and kind != "category":
        kind = "number"
    if len(cells) <= 20 and not kind and not all(map(numeral_of, cells)):
        return None  # in a handful of rows one text among numbers is a class
    try:
        found = recognise(table, name, gone, kind)
    except DataError as error:
        if task == "regression" and "is not a finite number" in error.what:
            raise DataError(
                f"{error.what.split(';')[0].rstrip('.')}; a regression needs numbers.",
                why=error.why,
            ) from None
        raise
    if found.kind == "identifier":
        found = recognise(table, name, gone, "number") if numeral_of(cells[0]) else found
    return found if found.kind == "number" else None


def _check_size(table: Table, name: str, values: Array) -> None:
    """Errors are squared: beyond 1e150 their square is no finite number."""
    far = np.flatnonzero(np.abs(values) > LARGEST)
    if len(far):
        line, cell = table.lines[int(far[0])], table.column(name)[int(far[0])]
        raise DataError(
            f"{table.name}, line {line}, column {shown(name)}: {shown(cell)} is too large to be learned: "
            f"its square overflows; at most {LARGEST:g} can be.",
            why="Divide the column by a power of ten, or take the logarithm.",
        )


def _classes(
    table: Table, name: str, labels: Array, why: str, written: Written | None = None
) -> Wanted:
    different = len(np.unique(labels))
    if different > min(MOST_CLASSES, len(labels) // 2):
        raise DataError(
            f"{table.name}: column {shown(name)} has {different:,} different values in "
            f"{len(labels):,} rows; too many for classes.",
        )
    return Wanted("classification", labels, why, written or PLAIN)
