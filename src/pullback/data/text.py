"""From a file to text: sizes are capped before they cost anything, and the encoding is UTF-8."""

from __future__ import annotations

import gzip
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


def read_bytes(path: Path, limits: Limits) -> bytes:
    """The bytes of a file, unpacked when its name ends in `.gz`; DataError where there are none."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(limits.bytes + 1)
    except FileNotFoundError:
        raise DataError(f"there is no file '{path}'.", why=_near(path)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name} is damaged: {error}.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"'{path}' cannot be read: {reason}.") from None
    if len(data) > limits.bytes:
        raise DataError(f"{path.name} is larger than {limits.bytes:,} bytes.")
    return data


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


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _near(path: Path) -> str:
    try:
        return did_you_mean(path.name, sorted(p.name for p in path.parent.iterdir())[:1000])
    except OSError:
        return ""
