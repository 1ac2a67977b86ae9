"""Chapter 1, real-valued circuits: every number it prints, computed by this library."""

from __future__ import annotations

from statistics import median

import numpy as np

from pullback.executors.unit import Unit
from pullback.gates.curves import sigmoid
from pullback.guide.item import Item, Numbers
from pullback.lens.function import CircuitFunction, circuit
from pullback.lens.objective import Objective, numerical_gradient
from pullback.lens.strategies import microscope, nudge

MULTIPLY: CircuitFunction = circuit("x * y")
TWO_GATES: CircuitFunction = circuit("q = x + y; f = q * z")
NEURON: CircuitFunction = circuit("ax = a * x; by = b * y; p = ax + by + c; s = sigmoid(p)")
POINT = {"x": -2.0, "y": 3.0}
TRIPLE = {"x": -2.0, "y": 5.0, "z": -4.0}
WEIGHTS = {"a": 1.0, "b": 2.0, "c": -3.0, "x": -1.0, "y": 3.0}
STAGED = {"a": 1.5, "b": -2.0, "c": 0.5, "d": 3.0}
SEEDS = 200


def _grads(f: CircuitFunction | str, force: float = 1.0, **values: float) -> Numbers:
    made = f if isinstance(f, CircuitFunction) else circuit(f)
    return tuple(float(g) for g in made.run(values, force=force).grads.values())


def _in_order(f: CircuitFunction, order: str, **values: float) -> Numbers:
    grads = f.run(values).grads
    return tuple(float(grads[name]) for name in order)


def _moved(f: CircuitFunction, **values: float) -> Numbers:
    step = nudge(f, values, step=0.01)
    return (*(float(v) for v in step.values.values()), step.after)


def _random_search() -> float:
    """The middle of the best outputs over many seeds: one run of random search proves nothing."""
    found = [nudge(MULTIPLY, POINT, strategy="random", seed=s).after for s in range(SEEDS)]
    return median(found)


def _forward_difference(f: CircuitFunction, h: float, **values: float) -> Numbers:
    objective = Objective(f, (values,))
    slopes = dict(zip(f.parameters, numerical_gradient(objective, "forward", h), strict=True))
    return tuple(float(slopes[name]) for name in values)


def _by_units() -> Numbers:
    a, b, c, x, y = (Unit(WEIGHTS[name]) for name in "abcxy")
    s = sigmoid(a * x + b * y + c)
    s.backward()
    return tuple(float(u.grad) for u in (a, b, c, x, y))


def _after_a_step() -> float:
    return nudge(NEURON, WEIGHTS, step=0.01).after


def _sigmoids() -> Numbers:
    return tuple(float(sigmoid(x)) for x in (-5.0, 0.0, 5.0))


ITEMS: tuple[Item, ...] = (
    Item("S4", "multiply gate, x=-2 y=3", -6.0, lambda: MULTIPLY(POINT)),
    Item("S5", "nudged by hand to -1.99, 2.99", -5.95, lambda: MULTIPLY(-1.99, 2.99)),
    Item("S6", f"random local search, middle of {SEEDS} seeds", None, _random_search),
    Item("S7", "numerical gradient of x*y, h=0.0001", (3.0, -2.0), lambda: _rounded(
        _forward_difference(MULTIPLY, 1e-4, **POINT), 6)),
    Item("S8", "one step of 0.01 along it: x, y, output", (-1.97, 2.98, -5.87),
         lambda: _moved(MULTIPLY, **POINT)),
    Item("S10", "step of size 1 instead", -1.0, lambda: microscope(MULTIPLY, POINT, steps=(1.0,)).actual[0],
         "E1: it is +1; the best step is 13/12, beyond 13/6 it gets worse than the start"),
    Item("S12", "analytic gradient of x*y", (3.0, -2.0), lambda: _grads(MULTIPLY, **POINT)),
    Item("S14", "(x+y)*z at -2, 5, -4", -12.0, lambda: TWO_GATES(TRIPLE)),
    Item("S15", "its gradient: x, y, z", (-4.0, -4.0, 3.0), lambda: _grads(TWO_GATES, **TRIPLE)),
    Item("S16", "one step of 0.01: x, y, z, output", (-2.04, 4.96, -3.97, -11.59),
         lambda: _moved(TWO_GATES, **TRIPLE)),
    Item("S19", "numerical check of (x+y)*z", (-4.0, -4.0, 3.0), lambda: _rounded(
        _forward_difference(TWO_GATES, 1e-4, **TRIPLE), 6)),
    Item("S20", "sigmoid at -5, 0, 5", None, _sigmoids),
    Item("S20b", "slope of the sigmoid at 3", 0.0475, lambda: _grads("sigmoid(x)", x=3.0)[0],  # type: ignore[index]
         "E4: 0.0451767; the text squares a rounded 0.95"),
    Item("S24", "the neuron's output", 0.8808, lambda: NEURON(WEIGHTS)),
    Item("S25", "its gradient: a, b, c, x, y", (-0.105, 0.315, 0.105, 0.105, 0.21),
         lambda: _in_order(NEURON, "abcxy", **WEIGHTS)),
    Item("S25b", "the same by Units", (-0.105, 0.315, 0.105, 0.105, 0.21), _by_units),
    Item("S26", "after one step of 0.01", 0.8825, _after_a_step,
         "E15: 0.88255 is cut, not rounded, to 0.8825"),
    Item("S27", "numerical check of the neuron, h=0.0001", (-0.105, 0.315, 0.105, 0.105, 0.21),
         lambda: _forward_difference(NEURON, 1e-4, **WEIGHTS),
         "E10: forward differences agree to 1e-4 only; central ones to 1e-10"),
    Item("S29", "a*b + c, pulls on a, b, c", None, lambda: _grads("a*b + c", a=1.5, b=-2.0, c=0.5)),
    Item("S31", "a*a at 1.5: both branches added", None, lambda: _grads("a*a", a=1.5)),
    Item("S32", "a*a + b*b + c*c", None, lambda: _grads("a*a + b*b + c*c", a=1.5, b=-2.0, c=0.5)),
    Item("S33", "((a*b+c)*d)^2, pulls on a, b, c, d", None, lambda: _grads(
        "x1 = a*b + c; x2 = x1*d; x3 = x2**2", **STAGED)),
    Item("S34", "1/a pulled with 2 at 1.5", None, lambda: _grads("1/a", 2.0, a=1.5),
         "E2: the text leaves the pull from above out and would give -0.4444"),
    Item("S35", "(a+b)/(c+d), pulls on a, b, c, d", None, lambda: _grads(
        "x1 = a + b; x2 = c + d; y = x1/x2", **STAGED)),
    Item("S36", "max(a, b) at 1.5, -2", (1.0, 0.0), lambda: _grads("max(a, b)", a=1.5, b=-2.0)),
    Item("S36b", "max(a, b) at a tie", (1.0, 1.0), lambda: _grads("max(a, b)", a=1.0, b=1.0),
         "E3: the pulls must add up to 1, so half each"),
    Item("S37", "relu at 1.5, -2 and 0", (1.0, 0.0, 0.0), lambda: tuple(
        float(g) for g in np.array([_grads("relu(a)", a=v)[0] for v in (1.5, -2.0, 0.0)]))),  # type: ignore[index]
)  # fmt: skip


def _rounded(values: Numbers, digits: int) -> Numbers:
    return tuple(round(v, digits) for v in values)  # type: ignore[union-attr]
