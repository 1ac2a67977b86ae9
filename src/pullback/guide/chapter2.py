"""Chapter 2, machine learning by force and by loss: every number it prints, computed by this library."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.data.dataset import Dataset
from pullback.data.seed import seed_code, seed_loss, seed_table
from pullback.guide.item import Item, Numbers
from pullback.guide.learners import (
    NET,
    START,
    SVM,
    by_circuit,
    by_units,
    flat,
    net_start,
    orders,
    svm_start,
)
from pullback.lens.function import CircuitFunction, circuit
from pullback.lens.tug_of_war import tug_of_war
from pullback.nn.forces import HingeForce, SquaredHingeForce, force_of, loss_of
from pullback.nn.losses import Hinge

SEEDS = 300  # learners a statistic is taken over; the tests take 1,000
ALPHA, W = 0.1, (0.1, 0.2, 0.3)
COST: CircuitFunction = circuit(
    """
    score = w0*x0 + w1*x1 + w2
    fit = sum(relu(1 - y*score))
    reg = alpha*(w0*w0 + w1*w1)
    L = fit + reg
    """,
    parameters="w0 w1 w2",
)


def receipt(data: Dataset, w: tuple[float, ...] = W, alpha: float = ALPHA) -> dict[str, Any]:
    """The cost receipt: what each example costs, what the weights cost, and the total with its gradient.

    >>> round(receipt(seed_loss())["total"], 3)
    1.815
    """
    values = dict(zip(("w0", "w1", "w2"), w, strict=True))
    label = data.y.astype(float)
    run = COST.run({**values, "x0": data.X[:, 0], "x1": data.X[:, 1], "y": label, "alpha": alpha})
    each = Hinge().each(run["score"].value, label)
    grads = tuple(float(run.grads[name]) for name in values)
    return {
        "scores": run["score"].value,
        "each": each,
        "regularisation": run["reg"].value,
        "total": run.value,
        "gradient": grads,
    }


def share_all_right(
    spring: float, steps: int = 400, seeds: int = SEEDS, data: Dataset | None = None
) -> float:
    """The share of SVM learners that end with all six points right."""
    start, order, last = svm_start(seeds), orders(steps, seeds), steps - 1
    course = by_circuit(SVM, data or seed_code(), start, order, spring, frozenset({last}))
    return float(np.mean(course.right[last] == 6))


def net_histogram(spring: float, steps: int = 400, seeds: int = SEEDS) -> dict[int, int]:
    """How many of many 2-layer nets end with 3, 4, 5, 6 points right."""
    start, order, last = net_start(seeds), orders(steps, seeds), steps - 1
    found = by_circuit(NET, seed_code(), start, order, spring, frozenset({last})).right[last]
    return {right: int(np.sum(found == right)) for right in range(7)}


def rest(c: float = -0.8) -> Any:
    """The tug-of-war where the guide's SVM comes to rest: a = 37/60, b = -2/15."""
    data = seed_code()
    columns = {"x": data.X[:, 0], "y": data.X[:, 1]}
    springs = {"a": 1.0, "b": 1.0}
    return tug_of_war(SVM, HingeForce(), columns, data.y, springs, a=37 / 60, b=-2 / 15, c=c)


def _after_one(data: Dataset) -> Numbers:
    firsts = np.arange(6)[None, :]
    course = by_circuit(SVM, data, svm_start(6), firsts, 1.0, frozenset({0}))
    return tuple(float(r) for r in course.right[0])


def _three_ways() -> float:
    order = orders(400, 20)
    data = seed_code()
    same = [
        by_units(data, column)
        == flat(data, column)
        == _floats(by_circuit(SVM, data, START, column).weights)
        for column in order.T
    ]
    return float(np.mean(same))


def _floats(weights: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in weights.items()}


def _squared_pull() -> Numbers:
    return tuple(float(SquaredHingeForce()(s, 1.0)) for s in (-1.0, 0.5, 2.0))


def _conversion() -> float:
    """The alpha at which the loss's spring is the force's, for six examples."""
    n, w = 6, 0.7
    return n * w / (2.0 * w)


ITEMS: tuple[Item, ...] = (
    Item("S38", "points of the table that the programs change", 0.0,
         lambda: float(np.sum(np.any(seed_table().X != seed_code().X, axis=1))),
         "E5: four of six rows differ between the text and the code; both sets are here by name"),
    Item("S39", "scores of the first two points", (-1.2, -2.3),
         lambda: tuple(SVM({"x": x, "y": y, **START}) for x, y in ((1.2, 0.7), (-0.3, 0.5)))),
    Item("S41", "force on scores -1.2 (label +1) and -2.3 (label -1)", (1.0, 0.0),
         lambda: (float(HingeForce()(-1.2, 1.0)), float(HingeForce()(-2.3, -1.0)))),
    Item("S42", "share of runs where Units, circuits and flat code agree to the bit", 1.0, _three_ways),
    Item("S43", "points right after the first step, whichever comes first", (2.0,) * 6,
         lambda: _after_one(seed_code()), "E6: the trace starts at 0.333; it is 4 of 6 in all six cases"),
    Item("S43b", f"share of {SEEDS} SVMs with 6 of 6 after 400 steps", 1.0, lambda: share_all_right(1.0),
         "E6, E22: the spring of 1 holds it at 5 of 6; with 0.1 nine in ten get there"),
    Item("S44", "squared hinge pulls at scores -1, 0.5, 2", None, _squared_pull),
    Item("S45", f"share of {SEEDS} 2-layer nets with 6 of 6 after 400 steps", None,
         lambda: net_histogram(1.0)[6] / SEEDS),
    Item("S46", "cost of each example", (0.44, 1.37, 0.0),
         lambda: tuple(float(c) for c in receipt(seed_loss())["each"])),
    Item("S47", "cost of the weights", 0.005, lambda: receipt(seed_loss())["regularisation"]),
    Item("S46b", "total cost", 1.815, lambda: receipt(seed_loss())["total"]),
    Item("S46c", "gradient of the cost: w0, w1, w2", None, lambda: receipt(seed_loss())["gradient"]),
    Item("S49", "alpha that equals the spring of 1 for six examples", 0.1, _conversion,
         "E7: a spring felt with every example is alpha = N/2"),
    Item("E6", "net pull on a, b, c where the SVM rests", None,
         lambda: tuple(round(float(p), 12) for p in rest().net)),
    Item("E8", "cost of the first example, which is classified right", 0.0,
         lambda: float(receipt(seed_loss())["each"][0]),
         "E8: zero cost needs a margin of 1, not only the right side"),
)  # fmt: skip

__all__ = [
    "COST",
    "ITEMS",
    "force_of",
    "loss_of",
    "net_histogram",
    "receipt",
    "rest",
    "share_all_right",
]
