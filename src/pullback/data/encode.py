"""From cells to numbers: what the training rows taught about each column, as a table that can be saved.

A number that is missing becomes the median of the training rows, and says so in a column of its own;
a text becomes one column a level; a date becomes days and the season. Nothing here is code: a model's
file holds these tables as checked JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence

import msgspec
import numpy as np

from pullback.data.columns import Column, is_missing
from pullback.data.dataset import Features, Rows
from pullback.data.dates import FORMS, day_of
from pullback.data.table import Table, is_finite, shown
from pullback.errors import DataError

Reader = Callable[[str], float | None]
YEAR = 365.2425
# A level, or a missing number, in fewer training rows gets no feature of its own: in standard units such
# a feature is huge where it is not 0, and what one row taught would decide over every later one.
RARE = 5


class NumberColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="number"):
    """A number; `missing`: whether enough training rows lacked it for a feature of its own."""

    name: str
    median: float
    missing: bool

    @property
    def features(self) -> list[str]:
        return [self.name] + [f"{self.name} is missing"] * self.missing

    def encode(self, cells: Cells) -> Features:
        return _known_or_median(self, cells, cells.numbers())


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
        self, table: Table, name: str, words: Collection[str], notes: list[str] | None = None
    ) -> None:
        at = table.position(name)
        self.table, self.name, self.words, self.notes = table, name, words, notes
        self.texts = [row[at].strip() for row in table.rows]

    def missing(self, cell: str) -> bool:
        return is_missing(cell, self.words)

    def note(self, text: str) -> None:
        if self.notes is not None:
            self.notes.append(f"column {shown(self.name)}: {text}")

    def numbers(self) -> Features:
        """NaN where missing; DataError names a cell that is neither missing nor a finite number."""
        return self._read(lambda cell: float(cell) if is_finite(cell) else None, "finite number")

    def days(self, form: str) -> Features:
        return self._read(lambda cell: day_of(cell, form), f"date like {form}")

    def _read(self, read: Reader, wanted: str) -> Features:
        value_of: dict[str, float] = {}
        for cell in dict.fromkeys(
            self.texts
        ):  # each different text once: columns repeat themselves
            value = np.nan if self.missing(cell) else read(cell)
            if value is None:
                raise DataError(
                    f"{self.table.name}, line {self.table.lines[self.texts.index(cell)]}, "
                    f"column {shown(self.name)}: {shown(cell)} is not a {wanted}."
                )
            value_of[cell] = value
        return np.array([value_of[cell] for cell in self.texts])


class Encoder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The columns that are learned from, in order. words: what else means missing, in lower case."""

    columns: list[AnyColumn]
    words: list[str] = []

    def __post_init__(self) -> None:
        """What comes from a file is checked here; msgspec makes the ValueError a refusal."""
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names) or not names:
            raise ValueError("the columns are not different from each other")
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

    def encode(self, table: Table, notes: list[str] | None = None) -> Features:
        """X (rows, features), finite. Remarks for a person are added to `notes`."""
        parts = [c.encode(Cells(table, c.name, self.words, notes)) for c in self.columns]
        return np.hstack(parts)


def fit_encoder(
    table: Table, columns: Sequence[Column], rows: Rows, words: Collection[str] = ()
) -> Encoder:
    """Learn medians and levels from the training `rows` of the table, and from those alone."""
    lower = sorted({word.strip().lower() for word in words})
    learned = [_learned(Cells(table, c.name, lower), c, rows) for c in columns if c.used]
    return Encoder(learned, lower)


def _learned(cells: Cells, column: Column, rows: Rows) -> AnyColumn:
    if column.kind == "category":
        return _levels(cells, rows)
    dated = column.kind == "date"
    values = (cells.days(column.form) if dated else cells.numbers())[rows]
    known = values[~np.isnan(values)]
    median = float(np.median(known / 2) * 2) if len(known) else 0.0  # halves: no sum overflows
    missing = len(values) - len(known) >= RARE
    if not dated:
        return NumberColumn(column.name, median, missing)
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
