"""One run as a table: every wire with what it is made of, its value and its pull."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pullback.core.circuit import Circuit
from pullback.lens.snapshot import plain
from pullback.lens.specialize import Specialization
from pullback.lens.wire_names import wire_names
from pullback.passes.rewrite import live


class WireRow(NamedTuple):
    """One wire. pull is None where nothing can pull; line is where the person's code made it."""

    name: str
    made: str
    value: Any
    pull: Any
    line: str


def wire_rows(view: Specialization, values: Sequence[Any] | None = None) -> list[WireRow]:
    """Every wire that matters to the outputs, and every input, in running order.

    values: those of a `Snapshot`; without them value and pull are None. A wire without a name is
    called t1, t2 ..., as in the source that `backward_source` writes.

    >>> from pullback.lens.function import circuit
    >>> run = circuit("(x + y) * z").run(-2, 5, -4)
    >>> for row in wire_rows(run.view, run.values)[-2:]:
    ...     print(*row[:4])
    t1 x + y 3.0 -4.0
    f t1 * z -12.0 1.0
    """
    circuit = view.circuit
    names, alive = wire_names(circuit), live(circuit)
    rows = []
    for wire in range(len(circuit)):
        if circuit.is_input(wire) or (alive[wire] and not circuit.is_constant(wire)):
            pull = view.back.pulls[wire]
            value = None if values is None else plain(values[wire])
            grad = None if values is None or pull < 0 else plain(values[pull])
            site = circuit.sites[int(circuit.site[wire])]
            made = _made(circuit, wire, names)
            rows.append(WireRow(names[wire], made, value, grad, str(site) if site.file else ""))
    return rows


def _made(circuit: Circuit, wire: int, names: list[str]) -> str:
    """The gate with its inputs: `x + y`, `sum(h, axis=(0,))`."""
    row = circuit.row(wire)
    if row.gate is None:
        return "input"
    inputs = [names[i] for i in row.inputs]
    if row.gate.name == "negative":
        return f"-{inputs[0]}"
    if row.gate.infix and len(inputs) == 2:
        return f"{inputs[0]} {row.gate.infix} {inputs[1]}"
    told = [f"{k}={v}" for k, v in row.attributes.items() if v != row.gate.defaults[k]]
    return f"{row.gate.name}({', '.join([*inputs, *told])})"
