"""Random circuits from a seed: plain functions over gates, for wires, Units and numbers alike.

Every elementwise gate of the registry takes part by existing; the gates that move or fold an array
stand in ARRAY_STEPS with the attributes that fit a value.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import pullback.gates  # noqa: F401 - fills the registry
from pullback.core.gate import GATES, Gate
from pullback.core.wire import Wire

SHAPES = [(), (), (3,), (2, 3), (2, 1), (1, 3)]  # any two of them broadcast
HARD = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -1e300, 1e-300, 5e-324, 30.0, -30.0, 1.0, -1.0]
NUMBERS = [2.0, 0.5, -1.0, 0.0, 3, 1, -2]  # what a person types, integers too
PAIRS = ("matmul", "concat", "dot", "gather", "pick", "force")
OFTEN = {"where": 4}  # what is under a `where` is pulled by rules of its own
LARGEST_ARRAY = 40
LARGEST = 20.0  # a tame circuit carries nothing beyond this, and nothing nearer to 0 or a kink than
SMALLEST = 0.03


@dataclass(frozen=True)
class Vocabulary:
    """What a circuit may be made of. face: only what that language can spell. tame: well-conditioned."""

    shapes: tuple[tuple[int, ...], ...] = tuple(SHAPES)
    dtypes: tuple[str, ...] = ("float64",)
    face: str = ""
    tame: bool = False
    steps: tuple[int, int] = (1, 10)

    only: tuple[str, ...] = ()

    def knows(self, gate: Gate) -> bool:
        spelled = not self.face or self.face in gate.faces or bool(gate.infix) or gate.recipe
        return spelled and (not self.only or gate.name in self.only)


SCALARS = Vocabulary(shapes=((),), face="python")
ARRAYS = Vocabulary(face="numpy")
# Gates that every language and machine rounds alike.
EXACT = Vocabulary(
    shapes=((),),
    only=(
        "add", "subtract", "multiply", "divide", "negative", "absolute", "maximum", "minimum", "relu",
        "where", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal",
    ),
)  # fmt: skip
ANYTHING = Vocabulary(dtypes=("float64", "float64", "float32"))
TAME = Vocabulary(tame=True)


@dataclass(frozen=True)
class Step:
    """One gate and what it listens to: positions among the values so far, or fixed numbers."""

    gate: Gate
    inputs: tuple[Any, ...]
    attributes: dict[str, Any]
    name: str

    def run(self, values: Sequence[Any]) -> Any:
        taken = [values[x.at] if isinstance(x, At) else x for x in self.inputs]
        return named(self.gate(*taken, **self.attributes), self.name)


@dataclass(frozen=True)
class At:
    """The value at a position, as opposed to a number."""

    at: int


class RandomCircuit:
    """A function of `values`' kinds of input, callable with wires, Units or numbers."""

    def __init__(self, seed: int, names: list[str], values: list[Any], steps: list[Step]) -> None:
        self.seed, self.values, self.steps = seed, values, steps
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])
        self.__name__ = f"circuit{seed}"

    def __call__(self, *inputs: Any) -> Any:
        values = list(inputs)
        for step in self.steps:
            values.append(step.run(values))
        return values[-1]

    def hard(self, rng: np.random.Generator) -> list[Any]:
        """Inputs of the same kinds among which NaN, infinities, signed zeros and subnormals stand."""
        return [_hardened(np.asarray(v), rng) for v in self.values]

    def __repr__(self) -> str:
        steps = ", ".join(f"{s.gate.name}{s.inputs}" for s in self.steps)
        return f"{self.__name__}: {[np.shape(v) for v in self.values]} {steps}"


def named(value: Any, name: str) -> Any:
    """The value; if it is a wire, called `name`."""
    return value.named(name) if name and isinstance(value, Wire) else value


def random_circuit(
    seed: int, words: Vocabulary = ANYTHING, names: Sequence[str] = (), wires: Sequence[str] = ()
) -> RandomCircuit:
    """The circuit of this seed. names: of its inputs; wires: names for some of its gates' outputs."""
    with np.errstate(all="ignore"):
        return _Writer(seed, words, wires).write(list(names))


