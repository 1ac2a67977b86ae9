"""From cells to numbers: an encoding fitted on the training rows, which can be saved.

A number that is missing becomes the median of the training rows, and says so in a column of its own;
a text becomes one column a level; a date becomes days and the season. Nothing here is code: a model's
file holds these tables as checked JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NoReturn

import msgspec
import numpy as np

from pullback.data.columns import Column
from pullback.data.dataset import Features, Rows
from pullback.data.dates import FORMS, day_of
from pullback.data.dialect import Header, Hints
from pullback.data.doubts import decimal_of, flag
from pullback.data.missing import Missing
from pullback.data.numerals import CURRENCIES, SIGNS, Numerals
from pullback.data.table import Table, shown
from pullback.errors import DataError

YEAR = 365.2425
# A level, or a missing number, in fewer training rows gets no feature of its own: in standard units such
# a feature is huge where it is not 0, and what one row taught would decide over every later one.
RARE = 5


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the numbers of a column were written in training: `decimal` and `unit` as of a `NumberColumn`."""

    decimal: str = ""
    unit: str = ""


class NumberColumn(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="number"
):
    """A number; `missing`: whether enough training rows lacked it for a feature of its own.

    decimal: the decimal sign, "" where no number showed it. unit: what stood beside the digits.
    """

    name: str
    median: float
    missing: bool = False
    decimal: str = ""
    unit: str = ""

    @property
    def features(self) -> list[str]:
        return [self.name] + [f"{self.name} is missing"] * self.missing

    def encode(self, cells: Cells) -> Features:
        return _known_or_median(self, cells, cells.numbers(Written(self.decimal, self.unit)))


class DateColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="date"):
    """A date as days; with `season`, also where in the year it is, as a point on a circle."""

    name: str
    form: str
    median: float
    missing: bool
    season: bool

    @property
    def features(self) -> list[str]:
        circle = [f"{self.name} (season, sine)", f"{self.name} (season, cosine)"] * self.season
        return [f"{self.name} (days)", *[f"{self.name} is missing"] * self.missing, *circle]

    def encode(self, cells: Cells) -> Features:
        X = _known_or_median(self, cells, cells.days(self.form))
        angle = 2 * np.pi * X[:, :1] / YEAR
        return np.hstack([X, np.sin(angle), np.cos(angle)]) if self.season else X


class CategoryColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="category"):
    """A text: one feature a level. `other`: missing and rare ones had a feature in training."""

    name: str
    levels: list[str]
    other: bool

    @property
    def features(self) -> list[str]:
        return [f"{self.name} = {level}" for level in self.levels] + [
            f"{self.name} is missing or rare"
        ] * self.other

    def encode(self, cells: Cells) -> Features:
        place = {level: i for i, level in enumerate(self.levels)}
        codes = np.array([place.get(text, len(place)) for text in cells.texts], dtype=np.int64)
        if not self.other:
            strange = {t for t in cells.texts if t not in place}
            if strange:
                cells.note(f"{_some(strange)} was not seen in training: no level fits")
        elif strange := {t for t in cells.texts if t not in place and not cells.missing(t)}:
            cells.note(f"{_some(strange)} was rare or not seen in training: taken as 'other'")
        return np.eye(len(place) + 1)[codes][:, : len(place) + self.other]


AnyColumn = NumberColumn | DateColumn | CategoryColumn


class Cells:
    """The cells of one column, ready to be read as numbers, days or texts. Remarks go to `notes`."""

    def __init__(
        self,
        table: Table,
        name: str,
        gone: Missing,
        notes: list[str] | None = None,
        separator: str = "",
    ) -> None:
        self.table, self.name, self.missing, self.notes = table, name, gone, notes
        self.separator = separator
        self.texts = table.column(name)

    def note(self, text: str) -> None:
        if self.notes is not None:
            self.notes.append(f"column {shown(self.name)}: {text}")

    def numbers(self, written: Written) -> Features:
        """NaN where missing; DataError names a cell that is no finite number as it was learned."""
        here = [cell for cell in dict.fromkeys(self.texts) if not self.missing(cell)]
        numerals = Numerals(here)
        if numerals.strays:
            self._refuse(numerals.strays[0], "finite number")
        self._check_units(numerals, written.unit)
        sign = decimal_of(self.table, self.name, numerals, (written.decimal, self.separator))
        values = numerals.values(sign)
        if len(numerals.signs) == 2 and not numerals.same:
            self._say_choice(numerals, sign)
        return self._filled({cell: value for cell, value in values.items() if value is not None})

    def _say_choice(self, numerals: Numerals, sign: str) -> None:
        """1,234 and, with decimal commas, 1.234 may be two numbers: which one was taken is said."""
        point, comma = numerals.values("."), numerals.values(",")
        cell = next((c for c in point if point[c] != comma[c] and (sign == "," or "," in c)), "")
        if cell:
            self.note(f"{shown(cell)} is read as {(comma if sign == ',' else point)[cell]:.12g}")

    def _check_units(self, numerals: Numerals, unit: str) -> None:
        """A number in another unit is another number."""
        for found in numerals.units:
            if (
                found == unit
                or (not found and unit in CURRENCIES)
                or (not unit and found in CURRENCIES)
            ):
                continue
            cell = numerals.with_unit(found)
            here, learned = (f"in {shown(u)}" if u else "without a unit" for u in (found, unit))
            raise DataError(
                f"{self.table.place(self.name, cell)}: {shown(cell)} is {here}; the training rows were "
                f"{learned}."
            )

    def days(self, form: str) -> Features:
        values: dict[str, float] = {}
        for cell in dict.fromkeys(self.texts):
            day = None if self.missing(cell) else day_of(cell, form)
            if day is not None:
                values[cell] = day
            elif not self.missing(cell):
                self._refuse(cell, f"date like {form}")
        return self._filled(values)

    def _refuse(self, cell: str, wanted: str) -> NoReturn:
        raise DataError(
            f"{self.table.place(self.name, cell)}: {shown(cell)} is not a {wanted}.",
            why=f"{flag('missing', cell)} reads it as missing.",
        )

    def _filled(self, values: dict[str, float]) -> Features:
        known = dict.fromkeys(self.texts, np.nan) | values
        return np.fromiter(map(known.__getitem__, self.texts), np.float64, len(self.texts))


