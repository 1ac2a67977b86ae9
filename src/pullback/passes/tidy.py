"""Tidy: fold constants, remove steps without effect, drop dead rows. Never changes a bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.wire import Wire
from pullback.passes.rewrite import constant_value, live, rewrite

LARGEST_FOLDED = 4096  # numbers; a larger constant costs more to keep than to compute

# gate -> (which input does nothing, at which value). x + 0 is missing on purpose: -0 + 0 is +0.
IDENTITIES = {
    "multiply": ((0, 1.0), (1, 1.0)),
    "divide": ((1, 1.0),),
    "power": ((1, 1.0),),
    "subtract": ((1, 0.0),),
}


def tidy(circuit: Circuit) -> Circuit:
    """A circuit with the same outputs, bit for bit, and no row that could be left out."""
    tidied = rewrite(circuit, _tidied)
    return tidied if all(live(tidied)) else rewrite(tidied, lambda *_: None)


def _tidied(builder: Builder, row: Row, inputs: list[Wire]) -> Wire | None:
    assert row.gate is not None
    values = [constant_value(builder, w) for w in inputs]
    same = _unchanged(builder, row, inputs, values)
    if same is not None:
        return same
    if all(v is not None for v in values):
        value = row.gate(*values, **row.attributes)
        if np.size(value) <= LARGEST_FOLDED:
            return builder.constant(value)
    return None


def _unchanged(builder: Builder, row: Row, inputs: list[Wire], values: list[Any]) -> Wire | None:
    """The input that passes through this row unchanged, if one does."""
    assert row.gate is not None
    name, x = row.gate.name, inputs[0]
    for position, value in IDENTITIES.get(name, ()):
        constant, other = values[position], inputs[1 - position]
        neutral = (
            constant is not None
            and np.ndim(constant) == 0
            and constant == value
            and not np.signbit(constant)
        )
        if neutral and other.dtype == constant.dtype:
            return other
    if name == "where" and values[0] is not None and np.ndim(values[0]) == 0:
        chosen = inputs[1 if values[0] else 2]
        shape = np.broadcast_shapes(*(w.shape for w in inputs))
        return chosen if chosen.shape == shape else None
    if name == "negative" and builder.gates[builder.kind_of(x.id).op] is row.gate:
        return builder.wire(*builder.listened(x.id))
    if name in ("reshape", "broadcast_to", "sum_to") and x.shape == tuple(row.attributes["shape"]):
        return x
    return x if name == "cast" and x.dtype.name == row.attributes["dtype"] else None
