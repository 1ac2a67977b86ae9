"""A folder of submissions, one file for each person: read with limits, graded, as rows of a table.

Only plain text files that lie in the folder itself are read. A link, a pipe, a folder, a file that is
too large or no text is reported in its own rows and touches nothing else.
"""

from __future__ import annotations

import csv
import io
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pullback.core.expression.language import MAX_TEXT
from pullback.errors import FileError
from pullback.lens.mark import RIGHT, Grade, Marker
from pullback.lens.snapshot import short

COLUMNS = ("submission", "variable", "verdict", "mistake", "given", "expected", "points")
UNREAD = "unread"


@dataclass(frozen=True)
class Submission:
    """One file and its grade. `name` is the file's, fit to be printed."""

    name: str
    grade: Grade


def grade_folder(marker: Marker, folder: Path) -> list[Submission]:
    """Every file of a folder, by name; hidden files are left out. Raises FileError without any."""
    names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    if not names:
        raise FileError(f"there is no submission in '{printable(str(folder))}'.")
    return [Submission(printable(n), _graded(marker, folder / n)) for n in names]


def _graded(marker: Marker, path: Path) -> Grade:
    try:
        return marker.grade(read_submission(path))
    except FileError as error:
        return marker.unread(error.what)


def read_submission(path: Path) -> str:
    """The text of one file. Raises FileError for everything that is no plain UTF-8 text file."""
    name = printable(path.name)
    try:
        # A pipe must not be waited for, and a link may lead to anybody's file.
        opened = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
        )
    except OSError as error:
        why = "it is a link" if path.is_symlink() else error.strerror or str(error)
        raise FileError(f"'{name}' cannot be read: {why}.") from error
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise FileError(f"'{name}' is not a file.")
    with os.fdopen(opened, "rb") as file:
        data = file.read(4 * MAX_TEXT + 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {error.start} is {data[error.start]:#04x}"
        raise FileError(f"'{name}' is not UTF-8 text: {byte}.") from error
    if len(text) > MAX_TEXT:
        raise FileError(f"'{name}' has more than {MAX_TEXT:,} characters.")
    return text


def rows(submissions: Sequence[Submission]) -> Iterator[tuple[str, ...]]:
    """One row a submission and variable, below `COLUMNS`."""
    for one in submissions:
        for mark in one.grade.marks:
            verdict = UNREAD if one.grade.error else mark.verdict
            said = mark.said or one.grade.error.split("\n")[0]
            given, expected = (
                "" if v is None else short(v, 6) for v in (mark.given, mark.expected)
            )
            yield one.name, mark.name, verdict, said, given, expected, str(int(verdict == RIGHT))


def points(one: Submission) -> str:
    """How many of the variables are right, of how many: a point each."""
    right = 0 if one.grade.error else sum(m.verdict == RIGHT for m in one.grade.marks)
    return f"{right}/{len(one.grade.marks)}"


def csv_of(submissions: Sequence[Submission]) -> bytes:
    """The rows as a CSV file, UTF-8. A cell that a spreadsheet would compute gets a ' in front."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(cell) for cell in row] for row in rows(submissions))
    return out.getvalue().encode()


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet computes: blanks in front and wide signs count as well."""
    first = unicodedata.normalize("NFKC", cell.lstrip()[:1])
    if first not in ("=", "+", "-", "@", "|", "%"):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def printable(text: str) -> str:
    """Somebody else's text as one line without control characters; it must not steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
