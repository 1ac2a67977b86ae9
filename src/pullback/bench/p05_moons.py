"""P5: micrograd's moons demo, 2-16-16-1, 100 points as one batch, hinge loss and L2, in float64."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import pullback as pb
from pullback.bench import training
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
        goals=(Goal(6), Goal(5, mine="pullback, loop inside")),
        size=100,
        sizes=(100, 400, 1600, 6400),
        counted="points",
    ),
)
