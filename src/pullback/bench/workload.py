"""A small training step for every library (P1 to P4): our circuit, plain Python, numba, JAX, torch, C."""

from __future__ import annotations

import ctypes
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice
from types import SimpleNamespace
from typing import Any

import numpy as np

import pullback as pb
from pullback.bench.machine import c_library, place
from pullback.bench.measure import library
from pullback.bench.row import Make, Run
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.shapes import spec_of
from pullback.executors import compile_steps
from pullback.executors.reference.steps import Steps
from pullback.passes.backward import backward
from pullback.passes.share import share
from pullback.passes.tidy import tidy

POINTS = np.array([[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]])
LABELS = np.array([1.0, -1.0, 1.0, -1.0, -1.0, 1.0])
COLUMNS = [np.ascontiguousarray(POINTS[:, 0]), np.ascontiguousarray(POINTS[:, 1]), LABELS]
RATE = 0.01
NUMBER = spec_of(0.0)
MOST = 1 << 23  # steps of a run: so long is the random order of the rows


@dataclass(frozen=True)
class Workload:
    """What moves, how it scores a point, and who pulls on the score.

    score(f, weights, x, y): with the functions f.relu and f.sigmoid of whoever computes it. labelled:
    there are points with labels, and the guide's force pulls until the margin is met; else +1 pulls.
    decayed: which weights shrink by rate x weight. plain: the step in plain Python.
    """

    score: Callable[[Any, Any, Any, Any], Any]
    plain: Callable[..., tuple[float, ...]]
    start: tuple[float, ...]
    decayed: tuple[bool, ...]
    labelled: bool
    c_text: str

    @cached_property
    def order(self) -> np.ndarray[Any, Any]:
        """The rows in random order: a branch that can be guessed would cost C nothing."""
        return np.random.default_rng(0).integers(0, len(LABELS), MOST)

    def taken(self, steps: int) -> np.ndarray[Any, Any]:
        """The rows of so many steps."""
        if steps > MOST:
            raise ValueError(f"{steps} steps, but there are {MOST} rows in order")
        return self.order[:steps]

    @cached_property
    def rows(self) -> list[tuple[float, ...]]:
        """x, y and label of each step as Python numbers, for many steps; nothing where none is read."""
        return [tuple(float(c[i]) for c in self.columns) for i in self.order[: 1 << 16]]

    @property
    def columns(self) -> list[np.ndarray[Any, Any]]:
        return COLUMNS if self.labelled else []

    @property
    def carried(self) -> dict[int, int]:
        return {i: i for i in range(len(self.start))}

    @property
    def positions(self) -> range:
        return range(len(self.start), len(self.start) + len(self.columns))

    @cached_property
    def in_c(self) -> ctypes.CDLL:
        """`steps`, the whole loop; `keep` what it works on, then `one(row)`, a step."""
        return c_library(C_HEAD + self.c_text + C_CALLED)

    @cached_property
    def circuit(self) -> Circuit:
        """(*weights[, x, y, label], rate) -> weights after the step."""
        names = [f"w{i}" for i in range(len(self.start))]
        asked = Builder()
        inputs = [asked.input(NUMBER, name) for name in [*names, "x", "y"]]
        forward = asked.finish([self.score(pb, inputs[:-2], *inputs[-2:])])
        back = backward(forward)
        pulls = back.asking(back.input_pulls[: len(names)])
        builder = Builder()
        weights = [builder.input(NUMBER, name, "parameter") for name in names]
        coming = ("x", "y", "label") if self.labelled else ()
        point = [builder.input(NUMBER, n) for n in coming] or [
            builder.constant(np.float64(0.0))
        ] * 3
        rate = builder.input(NUMBER, "rate")
        score = builder.inline(forward, [*weights, *point[:2]])[0]
        one = builder.constant(np.float64(1.0))
        force = wish(pb.where, score, point[2], pb.equal) if self.labelled else one
        found = builder.inline(pulls, [*weights, *point[:2], force])
        steps = zip(weights, found, self.decayed, strict=True)
        moved = [w + rate * (d - w if shrinks else d) for w, d, shrinks in steps]
        return tidy(share(builder.finish(moved)))

    def steps(self, *, fast: bool = False) -> Steps:
        """Our step, which keeps its weights."""
        return compile_steps(
            self.circuit, carried=self.carried, columns=self.positions, start=self.start,
            fixed=[RATE], fast=fast,
        )  # fmt: skip


