"""Tables: a CSV file becomes rows of text with a header, and named columns of it become numbers.

Two steps, because they fail differently: `read_table` minds the file (encoding, quotes, ragged
rows), `Table.numbers` minds the cells. Both raise `DataError` and nothing else, whatever the bytes.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pullback.data.dialect import Dialect, decoded, has_decimal_commas, separator_of, with_points
from pullback.data.text import Limits, read_bytes, read_text
from pullback.errors import DataError, did_you_mean


@dataclass(frozen=True, eq=False)
class Table:
    """Cells as text under a header. `lines[i]` is where row i ends in the file, counted from 1."""

    name: str
    header: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Sequence[int]) -> Table:
        """The same table with these rows only; they keep their line numbers."""
        kept = [self.rows[i] for i in rows]
        return Table(self.name, self.header, kept, [self.lines[i] for i in rows])

    def other_columns(self, columns: Sequence[str]) -> list[str]:
        """The columns beside the asked ones, which `numbers` ignores: tell the person."""
        asked = set(columns)
        return [name for name in self.header if name not in asked]

    def position(self, column: str) -> int:
        """Where a column stands, counted from 0."""
        try:
            return self.header.index(column)
        except ValueError:
            raise DataError(
                f"{self.name}: there is no column {shown(column)}.",
                where=[f"columns  {', '.join(map(shown, self.header[:12]))}"],
                why=did_you_mean(column, self.header[:1000]),
            ) from None

    def numbers(self, columns: Sequence[str]) -> npt.NDArray[np.float64]:
        """The named columns as finite numbers, (rows, columns), in the order asked for.

        Only plain decimal notation is a number: no `1_000`, no `1,5`, no empty cell, no NaN.

        >>> parse_table(b"b,a\\n2,1\\n4,3\\n").numbers(["a", "b"])
        array([[1., 2.],
               [3., 4.]])
        """
        at = [self.position(column) for column in columns]
        values = np.empty((len(self.rows), len(at)))
        for i, row in enumerate(self.rows):
            cells = [row[j] for j in at]
            try:
                values[i] = _floats(cells)
            except ValueError:
                raise self._not_a_number(i, columns, cells) from None
        wrong = np.argwhere(~np.isfinite(values))
        if len(wrong):
            i = int(wrong[0, 0])
            raise self._not_a_number(i, columns, [self.rows[i][j] for j in at])
        return values

    def _not_a_number(self, row: int, columns: Sequence[str], cells: list[str]) -> DataError:
        column, cell = next(
            (c, cell) for c, cell in zip(columns, cells, strict=True) if not is_finite(cell)
        )
        where = f"{self.name}, line {self.lines[row]}, column {shown(column)}"
        if not cell.strip():
            return DataError(f"{where}: the cell is empty; a number is needed.")
        return DataError(f"{where}: {shown(cell)} is not a finite number.")


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
    return _parsed(read_text(data, name), name, limits or Limits(), ",")


class Reading(NamedTuple):
    """A table and how its file was written."""

    table: Table
    dialect: Dialect


def read_any_table(path: Path | str, *, limits: Limits | None = None) -> Reading:
    """Like `read_table`, from any of a person's files: separated by commas, semicolons or tabs, with
    decimal commas, in UTF-8, UTF-16 or Windows-1252. What was found is in `dialect`.
    """
    limits = limits or Limits()
    return parse_any_table(read_bytes(Path(path), limits), name=Path(path).name, limits=limits)


def parse_any_table(data: bytes, *, name: str = "table", limits: Limits | None = None) -> Reading:
    """Like `read_any_table`, from bytes at hand.

    >>> table, dialect = parse_any_table(b"fruit;price\\nnut;1,5\\n")
    >>> table.numbers(["price"]), dialect.said
    (array([[1.5]]), 'separated by semicolons, decimal commas')
    """
    text, encoding = decoded(data, name)
    separator = separator_of(text)
    table = _parsed(text, name, limits or Limits(), separator)
    decimal_comma = has_decimal_commas(table.rows, separator)
    if decimal_comma:
        rows = [[with_points(cell) for cell in row] for row in table.rows]
        table = Table(name, table.header, rows, table.lines)
    return Reading(table, Dialect(encoding, separator, decimal_comma))


def _parsed(text: str, name: str, limits: Limits, separator: str) -> Table:
    # strict: a quote in the wrong place is an error, not a guess.
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True
    )
    rows: list[list[str]] = []
    lines: list[int] = []
    header: tuple[str, ...] = ()
    try:
        for row in reader:
            if not row:
                continue
            if not header:
                header = _checked_header(row, name, limits)
                continue
            if len(row) != len(header):
                raise _ragged(name, reader.line_num, len(row), len(header))
            rows.append(row)
            lines.append(reader.line_num)
            if len(rows) * len(header) > limits.cells:
                raise DataError(f"{name}: more than {limits.cells:,} cells.")
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: {error}.") from None
    if not rows:
        what = "has a header but no rows" if header else "is empty"
        raise DataError(f"{name} {what}.")
    return Table(name, header, rows, lines)


def shown(text: str) -> str:
    """Somebody else's text, quoted for a message: cut to 40 characters, nothing unprintable.

    >>> shown("a\\x1b[2Jb")
    "'a\\\\x1b[2Jb'"
    """
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _checked_header(row: list[str], name: str, limits: Limits) -> tuple[str, ...]:
    header = tuple(cell.strip() for cell in row)
    if len(header) > limits.columns:
        raise DataError(f"{name}: {len(header):,} columns; at most {limits.columns:,} are read.")
    if all(is_finite(cell) for cell in header):
        raise DataError(
            f"{name}: the first line holds numbers only, so the columns have no names.",
            fix="put a line with the column names on top",
        )
    seen: set[str] = set()
    for position, column in enumerate(header, start=1):
        if not column:
            raise DataError(f"{name}: column {position} has no name in the header.")
        if column in seen:
            raise DataError(f"{name}: two columns are called {shown(column)}.")
        seen.add(column)
    return header


def _ragged(name: str, line: int, cells: int, columns: int) -> DataError:
    return DataError(f"{name}, line {line}: {cells} cells under a header of {columns} columns.")


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
