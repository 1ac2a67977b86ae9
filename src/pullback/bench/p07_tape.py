"""P7: a circuit of 100,000 single numbers that is kept: forward and backward again and again."""

from __future__ import annotations

import sys
from typing import Any

from pullback.bench.graphs import LEAVES, US, built, by_values, graph
from pullback.bench.measure import library
from pullback.bench.row import Goal, Row, Run
from pullback.executors import compile


def by_program(count: int) -> Run:
    """The circuit compiled once: forward and backward over one tape."""
    program = compile(built(count), executor="native")
    given = [*LEAVES, 1.0, -1.0]

    def run(steps: int) -> Any:
        for _ in range(steps):
            value, pulls = program.value_and_grad(given)  # type: ignore[attr-defined]
        return [value, *(p or 0.0 for p in pulls[: len(LEAVES)])]

    return run


def by_micrograd(count: int) -> Run:
    """micrograd keeps no graph: it is built each time."""

    sys.setrecursionlimit(4 * count + 1000)

    def run(steps: int) -> Any:
        for _ in range(steps):
            out, leaves = by_values(count)
            out.backward()
        return [out.data, *(x.grad or 0.0 for x in leaves)]

    return run


def by_units(count: int) -> Run:
    """Our own eager numbers, built each time too."""
    unit = library("pullback").Unit

    def run(steps: int) -> Any:
        for _ in range(steps):
            leaves = [unit(x) for x in LEAVES]
            out = graph(US, leaves, unit(1.0), unit(-1.0), count)
            out.backward()
        return [out.value, *(x.grad or 0.0 for x in leaves)]

    return run


ROWS = (
    Row(
        "P7",
        "a circuit of 100,000 gates between single numbers, kept, forward and backward",
        each="pass",
        unit="ms",
        prepare=int,
        ours={"pullback": by_program, "pullback, Units built each time": by_units},
        peers={"micrograd, built each time": by_micrograd},
        goals=(Goal(0.35),),
        size=100_000,
        sizes=(1000, 10_000, 100_000, 1_000_000),
        counted="gates",
        checked=1,
    ),
)
