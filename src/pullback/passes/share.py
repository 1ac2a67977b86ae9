"""Share: rows that compute the same from the same are computed once (common subexpressions)."""

from __future__ import annotations

from typing import Any

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.wire import Wire
from pullback.passes.rewrite import rewrite


def share(circuit: Circuit) -> Circuit:
    """The same outputs, bit for bit, with equal rows merged."""
    seen: dict[Any, Wire] = {}

    def visit(builder: Builder, row: Row, inputs: list[Wire]) -> Wire:
        assert row.gate is not None
        attributes = tuple((k, type(v), v) for k, v in row.attributes.items())
        key = (row.gate.name, attributes, *(w.id for w in inputs))
        if key not in seen:
            seen[key] = builder.apply(row.gate, inputs, row.attributes)
        return seen[key]

    return rewrite(circuit, visit)
