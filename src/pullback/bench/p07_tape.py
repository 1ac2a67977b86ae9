"""P7: a circuit of 100,000 single numbers that is kept: forward and backward again and again."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import numpy as np

from pullback.bench.graphs import LEAVES, US, built, by_values, graph
from pullback.bench.machine import c_library, place
from pullback.bench.measure import library
from pullback.bench.row import Goal, Row, Run
from pullback.core.circuit import Circuit
from pullback.executors import compile


def by_program(count: int) -> Run:
    """The circuit compiled once: forward and backward over one tape."""
    program = compile(built(count), executor="native")
    given = [*LEAVES, 1.0, -1.0]

    def run(steps: int) -> Any:
        for _ in range(steps):
            value, pulls = program.value_and_grad(given)
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


def by_c(count: int) -> Run:
    """A tape in C: what a gate is, where its inputs lie, values in one column and pulls in another."""
    code = c_library(C).tape_pass
    circuit = built(count)
    kinds = np.array(
        [("multiply", "add", "relu").index(name) if name else 3 for name in _names(circuit)]
    )
    rows = list(circuit.rows())
    a, b = (np.array([(*row.inputs, 0, 0)[k] for row in rows], np.int32) for k in (0, 1))
    values, pulls = np.zeros(len(rows)), np.zeros(len(rows))
    leaves = list(circuit.inputs)
    values[leaves] = [*LEAVES, 1.0, -1.0]
    columns = [np.ascontiguousarray(kinds, np.uint8), a, b, values, pulls]

    def run(steps: int) -> Any:
        for _ in range(steps):
            code(*(place(c) for c in columns), ctypes.c_int64(len(rows)))
        return [values[-1], *pulls[leaves[: len(LEAVES)]]]

    return run


def _names(circuit: Circuit) -> list[str]:
    return [row.gate.name if row.gate else "" for row in circuit.rows()]


C = """
#include <stdint.h>
#include <string.h>
void tape_pass(const uint8_t *kind, const int32_t *a, const int32_t *b, double *v, double *p, int64_t n) {
  for (int64_t i = 0; i < n; i++) switch (kind[i]) {
    case 0: v[i] = v[a[i]] * v[b[i]]; break;
    case 1: v[i] = v[a[i]] + v[b[i]]; break;
    case 2: v[i] = v[a[i]] > 0 ? v[a[i]] : 0; break;
  }
  memset(p, 0, n * sizeof(double));
  p[n - 1] = 1;
  for (int64_t i = n - 1; i >= 0; i--) switch (kind[i]) {
    case 0: p[a[i]] += p[i] * v[b[i]]; p[b[i]] += p[i] * v[a[i]]; break;
    case 1: p[a[i]] += p[i]; p[b[i]] += p[i]; break;
    case 2: if (v[a[i]] > 0) p[a[i]] += p[i]; break;
  }
}
"""

ROWS = (
    Row(
        "P7",
        "a circuit of 100,000 gates between single numbers, kept, forward and backward",
        each="pass",
        unit="ms",
        prepare=int,
        ours={"pullback": by_program, "pullback, Units built each time": by_units},
        peers={"micrograd, built each time": by_micrograd},
        limits={"C tape": by_c},
        goals=(Goal(0.35),),
        size=100_000,
        sizes=(1000, 10_000, 100_000, 1_000_000),
        counted="gates",
        checked=1,
        note="memory that the machine shares with others answers late; the same tape in C takes longer.",
    ),
)
