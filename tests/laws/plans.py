"""Random circuits as plain data, so that hypothesis can shrink them, and how they move, worked out by hand.

A plan is a list of (step, i, j): step applied to the i-th and j-th last wire so far. Every list is
a valid plan; every wire has a shape that broadcasts with every other, and a moderate size.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from laws.gate_cases import circuit_of

from pullback.core.circuit import Circuit
from pullback.core.gate import GATES as G

SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3)]
SHIFTS = np.array([[0.5, -1.0, 0.25], [2.0, 0.125, -0.5]])
ROWS, COLUMNS = np.array([1, 1, 0]), np.array([2, 0])


def _spread(a: Any) -> Any:
    return G["broadcast_to"](a, shape=(2, 3))


def _fold(name: str) -> Callable[[Any, Any], Any]:
    return lambda a, b: (
        G[name](a, axis=-1, keepdims=True) if a.ndim else G[name](_spread(a), axis=None)
    )


def _column(y: Any) -> Any:
    return G["reshape"](y, shape=(2, 1))


Step = Callable[[Any, Any], Any]
SMOOTH_STEPS: dict[str, Step] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: G["tanh"](a) * b,
    "square": lambda a, b: G["sigmoid"](a) * G["sigmoid"](a),
    "divide": lambda a, b: a / (b * b + 1.5),
    "power": lambda a, b: G["power"](a * a + 0.5, G["tanh"](b)),
    "square root": lambda a, b: (a * a + 0.5) ** 0.5,
    "powers": lambda a, b: (a * a + 0.5) ** SHIFTS,
    "negative": lambda a, b: -a,
    "exp": lambda a, b: G["exp"](G["tanh"](a)),
    "log": lambda a, b: G["log"](a * a + 0.5),
    "log1p": lambda a, b: G["log1p"](a * a),
    "sqrt": lambda a, b: G["sqrt"](a * a + 0.5),
    "tanh": lambda a, b: G["tanh"](a),
    "sigmoid": lambda a, b: G["sigmoid"](a),
    "softplus": lambda a, b: G["softplus"](a),
    "xlogy": lambda a, b: G["xlogy"](G["tanh"](a), b * b + 0.5),
    "sum": lambda a, b: 0.25 * G["sum"](a),
    "sum rows": _fold("sum"),
    "mean": _fold("mean"),
    "logsumexp": _fold("logsumexp"),
    "softmax": lambda a, b: G["softmax"](_spread(a), axis=0),
    "log_softmax": lambda a, b: G["log_softmax"](_spread(a)),
    "spread": lambda a, b: _spread(a),
    "matmul": lambda a, b: _column((_spread(a) @ _spread(b).T).sum(axis=0)) * 0.1,
    "dot": lambda a, b: _column(G["dot"](_spread(a), (G["tanh"](_spread(b)) * SHIFTS)[0])),
    "gather": lambda a, b: G["gather"](_spread(a), ROWS)[1:] * b,
    "pick": lambda a, b: _column(G["pick"](_spread(a), COLUMNS)),
    "concat": lambda a, b: G["concat"](_spread(a)[:, :1], _spread(b)[:, 1:], axis=1),
    "reshape": lambda a, b: _spread(a).reshape(3, 2).T,
    "number": lambda a, b: 0.5 * a + 1.0,
    "nothing": lambda a, b: a * 1.0 - 0.0,
    "twice": lambda a, b: a + a,
    "shift": lambda a, b: a * SHIFTS,
}
STEPS: dict[str, Step] = {
    **SMOOTH_STEPS,
    "relu": lambda a, b: G["relu"](a),
    "absolute": lambda a, b: G["absolute"](a),
    "maximum": lambda a, b: G["maximum"](a, b),
    "minimum": lambda a, b: G["minimum"](a, b),
    "max": _fold("max"),
    "where": lambda a, b: G["where"](a > 0.1, b, a),
    "masked sqrt": lambda a, b: G["where"](a > 0.05, G["sqrt"](a), b),
    "masked log_softmax": lambda a, b: G["where"](a > 0.0, G["log_softmax"](_spread(b)), a),
    "masked product": lambda a, b: G["where"](a > 0.0, a * b, G["exp"](G["tanh"](b))),
    "stop": lambda a, b: a * G["stop_gradient"](b) / (1.0 + G["absolute"](b)),
}


@dataclass(frozen=True)
class Plan:
    """Input shapes, steps, and the seed of the numbers."""

    shapes: tuple[tuple[int, ...], ...]
    steps: tuple[tuple[str, int, int], ...]
    seed: int

    def circuit(self) -> Circuit:
        """Two outputs: the last wire and one on the way."""
        return circuit_of(self._built, *self.inputs())

    def inputs(self) -> list[Any]:
        rng = np.random.default_rng(self.seed)
        return [np.asarray(rng.uniform(-2, 2, s))[()] for s in self.shapes]

    def _built(self, *inputs: Any) -> tuple[Any, Any]:
        wires = list(inputs)
        for name, i, j in self.steps:
            wires.append(STEPS[name](wires[-1 - i % len(wires)], wires[-1 - j % len(wires)]))
        return wires[-1], wires[len(wires) // 2]


def plans(steps: dict[str, Step] = STEPS, most: int = 60) -> Any:
    """Plans of 2 to `most` steps for hypothesis."""
    step = st.tuples(st.sampled_from(list(steps)), st.integers(0, 20), st.integers(0, 20))
    return st.builds(
        Plan,
        st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3).map(tuple),
        st.lists(step, min_size=2, max_size=most).map(tuple),
        st.integers(0, 2**32 - 1),
    )


def seeded_plan(seed: int, most: int = 30, steps: dict[str, Step] = STEPS) -> Plan:
    """The plan of a seed, for campaigns that need no shrinking."""
    dice = random.Random(seed)
    names = list(steps)
    chosen = [
        (dice.choice(names), dice.randint(0, 6), dice.randint(0, 6))
        for _ in range(dice.randint(2, most))
    ]
    return Plan(tuple(dice.choices(SHAPES, k=dice.randint(1, 3))), tuple(chosen), seed)


# --- how a circuit moves, worked out by hand: a second opinion that knows nothing of pull rules ---

# Moving these is doing the same to the movement.
LINEAR = {
    "add", "subtract", "negative", "sum", "mean", "sum_to", "reshape", "broadcast_to", "transpose", "slice",
    "unslice", "concat", "gather", "scatter_add", "pick", "unpick", "cast",
}  # fmt: skip


def _tie(first: Any, second: Any, da: Any, db: Any) -> Any:
    return np.where(first, da, np.where(second, db, (da + db) / 2))


def _largest(y: Any, x: Any, dx: Any, axis: Any) -> Any:
    kept = np.max(x, axis=axis, keepdims=True)
    return np.reshape(np.mean(dx, axis=axis, where=x == kept), np.shape(y))


def _smoothed(y: Any, x: Any, dx: Any, axis: Any) -> Any:
    weights = np.exp(x - np.max(x, axis=axis, keepdims=True))
    weights = weights / np.sum(weights, axis=axis, keepdims=True)
    return np.reshape(np.sum(weights * dx, axis=axis, keepdims=True), np.shape(y))


# gate -> how the output moves: (output, inputs, their movements, attributes)
MOVES: dict[str, Callable[..., Any]] = {
    "multiply": lambda y, x, d, **_: d[0] * x[1] + x[0] * d[1],
    "matmul": lambda y, x, d, **_: d[0] @ x[1] + x[0] @ d[1],
    "dot": lambda y, x, d, **_: np.dot(d[0], x[1]) + np.dot(x[0], d[1]),
    "divide": lambda y, x, d, **_: (d[0] * x[1] - x[0] * d[1]) / x[1] ** 2,
    "power": lambda y, x, d, **_: y * (d[1] * np.log(x[0]) + x[1] * d[0] / x[0]),
    "exp": lambda y, x, d, **_: np.exp(x[0]) * d[0],
    "log": lambda y, x, d, **_: d[0] / x[0],
    "log1p": lambda y, x, d, **_: d[0] / (1 + x[0]),
    "sqrt": lambda y, x, d, **_: d[0] / np.sqrt(4 * x[0]),
    "tanh": lambda y, x, d, **_: d[0] / np.cosh(x[0]) ** 2,
    "sigmoid": lambda y, x, d, **_: d[0] / (2 + np.exp(x[0]) + np.exp(-x[0])),
    "softplus": lambda y, x, d, **_: d[0] / (1 + np.exp(-x[0])),
    "relu": lambda y, x, d, **_: np.heaviside(x[0], 0) * d[0],
    "absolute": lambda y, x, d, **_: np.sign(x[0]) * d[0],
    "maximum": lambda y, x, d, **_: _tie(x[0] > x[1], x[1] > x[0], *d),
    "minimum": lambda y, x, d, **_: _tie(x[0] < x[1], x[1] < x[0], *d),
    "where": lambda y, x, d, **_: np.where(x[0], d[1], d[2]),
    "xlogy": lambda y, x, d, **_: d[0] * np.log(x[1]) + x[0] * d[1] / x[1],
    "max": lambda y, x, d, axis, **_: _largest(y, x[0], d[0], axis),
    "logsumexp": lambda y, x, d, axis, **_: _smoothed(y, x[0], d[0], axis),
    "softmax": lambda y, x, d, axis: y * (d[0] - np.sum(y * d[0], axis=axis, keepdims=True)),
    "log_softmax": lambda y, x, d, axis: d[0] - np.sum(np.exp(y) * d[0], axis=axis, keepdims=True),
    "stop_gradient": lambda y, x, d, **_: np.zeros_like(y),
}


def moved(circuit: Circuit, values: Sequence[Any], start: dict[int, Any]) -> list[Any]:
    """How every wire moves when the wires in `start` are moved by that much on top of what moves them.

    values: of every wire. The movement of wires that carry no real numbers is 0.
    """
    moves: list[Any] = [np.zeros(np.shape(v)) for v in values]
    with np.errstate(all="ignore"):
        for row in circuit.rows():
            if row.gate is not None and circuit.spec_of(row.wire).dtype.kind == "f":
                moves[row.wire] = _row_moves(row, values, moves)
            moves[row.wire] = moves[row.wire] + start.get(row.wire, 0.0)
    return moves


def _row_moves(row: Any, values: Sequence[Any], moves: Sequence[Any]) -> Any:
    x, d = [values[i] for i in row.inputs], [moves[i] for i in row.inputs]
    if row.gate.name in LINEAR:
        index = [
            i for n, i in zip(row.gate.input_names(len(x)), x, strict=True) if n in row.gate.kinds
        ]
        return row.gate.body(*d[: len(d) - len(index)], *index, **row.attributes)
    return MOVES[row.gate.name](values[row.wire], x, d, **row.attributes)
