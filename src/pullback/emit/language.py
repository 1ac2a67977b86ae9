"""What a language is, to an emitter: reserved words, numbers, operators, how lines and functions look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Variable(NamedTuple):
    """A variable of the emitted program: its name, the kind of its numbers ("f", "i" or "b"), its spec."""

    name: str
    kind: str = "f"
    shape: tuple[int, ...] = ()
    dtype: str = "float64"


@dataclass(frozen=True)
class Language:
    """One target language.

    scalar: it has no arrays. infix: operators it spells otherwise than Python. open: the lines that
    begin a function of inputs and forces. close: the lines that end it, given the values' texts and
    the pulls by input name (None for a forward pass). show: how a variable is written.
    """

    name: str
    scalar: bool
    preamble: str
    reserved: frozenset[str]
    number: Callable[[Any], str]
    open: Callable[[str, Sequence[Variable], Sequence[Variable], Sequence[Variable]], list[str]]
    assign: Callable[[Variable, str], str]
    comment: Callable[[str], str]
    close: Callable[[Sequence[str], Mapping[str, str] | None], list[str]]
    zero: Callable[[str], str] = lambda name: "0.0"
    infix: Mapping[str, str] = field(default_factory=dict)
    show: Callable[[str], str] = str
