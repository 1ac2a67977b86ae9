"""The gate microscope: one element of an array gate's output as a circuit of gates between single numbers."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.errors import RangeError, ShapeError
from pullback.executors import compile
from pullback.lens.snapshot import plain
from pullback.lens.specialize import Specialization
from pullback.lens.wire_names import find_wire
from pullback.passes.opening.element import element


class Opened(NamedTuple):
    """A circuit of single numbers, what to call it, and the number on each input in this run, if any."""

    circuit: Any
    name: str
    values: tuple[Any, ...] | None


def open_element(
    view: Specialization, leaves: Sequence[Any] | None, name: str, index: Any
) -> Opened:
    """Element `index` of the wire `name`, opened as far as the wires that have a name.

    leaves: the values of the circuit's inputs in some run.
    """
    circuit = view.circuit
    wire = find_wire(circuit, name)
    shape = circuit.spec_of(wire).shape
    at = _checked(index, shape, name)
    named = {w for w, n in enumerate(circuit.names) if n and w != wire}
    numbers = None
    if leaves is not None:
        asked = dataclasses.replace(circuit, outputs=(wire,))
        numbers = compile(asked).watch(leaves)
    made = element(circuit, wire, at, named, numbers)
    values = None
    if numbers is not None:
        values = tuple(plain(np.asarray(numbers[w])[i]) for w, i in made.sources)
    return Opened(made.circuit, "_".join([name, *map(str, at)]), values)


def _checked(index: Any, shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    """The index counted from the front, or an error that names the wire."""
    parts = index if isinstance(index, tuple | list) else (index,)
    at = tuple(operator.index(i) for i in parts)
    if len(at) != len(shape):
        example = ", ".join("0" * len(shape)) or "()"
        raise ShapeError(
            f"'{name}' has shape {shape}; the index {index} has {len(at)} parts.",
            fix=f"one number an axis, as in ({example})" if shape else "()",
        )
    for i, size in zip(at, shape, strict=True):
        if not -size <= i < size:
            raise RangeError(f"'{name}' has shape {shape}; the index {index} lies outside.")
    return tuple(i % size for i, size in zip(at, shape, strict=True))
