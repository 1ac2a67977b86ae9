"""All that the text of a circuit depends on, in one hash: what was compiled need not be written again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.passes.expand import expand


def _source() -> str:
    """A hash of the files that write the text: another line there is another text."""
    whole = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        whole.update(file.read_bytes())
    return whole.hexdigest()


# Read when they are imported: later the files may not be what runs here any more.
SOURCE = _source()


def known_by(circuit: Circuit, *more: Any) -> str:
    """Equal for circuits that compute the same in the same way, whatever their names and lines."""
    if any(gate is not None and gate.recipe for gate in circuit.gates):
        circuit = expand(circuit)  # a person may write another recipe under the same name
    whole = hashlib.sha256(SOURCE.encode())
    for column in (circuit.op, circuit.first, circuit.operands, circuit.attribute, circuit.spec):
        whole.update(np.ascontiguousarray(column).tobytes() + b"|")
    specs = [str(spec) for spec in circuit.specs]
    said = (circuit.ops, circuit.attributes, specs, circuit.inputs, circuit.outputs, more)
    whole.update(repr(said).encode())
    for constant in circuit.constants:
        array = np.asarray(constant)
        whole.update(f"{array.dtype.str}{array.shape}".encode() + array.tobytes())
    return whole.hexdigest()
