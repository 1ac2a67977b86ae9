"""A backward program for any number of rows: its circuit is made for two numbers of them and compared.

Wherever the two circuits differ, in an attribute or a constant, stands that number of rows or a
multiple of it; there the program says `n`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.names import unique
from pullback.emit.language import Language
from pullback.emit.program import Program, emit_backward
from pullback.emit.script import backward_script
from pullback.passes.backward import Backward

# Numbers of rows: primes that hardly stand for anything else in a circuit. A second pair for when one does.
PAIRS = ((1009, 1013), (2003, 2011))


class Uneven(Exception):
    """A circuit depends on the number of rows otherwise than by a factor."""


class Clash(Uneven):
    """What stands for a number of rows also stands for something else."""


def emit_any_rows(
    back: Callable[[int], Backward],
    language: Language,
    name: str,
    column: int,
    asked: Sequence[int],
) -> Program:
    """The program of a batch, `back` of so many rows, made to take as many rows as `column` has.

    column: an input wire that brings a row an example. Raises Uneven where a number in the
    circuit depends on the rows otherwise than by a factor.
    """
    for one, other in PAIRS:
        backs = back(one), back(other)
        try:
            first, second = (backward_script(b, language, asked).circuit for b in backs)
            _compare(first, second, (one, other))
        except Clash:
            continue
        return _emitted(backs[0], language, name, one, column, asked)
    raise Uneven(f"both {PAIRS[0][0]} and {PAIRS[1][0]} stand in it already")


def _emitted(
    back: Backward, language: Language, name: str, rows: int, column: int, asked: Sequence[int]
) -> Program:
    n = unique("n", {word for known in back.forward.names for word in (known, f"d{known}")})
    used: list[int] = []
    sized = _sized(language, rows, n, used)
    program = emit_backward(back, sized, name, "steps", asked)
    if used:
        called = program.variables[program.script.row_of[column]].name
        at = next(i for i, t in enumerate(program.text) if t.startswith(f"def {program.name}("))
        program.text.insert(at + 1, f"    {n} = len({called})")
        program.wires.insert(at + 1, None)
        program.held.insert(at + 1, ())
    return program


class _Size(int):
    """A whole number that is written as a multiple of the number of rows."""

    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def _sized(language: Language, rows: int, n: str, used: list[int]) -> Language:
    """The language, in which `rows` and its multiples are written with the name `n`."""

    def named(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(named(part) for part in value)
        single = np.ndim(value) == 0 and not isinstance(value, str | bool | np.bool_)
        if value is None or not single or not _is_multiple(value, rows):
            return value
        used.append(int(value))
        size = _Size(int(value))
        size.text = n if size == rows else f"({int(value) // rows} * {n})"
        return size

    def number(value: Any) -> str:
        if np.ndim(value) and any(_is_multiple(s, rows) for s in np.shape(value)):
            array = np.asarray(value)
            shape = attribute(array.shape, None)
            return f"np.full({shape}, {language.number(array.flat[0])}, np.{array.dtype.name})"
        found = named(value)
        return str(found) if isinstance(found, _Size) else language.number(value)

    def attribute(value: Any, how: str | None) -> str:
        return language.attribute(named(value), how)

    reserved = language.reserved | {n}
    return dataclasses.replace(language, number=number, attribute=attribute, reserved=reserved)


def _is_multiple(value: Any, rows: int) -> bool:
    return bool(value) and abs(value) < 2**53 and value % rows == 0


def _compare(one: Circuit, other: Circuit, rows: tuple[int, int]) -> None:
    """Refuse two circuits that differ in anything but multiples of the rows."""
    if len(one) != len(other):
        raise Uneven("other gates are used")
    for a, b in zip(one.rows(), other.rows(), strict=False):
        if a.gate is not b.gate or a.inputs != b.inputs:
            raise Uneven("other gates are used")
        for name in a.attributes:
            _compare_values(a.attributes[name], b.attributes[name], rows)
        if one.is_constant(a.wire):
            _compare_constants(one.constant_of(a.wire), other.constant_of(b.wire), rows)


def _compare_values(a: Any, b: Any, rows: tuple[int, int]) -> None:
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        for one, other in zip(a, b, strict=True):
            _compare_values(one, other, rows)
        return
    numbers = all(np.ndim(x) == 0 and isinstance(x, int | float | np.number) for x in (a, b))
    if numbers and a != b:
        if not _is_multiple(a, rows[0]) or a * rows[1] != b * rows[0]:
            raise Uneven(f"{a} and {b} are not in proportion to the rows")
    elif numbers and not isinstance(a, bool) and _is_multiple(a, rows[0]):
        raise Clash(f"{a}")
    elif a != b and not (a != a and b != b):
        raise Uneven(f"{a!r} and {b!r} differ")


def _compare_constants(a: Any, b: Any, rows: tuple[int, int]) -> None:
    if not np.ndim(a):
        _compare_values(a, b, rows)
        return
    _compare_values(np.shape(a), np.shape(b), rows)
    first = np.asarray(a).flat[0] if np.size(a) else 0
    even = np.shape(a) != np.shape(b) and (np.asarray(a) == first).all()
    if not (np.array_equal(a, b, equal_nan=True) or (even and (np.asarray(b) == first).all())):
        raise Uneven("a constant array depends on the rows")
