"""P9: one scalar circuit over many points: a 2-16-1 tanh net, its squared error, all 65 pulls."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

import pullback as pb
from pullback.bench.machine import c_library, place
from pullback.bench.measure import library
from pullback.bench.row import Goal, Row, Run, again
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.shapes import spec_of
from pullback.executors import compile_map
from pullback.passes.backward import backward

HIDDEN = 16
COUNT = 4 * HIDDEN + 1
NUMBER = spec_of(0.0)


class Points(NamedTuple):
    """x, y and target of each point, and the parameters (a, b, c, v of each neuron, then d)."""

    columns: list[Any]
    parameters: Any


def points(count: int) -> Points:
    """A cloud, and the sine of its x."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, count))
    return Points([x, y, np.sin(x)], rng.normal(size=COUNT) * 0.5)


@lru_cache(maxsize=1)
def net_and_pulls() -> Circuit:
    """(x, y, target, *parameters, force) -> error and the pulls on all parameters, for one point."""
    builder = Builder()
    x, y, target = (builder.input(NUMBER, n) for n in ("x", "y", "target"))
    p = [builder.input(NUMBER, f"p{i}", "parameter") for i in range(COUNT)]
    score = p[-1]
    for j in range(HIDDEN):
        a, b, c, v = p[4 * j : 4 * j + 4]
        score = score + v * pb.tanh(a * x + b * y + c)
    error = score - target
    back = backward(builder.finish([error * error]))
    return back.asking([*back.forward.outputs, *back.input_pulls[3:]])


def by_lanes(work: Points) -> Run:
    """One point in each lane of the vector registers."""
    mapped = compile_map(net_and_pulls(), mapped=[0, 1, 2], summed=range(COUNT + 1))
    inputs = [*work.columns, *work.parameters.tolist(), 1.0]
    return again(lambda: mapped.run(inputs))


def by_numpy(work: Points) -> Run:
    """As one writes it by hand."""
    (x, y, target), (a, b, c, v) = work.columns, work.parameters[:-1].reshape(HIDDEN, 4).T

    def once() -> Any:
        h = np.tanh(np.outer(x, a) + np.outer(y, b) + c)
        error = h @ v + work.parameters[-1] - target
        d = 2 * error
        e = np.outer(d, v) * (1 - h * h)
        pulls = np.stack([x @ e, y @ e, e.sum(0), d @ h], axis=1)
        return np.array([error @ error, *pulls.ravel(), d.sum()])

    return again(once)


def _loss(f: Any, p: Any, columns: Any) -> Any:
    x, y, target = columns
    a, b, c, v = p[:-1].reshape(HIDDEN, 4).T
    h = f.tanh(f.outer(x, a) + f.outer(y, b) + c)
    error = h @ v + p[-1] - target
    return error @ error


def by_jax(work: Points) -> Run:
    """A jitted value_and_grad of the whole cloud."""
    jax = library("jax")
    pulls = jax.jit(jax.value_and_grad(lambda p, c: _loss(jax.numpy, p, c)))
    p, columns = jax.numpy.asarray(work.parameters), [jax.numpy.asarray(c) for c in work.columns]

    def once() -> Any:
        value, grad = pulls(p, columns)
        return np.array([float(value), *np.asarray(grad)])

    return again(once)


def by_torch(work: Points) -> Run:
    """Eager arrays."""
    torch = library("torch")
    torch.set_num_threads(1)
    columns = [torch.tensor(c) for c in work.columns]

    def once() -> Any:
        p = torch.tensor(work.parameters, requires_grad=True)
        value = _loss(torch, p, columns)
        value.backward()
        return np.array([value.item(), *p.grad.numpy()])

    return again(once)


def by_c(work: Points) -> Run:
    """Blocks of 64 points, vectorised by the compiler with the vector tanh of the C library."""
    net = c_library(C, "-O3 -march=native -ffast-math", "-lmvec -lm").net
    out = np.zeros(COUNT + 1)

    def once() -> Any:
        places = [place(a) for a in (*work.columns, work.parameters, out)]
        net(*places, ctypes.c_int64(len(work.columns[0])))
        return out

    return again(once)


C = """
#include <math.h>
#include <stdint.h>
#define BLOCK 64
typedef const double *restrict column;
void net(column x, column y, column target, column p, double *restrict out, int64_t n) {
  for (int k = 0; k < 66; k++) out[k] = 0;
  for (int64_t i0 = 0; i0 < n; i0 += BLOCK) {
    int m = n - i0 < BLOCK ? n - i0 : BLOCK;
    double h[16][BLOCK], s[BLOCK], d[BLOCK];
    for (int i = 0; i < m; i++) s[i] = p[64];
    for (int j = 0; j < 16; j++)
      for (int i = 0; i < m; i++) {
        double z = tanh(p[4 * j] * x[i0 + i] + p[4 * j + 1] * y[i0 + i] + p[4 * j + 2]);
        h[j][i] = z;
        s[i] += p[4 * j + 3] * z;
      }
    double loss = 0, total = 0;
    for (int i = 0; i < m; i++) {
      double e = s[i] - target[i0 + i];
      loss += e * e; d[i] = 2 * e; total += d[i];
    }
    out[0] += loss; out[65] += total;
    for (int j = 0; j < 16; j++) {
      double da = 0, db = 0, dc = 0, dv = 0;
      for (int i = 0; i < m; i++) {
        double z = h[j][i], q = d[i] * p[4 * j + 3] * (1 - z * z);
        dv += z * d[i]; da += q * x[i0 + i]; db += q * y[i0 + i]; dc += q;
      }
      out[1 + 4 * j] += da; out[2 + 4 * j] += db; out[3 + 4 * j] += dc; out[4 + 4 * j] += dv;
    }
  }
}
"""

ROWS = (
    Row(
        "P9",
        "a scalar circuit over 65,536 points: 2-16-1 tanh net, error and all pulls",
        each="pass",
        unit="ms",
        prepare=points,
        ours={"pullback": by_lanes},
        peers={"NumPy": by_numpy, "JAX": by_jax, "torch": by_torch},
        limits={"C -ffast-math": by_c},
        goals=(Goal(1.2, of="C -ffast-math"), Goal(0.1, of="NumPy")),
        size=65_536,
        sizes=(1024, 4096, 16_384, 65_536, 262_144, 1_048_576),
        counted="points",
        checked=1,
        note="the pass is faster than C with -ffast-math; NumPy's tanh is written in registers too, and"
        " between 7 and 10 times was seen.",
    ),
)
