"""The tables of a file: what the integer columns point to, and `about`; JSON that is checked both ways.

Floats that JSON cannot spell are written {"$float": "nan"}. Types are spelled out as deep as a value
may nest, so that reading never recurses further, and what was read must be written the same again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from pullback.core.file.container import Number, said, spelled
from pullback.errors import FileError

DEPTH = 8
TEXT = 2**16
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def _nested(depth: int) -> Any:
    value: Any = None | bool | Number | float | Annotated[str, msgspec.Meta(max_length=TEXT)]
    plain = value
    for _ in range(depth):
        value = plain | list[value] | dict[str, value]
    return value


if TYPE_CHECKING:
    Value = Any
else:
    Value = _nested(DEPTH)


class CircuitTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tables of a circuit, entry by entry as in `Circuit`; specs are (dtype, shape)."""

    ops: list[str]
    specs: list[tuple[str, list[Number]]]
    attributes: list[dict[str, Value]]
    sites: list[tuple[str, Number, str]]
    groups: list[list[str]]


class Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All JSON of a file."""

    circuit: CircuitTable | None
    about: dict[str, Value]


_DECODER = msgspec.json.Decoder(Tables)


def encode(tables: Tables) -> str:
    """The tables as JSON."""
    circuit = tables.circuit and msgspec.structs.asdict(tables.circuit)
    return spelled({"circuit": circuit, "about": tables.about})


def decode(text: str) -> Tables:
    """The tables in `text`, if `encode` would write them so: no key twice, no space, nothing unknown."""
    if not text.isascii():  # first: one emoji makes every letter four bytes
        raise FileError("the tables are not readable: they are not ASCII.")
    try:
        tables = _DECODER.decode(text)
    except msgspec.MsgspecError as error:
        raise FileError(f"the tables are not readable: {said(error)}.") from None
    if encode(tables) != text:
        raise FileError("the tables are not written in pullback's own form.")
    return tables


def packed(value: Any, what: str, nest: type, depth: int = DEPTH + 1) -> Any:
    """`value` as JSON has it. Sequences are of the type `nest`: tuples in attributes, lists in `about`."""
    kind = type(value)
    if value is None or kind is bool or (kind is int and -(2**63) <= value < 2**63):
        return value
    if kind is float and (math.isfinite(value) or depth):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is str and _fits(value):
        return value
    if kind is nest and depth:
        return [packed(v, what, nest, depth - 1) for v in value]
    if (
        kind is dict
        and depth
        and all(type(k) is str and _fits(k) and not k.startswith("$") for k in value)
    ):
        return {k: packed(v, f"{what}[{k!r}]", nest, depth - 1) for k, v in value.items()}
    raise FileError(
        f"{what[:200]}: a file cannot hold the {kind.__name__} {said(repr(value)[:40])}.",
        why=f"It holds None, bool, int64, float, str, {nest.__name__} and dict with str keys, {DEPTH} deep.",
    )


def unpacked(table: dict[str, Any], nest: type) -> dict[str, Any]:
    """The dict that `packed` was given. Works in place: a copy would double what a large table costs."""
    for key, value in table.items():
        if key.startswith("$") or len(key) > TEXT:
            raise FileError(f"the tables hold the unknown mark '{said(key)}'.")
        table[key] = _unpacked(value, nest)
    return table


def _unpacked(value: Any, nest: type) -> Any:
    if isinstance(value, list):
        for position, item in enumerate(value):
            value[position] = _unpacked(item, nest)
        return value if nest is list else nest(value)
    if not isinstance(value, dict):
        return value
    if "$float" not in value:
        return unpacked(value, nest)
    given = value["$float"]
    if len(value) != 1 or not isinstance(given, str) or given not in _FLOATS:
        raise FileError(f"the tables hold an invalid number: '{said(value)}'.")
    return _FLOATS[given]


def _fits(text: str) -> bool:
    # A lone surrogate has no UTF-8, so no other program could read it.
    return len(text) <= TEXT and not any("\ud800" <= c <= "\udfff" for c in text)
