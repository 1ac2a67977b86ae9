"""Sums over more axes become sums over fewer and then over the rest, so that both share a pass.

t-SNE adds up all pairs for one number and each row's pairs for another: the first is the sum of sums
by row, and those take no pass of their own.
"""

from __future__ import annotations

from typing import Any

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.wire import Wire
from pullback.gates.reduce import folded_axes
from pullback.gates.reduce import sum as sum_of
from pullback.gates.shape import reshape
from pullback.passes.planning.views import product
from pullback.passes.rewrite import rewrite

LEAST = 1 << 14  # numbers, from which on a pass costs more than a loop of its own
LONG = 64  # numbers that a sum of a row adds up at least

Axes = tuple[int, ...]


def nested_sums(circuit: Circuit) -> Circuit:
    """The same circuit with large sums in two steps where another fold stops after the first."""
    steps = _steps(circuit)
    if not steps:
        return circuit

    def visit(builder: Builder, row: Row, inputs: list[Wire]) -> Wire | None:
        if row.wire not in steps:
            return None
        inner = sum_of(inputs[0], axis=steps[row.wire], keepdims=True)
        rest = tuple(a for a in _axes(row, circuit) if a not in steps[row.wire])
        spec = circuit.spec_of(row.wire)
        made: Any = reshape(sum_of(inner, axis=rest, keepdims=True), shape=spec.shape)
        return made  # type: ignore[no-any-return]

    return rewrite(circuit, visit)


def _steps(circuit: Circuit) -> dict[int, Axes]:
    """Of each sum that another fold of related numbers can begin: the axes of that one."""
    if "sum" not in circuit.ops or all(product(s.shape) < LEAST for s in circuit.specs):
        return {}
    folds = [r for r in circuit.rows() if r.gate and r.gate.name == "sum" and _is_large(r, circuit)]
    found: dict[int, Axes] = {}
    for row in folds:
        axes = {*_axes(row, circuit)}
        for other in folds:
            fewer = _axes(other, circuit)
            same = _shape(other, circuit) == _shape(row, circuit)
            if (
                same
                and {*fewer} < axes
                and _long(row, circuit, fewer)
                and _related(row, other, circuit)
            ):
                found[row.wire] = fewer
                break
    return found


def _axes(row: Row, circuit: Circuit) -> Axes:
    return folded_axes(len(_shape(row, circuit)), row.attributes["axis"])


def _shape(row: Row, circuit: Circuit) -> tuple[int, ...]:
    return circuit.spec_of(row.inputs[0]).shape


def _is_large(row: Row, circuit: Circuit) -> bool:
    return product(_shape(row, circuit)) >= LEAST


def _long(row: Row, circuit: Circuit, axes: Axes) -> bool:
    return bool(axes) and product([_shape(row, circuit)[a] for a in axes]) >= LONG


def _related(row: Row, other: Row, circuit: Circuit) -> bool:
    """Whether what they fold comes, number by number, of a common wire."""
    return bool(_line(row, circuit) & _line(other, circuit))


def _line(row: Row, circuit: Circuit) -> set[int]:
    """What a row folds, and the wires of the same shape that it is made of."""
    shape, found, left = _shape(row, circuit), set[int](), [row.inputs[0]]
    while left:
        wire = left.pop()
        if (
            wire not in found
            and circuit.spec_of(wire).shape == shape
            and not circuit.is_constant(wire)
        ):
            found.add(wire)
            left += circuit.row(wire).inputs
    return found
