"""P5: micrograd's moons demo, 2-16-16-1, 100 points as one batch, hinge loss and L2, in float64."""

from __future__ import annotations

import ctypes
from itertools import pairwise
from typing import Any

import numpy as np

import pullback as pb
from pullback.bench import training
from pullback.bench.machine import c_library, place
from pullback.bench.measure import library
from pullback.bench.row import Goal, Row, Run
from pullback.bench.rules import Momentum
from pullback.bench.training import Arrays, Training, called, looped
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.shapes import spec_of
from pullback.passes.backward import backward
from pullback.passes.share import share
from pullback.passes.tidy import tidy

SIZES = (2, 16, 16, 1)
RATE, ALPHA = 0.1, 1e-4


def moons(count: int) -> tuple[Any, Any]:
    """Two half circles that reach into each other, and +1 or -1 for each point."""
    rng = np.random.default_rng(0)
    half = count // 2
    angle = np.linspace(0, np.pi, half)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    x = np.concatenate([upper, lower]) + rng.normal(0, 0.1, (2 * half, 2))
    return x, np.repeat([1.0, -1.0], half)


def weights() -> Arrays:
    """As micrograd draws them: uniform between -1 and 1, biases 0."""
    rng = np.random.default_rng(1)
    return [a for d, k in pairwise(SIZES) for a in (rng.uniform(-1, 1, (d, k)), np.zeros(k))]


def loss(f: Any, w: Any, x: Any, target: Any) -> Any:
    """mean(relu(1 - y score)) + alpha sum of all squares."""
    h = f.relu(x @ w[0] + w[1])
    h = f.relu(h @ w[2] + w[3])
    score = (h @ w[4] + w[5]).reshape(-1)
    return f.relu(1 - target * score).mean() + ALPHA * sum((p * p).sum() for p in w)


def circuit(x: Any, target: Any, start: Arrays) -> Circuit:
    """(*weights, x, target) -> (*weights after the step, loss)."""
    names = [f"{letter}{i}" for i in (1, 2, 3) for letter in "Wb"]
    asked = Builder()
    inputs = [asked.input(spec_of(a), n, "parameter") for a, n in zip(start, names, strict=True)]
    data = [asked.input(spec_of(a), n) for a, n in ((x, "x"), (target, "target"))]
    back = backward(asked.finish([loss(pb, inputs, *data)]))
    made = back.asking([*back.forward.outputs, *back.input_pulls[: len(names)]])
    builder = Builder()
    inputs = [builder.input(spec_of(a), n, "parameter") for a, n in zip(start, names, strict=True)]
    data = [builder.input(spec_of(a), n) for a, n in ((x, "x"), (target, "target"))]
    judged, *pulls = builder.inline(made, [*inputs, *data, builder.constant(np.float64(1.0))])
    moved = [w - RATE * d for w, d in zip(inputs, pulls, strict=True)]
    return tidy(share(builder.finish([*moved, judged])))


def pulls(w: Arrays, x: Any, target: Any) -> Arrays:
    """Backward by hand."""
    a = x @ w[0] + w[1]
    h = np.maximum(a, 0)
    b = h @ w[2] + w[3]
    g = np.maximum(b, 0)
    score = (g @ w[4] + w[5])[:, 0]
    d = (-target * (1 - target * score > 0) / len(x))[:, None]
    e = (d @ w[4].T) * (b > 0)
    c = (e @ w[2].T) * (a > 0)
    found = (x.T @ c, c.sum(0), h.T @ e, e.sum(0), g.T @ d, d.sum(0))
    return [pull + 2 * ALPHA * p for p, pull in zip(w, found, strict=True)]


def prepare(count: int) -> Training:
    """The demo with so many points."""
    x, target = moons(count)
    start = weights()
    made = circuit(x, target, start)
    return Training(lambda: (made, []), start, [], [(x, target)], loss, pulls, Momentum(RATE, 0.0))


def by_micrograd(work: Training) -> Run:
    """micrograd's own nets of Values, from the same weights."""
    engine, nn = library("micrograd.engine"), library("micrograd.nn")
    x, target = work.batches[0]
    points = [list(map(engine.Value, row)) for row in x.tolist()]

    def run(count: int) -> Any:
        model = nn.MLP(2, [16, 16, 1])
        for layer, at in zip(model.layers, (0, 2, 4), strict=True):
            for j, neuron in enumerate(layer.neurons):
                for i, w in enumerate(neuron.w):
                    w.data = float(work.start[at][i, j])
        for _ in range(count):
            scores = list(map(model, points))
            losses = [(1 + -y * s).relu() for y, s in zip(target.tolist(), scores, strict=True)]
            total = sum(losses) * (1.0 / len(losses))
            total = total + ALPHA * sum(p * p for p in model.parameters())
            model.zero_grad()
            total.backward()
            for p in model.parameters():
                p.data -= RATE * p.grad
        return training.flat([a for layer in model.layers for a in _arrays(layer)])

    return run


