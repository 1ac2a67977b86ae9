"""The file form of circuits and models: one safetensors file, and a loader that checks everything.

Integer columns, constants and weights are tensors; small tables are JSON in the header. A file has
one spelling: the same circuit, arrays and about always give the same bytes, and any other bytes are
refused. Nothing in a file is a program, a path or an address; gates are only names, looked up in
the registry. A refused file costs at most twice its size and 64 MiB.
"""

from __future__ import annotations

import importlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pullback.core.circuit import Circuit
from pullback.core.dtypes import DTYPES
from pullback.core.file import container
from pullback.core.file.check import check_columns
from pullback.core.file.columns import circuit_of, columns_of, read, written
from pullback.core.file.tables import Tables, decode, encode, packed, unpacked
from pullback.core.names import is_safe
from pullback.errors import FileError

__all__ = ["Loaded", "circuit_of_bytes", "from_bytes", "read_file", "to_bytes"]

LONGEST = 255


class Loaded(NamedTuple):
    """What a file holds. The arrays are the caller's own, to change at will."""

    circuit: Circuit | None
    arrays: dict[str, NDArray[Any]]
    about: dict[str, Any]


def to_bytes(
    circuit: Circuit | None = None,
    arrays: Mapping[str, NDArray[Any]] | None = None,
    about: Mapping[str, Any] | None = None,
) -> bytes:
    """A circuit, named arrays and a small `about` as the bytes of one safetensors file.

    Of the places in the person's code only file name, line and variable are kept, never a folder.
    arrays: names are dotted identifiers ("layer1.W"); "circuit." is taken. about: None, bool, int,
    float, str, list and dict, nested at most 8 deep; NaN and infinity are kept.

    Raises FileError that names what a file cannot hold. Whatever is written here can be read again.

    >>> data = to_bytes(arrays={"layer1.W": np.ones((2, 3))}, about={"labels": ["cat", "dog"]})
    >>> from_bytes(data).about
    {'labels': ['cat', 'dog']}
    """
    tensors = {name: _checked(name, array) for name, array in (arrays or {}).items()}
    table = None
    if circuit is not None:
        columns = columns_of(circuit)
        check_columns(columns)
        table, own = written(columns)
        tensors |= own
    return container.pack(encode(Tables(table, packed(dict(about or {}), "about", list))), tensors)


def from_bytes(data: bytes) -> Loaded:
    """What `to_bytes` was given, bit for bit; or FileError, whatever the bytes are.

    A gate of your own has to be declared before a circuit that uses it is loaded. NaN and infinite
    weights are allowed.
    """
    text, tensors = container.unpack(data)
    tables = decode(text)
    columns = None
    if tables.circuit is not None:
        columns = read(tables.circuit, tensors)
        check_columns(columns)
    arrays = {name: _checked(name, tensor) for name, tensor in tensors.items()}
    about = unpacked(tables.about, list)
    # Only what is proved good is copied.
    circuit = circuit_of(columns) if columns is not None else None
    return Loaded(circuit, {name: array.copy() for name, array in arrays.items()}, about)


def circuit_of_bytes(data: bytes) -> Circuit:
    """The circuit in `data`, for unpickling; FileError for anything else."""
    importlib.import_module("pullback.gates")  # a new process may know no gate yet
    circuit = from_bytes(data).circuit
    if circuit is None:
        raise FileError("there is no circuit in these bytes.")
    return circuit


def read_file(path: Path | str) -> Loaded:
    """`from_bytes` of a file; FileError names the path.

    A file of another kind, or longer than its header says, is not read to its end.
    """
    path = Path(path)
    name = container.said(path)
    try:
        return from_bytes(_read(path))
    except OSError as error:
        raise FileError(f"cannot read '{name}': {error.strerror or error}.") from error
    except FileError as error:
        what = f"cannot load '{name}': {error.what}"
        raise FileError(what, where=error.where, why=error.why, fix=error.fix) from None


def _read(path: Path) -> bytes:
    """The bytes of a file, once its header has said that there should be so many."""
    try:
        kind = path.stat().st_mode  # before opening: a named pipe would wait for ever
    except ValueError as error:  # a NUL or half a surrogate pair in the name
        raise FileError(f"no file can have this name: {error}.") from None
    if not stat.S_ISREG(kind):
        raise FileError("this is not a file.")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = container.check_start(file.read(container.START_SIZE), size)
        file.seek(0)
        container.check_size(file.read(8 + length)[8:], size)
        file.seek(0)
        return file.read(size)


def _checked(name: Any, array: Any) -> NDArray[Any]:
    """`array` if a file may hold it under `name`."""
    parts = str(name).split(".")
    if not all(is_safe(p) for p in parts) or len(name) > LONGEST or parts[0] == "circuit":
        raise FileError(
            f"{str(name)[:64]!r} cannot name an array in a file.",
            why="A name is made of letters, digits, _ and dots, as in 'layer1.W'; 'circuit.' is taken.",
        )
    given: NDArray[Any] = np.asarray(array)
    if given.dtype not in DTYPES or given.ndim > container.AXES:
        kinds = ", ".join(d.name for d in DTYPES)
        raise FileError(f"array {name!r} is {given.ndim}-d {given.dtype}; a file holds {kinds}.")
    return given
