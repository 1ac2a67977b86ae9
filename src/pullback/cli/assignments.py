"""Values as people type them, `x=-2` or `x=1,2,3`, and their place among a circuit's inputs."""

from __future__ import annotations

import inspect
import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from pullback.core.expression.language import LOOKALIKES
from pullback.errors import CircuitError, ExpressionError, UnknownName, did_you_mean

Value = float | list[float]
_NUMBER = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|infinity|nan)", re.ASCII | re.IGNORECASE
)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def read(words: Sequence[str]) -> dict[str, Value]:
    """The value of each name. Raises ExpressionError, which points at what cannot be read.

    >>> read(["x=-2", "w=1,2.5,1e-3"])
    {'x': -2.0, 'w': [1.0, 2.5, 0.001]}
    """
    values: dict[str, Value] = {}
    for word in words:
        name, sign, _ = word.partition("=")
        _check_ascii(word)
        if not sign or not _NAME.fullmatch(name):
            raise ExpressionError(
                f"{_shown(word)} is not a value: write values as x=-2.",
                text=word,
                position=0,
                why="Put the whole expression in quotes." if set(word) & set("+*/()") else "",
            )
        if name in values:
            raise ExpressionError(f"{name!r} gets two values.", text=word, position=0)
        values[name] = _value(word, len(name) + 1)
    return values


def bind(circuit: Any, words: Sequence[str]) -> dict[str, Value]:
    """The typed values for a circuit: every input has one, and there is no other name."""
    values = read(words)
    for name in values:
        if name not in circuit.parameters:
            hint = did_you_mean(name, circuit.parameters)
            why = hint or f"its inputs are {', '.join(circuit.parameters)}."
            raise UnknownName(f"{circuit.name} has no input {_shown(name)}.", why=why)
    signature = inspect.signature(circuit.function).parameters
    missing = [
        p
        for p in circuit.parameters
        if p not in values and signature[p].default is signature[p].empty
    ]
    if missing:
        raise CircuitError(
            f"no value for {' and '.join(missing) if len(missing) < 3 else ', '.join(missing)}.",
            fix=" ".join(f"{name}=1" for name in missing),
        )
    return values


def _value(word: str, start: int) -> Value:
    """One number, or several behind commas; a comma at the end makes a list of one."""
    text = word[start:].removeprefix("[").removesuffix("]")
    offset = start + (word[start : start + 1] == "[")
    numbers = []
    for piece in text.split(",") if text else [""]:
        numbers.append(_number(word, piece.strip(), offset))
        offset += len(piece) + 1
    return numbers if "," in text or word[start : start + 1] == "[" else numbers[0]


def _number(word: str, text: str, position: int) -> float:
    if not _NUMBER.fullmatch(text):
        raise ExpressionError(
            f"{_shown(text)} is not a number.",
            text=word,
            position=position,
            why="x=-2, x=1e-3, x=1,2,3",
        )
    value = float(text)
    if math.isinf(value) and "inf" not in text.lower():
        raise ExpressionError(
            f"{_shown(text)} is beyond the largest float64 number, 1.797e308.",
            text=word,
            position=position,
        )
    return value


def _check_ascii(word: str) -> None:
    """`２` and `−` look like 2 and - and are not: say which character it is, and what to type."""
    strange = next((c for c in word if not c.isascii()), None)
    if strange is None:
        return
    plain = LOOKALIKES.get(strange, "")
    plain = plain or unicodedata.normalize("NFKC", strange)
    fix = word.replace(strange, plain) if plain.isascii() else ""
    raise ExpressionError(
        f"U+{ord(strange):04X} {unicodedata.name(strange, 'a character without a name')} is not plain ASCII.",
        text=word,
        position=word.index(strange),
        fix=fix if len(fix) <= 80 else "",
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")
