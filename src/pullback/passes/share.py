"""Share: rows that compute the same from the same are computed once (common subexpressions)."""

from __future__ import annotations

from typing import Any

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.tables import attribute_key
from pullback.core.wire import Wire
from pullback.passes.rewrite import rewrite


def share(circuit: Circuit) -> Circuit:
    """The same outputs, bit for bit, with equal rows merged."""
    seen: dict[Any, int] = {}

    def visit(builder: Builder, row: Row, inputs: list[Wire]) -> Wire | None:
        key = (row.gate, attribute_key(row.attributes), *[w.id for w in inputs])
        first = seen.setdefault(key, len(builder))  # the row that is now copied, or an earlier one
        return None if first == len(builder) else builder.wire(first)

    return rewrite(circuit, visit)
