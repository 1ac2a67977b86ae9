"""Floor 4, executors: run a circuit. One narrow door, `compile`."""

from __future__ import annotations

import importlib
import importlib.util
import warnings

from pullback.core.circuit import Circuit
from pullback.errors import OptionError, did_you_mean
from pullback.executors.reference.program import Program

EXECUTORS = ("auto", "native", "reference")
_said: set[str] = set()


def compile(
    circuit: Circuit,
    *,
    executor: str = "reference",
    fast: bool = False,
    watch: bool = False,
    threads: int = 1,
) -> Program:
    """A program that runs `circuit`: `program.run([values in the order of circuit.inputs])`.

    executor: "reference" is the readable NumPy one, the meaning of every gate; "native" is machine
    code, for what it has no kernel for the reference; "auto" takes native where that is worth
    compiling. fast: native sums and products may be reordered and fused, so last bits differ.
    watch: every wire will be looked at (`program.watch`). threads: for large arrays.

    >>> from pullback import circuit
    >>> program = compile(circuit("x * y").circuit(), executor="native")
    >>> float(program.run([3.0, 4.0])[0])
    12.0
    """
    if executor not in EXECUTORS:
        known = ", ".join(map(repr, EXECUTORS))
        raise OptionError(
            f"executor={executor!r}; there is {known}.", why=did_you_mean(executor, EXECUTORS)
        )
    if executor == "reference" or not _has_llvmlite():
        return Program(circuit)
    native = importlib.import_module("pullback.executors.native.choose")
    made: Program | None = native.choose(circuit, fast=fast, watch=watch, threads=threads)
    return Program(circuit) if made is None else made


def _has_llvmlite() -> bool:
    found = importlib.util.find_spec("llvmlite") is not None
    if not found and "llvmlite" not in _said:
        _said.add("llvmlite")
        warnings.warn(
            "llvmlite is not installed, so circuits run in NumPy, slower. Try: pip install llvmlite",
            RuntimeWarning,
            stacklevel=3,
        )
    return found
