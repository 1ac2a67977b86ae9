"""A large graph of single numbers, in local order, with any library's numbers (P7 and P8)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pullback as pb
from pullback.bench.measure import library
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.shapes import spec_of

NEAR = 60  # how far back a gate listens at most
LEAVES = tuple(0.015 * i + 0.05 for i in range(NEAR))
GATES = 4  # of one turn
US = SimpleNamespace(relu=pb.relu)
FLOATS = SimpleNamespace(relu=lambda x: x if x > 0 else 0.0)
VALUES = SimpleNamespace(relu=lambda x: x.relu())


def graph(f: Any, leaves: Any, one: Any, minus: Any, count: int) -> Any:
    """relu(1 - a b) again and again, of two results before; `count` gates that stay between 0 and 1."""
    small = list(leaves)
    relu = f.relu
    for i in range(count // GATES):
        # Two periods without a common divisor, so that the last result listens to nearly all.
        a, b = small[-1 - i * 7 % (NEAR - 1)], small[-NEAR]
        small.append(relu(a * b * minus + one))
    return small[-1]


def built(count: int) -> Circuit:
    """The graph as a circuit of its leaves."""
    builder = Builder()
    leaves = [builder.input(spec_of(0.0), f"x{i}") for i in range(len(LEAVES))]
    one, minus = (builder.input(spec_of(0.0), name) for name in ("one", "minus"))
    return builder.finish([graph(US, leaves, one, minus, count)])


def by_values(count: int) -> tuple[Any, list[Any]]:
    """The graph of micrograd's Values: the output and the leaves."""
    value = library("micrograd.engine").Value
    leaves = [value(x) for x in LEAVES]
    return graph(VALUES, leaves, value(1.0), value(-1.0), count), leaves
