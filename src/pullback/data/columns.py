"""What each column of a table is: a number, a category, a date; or why it cannot be learned from."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from pullback.data.dates import form_of
from pullback.data.table import Table, is_finite, shown
from pullback.errors import DataError

Kind = Literal["number", "category", "date", "identifier", "text", "constant", "empty"]
USED = ("number", "category", "date")
# Compared in lower case. Not "none" and "unknown": these are often levels of their own.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "?", "-", ".", "missing"})
MOST_LEVELS = 50  # a text column with more different texts is not a category
MOST_WORDS = 4  # texts with more words, on average, are sentences


@dataclass(frozen=True)
class Column:
    """One column as it was recognised. form: of a date; why: for a person who wonders."""

    name: str
    kind: Kind
    missing: int = 0
    why: str = ""
    form: str = ""

    @property
    def used(self) -> bool:
        return self.kind in USED

    @property
    def said(self) -> str:
        """One line about it.

        >>> Column("age", "number", missing=177).said
        "'age': number, 177 missing"
        """
        told = f"{shown(self.name)}: {self.kind}"
        told += f" ({self.why})" if self.why else ""
        told += f", {self.missing:,} missing" if self.missing and self.kind != "empty" else ""
        return told if self.used else f"{told}; left out"


def is_missing(cell: str, words: Collection[str] = ()) -> bool:
    """Whether a cell says that nothing is known. `words`: further spellings, in lower case.

    >>> is_missing(" N/A "), is_missing("none")
    (True, False)
    """
    plain = cell.strip().lower()
    return plain in MISSING or plain in words


def recognise(table: Table, name: str, words: Collection[str] = ()) -> Column:
    """What the column is. DataError for numbers with a few texts among them: it names the first."""
    at = table.position(name)
    cells = [row[at].strip() for row in table.rows]
    gone = {cell for cell in set(cells) if is_missing(cell, words)}
    here = [cell for cell in cells if cell not in gone]
    missing, different = len(cells) - len(here), len(set(here))
    if not here:
        return Column(name, "empty", missing, "no value at all")
    if different == 1 and not missing:
        return Column(name, "constant", 0, f"{shown(here[0])} everywhere")
    form = form_of(here)
    if form and different > 1:
        return Column(name, "date", missing, _date_said(here, form), form)
    if different > 1 and all(map(is_finite, set(here))):
        return _number(name, here, missing)
    _refuse_strays(table, name, here, words)
    return _texts(name, here, missing)


def _number(name: str, cells: Sequence[str], missing: int) -> Column:
    values = [float(cell) for cell in cells]
    whole = all(value.is_integer() for value in values)
    if whole and not missing and len(set(values)) == len(values) >= 20:
        if (
            sorted(values) == values
            and values[0] in (0, 1)
            and values[-1] - values[0] < len(values)
        ):
            return Column(name, "identifier", 0, "it counts the rows")
        if re.search(r"(^|[ _.-])[iI][dD]$|[a-z]I[dD]$", name):
            return Column(name, "identifier", 0, "all different")
    return Column(name, "number", missing)


def _texts(name: str, cells: Sequence[str], missing: int) -> Column:
    different, n = len(set(cells)), len(cells)
    if sum(len(cell.split()) for cell in cells) > MOST_WORDS * n:
        return Column(name, "text", missing, f"free text, {different:,} different")
    if different == n > 2:
        return Column(name, "identifier", missing, "all different")
    if different > min(MOST_LEVELS, max(n // 2, 2)):
        return Column(name, "text", missing, f"{different:,} different texts in {n:,} rows")
    return Column(name, "category", missing, f"{different} level{'s' * (different > 1)}")


def _date_said(cells: Sequence[str], form: str) -> str:
    both = form == "day/month/year" and form_of([_swapped(cell) for cell in cells]) == form
    return f"{form}, or month first: it cannot be told" if both else form


def _swapped(cell: str) -> str:
    return re.sub(r"^(\d+)([-/.])(\d+)", r"\3\2\1", cell)


def _refuse_strays(table: Table, name: str, here: Sequence[str], words: Collection[str]) -> None:
    """One text among many numbers is a slip, not a new kind of column."""
    few = max(1, len(here) // 20)
    for what, fits in (("finite number", is_finite), ("date", _is_date)):
        strays = {cell for cell in set(here) if not fits(cell)}
        count = sum(cell in strays for cell in here)
        if not 0 < count <= few or len(here) - count < 5:
            continue
        at = table.position(name)
        row = next(i for i, cells in enumerate(table.rows) if cells[at].strip() in strays)
        cell = table.rows[row][at].strip()
        raise DataError(
            f"{table.name}, line {table.lines[row]}, column {shown(name)}: {shown(cell)} is not a "
            f"{what}; nearly all others are.",
            why=f"--missing {shown(cell)} reads it as missing, --leave-out {shown(name)} does without.",
        )


def _is_date(cell: str) -> bool:
    return form_of([cell]) != ""