def wish(where: Any, score: Any, label: Any, equal: Any = operator.eq) -> Any:
    """The guide's force specification: pull until the margin of 1 is met."""
    up, down = where(score < 1.0, 1.0, 0.0), where(score > -1.0, -1.0, 0.0)
    return where(equal(label, 1.0), up, down)


# The loop inside: run(steps) gives the weights after so many steps.


def by_loop(work: Workload, *, fast: bool = False) -> Run:
    """Our steps, all in one call."""
    made = work.steps(fast=fast)

    def run(steps: int) -> Any:
        made.carried = list(work.start)
        made.run(work.columns, work.taken(steps))
        return made.carried

    return run


def by_fast_loop(work: Workload) -> Run:
    """The same, sums and products reordered and fused."""
    return by_loop(work, fast=True)


def by_python(work: Workload) -> Run:
    """The step written out by hand, on Python floats."""
    return step_by_step(work, work.plain)


def step_by_step(work: Workload, step: Callable[..., tuple[float, ...]]) -> Run:
    """The plain step, or what somebody made of it, called from Python."""

    def run(steps: int) -> Any:
        state = work.start
        for row in islice(cycle(work.rows), steps):
            state = step(*state, *row, RATE)
        return state

    return run


def by_numba(work: Workload) -> Run:
    """The same lines, compiled by numba, loop and all."""
    numba = library("numba")
    step = numba.njit(work.plain)
    if work.labelled:

        @numba.njit  # type: ignore[untyped-decorator, unused-ignore]
        def loop(state, X, Y, L, order, rate):  # type: ignore[no-untyped-def]
            for i in order:
                state = step(*state, X[i], Y[i], L[i], rate)
            return state

        return lambda steps: loop(work.start, *COLUMNS, work.taken(steps), RATE)

    @numba.njit  # type: ignore[untyped-decorator, unused-ignore]
    def again(state, steps, rate):  # type: ignore[no-untyped-def]
        for _ in range(steps):
            state = step(*state, rate)
        return state

    return lambda steps: again(work.start, steps, RATE)


def by_jax(work: Workload) -> Run:
    """jax.grad inside a jitted fori_loop."""
    jax = library("jax")
    step = jax_step(work)
    order = jax.numpy.asarray(work.order)
    columns = [jax.numpy.asarray(c) for c in COLUMNS]

    def body(i: Any, state: Any) -> Any:
        return step(state, *(c[order[i]] for c in columns))

    loop = jax.jit(lambda state, steps: jax.lax.fori_loop(0, steps, body, state))
    start = jax.numpy.asarray(work.start)
    return lambda steps: np.asarray(loop(start, steps))


def jax_step(work: Workload) -> Callable[..., Any]:
    """The step in JAX's words: an array of weights in, an array out."""
    jax = library("jax")
    functions = SimpleNamespace(
        sigmoid=lambda x: 1 / (1 + jax.numpy.exp(-x)), relu=lambda x: jax.numpy.maximum(x, 0.0)
    )
    pulls = jax.value_and_grad(lambda w, x, y: work.score(functions, w, x, y))
    decayed = np.array(work.decayed, float)

    def step(state: Any, x: Any, y: Any, label: Any) -> Any:
        score, grad = pulls(state, x, y)
        force = wish(jax.numpy.where, score, label) if work.labelled else 1.0
        return state + RATE * (force * grad - decayed * state)

    return step