class _Writer:
    """Writes steps while computing them, so that a step that does not fit is simply drawn again."""

    def __init__(self, seed: int, words: Vocabulary, wires: Sequence[str]) -> None:
        self.seed, self.words = seed, words
        self.rng = np.random.default_rng(seed)  # numbers
        self.dice = random.Random(seed)  # choices: a hundred times faster one by one
        known = [g for g in ELEMENTWISE if words.knows(g)]
        self.gates = [g for g in known for _ in range(OFTEN.get(g.name, 1))]
        self.array_gates = [name for name in ARRAY_STEPS if words.knows(GATES[name])]
        self.wires = list(wires)
        self.steps: list[Step] = []
        self.values: list[Any] = []

    def write(self, names: list[str]) -> RandomCircuit:
        names = names or [f"x{i}" for i in range(self.dice.randint(1, 4))]
        self.values = [self._input() for _ in names]
        inputs = list(self.values)
        wanted = self.dice.randint(*self.words.steps)
        for _ in range(20 * wanted):
            if len(self.steps) < wanted:
                self._draw()
        self._join()
        return RandomCircuit(self.seed, names, inputs, self.steps)

    def _input(self) -> Any:
        shape, dtype = self._one(self.words.shapes), self._one(self.words.dtypes)
        signs = 1.0 if self.dice.random() < 0.4 else self.rng.choice([-1.0, 1.0], shape)
        return np.asarray(self.rng.uniform(0.2, 2.0, shape) * signs, dtype)[()]

    def _draw(self) -> None:
        arrays = [i for i in self._real() if np.ndim(self.values[i])]
        if arrays and self.array_gates and self.dice.random() < 0.4:
            at, name = self._one(arrays), self._one(self.array_gates)
            self._add(GATES[name], (At(at),), ARRAY_STEPS[name](self.values[at], self.dice))
        elif arrays and self.dice.random() < 0.15:
            self._draw_pair(arrays)
        else:
            gate = self._one(self.gates)
            inputs = tuple(self._operand(gate, name) for name in gate.inputs)
            self._add(gate, inputs, self._attributes(gate))

    def _draw_pair(self, arrays: list[int]) -> None:
        """Gates of two arrays that must fit each other, and gates that read by index."""
        at, name = self._one(arrays), self._one(PAIRS)
        if self.words.knows(GATES[name]):
            partner, attributes = getattr(self, f"_{name}")(at)
            if partner is not None:
                self._add(GATES[name], (At(at), partner), attributes)

    def _matmul(self, at: int) -> Any:
        x = self.values[at]
        right = [i for i in self._real() if np.shape(self.values[i])[:-1] == x.shape[1:]]
        fits = x.ndim == 2 and right
        return (At(self._one(right)) if fits else None), {}

    def _concat(self, at: int) -> Any:
        shape = self.values[at].shape
        same = [i for i in self._real() if np.shape(self.values[i]) == shape]
        return At(self._one(same)), {"axis": 0}

    def _dot(self, at: int) -> Any:
        last = self.values[at].shape[-1]
        shapes = [(i, np.shape(self.values[i])) for i in self._real()]
        fits = [i for i, shape in shapes if not shape or shape[-2:][0] == last]
        return (At(self._one(fits)) if fits else None), {}

    def _gather(self, at: int) -> Any:
        shape = self._one([(2,), (3,), (2, 2)])
        return self.rng.integers(0, len(self.values[at]), shape), {"axis": 0}

    def _pick(self, at: int) -> Any:
        """Of each row the largest: an index that another gate computes."""
        x, largest = self.values[at], GATES["argmax"]
        self._append(largest, (At(at),), {"axis": -1}, largest(x, axis=-1))
        return At(len(self.values) - 1), {}

    def _force(self, at: int) -> Any:
        shape = self.values[at].shape
        fits = [i for i in self._real() if _spreads(np.shape(self.values[i]), shape)]
        return At(self._one(fits)), {}

    def _operand(self, gate: Gate, name: str) -> Any:
        if name in gate.kinds:
            yes = [i for i, v in enumerate(self.values) if np.asarray(v).dtype.kind == "b"]
            return At(self._one(yes)) if yes else True
        typed = len(gate.inputs) > 1 and self.dice.random() < 0.2
        return self._one(NUMBERS) if typed else At(self._one(self._real()))

    def _attributes(self, gate: Gate) -> dict[str, Any]:
        return {a: self._one(ATTRIBUTES.get(a, [v])) for a, v in gate.defaults.items()}

    def _add(self, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> None:
        taken = [self.values[x.at] if isinstance(x, At) else x for x in inputs]
        if not any(isinstance(x, At) for x in inputs) or not _broadcast(gate, taken):
            return
        value = gate(*taken, **attributes)
        tame = not self.words.tame or _is_tame(gate, taken, attributes, value)
        if tame and np.size(value) <= LARGEST_ARRAY:
            self._append(gate, inputs, attributes, value)

    def _append(self, gate: Gate, inputs: tuple[Any, ...], attributes: Any, value: Any) -> None:
        name = self.wires.pop(0) if self.wires and self.dice.random() < 0.5 else ""
        self.steps.append(Step(gate, inputs, attributes, name))
        self.values.append(value)

    def _join(self) -> None:
        """Add up every value that nobody listens to, so that all of the circuit is pulled."""
        used = {x.at for step in self.steps for x in step.inputs if isinstance(x, At)}
        ends = [i for i in self._real() if i not in used]
        whole = self.words.shapes != ((),) and self.dice.random() < 0.8
        for i in list(ends) if whole else []:
            if np.ndim(self.values[i]):
                self._append(GATES["sum"], (At(i),), {}, np.sum(self.values[i]))
                ends[ends.index(i)] = len(self.values) - 1
        total = ends.pop(0) if ends else self._real()[-1]
        for i in ends:
            if _broadcast(GATES["add"], [self.values[total], self.values[i]]):
                pair = self.values[total], self.values[i]
                self._append(GATES["add"], (At(total), At(i)), {}, np.add(*pair))
                total = len(self.values) - 1
        self._append(GATES["multiply"], (At(total), 1.5), {}, self.values[total])

    def _real(self) -> list[int]:
        return [i for i, v in enumerate(self.values) if np.asarray(v).dtype.kind == "f"]

    def _one(self, options: Sequence[Any]) -> Any:
        return self.dice.choice(options)


def _spreads(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(small, large) == large
    except ValueError:
        return False


def _broadcast(gate: Gate, values: Sequence[Any]) -> bool:
    if not gate.elementwise:
        return True
    try:
        np.broadcast_shapes(*map(np.shape, values))
    except ValueError:
        return False
    return True


def _is_tame(gate: Gate, inputs: Sequence[Any], attributes: dict[str, Any], value: Any) -> bool:
    """Whether a step is far from kinks, from 0, from infinity and from the edge of its domain."""
    low, high = gate.domain
    inside = all(np.all((np.asarray(x) > low + SMALLEST) & (np.asarray(x) < high)) for x in inputs)
    kink = gate.kink(*inputs, **attributes) if gate.kink else 1.0
    if np.asarray(value).dtype.kind != "f":
        kink = np.subtract(inputs[0], inputs[-1])
    size = np.abs(np.asarray(value, np.float64))
    moderate = (
        bool(np.all((size > SMALLEST) & (size < LARGEST))) or np.asarray(value).dtype.kind == "b"
    )
    return inside and moderate and bool(np.all(np.abs(kink) > SMALLEST))


def _hardened(value: Any, rng: np.random.Generator) -> Any:
    drawn = rng.choice(HARD, value.shape)
    with np.errstate(over="ignore"):
        return np.where(rng.random(value.shape) < 0.5, drawn, value).astype(value.dtype)[()]


ATTRIBUTES: dict[str, list[Any]] = {
    "ties": ["split", "first", "all"],
    "dtype": ["float64", "float32"],
    "low": [-0.5, -np.inf],
    "high": [0.8, np.inf],
}


def _is_elementwise(gate: Gate) -> bool:
    needed = {a for a, v in gate.defaults.items() if v is inspect.Parameter.empty}
    ours = gate.__module__.startswith("pullback.")
    return gate.elementwise and ours and not gate.variadic and needed <= set(ATTRIBUTES)


ELEMENTWISE = [gate for gate in GATES.values() if _is_elementwise(gate)]

Draw = Callable[[Any, random.Random], dict[str, Any]]


def _fold(x: Any, dice: random.Random) -> dict[str, Any]:
    return {"axis": dice.choice([None, 0, -1]), "keepdims": dice.choice([False, True])}


def _part(x: Any, dice: random.Random) -> dict[str, Any]:
    part = dice.choice([(None, None, -1), (1, None, None), (None, 2, None), 0])
    return {"index": (part if len(x) > 1 else 0,)}


ARRAY_STEPS: dict[str, Draw] = {
    **dict.fromkeys(("sum", "mean", "max", "min", "norm", "logsumexp"), _fold),
    **dict.fromkeys(("softmax", "log_softmax"), lambda x, dice: {"axis": dice.choice([-1, 0])}),
    "reshape": lambda x, dice: {"shape": dice.choice([x.shape[::-1], (-1,)])},
    "broadcast_to": lambda x, dice: {"shape": (2, *x.shape)},
    "sum_to": lambda x, dice: {"shape": (*x.shape[:-1], 1)},
    "transpose": lambda x, dice: {"axes": None},
    "prod": lambda x, dice: {"axis": dice.choice([-1, 0])},
    "pad": lambda x, dice: {"widths": ((0, 1), *((0, 0),) * (x.ndim - 1)), "value": 0.5},
    "slice": _part,
}
