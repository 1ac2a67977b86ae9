"""What a language is, to an emitter: reserved words, numbers, operators, how lines and functions look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from pullback.core.circuit import Row
from pullback.core.dtypes import DTYPES
from pullback.core.gate import Gate
from pullback.core.shapes import Spec

LINE = 0  # binds so loosely that it stands on a line of its own
CHOICE, COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = 1, 2, 3, 4, 5, 6, 9

NAMES = tuple(d.name for d in DTYPES)


class Variable(NamedTuple):
    """A variable of the emitted program: its name and what it carries."""

    name: str
    spec: Spec

    @property
    def kind(self) -> str:
        """ "f", "i" or "b": real, whole, yes or no."""
        return self.spec.dtype.kind


class Text(NamedTuple):
    """An expression and how tightly its loosest operator binds."""

    text: str
    level: int = ATOM

    def inside(self, level: int, brackets: tuple[str, str] = ("(", ")")) -> str:
        """Bracketed if it binds looser than `level`."""
        return self.text if self.level >= level else self.text.join(brackets)


class Closing(NamedTuple):
    """A line that ends a function, and which result it is about: the values come first, then the pulls."""

    line: str
    of: int | None = None


Values = Sequence[str]
Pulls = Mapping[str, str]


def _nothing(*_: Any) -> list[str]:
    return []


def code_level(face: str) -> int:
    """How tightly a face binds in a programming language; most are calls.

    >>> code_level("np.exp({x})"), code_level("{a} if {condition} else {b}"), code_level("{x} + 0")
    (9, 1, 3)
    """
    if " if " in face or "?" in face:
        return CHOICE
    return SUM if face.endswith(" + 0") else ATOM


@dataclass(frozen=True)
class Language:
    """One target language.

    scalar: it has no arrays. dtypes: what its variables can carry. reserved: names a variable may
    not have; owned: how names begin that belong to whoever compiles it (a regular expression);
    functions: further ones a function may not have. number: a constant, given its value.
    attribute: what a face writes for an attribute, given its value and the letter of `{name!letter}`.
    open: the lines that begin a function of inputs and forces. assign, comment: one line. close: the
    lines that end it, given the values' texts and the pulls by input name (None for a forward pass).
    header: the lines above the function, given all its text. zero: what an input is pulled with that
    nothing pulls. infix: operators it spells otherwise than Python. casts: a number as another kind.
    guarded: other faces, with a helper, for gates whose plain face stops a program where the last
    input is 0; they are used unless it cannot be. shorter: the face for this very use, given its face,
    the row, its spec and its inputs' specs. level: how tightly a filled face binds. rounded: an
    expression over float32 that would otherwise keep more digits. strong: a plain number as the
    language's own kind. show: how a variable is written. brackets: around what binds loosely. returns:
    its last line says every pull; otherwise an input that nothing pulls gets a line that says so.
    """

    name: str
    scalar: bool
    reserved: frozenset[str]
    number: Callable[[Any], str]
    attribute: Callable[[Any, str | None], str]
    open: Callable[[str, Sequence[Variable], Sequence[Variable], Sequence[Variable]], list[str]]
    assign: Callable[[Variable, str], str]
    comment: Callable[[str], str]
    close: Callable[[Values, Pulls | None, Sequence[Variable]], list[Closing]]
    header: Callable[[str], list[str]] = _nothing
    dtypes: tuple[str, ...] = NAMES
    owned: str = ""
    functions: frozenset[str] = frozenset()
    zero: Callable[[Variable], str] = lambda variable: "0.0"
    infix: Mapping[str, str] = field(default_factory=dict)
    casts: Mapping[str, str] = field(default_factory=dict)
    guarded: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    shorter: Callable[[str, Row, Spec, Sequence[Spec]], str] = lambda face, row, spec, inputs: face
    level: Callable[[str], int] = code_level
    rounded: Callable[[Gate, Text], Text] | None = None
    strong: Callable[[Text, np.dtype[Any]], Text] | None = None
    show: Callable[[str], str] = str
    brackets: tuple[str, str] = ("(", ")")
    returns: bool = True

    def helpers(self, gate: Gate) -> list[str]:
        """The function definitions that the face of `gate` calls."""
        return [piece for piece in gate.helpers.get(self.name, "").split("\n\n\n") if piece]
