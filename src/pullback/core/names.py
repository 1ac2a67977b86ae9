"""Which names are safe: wire names are ASCII identifiers, because faces print them into programs."""

from __future__ import annotations

import re
from collections.abc import Container

from pullback.errors import CircuitError

LONGEST = 64
_SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def is_safe(name: object) -> bool:
    """True for an ASCII identifier of at most 64 characters without a double underscore in front.

    >>> is_safe("dx"), is_safe("2x"), is_safe("__import__")
    (True, False, False)
    """
    return (
        isinstance(name, str)
        and len(name) <= LONGEST
        and _SAFE.match(name) is not None
        and not name.startswith("__")
    )


def check_name(name: str) -> str:
    """`name` itself, or a CircuitError that says what a name may be."""
    if not is_safe(name):
        raise CircuitError(
            f"{str(name)[:LONGEST]!r} cannot name a wire.",
            why="A name is a letter or _, then letters, digits or _, at most 64 of them, all ASCII.",
        )
    return name


def unique(base: str, taken: Container[str]) -> str:
    """`base`, or `base_2`, `base_3` ... : the first that is not taken.

    >>> unique("x", {"x", "x_2"})
    'x_3'
    """
    if base not in taken:
        return base
    number = 2
    while f"{base}_{number}" in taken:
        number += 1
    return f"{base}_{number}"
