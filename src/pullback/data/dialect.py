"""How a person's file is written: its encoding, its separator, its decimal sign. Detected, and said.

Nothing is guessed silently: whatever is not plain UTF-8 with commas becomes a note, and what cannot
be told apart becomes a `DataError`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pullback.data.text import read_text
from pullback.errors import DataError

SEPARATORS = {
    "\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas", "  ": "two blanks or more", " ": "blanks"
}  # fmt: skip


Decimal = Literal["auto", ".", ","]
Header = Literal["auto", "yes", "no"]


@dataclass(frozen=True)
class Hints:
    """What a person says about how a table is written. header: whether the first line holds names.

    missing, not_missing: further words for a missing cell, and words that are values after all.
    """

    decimal: Decimal = "auto"
    header: Header = "auto"
    missing: tuple[str, ...] = ()
    not_missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dialect:
    """How a file is written. encoding: as Python calls it. decimal: the decimal sign, "" where no number
    shows it. given: whether a person said so. both: whether 1.234 and 1,234 stand in one file.
    """

    encoding: str = "utf-8"
    separator: str = ","
    decimal: str = ""
    given: bool = False
    both: bool = False

    @property
    def plain(self) -> bool:
        """Whether there is nothing to say: UTF-8, commas, decimal points."""
        return self.encoding == "utf-8" and self.separator == "," and self.decimal != ","

    @property
    def said(self) -> str:
        """In words.

        >>> Dialect("utf-16", ";", ",").said
        'separated by semicolons, decimal commas, UTF-16'
        """
        words = [f"separated by {SEPARATORS.get(self.separator, repr(self.separator))}"]
        words += ["decimal commas"] * (self.decimal == ",")
        words += [self.encoding.upper()] * (self.encoding != "utf-8")
        return ", ".join(words)


def decoded(data: bytes, name: str) -> tuple[str, str]:
    """The text and its encoding. DataError where the bytes are no text, or UTF-8 that was damaged.

    >>> decoded("é".encode("latin-1"), "t.csv")
    ('é', 'windows-1252')
    """
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return _strictly(data, "utf-32", name), "utf-32"
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
    """UTF-16 without its mark: Latin letters leave most of every other byte 0."""
    start = data[:2000]
    half = len(start) // 2
    if half >= 4 and start[1::2].count(0) > 0.7 * half and not start[0::2].count(0):
        return "utf-16-le"
    if half >= 4 and start[0::2].count(0) > 0.7 * half and not start[1::2].count(0):
        return "utf-16-be"
    return ""


def _is_mostly_utf8(data: bytes) -> bool:
    """Whether letters beyond ASCII are well formed somewhere: then the bad byte is damage."""
    return re.search(rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}", data) is not None
