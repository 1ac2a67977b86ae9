"""The shell of a file: a text and named tensors as safetensors, with a checksum over every byte.

Layout: 8 bytes header length, JSON header, tensor bytes without gaps, widest numbers first. The text
sits in the one metadata key `pullback`, behind format number and checksum, which so have a fixed
place. The checksum is the SHA-256 of the whole file with its own 64 digits written as zeros.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pullback.errors import FileError

FORMAT = 1
BUDGET = 56 * 2**20  # bytes that the header may need once it is read
AXES = 32
_KINDS = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1"}
_WIDTHS = {letters: np.dtype(kind).itemsize for letters, kind in _KINDS.items()}
_LETTERS = {np.dtype(kind).newbyteorder("="): letters for letters, kind in _KINDS.items()}
_NO_CHECKSUM = "0" * 64
_TEXT_START = f'{{"format":{FORMAT},"checksum":"{_NO_CHECKSUM}","tables":'
_START = re.compile(
    rb'.{8}\{"__metadata__":\{"pullback":"\{\\"format\\":(0|[1-9]\d{0,8}),'
    rb'\\"checksum\\":\\"([0-9a-f]{64})\\",\\"tables\\":',
    re.DOTALL,
)
_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_AT = _JSON.encode({"__metadata__": {"pullback": _TEXT_START}}).index(_NO_CHECKSUM)
_CHECKSUM = slice(_AT, _AT + len(_NO_CHECKSUM))  # where its digits stand in every header
START_SIZE = 256
Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Entry = dict[str, str | list[Number]]
_HEADER = msgspec.json.Decoder(dict[str, _Entry])
_Layout = list[tuple[str, str, list[int]]]


def pack(tables: str, tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """The file. The same text and tensors give the same bytes, in whatever order they come."""
    layout = [(name, _LETTERS[a.dtype], list(a.shape)) for name, a in tensors.items()]
    layout.sort(key=_place)
    header = _header(tables, layout)
    _check_budget(header)
    parts = [len(header).to_bytes(8, "little"), header]
    parts += [_raw(tensors[name], letters) for name, letters, _ in layout]
    parts[1] = _signed(header, _digest(parts))
    return b"".join(parts)


def unpack(data: bytes) -> tuple[str, dict[str, NDArray[Any]]]:
    """The tables and the tensors (views into `data`), after every byte of the shell has been verified."""
    size = check_start(data, len(data))
    given = data[8 : 8 + size]
    header = _signed(given, _NO_CHECKSUM.encode())
    if _digest((data[:8], header, memoryview(data)[8 + size :])) != given[_CHECKSUM]:
        raise FileError("the file is damaged: its checksum does not fit its bytes.")
    tables, layout = _decoded(header)
    # One comparison finds gaps, overlaps, sizes that lie, names given twice, and all but one order.
    if _header(tables, sorted(layout, key=_place)) != header:
        raise FileError("the header is not written in pullback's own form.")
    return tables, _views(data, 8 + size, layout)


def check_size(header: bytes, size: int) -> None:
    """FileError unless the tensors of `header` end where a file of `size` bytes ends.

    Asked before the rest is read; nothing else that the header says is believed yet.
    """
    _check_end(_decoded(header)[1], 8 + len(header), size)


def _decoded(header: bytes) -> tuple[str, _Layout]:
    """The text of the tables, and each tensor's name, letters and shape."""
    _check_budget(header)
    try:
        entries = _HEADER.decode(header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FileError(f"the header is not readable: {said(error)}.") from None
    tables = str(entries.pop("__metadata__", {}).get("pullback"))[len(_TEXT_START) : -1]
    return tables, [_checked_entry(name, entry) for name, entry in entries.items()]


def _check_end(layout: _Layout, start: int, size: int) -> None:
    if start + sum(_size(letters, shape) for _, letters, shape in layout) != size:
        raise FileError("the file does not end where its tensors end.")


def spelled(value: Any) -> str:
    """The one way in which a value is written as JSON. ASCII, no spaces, shortest exact numbers."""
    return _JSON.encode(value)


def said(text: object) -> str:
    """Words from a file, fit to be shown: short and printable."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:200])


def check_start(start: bytes, size: int) -> int:
    """The length of the header, if the first START_SIZE bytes of `size` are those of our files."""
    length = int.from_bytes(start[:8], "little")
    if size < 8 or length > size - 8:
        raise FileError(f"the file is cut off or of another kind: it has {size:,} bytes.")
    found = _START.match(start)
    if not found or found.end() > 8 + length:
        why = "Pickles, zips and plain weights are not read."
        raise FileError("this is not a file that pullback wrote.", why=why)
    if int(found[1]) != FORMAT:
        raise FileError(
            f"the file has format {int(found[1])}; this version of pullback reads format {FORMAT}.",
            fix="a newer version of pullback" if int(found[1]) > FORMAT else "",
        )
    if 6 * length > BUDGET:
        raise FileError(f"the header is too large: {length:,} bytes.")
    return length


def _digest(parts: Iterable[Any]) -> bytes:
    total = hashlib.sha256()
    for part in parts:
        total.update(part)
    return total.hexdigest().encode()


def _check_budget(header: bytes) -> None:
    # Read, an entry of JSON takes at most 72 bytes, and a letter six: copies, and texts with an emoji.
    entries = sum(header.count(mark) for mark in (b",", b":", b"[", b"{"))
    if 72 * entries + 6 * len(header) > BUDGET:
        raise FileError(
            f"the tables are too large for a file: {entries:,} entries in {len(header):,} bytes."
        )


def _signed(header: bytes, checksum: bytes) -> bytes:
    return header[: _CHECKSUM.start] + checksum + header[_CHECKSUM.stop :]


def _header(tables: str, layout: _Layout) -> bytes:
    entries: dict[str, Any] = {"__metadata__": {"pullback": _TEXT_START + tables + "}"}}
    at = 0
    for name, letters, shape in layout:
        stop = at + _size(letters, shape)
        entries[name] = {"dtype": letters, "shape": shape, "data_offsets": [at, stop]}
        at = stop
    header = spelled(entries).encode()
    return header + b" " * (-len(header) % 8)  # so that the numbers lie at whole addresses


def _place(entry: tuple[str, str, list[int]]) -> tuple[int, str]:
    name, letters, _ = entry
    return -_WIDTHS[letters], name


def _size(letters: str, shape: list[int]) -> int:
    return _WIDTHS[letters] * math.prod(shape)


def _raw(array: NDArray[Any], letters: str) -> Any:
    return np.ascontiguousarray(array, _KINDS[letters]).reshape(-1).view(np.uint8)


def _checked_entry(name: str, entry: _Entry) -> tuple[str, str, list[int]]:
    letters, shape = entry.get("dtype"), entry.get("shape")
    if not isinstance(letters, str) or letters not in _KINDS:
        raise FileError(f"tensor '{said(name)}' has the unknown dtype '{said(letters)}'.")
    if not isinstance(shape, list) or len(shape) > AXES or not fits(shape):
        raise FileError(f"tensor '{said(name)}' has the impossible shape {said(shape)}.")
    return name, letters, shape


def fits(shape: Iterable[int]) -> bool:
    """Whether an array of this shape could exist: no negative size, at most 2**48 numbers."""
    sizes = list(shape)
    return all(0 <= s <= 2**48 for s in sizes) and math.prod(max(s, 1) for s in sizes) <= 2**48


def _views(data: bytes, start: int, layout: _Layout) -> dict[str, NDArray[Any]]:
    _check_end(layout, start, len(data))
    views = {}
    for name, letters, shape in layout:
        raw = np.frombuffer(data, _KINDS[letters], math.prod(shape), start)
        if letters == "BOOL" and raw.view(np.uint8).max(initial=0) > 1:
            raise FileError(f"tensor '{name}' holds bytes that are neither true nor false.")
        views[name] = raw.astype(raw.dtype.newbyteorder("="), copy=False).reshape(shape)
        start += raw.nbytes
    return views
