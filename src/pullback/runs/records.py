"""JSON on disk: one object a file, or one a line in a log that survives being cut off."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from pullback.errors import RunError
from pullback.runs.atomic import write_atomic

Kind = TypeVar("Kind")
LARGEST = 64 * 2**20


def write_json(path: Path, value: object) -> None:
    """Write one value, indented for people, atomically. NaN and infinity become null."""
    write_atomic(path, msgspec.json.format(_encoded(path, value)) + b"\n")


def read_json(path: Path, kind: type[Kind]) -> Kind:
    """Read one value and check that it is of `kind`; RunError names the file and what is wrong."""
    return _decoded(_read(path), kind, _called(path))


def append_line(path: Path, row: Mapping[str, object]) -> None:
    """Add one object to a log. A line that a crash cut off before is dropped first."""
    line = _encoded(path, row) + b"\n"
    try:
        with path.open("a+b") as file:
            _drop_cut_off_line(file)
            file.write(line)
    except OSError as error:
        raise RunError(f"cannot write '{path}': {error.strerror or error}.") from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All whole lines of a log; a missing file is an empty log."""
    if not path.exists():
        return []
    data = _read(path)
    lines = data[: _whole_lines(data)].splitlines()
    return [
        _decoded(line, dict[str, Any], f"{_called(path)}, line {number}")
        for number, line in enumerate(lines, start=1)
    ]


def _drop_cut_off_line(file: BinaryIO) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    if file.read(1) not in (b"\n", b""):
        file.seek(0)
        file.truncate(_whole_lines(file.read()))


def _whole_lines(data: bytes) -> int:
    return data.rfind(b"\n") + 1


def _called(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise RunError(f"{_called(path)} is larger than {LARGEST:,} bytes.")
        return path.read_bytes()
    except FileNotFoundError:
        raise RunError(f"{_called(path)} is missing.") from None
    except OSError as error:
        raise RunError(f"{_called(path)} cannot be read: {error.strerror or error}.") from None


def _decoded(data: bytes, kind: type[Kind], name: str) -> Kind:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RunError(f"{name} is damaged: {error}.") from None


def _encoded(path: Path, value: object) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise RunError(f"{path.name} cannot hold this: {error}.") from None


def _plain(value: object) -> object:
    """NumPy's numbers and arrays, and paths, as JSON knows them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"a {type(value).__name__} is not JSON")
