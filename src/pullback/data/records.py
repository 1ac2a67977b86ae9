"""From text to records: which separator a file uses, and its cells line by line."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from itertools import islice
from typing import Any, NamedTuple

from pullback.data.dialect import SEPARATORS
from pullback.data.text import Limits
from pullback.errors import DataError

LOOKED_AT = 200  # records that a separator is judged by
# Blanks that cells are parted by: those that group thousands (no-break, thin) belong to a number.
_QUOTED_OR_WORD = re.compile(r'"((?:[^"]|"")*)"(?=[ \t]|$)|([^ \t]+)')
_NAMED_SEPARATOR = re.compile(r'\ufeff?"?sep=(.)"?[;,\t ]*\r?\n', re.IGNORECASE)
_SCRIPT = re.compile(
    r"\s*(?:--[^\n]*\n|/\*.*?\*/|\s)*(INSERT INTO|CREATE TABLE|DROP TABLE|COPY )", re.DOTALL
)
_MARKUP = re.compile(r"\s*(<\?xml|<!DOCTYPE|<html|<table|\{\s*\"|\[\s*[\[{])", re.IGNORECASE)


class Record(NamedTuple):
    """The cells of one record, and the line where it ends, counted from 1."""

    line: int
    cells: list[str]


def named_separator(text: str) -> str:
    """The separator that Excel's own first line names, or an empty string.

    >>> named_separator("sep=;\\na;b\\n")
    ';'
    """
    found = _NAMED_SEPARATOR.match(text)
    return found[1] if found else ""


def check_is_table(text: str, name: str) -> None:
    """DataError for text of another kind: a script, a web page, JSON."""
    start = text[:4000]
    script, markup = _SCRIPT.match(start), _MARKUP.match(start)
    if script and re.match(r"COPY |INSERT|CREATE|DROP", script[1]) and ";" in text:
        raise DataError(f"{name} is an SQL script, not a table.", fix="export the table as CSV")
    if markup:
        kind = "JSON" if markup[1][0] in "{[" else "a page of markup"
        raise DataError(f"{name} is {kind}, not a table.", fix="export the table as CSV")


def separator_of(text: str) -> str:
    """The separator under which the most records are of one width; a comma where none is.

    Runs of blanks are tried last: a blank stands in many a name.

    >>> separator_of("name;price\\nnut;1,5\\n"), separator_of("a  b\\n1  2\\n")
    (';', '  ')
    """
    best, chosen = 0.0, ","
    for separator in SEPARATORS:
        if separator[0] == " " and chosen[0] != " " and best > 0.5:
            break
        widths = _widths(text, separator)
        usual, count = Counter(widths).most_common(1)[0] if widths else (0, 0)
        agreeing = count / len(widths) if usual > 1 else 0.0
        if agreeing > best and (separator[0] != " " or agreeing > 0.8):
            best, chosen = agreeing, separator
    return chosen


def _widths(text: str, separator: str) -> list[int]:
    if separator[0] == " ":
        lines = islice(filter(str.strip, io.StringIO(text)), LOOKED_AT)
        return [len(_split_at_blanks(line, len(separator))) for line in lines]
    try:
        return [len(row) for row in islice(_reader(text, separator), LOOKED_AT) if row]
    except csv.Error:
        return []


def records_of(text: str, separator: str, name: str, limits: Limits) -> list[Record]:
    """Every record with a cell in it; DataError names the line of a quote in a wrong place."""
    if separator[0] == " ":
        lines = enumerate(text.splitlines(), start=1)
        return [Record(i, _split_at_blanks(s, len(separator))) for i, s in lines if s.strip()]
    found: list[Record] = []
    cells = 0
    reader = _reader(text, separator)
    try:
        for row in reader:
            if row:
                found.append(Record(reader.line_num, row))
                cells += len(row)
                if cells > limits.cells + len(found[0].cells):
                    raise DataError(f"{name}: more than {limits.cells:,} cells.")
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: {error}.") from None
    return found


def _reader(text: str, separator: str) -> Any:
    # strict: a quote in the wrong place is an error, not a guess.
    source = io.StringIO(text, newline="")
    return csv.reader(source, delimiter=separator, strict=True, skipinitialspace=True)


def _split_at_blanks(row: str, least: int) -> list[str]:
    """Cells between runs of at least so many blanks; a quoted cell may hold blanks.

    >>> _split_at_blanks('"a b" 1   2', 1), _split_at_blanks("a b  1   2", 2)
    (['a b', '1', '2'], ['a b', '1', '2'])
    """
    if least == 1:
        return [
            q.replace('""', '"') if q or not w else w
            for q, w in _QUOTED_OR_WORD.findall(row.strip("\r\n"))
        ]
    return [cell.strip('"') for cell in re.split(r"[ \t]{2,}", row.strip(" \t\r\n"))]
