"""At its tip a length has no slope, but a multiple of it may: norm(x) ** 2 is as smooth as x * x there.

A length pulls x with x * dy / y, and at x = 0 with 0. Where dy is written as y times something, dy / y is
that something, also at 0. So the pull stays what it is and the second derivative comes out right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Row
from pullback.core.gate import GATES, Gate
from pullback.core.wire import Wire
from pullback.gates.choose import where, zero_wins
from pullback.gates.compare import equal
from pullback.gates.reduce import unfold
from pullback.gates.shape import broadcast_to
from pullback.passes.rewrite import constant_value

DEEP = 6  # products inside one another that are looked into


def right_at_tip(builder: Builder, row: Row, dy: Wire, pull: Wire) -> Wire:
    """`pull`, the pull of a length on its input, with the right slope where the length is 0."""
    y, x = builder.wire(row.wire), builder.wire(row.inputs[0])
    ratio = _ratio(builder, dy, y, DEEP)
    if ratio is None:
        return pull
    ratio = ratio if ratio.shape == y.shape else broadcast_to(ratio, shape=y.shape)
    if y.shape != x.shape:
        axis = row.attributes.get("axis")
        y, ratio = unfold(y, x, axis), unfold(ratio, x, axis)
    # 0 + makes a +0 of it, as the rule has there.
    found: Wire = where(equal(y, 0.0), 0.0 + zero_wins(x, x * ratio), pull)
    return found


def _ratio(builder: Builder, dy: Wire, y: Wire, deep: int) -> Any:
    """dy / y where dy is written as a multiple of y, else None."""
    if _is(builder, dy, y):
        return builder.adopt(np.ones((), y.dtype)[()])
    gate = builder.gates[builder.kind_of(dy.id).op]
    if not isinstance(gate, Gate) or not deep:
        return None
    inputs = [builder.wire(i) for i in builder.listened(dy.id)]
    if gate is GATES["power"] and _is(builder, inputs[0], y):
        exponent = constant_value(builder, inputs[1])
        lasting = exponent is not None and np.ndim(exponent) == 0 and exponent >= 1.0
        return y ** (float(exponent) - 1.0) if lasting else None
    if gate is GATES["multiply"]:
        for one, other in (inputs, inputs[::-1]):
            if _is(builder, one, y):
                return other
            ratio = _ratio(builder, one, y, deep - 1)
            if ratio is not None:
                return ratio * other
    if gate.name in ("add", "subtract", "negative"):
        ratios = [_ratio(builder, wire, y, deep - 1) for wire in inputs]
        return gate(*ratios) if all(ratio is not None for ratio in ratios) else None
    return None


def _is(builder: Builder, wire: Wire, y: Wire) -> bool:
    """Whether `wire` is y, or computes the same from the same."""
    if wire.id == y.id:
        return True
    one, other = builder.kind_of(wire.id), builder.kind_of(y.id)
    same = one.op == other.op and one.attribute == other.attribute
    return same and [*builder.listened(wire.id)] == [*builder.listened(y.id)]
