"""What rounding does to a circuit's outputs, measured: the last digit of every intermediate result is shaken.

A value that later cancels, as in 1 - sigmoid(30), shows here how little of it is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit, Row
from pullback.core.gate import Gate
from pullback.passes.rewrite import live

TIMES = 5
# Where the gates live that move numbers and compute none.
MOVERS = ("pullback.gates.shape", "pullback.gates.structural")


def shaken_runs(circuit: Circuit, inputs: Sequence[Any], times: int = TIMES) -> list[list[Any]]:
    """The outputs of `times` runs, each with other last digits. Inputs and constants are exact."""
    generator = np.random.Generator(np.random.PCG64(17))
    wanted = live(circuit)
    rows = [r for r in circuit.rows() if r.gate is not None and wanted[r.wire]]
    with np.errstate(all="ignore"):
        return [_run(circuit, rows, inputs, generator) for _ in range(times)]


def _run(
    circuit: Circuit, rows: list[Row], inputs: Sequence[Any], generator: np.random.Generator
) -> list[Any]:
    values: list[Any] = [
        circuit.constant_of(w) if circuit.is_constant(w) else None for w in range(len(circuit))
    ]
    for wire, value in zip(circuit.inputs, inputs, strict=True):
        values[wire] = np.asarray(value)[()]
    for row in rows:
        assert row.gate is not None
        taken = [values[i] for i in row.inputs]
        done = row.gate.body(*taken, **row.attributes)
        if np.asarray(done).dtype.kind == "f" and not _is_copied(row.gate, done, taken):
            if not row.gate.elementwise:  # a sum may cancel inside, where no wire shows it
                near = [_shaken(x, generator) for x in taken]
                done = row.gate.body(*near, **row.attributes)
            done = _shaken(done, generator) + _underflown(row.gate, done, taken, generator)
        values[row.wire] = done
    return [values[o] for o in circuit.outputs]


def _underflown(gate: Gate, done: Any, taken: Sequence[Any], generator: np.random.Generator) -> Any:
    """What may have been lost where a product, a quotient or a curve of numbers is 0: too small for one."""
    if not gate.elementwise or gate.kink is not None or gate.pattern == "distributes":
        return 0.0
    lost = np.all([(x != 0.0) & np.isfinite(x) for x in np.broadcast_arrays(*taken)], axis=0)
    return np.where(
        lost & (np.asarray(done) == 0.0), np.spacing(0.0) * generator.choice([-1.0, 1.0]), 0.0
    )[()]


def _is_copied(gate: Gate, done: Any, taken: Sequence[Any]) -> bool:
    """Whether the gate only handed numbers on, so that nothing was rounded.

    1e100 + 3 is 1e100 too, but rounded: of several inputs the others must be 0 or 1.
    """
    if not gate.elementwise:
        return gate.pattern == "routes" or gate.__module__ in MOVERS
    sizes, size = [np.abs(x) for x in taken], np.abs(done)
    if len(sizes) == 1 or gate.pattern == "routes":
        shut = size == 0.0 if gate.pattern == "routes" else False
        return bool(np.all(np.any([(size == s) | shut for s in sizes], axis=0)))
    plain = [np.all((s == 0.0) | (s == 1.0)) for s in sizes]
    return any(
        all(plain[:i] + plain[i + 1 :]) and np.all((size == s) | (size == 0.0))
        for i, s in enumerate(sizes)
    )


def _shaken(x: Any, generator: np.random.Generator) -> Any:
    """Every number but 0 moved by at most its last digit."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        return x[()]
    moves = np.spacing(np.abs(x)) * generator.uniform(-1.0, 1.0, x.shape)
    return np.where((x == 0.0) | ~np.isfinite(x), x, x + moves)[()]
