"""All that the text of a circuit depends on, in one hash: what was compiled need not be written again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.executors.native.llvm.lower import RULES
from pullback.passes.expand import expand

# The floors that machine code is written by: what a gate is, how circuits are rewritten, and this one.
FLOORS = ("core", "gates", "passes", "executors")


def source_of(package: Path) -> str:
    """A hash of all files of these floors: another line in one of them may be another text."""
    whole = hashlib.sha256()
    for place in _files(package):
        with open(place, "rb", buffering=0) as file:
            text = file.read()
        whole.update(f"{place[len(str(package)) :]}\0{len(text)}\0".encode() + text)
    return whole.hexdigest()


def _files(package: Path) -> Iterator[str]:
    for floor in FLOORS:
        for folder, inner, names in os.walk(package / floor):
            inner.sort()
            yield from (os.path.join(folder, n) for n in sorted(names) if n.endswith(".py"))


# Read when they are imported: later the files may not be what runs here any more.
SOURCE = source_of(Path(__file__).parents[3])


def fingerprint(circuit: Circuit, *more: Any, writers: Iterable[Callable[..., Any]] = ()) -> str:
    """Equal for circuits that compute the same in the same way, whatever their names and lines.

    writers: functions that write the text. "" where one of them, or the rule of a gate, is not ours: then
    the text itself has to be looked at.
    """
    rules = [RULES[op] for op in circuit.ops if op in RULES]
    if not all(map(_is_ours, [*rules, *writers])):
        return ""
    whole = hashlib.sha256(SOURCE.encode())
    _add(whole, circuit)
    whole.update(repr(more).encode())
    return whole.hexdigest()


def _is_ours(function: Callable[..., Any]) -> bool:
    """Whether a function stands in one of the files of `SOURCE`."""
    module: str = getattr(function, "func", function).__module__
    return module.startswith(__name__.partition(".")[0] + ".")


def _add(whole: Any, circuit: Circuit) -> None:
    if any(gate is not None and gate.recipe for gate in circuit.gates):
        circuit = expand(circuit)  # a person may write another recipe under the same name
    for column in (circuit.op, circuit.first, circuit.operands, circuit.attribute, circuit.spec):
        whole.update(np.ascontiguousarray(column).tobytes() + b"|")
    specs = [str(spec) for spec in circuit.specs]
    said = (circuit.ops, circuit.attributes, specs, circuit.inputs, circuit.outputs)
    whole.update(repr(said).encode())
    for constant in circuit.constants:
        array = np.asarray(constant)
        whole.update(f"{array.dtype.str}{array.shape}".encode() + array.tobytes())
    for attributes in circuit.attributes:
        for body in _bodies(tuple(attributes.values())):
            _add(whole, body)  # its repr says its shapes, not what it computes


def _bodies(value: Any) -> Iterator[Circuit]:
    """The circuits in the attributes of a gate, such as what a loop repeats."""
    if isinstance(value, Circuit):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _bodies(part)
