"""The column to be learned: classes or numbers, decided by what stands in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pullback.data.columns import recognise
from pullback.data.dataset import Rows
from pullback.data.table import Table, is_finite, shown
from pullback.errors import DataError
from pullback.nn.init import Array

Task = Literal["classification", "regression"]
MOST_WHOLE = 10  # numbers with at most so many different whole values are taken for classes
MOST_CLASSES = 100


@dataclass(frozen=True, eq=False)
class Wanted:
    """The target of each row: y (n,) labels (whole numbers or texts) or numbers; why it is that task."""

    task: Task
    y: Array
    why: str

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names in order; none of a regression."""
        if self.task == "regression":
            return ()
        return tuple(str(value) for value in np.unique(self.y))

    def class_of(self, code: int) -> str:
        return self.classes[code]

    def take(self, rows: Sequence[int] | Rows) -> Wanted:
        return Wanted(self.task, self.y[np.asarray(rows)], self.why)


def wanted_of(table: Table, name: str, task: str, words: Sequence[str] = ()) -> Wanted:
    """The target column `name`, none of it missing. `task` is auto, classification or regression."""
    at = table.position(name)
    cells = [row[at].strip() for row in table.rows]
    different = len(set(cells))
    if different == 1:
        raise DataError(
            f"{table.name}: column {shown(name)} is {shown(cells[0])} in every row; there is "
            "nothing to learn."
        )
    numeric = all(map(is_finite, set(cells)))
    if task == "regression" and not numeric:
        row = next(i for i, cell in enumerate(cells) if not is_finite(cell))
        raise DataError(
            f"{table.name}, line {table.lines[row]}, column {shown(name)}: {shown(cells[row])} is "
            "not a finite number; a regression needs numbers."
        )
    if not numeric:
        if len(cells) > 20:
            recognise(table, name, words)  # one text among numbers is a slip, and is named
        return _classes(table, name, np.array(cells), "it holds texts")
    values = np.array([float(cell) for cell in cells])
    whole = bool((values == np.rint(values)).all() and np.abs(values).max() < 2**53)
    few = different <= 2 or (whole and different <= MOST_WHOLE and different <= len(cells) // 5)
    if task == "regression" or (task == "auto" and not few):
        return Wanted("regression", values, "it holds numbers")
    labels = values.astype(np.int64) if whole else values
    kinds = "whole numbers" if whole else "numbers"
    return _classes(table, name, labels, f"it holds {different} different {kinds}")


def _classes(table: Table, name: str, labels: Array, why: str) -> Wanted:
    different = len(np.unique(labels))
    if different > min(MOST_CLASSES, len(labels) // 2):
        raise DataError(
            f"{table.name}: column {shown(name)} has {different:,} different values in "
            f"{len(labels):,} rows; these are no classes that rows have in common.",
        )
    return Wanted("classification", labels, why)