def by_torch(work: Workload) -> Run:
    """torch, eager: a graph a step, as it is usually written."""
    torch = library("torch")
    torch.set_num_threads(1)
    decayed = torch.tensor(work.decayed, dtype=torch.float64)

    def run(steps: int) -> Any:
        w = torch.tensor(work.start, dtype=torch.float64, requires_grad=True)
        for row in islice(cycle(work.rows), steps):
            score = work.score(torch, w, *(row or (0.0, 0.0))[:2])
            score.backward()
            force = wish(np.where, score.item(), row[2]) if row else 1.0
            with torch.no_grad():
                w += RATE * (float(force) * w.grad - decayed * w)
                w.grad = None
        return w.detach().numpy()

    return run


def by_micrograd(work: Workload) -> Run:
    """micrograd's Values: a graph a step."""
    value = library("micrograd.engine").Value
    functions = SimpleNamespace(relu=lambda x: x.relu(), sigmoid=lambda x: _sigmoid(value, x))

    def run(steps: int) -> Any:
        weights = list(work.start)
        for row in islice(cycle(work.rows), steps):
            units = [value(w) for w in weights]
            score = work.score(functions, units, *(row or (0.0, 0.0))[:2])
            score.backward()
            force = float(wish(np.where, score.data, row[2])) if row else 1.0
            pairs = zip(units, work.decayed, strict=True)
            weights = [u.data + RATE * (force * u.grad - u.data * shrinks) for u, shrinks in pairs]
        return weights

    return run


def _sigmoid(value: Any, x: Any) -> Any:
    out = value(1 / (1 + math.exp(-x.data)), (x,), "sigmoid")

    def backward() -> None:
        x.grad += out.data * (1 - out.data) * out.grad

    out._backward = backward
    return out


def by_c(work: Workload) -> Run:
    """The loop in C: what the machine can do."""
    steps_in_c = work.in_c.steps

    def run(steps: int) -> Any:
        state = np.array(work.start)
        arrays = [place(a) for a in (state, *COLUMNS, work.taken(steps))]
        steps_in_c(*arrays, ctypes.c_int64(steps), ctypes.c_double(RATE))
        return state

    return run


LOOPED: dict[str, Make] = {"pullback": by_loop, "pullback fast": by_fast_loop}
LOOPED_PEERS: dict[str, Make] = {
    "JAX": by_jax, "numba by hand": by_numba, "plain Python": by_python, "torch": by_torch,
    "micrograd": by_micrograd,
}  # fmt: skip
LIMITS: dict[str, Make] = {"C": by_c}

# As a person writes it who knows the machine: no jump that cannot be foretold, no subnormal numbers.
C_HEAD = """
#include <math.h>
#include <stdint.h>
#ifdef __SSE2__
#include <immintrin.h>
#define FLUSH unsigned mode = _mm_getcsr(); _mm_setcsr(mode | 0x8040)
#define RESTORE _mm_setcsr(mode)
#else
#define FLUSH
#define RESTORE
#endif
static double wish(double score, double label) {
  double far = label * score < 1 ? 1 : 0;
  return label * far;
}
static inline void loop(double *s, const double *restrict X, const double *restrict Y,
    const double *restrict L, const int64_t *restrict order, int64_t n, double rate) {
"""

C_CALLED = """
void steps(double *s, const double *X, const double *Y, const double *L, const int64_t *order,
           int64_t n, double rate) {
  FLUSH;
  loop(s, X, Y, L, order, n, rate);
  RESTORE;
}
static struct { double *s; const double *X, *Y, *L; double rate; } kept;
void keep(double *s, const double *X, const double *Y, const double *L, double rate) {
  kept.s = s; kept.X = X; kept.Y = Y; kept.L = L; kept.rate = rate;
}
void one(int64_t row) { loop(kept.s, kept.X, kept.Y, kept.L, &row, 1, kept.rate); }
"""