class Encoder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The columns that are learned from, in order, and how the table was written.

    words: what else means missing, in lower case; kept: what does not. separator, header: of the file.
    target: how the numbers of the target were written.
    """

    columns: list[AnyColumn]
    words: list[str] = []
    kept: list[str] = []
    separator: str = ""
    header: Header = "auto"
    target: Written = Written()

    def __post_init__(self) -> None:
        """What comes from a file is checked here; msgspec makes the ValueError a refusal."""
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names) or not names:
            raise ValueError("the columns are not different from each other")
        numbers = [column for column in self.columns if isinstance(column, NumberColumn)]
        if {self.target.decimal, *(column.decimal for column in numbers)} - {"", *SIGNS}:
            raise ValueError("a decimal sign is a point or a comma")
        for column in self.columns:
            if isinstance(column, DateColumn) and column.form not in FORMS:
                raise ValueError(f"no date is written {column.form!r:.40}")
            if isinstance(column, CategoryColumn) and len(set(column.levels)) < len(column.levels):
                raise ValueError(f"column {shown(column.name)} has a level twice")

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def features(self) -> list[str]:
        """What goes into the net, by name."""
        return [feature for column in self.columns for feature in column.features]

    @property
    def groups(self) -> dict[str, list[int]]:
        """Which features each column became."""
        groups, start = {}, 0
        for column in self.columns:
            width = len(column.features)
            groups[column.name] = list(range(start, start + width))
            start += width
        return groups

    @property
    def missing(self) -> Missing:
        """Which cells say that nothing is known."""
        return Missing(self.words, self.kept)

    @property
    def hints(self) -> Hints:
        """What is known about the writing of a table of the same kind."""
        return Hints(header=self.header, missing=tuple(self.words), not_missing=tuple(self.kept))

    def encode(self, table: Table, notes: list[str] | None = None) -> Features:
        """X (rows, features), finite. Remarks for a person are added to `notes`."""
        gone, place = self.missing, 0
        X = np.empty((len(table), len(self.features)))
        for column in self.columns:
            part = column.encode(Cells(table, column.name, gone, notes, self.separator))
            X[:, place : place + part.shape[1]] = part
            place += part.shape[1]
        return X

    def target_numbers(self, table: Table, name: str) -> Features:
        """The target's numbers of a labelled table, read as they were in training."""
        return Cells(table, name, self.missing, None, self.separator).numbers(self.target)


def fit_encoder(
    table: Table,
    columns: Sequence[Column],
    rows: Rows,
    hints: Hints | None = None,
    target: Written | None = None,
) -> Encoder:
    """Learn medians and levels from the training `rows` of the table, and from those alone."""
    hints = hints or Hints()
    gone = Missing(hints.missing, hints.not_missing)
    learned = [_learned(Cells(table, c.name, gone), c, rows) for c in columns if c.used]
    return Encoder(
        learned, gone.words, gone.kept, table.dialect.separator, hints.header, target or Written()
    )


def _learned(cells: Cells, column: Column, rows: Rows) -> AnyColumn:
    if column.kind == "category":
        return _levels(cells, rows)
    dated = column.kind == "date"
    written = Written(column.decimal, column.unit)
    values = (cells.days(column.form) if dated else cells.numbers(written))[rows]
    known = values[~np.isnan(values)]
    median = float(np.median(known / 2) * 2) if len(known) else 0.0  # halves: no sum overflows
    missing = len(values) - len(known) >= RARE
    if not dated:
        return NumberColumn(column.name, median, missing, column.decimal, column.unit)
    season = column.form != "year" and len(known) > 0 and bool(np.ptp(known) > 2 * YEAR)
    return DateColumn(column.name, column.form, median, missing, season)


def _levels(cells: Cells, rows: Rows) -> CategoryColumn:
    texts = [cells.texts[i] for i in rows]
    counts = Counter(text for text in texts if not cells.missing(text))
    # In a table of a dozen rows every level is rare, and each is all there is.
    least = RARE if len(texts) >= 30 else 1
    levels = sorted(text for text, count in counts.items() if count >= least)
    others = len(texts) - sum(counts[text] for text in levels)
    return CategoryColumn(cells.name, levels, others >= least)


def _known_or_median(column: NumberColumn | DateColumn, cells: Cells, values: Features) -> Features:
    lacking = int(np.isnan(values).sum())
    if lacking and not column.missing:
        cells.note(f"{lacking} missing, which was rare in training: taken as the median there")
    return np.column_stack(
        [np.where(np.isnan(values), column.median, values)]
        + [np.isnan(values).astype(np.float64)] * column.missing
    )


def _some(texts: Collection[str]) -> str:
    named = ", ".join(shown(text) for text in sorted(texts)[:3])
    return named + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")
