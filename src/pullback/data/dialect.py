"""How a person's file is written: its encoding, its separator, its decimal sign. Found out, and said.

Nothing is guessed silently: whatever is not plain UTF-8 with commas becomes a note, and what cannot
be told apart becomes a `DataError`.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from itertools import islice

from pullback.data.text import read_text
from pullback.errors import DataError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_COMMA_NUMBER = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+([eE][+-]?\d+)?")
_POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_LOOKED_AT = 200  # records that a separator is judged by


@dataclass(frozen=True)
class Dialect:
    """What a file was found to be. encoding: as Python calls it."""

    encoding: str = "utf-8"
    separator: str = ","
    decimal_comma: bool = False

    @property
    def said(self) -> str:
        """In words.

        >>> Dialect("utf-16", ";", True).said
        'separated by semicolons, decimal commas, UTF-16'
        """
        words = [f"separated by {SEPARATORS[self.separator]}"]
        words += ["decimal commas"] * self.decimal_comma
        words += [self.encoding.upper()] * (self.encoding != "utf-8")
        return ", ".join(words)


def decoded(data: bytes, name: str) -> tuple[str, str]:
    """The text and its encoding. DataError where the bytes are no text, or UTF-8 that was damaged.

    >>> decoded("é".encode("latin-1"), "t.csv")
    ('é', 'windows-1252')
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strictly(data, "utf-16", name), "utf-16"
    silent = _half_silent(data)
    if silent:
        return _strictly(data, silent, name), silent
    try:
        return read_text(data, name), "utf-8"
    except DataError:
        if b"\0" in data or _is_mostly_utf8(data):
            raise
    try:
        # Of Latin-1 all bytes are text, even where they mean nothing; Windows-1252 has five gaps.
        return data.decode("windows-1252"), "windows-1252"
    except UnicodeDecodeError:
        return read_text(data, name), "utf-8"  # raises, and names the line


def _strictly(data: bytes, encoding: str, name: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is damaged {encoding.upper()}: byte {error.start:,}.") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{name}, line {line}: a NUL character, so this is not text.")
    return text


def _half_silent(data: bytes) -> str:
    """UTF-16 without its mark: Latin letters leave every other byte 0."""
    start = data[:2000]
    half = len(start) // 2
    if half >= 4 and start[1::2].count(0) > 0.9 * half and not start[0::2].count(0):
        return "utf-16-le"
    if half >= 4 and start[0::2].count(0) > 0.9 * half and not start[1::2].count(0):
        return "utf-16-be"
    return ""


def _is_mostly_utf8(data: bytes) -> bool:
    """Whether letters beyond ASCII are well formed somewhere: then the bad byte is damage."""
    return re.search(rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}", data) is not None


def separator_of(text: str) -> str:
    """The separator under which the most records are as long as the header; a comma where none is.

    >>> separator_of("name;price\\nnut;1,5\\n")
    ';'
    """
    best, chosen = (0.0, 1), ","
    for separator in SEPARATORS:
        widths = _widths(text, separator)
        if widths and widths[0] > 1:
            agreeing = sum(width == widths[0] for width in widths) / len(widths)
            if (agreeing, widths[0]) > best:
                best, chosen = (agreeing, widths[0]), separator
    return chosen


def _widths(text: str, separator: str) -> list[int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        return [len(row) for row in islice(reader, _LOOKED_AT) if row]
    except csv.Error:
        return []


def has_decimal_commas(rows: list[list[str]], separator: str) -> bool:
    """Whether numbers are written 1,5: some are, and none is written 1.5. Never where commas separate.

    >>> has_decimal_commas([["nut", "1,5"]], ";")
    True
    """
    if separator == ",":
        return False
    commas = any(_COMMA_NUMBER.fullmatch(cell.strip()) for row in rows for cell in row)
    if not commas:
        return False
    cells = (cell.strip() for row in rows for cell in row)
    # 1.234 beside 1,5 is a thousand; 1.5 beside 1,5 is a muddle that nobody may guess at.
    return not any(
        _POINT_NUMBER.fullmatch(cell) and not re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+", cell)
        for cell in cells
    )


def with_points(cell: str) -> str:
    """A number with a decimal comma, written with a point; anything else as it was.

    >>> with_points("1.234,5"), with_points("nut, big")
    ('1234.5', 'nut, big')
    """
    plain = cell.strip()
    if _COMMA_NUMBER.fullmatch(plain) or re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+", plain):
        return plain.replace(".", "").replace(",", ".")
    return cell
