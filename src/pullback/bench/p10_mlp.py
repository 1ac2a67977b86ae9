"""P10 and P11: a whole training step of a two- and a three-layer net, in float32."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from pullback.bench import training
from pullback.bench.measure import library
from pullback.bench.row import Goal, Row, Run
from pullback.bench.rules import Adam, Momentum, Rule
from pullback.bench.training import Arrays, Training, called, looped
from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT32, INT64
from pullback.core.shapes import Spec
from pullback.nn import CrossEntropy, Linear, ReLU, Sequential
from pullback.train import Task, training_step

BATCHES = 20


def net(sizes: tuple[int, ...]) -> Sequential:
    """Linear layers with ReLU between them."""
    inner = [layer for units in sizes[1:-1] for layer in (Linear(units), ReLU())]
    return Sequential(*inner, Linear(sizes[-1]))


def circuit(sizes: tuple[int, ...], batch: int, rule: Rule) -> Circuit:
    """The whole step: (*weights, *state, x, target, rate) -> (*weights, *state, loss, right)."""
    task = Task(net(sizes), CrossEntropy(), rule.ours)
    return training_step(task, Spec((batch, sizes[0]), FLOAT32), Spec((batch,), INT64)).circuit


def loss(f: Any, w: Any, x: Any, target: Any) -> Any:
    """Cross-entropy of the last layer's scores."""
    for i in range(0, len(w) - 2, 2):
        x = f.relu(x @ w[i] + w[i + 1])
    return f.cross_entropy(x @ w[-2] + w[-1], target)


def pulls(w: Arrays, x: Any, target: Any) -> Arrays:
    """Forward and backward by hand."""
    inputs = [x]
    for i in range(0, len(w) - 2, 2):
        inputs.append(np.maximum(inputs[-1] @ w[i] + w[i + 1], 0))
    scores = inputs[-1] @ w[-2] + w[-1]
    d = np.exp(scores - scores.max(axis=1, keepdims=True))
    d /= d.sum(axis=1, keepdims=True)
    d[np.arange(len(x)), target] -= 1
    d /= np.float32(len(x))
    found: Arrays = [None] * len(w)
    for layer in reversed(range(len(inputs))):
        found[2 * layer], found[2 * layer + 1] = inputs[layer].T @ d, d.sum(axis=0)
        if layer:
            d = (d @ w[2 * layer].T) * (inputs[layer] > 0)
    return found


def prepare(sizes: tuple[int, ...], rule: Rule, batch: int) -> Training:
    """Random rows and labels, he's weights."""
    rng = np.random.default_rng(0)
    start = []
    for d, k in pairwise(sizes):
        start += [rng.normal(0, np.sqrt(2 / d), (d, k)).astype(FLOAT32), np.zeros(k, FLOAT32)]
    batches = [
        (rng.normal(size=(batch, sizes[0])).astype(FLOAT32), rng.integers(0, sizes[-1], batch))
        for _ in range(BATCHES)
    ]
    state = [v for w in start for v in rule.ours.start(w).values()]
    made = lambda: (circuit(sizes, batch, rule), [np.float32(rule.rate)])  # noqa: E731
    return Training(made, start, state, batches, loss, pulls, rule)


def by_sklearn(work: Training) -> Run:
    """MLPClassifier.partial_fit, a batch a call, from the same weights."""
    model = library("sklearn.neural_network").MLPClassifier
    hidden = tuple(w.shape[0] for w in work.start[2::2])
    classes = np.arange(work.start[-1].size)
    net = model(
        hidden, alpha=0.0, batch_size=len(work.batches[0][0]), shuffle=False, **work.rule.sklearn()
    )
    net.partial_fit(*work.batches[0], classes=classes)

    def run(count: int) -> Any:
        ours = [*work.start[::2], *work.start[1::2]]
        for a, w in zip([*net.coefs_, *net.intercepts_], ours, strict=True):
            a[...] = w
        for name in ("velocities", "ms", "vs"):
            for kept in getattr(net._optimizer, name, ()):
                kept[...] = 0
        net._optimizer.t = net.t_ = 0
        for x, target in work.taken(count):
            net.partial_fit(x, target)
        pairs = zip(net.coefs_, net.intercepts_, strict=True)
        return training.flat([a for pair in pairs for a in pair])

    return run


def products_alone(work: Training) -> Run:
    """The matrix products of a step by BLAS and nothing else: what no step can be faster than."""
    x = work.batches[0][0]
    pairs = []
    for layer, w in enumerate(work.start[::2]):
        d = np.ones((len(x), w.shape[1]), FLOAT32)
        inputs = np.ones((len(x), w.shape[0]), FLOAT32)
        pairs += [(inputs, w), (inputs.T, d), *([(d, w.T)] if layer else [])]
    outs = [np.empty((a.shape[0], b.shape[1]), FLOAT32) for a, b in pairs]

    def run(count: int) -> None:
        for _ in range(count):
            for (a, b), out in zip(pairs, outs, strict=True):
                np.matmul(a, b, out=out)

    return run


PEERS = {
    "JAX": training.by_jax,
    "NumPy": training.by_numpy,
    "torch": training.by_torch,
    "torch.compile": training.by_compiled_torch,
    "scikit-learn": by_sklearn,
}

# scikit-learn's Adam adds its epsilon elsewhere, so it comes to other weights.
ADAM_PEERS = {name: make for name, make in PEERS.items() if name != "scikit-learn"}


def row(key: str, sizes: tuple[int, ...], batch: int, rule: Rule, goal: tuple[float, str]) -> Row:
    """The row of one net; a sweep changes the batch."""
    said, (most, unit) = "-".join(map(str, sizes)), goal
    return Row(
        key,
        f"MLP {said}, batch {batch}, float32, {rule.said}, whole step",
        each="step",
        unit=unit,
        prepare=partial(prepare, sizes, rule),
        ours={"pullback": called, "pullback, loop inside": looped},
        peers=PEERS if isinstance(rule, Momentum) else ADAM_PEERS,
        limits={"matrix products alone, by BLAS": products_alone},
        goals=(Goal(most),),
        size=batch,
        sizes=(8, 32, 128, 512),
        counted="batch",
        tolerance=1e-4,
        turn=0.1,
        note="the goal is for registers twice as wide; BLAS takes as long or longer for the products alone.",
    )


SMALL, LARGE = (64, 128, 10), (784, 256, 128, 10)
MOMENTUM, ADAM = Momentum(0.01, 0.9), Adam(0.001)
ROWS = (
    row("P10", SMALL, 32, MOMENTUM, (16, "us")),
    row("P10", SMALL, 32, ADAM, (17, "us")),
    row("P11", LARGE, 128, MOMENTUM, (0.98, "ms")),
    row("P11", LARGE, 128, ADAM, (1.02, "ms")),
)
