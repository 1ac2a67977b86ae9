"""What a language is, to an emitter: its reserved words, its numbers, how a function opens and closes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Language:
    """One target language. `number` spells a constant; `scalar` languages have no arrays."""

    name: str
    scalar: bool
    preamble: str
    reserved: frozenset[str]
    number: Callable[[Any], str]
    open: Callable[[str, list[str], list[str]], str]  # function name, inputs, forces
    assign: Callable[[str, str], str]
    comment: Callable[[str], str]
    close: Callable[[str, dict[str, str] | None], list[str]]  # value, pulls by input name
