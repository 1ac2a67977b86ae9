"""Collapse: gates that together are what one gate is made of become that gate again."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from functools import lru_cache
from inspect import Parameter

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.dtypes import FLOAT64
from pullback.core.gate import GATES, Gate
from pullback.core.shapes import Spec
from pullback.core.wire import Wire
from pullback.passes.pull import opened_recipe
from pullback.passes.rewrite import rewrite

COMMUTE = ("add", "multiply")  # a + b and b + a are the same bits
Binding = Mapping[int, int]  # wires of a pattern -> wires of the circuit


def collapse(circuit: Circuit, only: Container[str] | None = None) -> Circuit:
    """The circuit with 1 / (1 + exp(-x)) closed into sigmoid(x), and so on for every gate with parts.

    Known are the gates that work number by number. A match is exact: the same gates between the same
    wires, the same constants; only the order of + and * may differ. `only` names the gates to close.
    """
    gates = [g for g in GATES.values() if is_recognised(g) and (only is None or g.name in only)]
    # The larger first: a pattern may stand inside another one.
    patterns = sorted(((_pattern(g), g) for g in gates), key=lambda pair: -len(pair[0]))
    new: dict[int, Wire] = {}

    def visit(builder: Builder, row: Row, inputs: list[Wire]) -> Wire | None:
        assert row.gate is not None
        new.update(zip(row.inputs, inputs, strict=True))
        for pattern, gate in patterns:
            bound = _bound(circuit, row, pattern, gate)
            if bound is not None:
                return builder.apply(gate, [new[w] for w in bound], gate.bind({}))
        return None

    closed = rewrite(circuit, visit)
    return rewrite(closed, lambda *_: None)  # without the gates that nobody listens to any more


def is_recognised(gate: Gate) -> bool:
    """Whether the gate has parts to look for, and works number by number."""
    plain = gate.elementwise and not gate.kinds and not gate.variadic
    return plain and gate.inside is not None and Parameter.empty not in gate.defaults.values()


@lru_cache(maxsize=256)
def _pattern(gate: Gate) -> Circuit:
    return opened_recipe(gate, [Spec((), FLOAT64)] * len(gate.inputs), gate.bind({}))


def _bound(circuit: Circuit, row: Row, pattern: Circuit, gate: Gate) -> list[int] | None:
    """The wires that are the inputs of `gate`, if `row` is the end of its pattern."""
    end = pattern.row(pattern.outputs[0])
    if end.gate is not row.gate or row.gate is gate:
        return None
    for binding in _matches(circuit, pattern, end.wire, row.wire, {}):
        wires = [binding.get(i, -1) for i in pattern.inputs]
        if -1 not in wires:
            specs = [circuit.spec_of(w) for w in wires]
            real = all(s.dtype == specs[0].dtype and s.dtype.kind == "f" for s in specs)
            if real and gate.infer(specs, gate.bind({})) == circuit.spec_of(row.wire):
                return wires
    return None


def _matches(
    circuit: Circuit, pattern: Circuit, part: int, wire: int, binding: Binding
) -> Iterator[Binding]:
    """Every way in which `wire` is what the pattern's wire `part` is. As deep as the pattern."""
    if part in binding:
        if binding[part] == wire:
            yield binding
        return
    wanted, found = pattern.row(part), circuit.row(wire)
    bound = {**binding, part: wire}
    if pattern.is_input(part):
        yield bound
    elif pattern.is_constant(part):
        if circuit.is_constant(wire) and _equal(pattern, part, circuit, wire):
            yield bound
    elif wanted.gate is found.gate and wanted.attributes == found.attributes:
        orders = [found.inputs]
        if wanted.gate is not None and wanted.gate.name in COMMUTE:
            orders.append(found.inputs[::-1])
        for order in orders:
            pairs = list(zip(wanted.inputs, order, strict=True))
            yield from _all_match(circuit, pattern, pairs, bound)


def _all_match(
    circuit: Circuit, pattern: Circuit, pairs: list[tuple[int, int]], binding: Binding
) -> Iterator[Binding]:
    if not pairs:
        yield binding
        return
    (part, wire), *rest = pairs
    for bound in _matches(circuit, pattern, part, wire, binding):
        yield from _all_match(circuit, pattern, rest, bound)


def _equal(pattern: Circuit, part: int, circuit: Circuit, wire: int) -> bool:
    wanted, found = pattern.constant_of(part), circuit.constant_of(wire)
    if np.ndim(found) or not np.issubdtype(found.dtype, np.floating):
        return False
    return bool(wanted == found and np.signbit(wanted) == np.signbit(found))
