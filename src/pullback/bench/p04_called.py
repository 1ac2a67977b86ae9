"""P4: the steps of P1 to P3, called from Python one by one."""

from __future__ import annotations

import ctypes
from itertools import cycle, islice
from typing import Any

import numpy as np

from pullback.bench.machine import place
from pullback.bench.measure import library
from pullback.bench.p01_neuron import NEURON
from pullback.bench.p02_svm import SVM
from pullback.bench.p03_two_layers import TWO_LAYERS
from pullback.bench.row import Goal, Row, Run
from pullback.bench.workload import (
    COLUMNS,
    RATE,
    Workload,
    by_micrograd,
    by_python,
    by_torch,
    jax_step,
    step_by_step,
)  # fmt: skip
from pullback.executors import compile


def by_stepper(work: Workload) -> Run:
    """Weights stay in machine memory, a call brings a point."""
    made = work.steps()
    made.step(*work.rows[0])  # compiled
    step = made.step

    def run(steps: int) -> Any:
        made.carried = list(work.start)
        for row in islice(cycle(work.rows), steps):
            step(*row)
        return made.carried

    return run


def by_call(work: Workload) -> Run:
    """All numbers in, all numbers out."""
    call, count = compile(work.circuit, executor="native").call, len(work.start)  # type: ignore[attr-defined]

    def run(steps: int) -> Any:
        state = work.start
        for row in islice(cycle(work.rows), steps):
            state = call(*state, *row, RATE)[:count]
        return state

    return run


def by_called_numba(work: Workload) -> Run:
    """The plain step, compiled by numba, called from Python."""
    return step_by_step(work, library("numba").njit(work.plain))


def by_called_jax(work: Workload) -> Run:
    """A jitted step, weights on JAX's side and given away each time."""
    jax = library("jax")
    step = jax.jit(jax_step(work), donate_argnums=0)

    def run(steps: int) -> Any:
        state = jax.numpy.asarray(work.start)
        for row in islice(cycle(work.rows), steps):
            state = step(state, *(row or (0.0, 0.0, 0.0)))
        return np.asarray(state)

    return run


def by_ctypes(work: Workload) -> Run:
    """One step of the C loop a call, through ctypes; weights stay in C's memory."""
    one, keep = work.in_c.one, work.in_c.keep
    one.argtypes = (ctypes.c_int64,)
    rows = work.order[: 1 << 16].tolist()

    def run(steps: int) -> Any:
        state = np.array(work.start)
        keep(*(place(c) for c in (state, *COLUMNS)), ctypes.c_double(RATE))
        for row in islice(cycle(rows), steps):
            one(row)
        return state

    return run


ROWS = tuple(
    Row(
        "P4",
        f"{said}, called step by step",
        each="call",
        unit="us",
        prepare=lambda size, work=work: work,  # type: ignore[misc]
        ours={"pullback": by_stepper, "pullback, all in and out": by_call},
        peers={
            "numba by hand": by_called_numba,
            "plain Python": by_python,
            "JAX": by_called_jax,
            "micrograd": by_micrograd,
            "torch": by_torch,
        },
        limits={"C by ctypes": by_ctypes},
        goals=(Goal(0.15),),
        checked=50,
    )
    for said, work in (("the neuron", NEURON), ("the SVM", SVM), ("two layers", TWO_LAYERS))
)
