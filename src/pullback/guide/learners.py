"""The guide's two learners, its SVM and its 2-layer net, by Units, by circuits and flat.

The three give the same bits (a promise of the guide). The circuits take arrays as well as numbers, so
a thousand learners with a thousand seeds train side by side as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.data.dataset import Dataset
from pullback.executors.unit import Unit
from pullback.lens.function import CircuitFunction, circuit
from pullback.nn.forces import HingeForce

STEP = 0.01
START = {"a": 1.0, "b": -2.0, "c": -1.0}
FORCE = HingeForce()
SVM: CircuitFunction = circuit("score = a*x + b*y + c")
NET: CircuitFunction = circuit(
    """
    n1 = relu(a1*x + b1*y + c1)
    n2 = relu(a2*x + b2*y + c2)
    n3 = relu(a3*x + b3*y + c3)
    score = a4*n1 + b4*n2 + c4*n3 + d4
    """
)
NET_WEIGHTS = ("a1", "b1", "c1", "a2", "b2", "c2", "a3", "b3", "c3", "a4", "b4", "c4", "d4")
BIASES = frozenset({"c", "c1", "c2", "c3", "d4"})


@dataclass(frozen=True)
class Course:
    """What one training did: the weights at its end and the points it got right after each step asked for."""

    weights: dict[str, Any]
    right: dict[int, Any]


def by_units(data: Dataset, order: np.ndarray[Any, Any], spring: float = 1.0) -> dict[str, float]:
    """The SVM trained with Units: a value and a grad on every wire, pulled by hand."""
    weights = {name: Unit(value, name=name) for name, value in START.items()}
    for i in order.tolist():
        a, b, c = weights.values()
        x, y = Unit(data.X[i, 0]), Unit(data.X[i, 1])
        score = a * x + b * y + c
        score.backward(FORCE(score.value, float(data.y[i])))
        for name, unit in weights.items():
            pull = unit.grad if name in BIASES else unit.grad + -spring * unit.value
            unit.value = unit.value + STEP * pull
    return {name: float(unit.value) for name, unit in weights.items()}


def flat(data: Dataset, order: np.ndarray[Any, Any], spring: float = 1.0) -> dict[str, float]:
    """The SVM trained in plain Python numbers."""
    a, b, c = START.values()
    for i in order.tolist():
        x, y, label = float(data.X[i, 0]), float(data.X[i, 1]), float(data.y[i])
        score = a * x + b * y + c
        pull = label if label * score < 1.0 else 0.0
        a += STEP * (x * pull + -spring * a)
        b += STEP * (y * pull + -spring * b)
        c += STEP * pull
    return {"a": a, "b": b, "c": c}


def by_circuit(
    score: CircuitFunction,
    data: Dataset,
    weights: dict[str, Any],
    order: np.ndarray[Any, Any],
    spring: float = 1.0,
    look: frozenset[int] = frozenset(),
) -> Course:
    """Any scoring circuit of x and y trained by force. order: (steps,), or (steps, learners) for many.

    look: the steps after which to count how many points are right.
    """
    weights = dict(weights)
    right = {}
    for step, i in enumerate(order):
        x, y, label = data.X[i, 0], data.X[i, 1], data.y[i].astype(float)
        values = {"x": x, "y": y, **weights}
        pulls = score.run(values, force=FORCE(score(values), label)).grads
        for name in weights:
            pull = pulls[name] if name in BIASES else pulls[name] + -spring * weights[name]
            weights[name] = weights[name] + STEP * pull
        if step in look:
            right[step] = count_right(score, data, weights)
    return Course(weights, right)


def count_right(score: CircuitFunction, data: Dataset, weights: dict[str, Any]) -> Any:
    """How many points have a score of their label's sign; above 0 means +1, as in the guide."""
    learners = np.shape(next(iter(weights.values())))
    total = np.zeros(learners, int)
    for (x, y), label in zip(data.X, data.y, strict=True):
        scores = score({"x": np.full(learners, x), "y": np.full(learners, y), **weights})
        total = total + (np.where(np.asarray(scores) > 0, 1, -1) == label)
    return total[()]


def orders(steps: int, seeds: int, first: int = 0) -> np.ndarray[Any, Any]:
    """Which point comes at each step, one column a seed: (steps, seeds)."""
    generators = [np.random.Generator(np.random.PCG64(first + s)) for s in range(seeds)]
    return np.stack([g.integers(0, 6, steps) for g in generators], axis=-1)


def svm_start(seeds: int) -> dict[str, Any]:
    """The guide's starting weights, for many learners side by side."""
    return {name: np.full(seeds, value) for name, value in START.items()}


def net_start(seeds: int, first: int = 0) -> dict[str, Any]:
    """Random starting weights between -0.5 and 0.5, one column a seed."""
    generators = [np.random.Generator(np.random.PCG64(10_000 + first + s)) for s in range(seeds)]
    draws = np.stack([g.uniform(-0.5, 0.5, len(NET_WEIGHTS)) for g in generators])
    return dict(zip(NET_WEIGHTS, draws.T, strict=True))
