"""What each column of a table is: a number, a category, a date; or why it cannot be learned from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pullback.data.dates import form_of
from pullback.data.doubts import (
    decimal_of,
    flag,
    refuse_sentinel,
    refuse_strays,
    unit_of,
)  # fmt: skip
from pullback.data.missing import Missing
from pullback.data.numerals import Numerals, numeral_of
from pullback.data.table import Table, shown
from pullback.errors import DataError

Kind = Literal["number", "category", "date", "identifier", "text", "constant", "empty"]
USED = ("number", "category", "date")
MOST_LEVELS = 50  # a text column with more different texts is not a category
MOST_WORDS = 4  # texts with more words, on average, are sentences
_FIGURES = re.compile(r"[-+<>~≈±($€£¥]{0,3}\s*[0-9]")
UNREAD = "is not read as a number"
MOST_SAID = 40  # columns; beyond, they are counted


@dataclass(frozen=True)
class Column:
    """One column as it was recognised. why: for a person who wonders. form: of a date.

    decimal, unit: how its numbers are written. word: what most of its missing cells say.
    """

    name: str
    kind: Kind
    missing: int = 0
    why: str = ""
    form: str = ""
    decimal: str = ""
    unit: str = ""
    word: str = ""

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
        if self.word:
            told += f" ({shown(self.word)}; {flag('not-missing', self.word)} makes it a level)"
        return told if self.used else f"{told}; left out"


def columns_said(columns: Sequence[Column]) -> list[str]:
    """A line a column; of many, the first ones and how many more there are of each kind."""
    said = [column.said for column in columns[:MOST_SAID]]
    rest = Counter(c.kind if c.used else f"{c.kind}, left out" for c in columns[MOST_SAID:])
    return said + [f"and {count:,} more: {kind}" for kind, count in rest.items()]


def recognise(table: Table, name: str, gone: Missing | None = None, wanted: str = "") -> Column:
    """What the column is. wanted: "number" or "category" where a person has decided.

    DataError for what is nearly a column of numbers or of dates: it names the first cell that is not,
    and the flag to type.
    """
    gone = gone or Missing()
    counts = Counter(table.column(name))
    here = {cell: count for cell, count in counts.items() if not gone(cell)}
    missing = len(table) - sum(here.values())
    if not here:
        return Column(name, "empty", missing, "no value at all")
    if len(here) == 1 and not missing:
        return Column(name, "constant", 0, f"{shown(next(iter(here)))} everywhere")
    if not wanted and len(here) > 1 and (form := _date_form(here)):
        return Column(name, "date", missing, _date_said(list(here), form), form)
    if wanted != "category":
        numerals = Numerals(list(here))
        if wanted == "number" or (len(here) > 1 and _is_numeric(table, name, here, numerals)):
            return _number(table, name, here, numerals, gone, wanted == "number")
    texts = _texts(name, here, missing, wanted)
    words = {cell: count for cell, count in counts.items() if cell not in here and cell.isalpha()}
    word = max(words, key=words.__getitem__, default="")
    # NA may be a name (Namibia, North America): where many cells hold it, the person is told.
    often = texts.kind == "category" and word and words[word] >= max(5, len(table) // 10)
    return replace(texts, word=word) if often else texts


def _date_form(here: Mapping[str, int]) -> str:
    form = form_of(list(here))
    return "" if form == "year" and any(count > 1 for count in here.values()) else form


def _is_numeric(table: Table, name: str, here: Mapping[str, int], numerals: Numerals) -> bool:
    """Whether the cells are to be read as numbers. DataError for a column that nearly is."""
    used = _texts(name, here, 0).used if numerals.strays or len(numerals.units) > 1 else False
    if numerals.strays:
        refuse_strays(table, name, here, numerals.strays, "finite number", used=used)
        dates = [cell for cell in here if not form_of([cell])]
        refuse_strays(table, name, here, dates, "date", used=used)
        return False
    if numerals.codes:
        return False
    # 250 g beside 1 kg: sizes, where they repeat themselves.
    return len(numerals.units) < 2 or not used


def _number(  # what is asked of a column, and of the person
    table: Table,
    name: str,
    here: Mapping[str, int],
    numerals: Numerals,
    gone: Missing,
    decided: bool,
) -> Column:
    """A column of numbers; an identifier, where they number the rows."""
    if numerals.strays:
        refuse_strays(table, name, here, numerals.strays, "finite number", used=False)
        cell = numerals.strays[0]
        raise DataError(f"{table.place(name, cell)}: {shown(cell)} is not a finite number.")
    unit = unit_of(table, name, numerals)
    decimal = decimal_of(table, name, numerals)
    read = numerals.values(decimal)
    refuse_sentinel(table, name, here, read, gone.kept)
    missing = len(table) - sum(here.values())
    values = [value for value in read.values() if value is not None]
    if (
        not missing
        and not decided
        and len(here) == len(table)
        and (why := _identifies(name, values))
    ):
        return Column(name, "identifier", 0, why)
    habits = numerals.habits(decimal)
    said = [f"in {shown(unit)}"] * bool(unit) + habits
    if habits:
        cell = max(read, key=len)
        said[-1] += f": {shown(cell)} is {read[cell]:.12g}"
    proved = "" if numerals.same and not table.dialect.decimal else decimal
    return Column(name, "number", missing, "; ".join(said), decimal=proved, unit=unit)


def _identifies(name: str, values: Sequence[float]) -> str:
    """Why whole numbers, each in one row, number the rows; empty where they do not."""
    if len(set(values)) < len(values) or len(values) < 20 or not all(map(float.is_integer, values)):
        return ""
    if sorted(values) == values and values[0] in (0, 1) and values[-1] - values[0] < len(values):
        return "it counts the rows"
    named = re.search(r"(^|[ _.-])[iI][dD]$|[a-z]I[dD]$|^ID$|^Unnamed: 0$", name)
    return "all different" if named else ""


def _texts(name: str, here: Mapping[str, int], missing: int, wanted: str = "") -> Column:
    different, n = len(here), sum(here.values())
    also = _also(name, here)
    levels = f"{different:,} level{'s' * (different > 1)}"
    if wanted == "category":
        return Column(name, "category", missing, levels)
    if sum(count * len(cell.split()) for cell, count in here.items()) > MOST_WORDS * n:
        return Column(name, "text", missing, f"free text, {different:,} different")
    if different == n > 2:
        return Column(name, "identifier", missing, f"all different{also}")
    if different > min(MOST_LEVELS, max(n // 2, 2)):
        why = f"{different:,} different texts in {n:,} rows{also}"
        return Column(name, "text", missing, why)
    return Column(name, "category", missing, levels + (also if "codes" in also else ""))


def _also(name: str, here: Collection[str]) -> str:
    """What else is to be said of texts with digits: that they are codes, or are not read as numbers."""
    if all(cell.isdigit() for cell in here) and any(c[0] == "0" and len(c) > 1 for c in here):
        return f"; codes, as zeros stand in front; {flag('number', name)} overrides"
    figures = [cell for cell in here if _FIGURES.match(cell) and numeral_of(cell) is None]
    if 2 * len(figures) > len(here):
        return f"; {shown(figures[0])} {UNREAD}"
    return ""


def _date_said(cells: Sequence[str], form: str) -> str:
    both = form == "day/month/year" and form_of([_swapped(cell) for cell in cells]) == form
    return f"{form}, or month first: it cannot be told" if both else form


def _swapped(cell: str) -> str:
    return re.sub(r"^(\d+)([-/.])(\d+)", r"\3\2\1", cell)