def _arrays(layer: Any) -> Arrays:
    w = np.array([[w.data for w in neuron.w] for neuron in layer.neurons]).T
    return [w, np.array([neuron.b.data for neuron in layer.neurons])]


def by_c(work: Training) -> Run:
    """The step in C, points along the vectors."""
    step = c_library(C, "-O3 -march=native -ffast-math").step
    x, target = work.batches[0]
    columns = [np.ascontiguousarray(x.T), target]

    def run(count: int) -> Any:
        weights = [w.copy() for w in work.start]
        given = [place(a) for a in (*weights, *columns)]
        for _ in range(count):
            step(*given, ctypes.c_int64(len(x)), ctypes.c_double(RATE), ctypes.c_double(ALPHA))
        return training.flat(weights)

    return run


C = """
#include <stdint.h>
#define H 16
#define MOST 8192
typedef double *restrict column;
static double h[H][MOST], g[H][MOST], e[H][MOST], d[MOST];
static double dot(const double *a, const double *b, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i++) total += a[i] * b[i];
  return total;
}
static double sum(const double *a, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i++) total += a[i];
  return total;
}
static void forward(double in[][MOST], int k, column W, column b, double out[][MOST], int64_t n) {
  for (int j = 0; j < H; j++) {
    for (int64_t i = 0; i < n; i++) out[j][i] = b[j];
    for (int p = 0; p < k; p++)
      for (int64_t i = 0; i < n; i++) out[j][i] += in[p][i] * W[p * H + j];
    for (int64_t i = 0; i < n; i++) out[j][i] = out[j][i] > 0 ? out[j][i] : 0;
  }
}
void step(column W, column b, column V, column c, column u, column s, const double *x,
          const double *target, int64_t n, double rate, double alpha) {
  static double in[2][MOST], f[H][MOST];
  for (int p = 0; p < 2; p++)
    for (int64_t i = 0; i < n; i++) in[p][i] = x[p * n + i];
  forward(in, 2, W, b, h, n);
  forward(h, H, V, c, g, n);
  for (int64_t i = 0; i < n; i++) d[i] = s[0];
  for (int j = 0; j < H; j++)
    for (int64_t i = 0; i < n; i++) d[i] += g[j][i] * u[j];
  for (int64_t i = 0; i < n; i++) d[i] = 1 - target[i] * d[i] > 0 ? -target[i] / n : 0;
  double keep = 1 - 2 * alpha * rate;
  for (int j = 0; j < H; j++)
    for (int64_t i = 0; i < n; i++) e[j][i] = g[j][i] > 0 ? d[i] * u[j] : 0;
  for (int p = 0; p < H; p++) {
    for (int64_t i = 0; i < n; i++) f[p][i] = 0;
    for (int j = 0; j < H; j++)
      for (int64_t i = 0; i < n; i++) f[p][i] += e[j][i] * V[p * H + j];
    for (int64_t i = 0; i < n; i++) f[p][i] = h[p][i] > 0 ? f[p][i] : 0;
  }
  for (int j = 0; j < H; j++) {
    for (int p = 0; p < 2; p++) W[p * H + j] = keep * W[p * H + j] - rate * dot(in[p], f[j], n);
    for (int p = 0; p < H; p++) V[p * H + j] = keep * V[p * H + j] - rate * dot(h[p], e[j], n);
    u[j] = keep * u[j] - rate * dot(g[j], d, n);
    b[j] = keep * b[j] - rate * sum(f[j], n);
    c[j] = keep * c[j] - rate * sum(e[j], n);
  }
  s[0] = keep * s[0] - rate * sum(d, n);
}
"""

ROWS = (
    Row(
        "P5",
        "micrograd's moons demo, 2-16-16-1, 100 points, hinge and L2, one step",
        each="step",
        unit="us",
        prepare=prepare,
        ours={"pullback": called, "pullback, loop inside": looped},
        peers={
            "JAX": training.by_jax,
            "NumPy": training.by_numpy,
            "torch": training.by_torch,
            "micrograd": by_micrograd,
        },
        limits={"C": by_c},
        goals=(Goal(6), Goal(5, mine="pullback, loop inside")),
        size=100,
        sizes=(100, 400, 1600, 6400),
        counted="points",
        note="the goal is for registers twice as wide: the products alone are 176,000 operations and"
        " keep these busy for 3.4 us; C by hand takes longer than we do.",
    ),
)
