"""Floor 4, executors: run a circuit. One narrow door, `compile`."""

from __future__ import annotations

from pullback.core.circuit import Circuit
from pullback.errors import OptionError
from pullback.executors.reference.program import Program

EXECUTORS = ("reference",)


def compile(circuit: Circuit, *, executor: str = "reference") -> Program:
    """A program that runs `circuit`. "reference" is the readable NumPy one: the meaning of every gate."""
    if executor not in EXECUTORS:
        raise OptionError(f"executor={executor!r}; there is {', '.join(map(repr, EXECUTORS))}.")
    return Program(circuit)
