"""From a file to text: sizes are capped before they cost anything, and the encoding is UTF-8."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

from pullback.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Limits:
    """What a table may cost. The defaults hold 60,000 pictures of 784 pixels as CSV (110 MB)."""

    bytes: int = 256 * 2**20
    columns: int = 100_000
    cells: int = 50_000_000


# How files begin that are no text, and what they are.
FORMATS = {
    b"PK\x03\x04": "a zip archive or an Excel or LibreOffice workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "an SQLite database",
    b"$FL2": "an SPSS file",
    b"$FL3": "an SPSS file",
    b"<stata_dta>": "a Stata file",
    b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60": "a SAS file",
    b"HEADER RECORD*******": "a SAS transport file",
    b"RDX": "an R data file",
    b"\x1f\x8b": "compressed by gzip, without the ending .gz",
    b"%PDF": "a PDF file",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy file",
}


def raw_bytes(path: Path) -> bytes:
    """The bytes of a file as they are on the disk; DataError where there are none."""
    try:
        _check_kind(path)
        return path.read_bytes()
    except DataError:
        raise
    except (OSError, ValueError) as error:
        raise DataError(f"'{path}' cannot be read: {_reason(error)}.") from None


def read_bytes(path: Path, limits: Limits) -> bytes:
    """The bytes of a file, unpacked when its name ends in `.gz`; DataError where there are none."""
    try:
        _check_kind(path)
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(limits.bytes + 1)
    except FileNotFoundError:
        raise DataError(f"there is no file '{path}'.", why=_near(path)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name} is damaged: {error}.") from None
    except DataError:
        raise
    except (OSError, ValueError) as error:
        raise DataError(f"'{path}' cannot be read: {_reason(error)}.") from None
    if len(data) > limits.bytes:
        raise DataError(f"{path.name} is larger than {limits.bytes:,} bytes.")
    for start, what in FORMATS.items():
        if data.startswith(start):
            raise DataError(f"{path.name} is {what}, not text.", fix="save it as CSV")
    return data


def _reason(error: Exception) -> object:
    return getattr(error, "strerror", None) or error


def _check_kind(path: Path) -> None:
    """Only a file has an end: a pipe would be waited for, a device read for ever."""
    mode = os.stat(path).st_mode
    if stat.S_ISREG(mode):
        return
    kind = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe"}.get(stat.S_IFMT(mode), "a device")
    raise DataError(f"'{path}' cannot be read: it is {kind}, not a file.")


def read_text(data: bytes, name: str) -> str:
    """Bytes as text. A byte order mark is dropped; other encodings are named, not guessed."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{name} is UTF-16.", fix="save it as UTF-8")
    nul = data.find(b"\0")
    if nul >= 0:
        raise DataError(f"{name}, line {_line(data, nul)}: a NUL byte, so this is not text.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}, line {_line(data, error.start)}: byte {data[error.start]:#04x} is not UTF-8.",
            fix="save it as UTF-8",
        ) from None


def shown(text: str) -> str:
    """Somebody else's text, quoted for a message: cut to 40 characters, nothing unprintable.

    >>> shown("a\\x1b[2Jb")
    "'a\\\\x1b[2Jb'"
    """
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _near(path: Path) -> str:
    try:
        return did_you_mean(path.name, sorted(p.name for p in path.parent.iterdir())[:1000])
    except OSError:
        return ""
