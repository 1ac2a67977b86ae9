"""All executors, in the order in which "auto" tries them: a new one is a file with its record and a line."""

from __future__ import annotations

from pullback.errors import OptionError, did_you_mean
from pullback.executors.native.executor import NATIVE
from pullback.executors.record import Executor
from pullback.executors.reference.executor import REFERENCE

REGISTRY: list[Executor] = [
    NATIVE,
    REFERENCE,
]


def names() -> tuple[str, ...]:
    """What `executor=` may be."""
    return ("auto", *(one.name for one in REGISTRY))


def asked(name: str) -> list[Executor]:
    """The executors to ask, in order; the last one, the reference, has something for every circuit."""
    if name not in names():
        known = ", ".join(map(repr, names()))
        raise OptionError(
            f"executor must be one of {known}, got {name!r}.", why=did_you_mean(name, names())
        )
    return (
        REGISTRY if name == "auto" else [one for one in REGISTRY if one.name in (name, "reference")]
    )
