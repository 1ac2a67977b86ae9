"""Tables: a CSV file becomes columns of text under a header, and named columns become numbers.

Two steps, because they fail differently: `read_table` minds the file (encoding, quotes, ragged
rows), `Table.numbers` minds the cells. Both raise `DataError` and nothing else, whatever the bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pullback.data.dialect import Dialect, Hints, decoded
from pullback.data.layout import laid_out
from pullback.data.missing import WORDS
from pullback.data.numerals import SIGNS, Numerals
from pullback.data.records import check_is_table, named_separator, records_of, separator_of
from pullback.data.text import Limits, read_bytes, read_text
from pullback.data.text import shown as shown
from pullback.errors import DataError, did_you_mean

_FORMULA = re.compile(r'="(.*)"', re.DOTALL)


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of text under a header. `lines[i]` is where row i ends in the file, counted from 1.

    Everything is kept by column, so that asking about each column costs as much as there are cells.
    """

    name: str
    header: tuple[str, ...]
    columns: list[list[str]]
    lines: list[int]
    dialect: Dialect = field(default_factory=Dialect)

    def __len__(self) -> int:
        return len(self.lines)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.header)}

    @property
    def rows(self) -> list[list[str]]:
        """The cells row by row."""
        return [list(row) for row in zip(*self.columns, strict=True)]

    def take(self, rows: Sequence[int]) -> Table:
        """The same table with these rows only; they keep their line numbers."""
        if len(rows) == len(self):
            return self
        columns = [[column[i] for i in rows] for column in self.columns]
        return replace(self, columns=columns, lines=[self.lines[i] for i in rows])

    def other_columns(self, columns: Sequence[str]) -> list[str]:
        """The columns beside the asked ones, which `numbers` ignores: tell the person."""
        asked = set(columns)
        return [name for name in self.header if name not in asked]

    def column(self, name: str) -> list[str]:
        """The cells of a column, without blanks around them."""
        return self.columns[self.position(name)]

    def position(self, column: str) -> int:
        """Where a column stands, counted from 0."""
        try:
            return self._places[column]
        except KeyError:
            raise DataError(
                f"{self.name}: there is no column {shown(column)}.",
                where=[f"columns  {', '.join(map(shown, self.header[:12]))}"],
                why=did_you_mean(column, self.header[:1000]),
            ) from None

    def place(self, column: str, cell: str) -> str:
        """File, line and column of the first such cell, as an error begins."""
        line = self.lines[self.column(column).index(cell)]
        return f"{self.name}, line {line}, column {shown(column)}"

    def numbers(self, columns: Sequence[str]) -> npt.NDArray[np.float64]:
        """The named columns as finite numbers, (rows, columns), in the order asked for.

        Only plain decimal notation is a number: no `1_000`, no `1,5`, no empty cell, no NaN.

        >>> parse_table(b"b,a\\n2,1\\n4,3\\n").numbers(["a", "b"])
        array([[1., 2.],
               [3., 4.]])
        """
        found = [self.column(name) for name in columns]
        values = np.empty((len(self), len(columns)))
        for j, cells in enumerate(found):
            try:
                values[:, j] = _floats(cells)
            except ValueError:
                values[:, j] = np.nan
        wrong = np.argwhere(~np.isfinite(values))
        if len(wrong):
            raise self._not_a_number(columns, found)
        return values

    def _not_a_number(self, columns: Sequence[str], found: Sequence[list[str]]) -> DataError:
        row, j = next(
            (i, j) for i in range(len(self)) for j, c in enumerate(found) if not is_finite(c[i])
        )
        where = f"{self.name}, line {self.lines[row]}, column {shown(columns[j])}"
        if not found[j][row]:
            return DataError(f"{where}: the cell is empty; a number is needed.")
        return DataError(f"{where}: {shown(found[j][row])} is not a finite number.")


def read_table(path: Path | str, *, limits: Limits | None = None) -> Table:
    """Read a CSV file, plain or gzipped (`.gz`): UTF-8, a header line, commas, quotes where needed.

    Raises DataError, with the line, for a file that is missing, empty, too large, of another
    encoding, ragged, or cut off inside a quoted cell.
    """
    limits = limits or Limits()
    return parse_table(read_bytes(Path(path), limits), name=Path(path).name, limits=limits)


def parse_table(data: bytes, *, name: str = "table", limits: Limits | None = None) -> Table:
    """Like `read_table`, from bytes at hand; `name` is what the errors call them.

    >>> parse_table(b'x,note\\r\\n1,"a, b"\\r\\n').rows
    [['1', 'a, b']]
    """
    limits = limits or Limits()
    records = records_of(read_text(data, name), ",", name, limits)
    found = laid_out(records, name, limits)
    if found.notes:
        raise DataError(f"{name} is not a plain table: {found.notes[0]}.")
    return Table(name, found.header, found.columns, found.lines)


class Reading(NamedTuple):
    """A table, how its file was written, and what was left out of it, in words."""

    table: Table
    dialect: Dialect
    notes: list[str]


def read_any_table(
    path: Path | str, *, hints: Hints | None = None, limits: Limits | None = None
) -> Reading:
    """Like `read_table`, from any of a person's files: separated by commas, semicolons, tabs, bars or
    blanks, with any decimal sign, in UTF-8, UTF-16, UTF-32 or Windows-1252, with titles and totals around
    the rows. What was found is in `dialect` and `notes`.
    """
    limits = limits or Limits()
    data = read_bytes(Path(path), limits)
    return parse_any_table(data, name=Path(path).name, hints=hints, limits=limits)


def parse_any_table(
    data: bytes, *, name: str = "table", hints: Hints | None = None, limits: Limits | None = None
) -> Reading:
    """Like `read_any_table`, from bytes at hand.

    >>> table, dialect, notes = parse_any_table(b"fruit;price\\nnut;1,5\\n")
    >>> table.column("price"), dialect.said
    (['1,5'], 'separated by semicolons, decimal commas')
    """
    hints, limits = hints or Hints(), limits or Limits()
    text, encoding = decoded(data, name)
    check_is_table(text, name)
    separator = named_separator(text)
    notes = [f"the first line names the separator, {separator!r}"] if separator else []
    if separator:  # an empty line in its place: the others keep their numbers
        text = "\n" + text[text.index("\n") + 1 :]
    separator = separator or separator_of(text)
    found = laid_out(records_of(text, separator, name, limits), name, limits, hints.header)
    if '="' in text and _unwrapped(found.columns):
        notes.append('cells like ="4.52" read as 4.52')
    given = hints.decimal != "auto"
    decimal, both = (hints.decimal, False) if given else _decimal_of(found.columns)
    dialect = Dialect(encoding, separator, decimal, given, both)
    table = Table(name, found.header, found.columns, found.lines, dialect)
    return Reading(table, dialect, [*notes, *found.notes])


def _unwrapped(columns: list[list[str]]) -> bool:
    """Take Excel's ="..." off; whether there was any."""
    some = False
    for j, cells in enumerate(columns):
        if any(cell.startswith('="') for cell in cells):
            columns[j] = [found[1] if (found := _FORMULA.fullmatch(c)) else c for c in cells]
            some = some or columns[j] != cells
    return some


def _decimal_of(columns: list[list[str]]) -> tuple[str, bool]:
    """The decimal sign that every column of numbers agrees to, "" where none shows one; and whether both
    signs stand where they may be either.

    >>> _decimal_of([["1,5", "2,25"], ["1.000", "n.d."]]), _decimal_of([["1.000"], ["2,250"]])
    ((',', False), ('', True))
    """
    votes, marks, grouped = set(), set(), False
    for cells in columns:
        numerals = Numerals([cell for cell in dict.fromkeys(cells) if cell.lower() not in WORDS])
        if len(numerals.strays) <= max(1, len(numerals) // 10):
            votes.add(numerals.decides)
            grouped = grouped or numerals.grouped
            if not numerals.same and len(numerals.signs) == 2:
                marks |= {
                    sign for sign in SIGNS if any(sign in cell for cell in numerals.values("."))
                }
    votes.discard("")
    # Where blanks group the thousands, the only other mark is the decimal sign.
    votes = votes or (marks if grouped else set())
    return votes.pop() if len(votes) == 1 else "", len(marks) == 2


def _floats(cells: list[str]) -> list[float]:
    # float() alone would also take 1_000 and digits of other scripts.
    joined = "".join(cells)
    if "_" in joined or not joined.isascii():
        raise ValueError
    return [float(cell) for cell in cells]


def is_finite(cell: str) -> bool:
    """Whether a cell is a finite number in plain decimal notation."""
    try:
        return math.isfinite(_floats([cell])[0])
    except ValueError:
        return False
