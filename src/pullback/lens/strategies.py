"""The three strategies for raising an output: try at random, measure the slope, or compute it.

All three answer the same question on any circuit, and count what they cost in forward runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.structure import put_together
from pullback.errors import CircuitError, OptionError
from pullback.lens.function import CircuitFunction, as_circuit_function
from pullback.lens.numeric import slope
from pullback.lens.snapshot import plain, short
from pullback.lens.views import View
from pullback.passes.expand import expand

STRATEGIES = ("analytic", "numerical", "random")
METHODS = ("forward", "central", "richardson", "complex")


@dataclass(frozen=True)
class Nudge:
    """What one step did: `after` against `before`, and what the gradient had promised.

    evaluations counts forward runs that found the direction (a backward pass counts as one), not
    the final one that measured `after`. predicted is None for random search, which has no gradient.
    """

    strategy: str
    values: dict[str, Any]
    before: float
    after: float
    predicted: float | None
    gradient: dict[str, Any] | None
    evaluations: int

    @property
    def gain(self) -> float:
        return self.after - self.before

    def __repr__(self) -> str:
        moved = ", ".join(f"{k} = {short(v, 6)}" for k, v in self.values.items())
        promise = (
            "" if self.predicted is None else f", promised {self.predicted - self.before:+.6g}"
        )
        return (
            f"{self.strategy}: {self.before:.6g} -> {self.after:.6g} ({self.gain:+.6g}{promise}) "
            f"after {self.evaluations} evaluations\n{moved}"
        )


class Objective:
    """A circuit's one number as a function of one flat vector: the free inputs, end to end."""

    def __init__(
        self, function: Any, values: tuple[Any, ...], named: dict[str, Any], pinned: Sequence[str]
    ) -> None:
        self.made: CircuitFunction = as_circuit_function(function)
        self.view, self.leaves = self.made.viewed(self.made.bind(values, named))
        self.view.scalar_output(self.made.name)
        self.free = _free(self.made, self.view, pinned)
        self.start = np.concatenate(
            [np.ravel(np.asarray(self.leaves[i], float)) for i in self.free]
        )
        self.evaluations = 0

    def __call__(self, vector: np.ndarray[Any, Any]) -> Any:
        """The output with the free inputs at `vector`; complex vectors are allowed."""
        self.evaluations += 1
        if np.iscomplexobj(vector):
            return _bodies(self.opened, self._filled(vector))
        return self.view.program.run(self._filled(vector))[0]

    @cached_property
    def opened(self) -> Circuit:
        """The circuit without recipes, for numbers that only the gates' own bodies take."""
        return expand(self.view.circuit)

    def gradient(self) -> np.ndarray[Any, Any]:
        """The analytic gradient at the start, by one backward pass."""
        self.evaluations += 1
        outputs = self.view.gradient_program.run([*self.leaves, 1.0])
        pulled = iter(outputs[len(self.view.circuit.outputs) :])
        pulls = [next(pulled) if p >= 0 else None for p in self.view.back.input_pulls]
        return np.concatenate([_flat(pulls[i], self.leaves[i]) for i in self.free])

    def named(self, vector: np.ndarray[Any, Any]) -> dict[str, Any]:
        """`vector` put back into the inputs, by parameter name."""
        leaves = [plain(x) for x in self._filled(vector)]
        result = {}
        for name, structure in self.view.arguments:
            mine, leaves = leaves[: structure.leaves], leaves[structure.leaves :]
            result[name] = put_together(mine, structure)
        return result

    def _filled(self, vector: np.ndarray[Any, Any]) -> list[Any]:
        leaves, used = [np.asarray(x)[()] for x in self.leaves], 0
        for i in self.free:
            shape = np.shape(leaves[i])
            size = int(np.prod(shape))
            leaves[i] = np.reshape(vector[used : used + size], shape)[()]
            used += size
        return leaves


def _bodies(circuit: Circuit, inputs: Sequence[Any]) -> Any:
    """The first output by the gates' NumPy bodies alone, which take complex numbers where wires do not."""
    values: list[Any] = [None] * len(circuit)
    for wire, value in zip(circuit.inputs, inputs, strict=True):
        values[wire] = value
    for row in circuit.rows():
        if row.gate is not None:
            values[row.wire] = row.gate.body(*[values[i] for i in row.inputs], **row.attributes)
        elif circuit.is_constant(row.wire):
            values[row.wire] = circuit.constant_of(row.wire)
    return values[circuit.outputs[0]]


def _flat(pull: Any, like: Any) -> np.ndarray[Any, Any]:
    return np.zeros(np.size(like)) if pull is None else np.ravel(np.asarray(pull, float))


def _free(made: CircuitFunction, view: View, pinned: Sequence[str]) -> list[int]:
    for name in pinned:
        made.check_known(name)
    fixed = {*pinned, *(p for p, role in made.roles.items() if role in ("frozen", "constant"))}
    owners = [name for name, structure in view.arguments for _ in range(structure.leaves)]
    wires = view.circuit.inputs
    real = [view.circuit.spec_of(w).dtype.kind == "f" for w in wires]
    free = [
        i
        for i, (owner, ok) in enumerate(zip(owners, real, strict=True))
        if ok and owner not in fixed
    ]
    if not free:
        raise CircuitError("every input is pinned, frozen or not a real number: nothing can move.")
    return free


def nudge(  # noqa: PLR0913 - one question, and every knob of it by name
    function: Any,
    *values: Any,
    step: float = 0.01,
    strategy: str = "analytic",
    method: str = "central",
    up: bool = True,
    pinned: Sequence[str] = (),
    tries: int = 100,
    seed: int = 0,
    **named: Any,
) -> Nudge:
    """Move the inputs a little so that the output goes up (or down), by one of three strategies.

    "analytic" and "numerical" add step times the gradient; "random" tries `tries` points within
    +-step of the start and keeps the best. Inputs named in `pinned` stay where they are.

    >>> nudge("(x+y)*z", -2, 5, -4).values
    {'x': -2.04, 'y': 4.96, 'z': -3.97}
    """
    if strategy not in STRATEGIES:
        raise OptionError(f"strategy={strategy!r}; it is one of {', '.join(STRATEGIES)}.")
    f = Objective(function, values, named, pinned)
    before = float(f.view.program.run(f.leaves)[0])
    sign = 1.0 if up else -1.0
    if strategy == "random":
        return _random(f, before, sign, step, tries, seed)
    gradient = f.gradient() if strategy == "analytic" else numerical_gradient(f, method)
    moved = f.start + sign * step * gradient
    spent = f.evaluations
    promised = before + sign * step * float(gradient @ gradient)
    after = float(f(moved))
    return Nudge(strategy, f.named(moved), before, after, promised, f.named(gradient), spent)


def _random(f: Objective, before: float, sign: float, step: float, tries: int, seed: int) -> Nudge:
    generator = np.random.Generator(np.random.PCG64(seed))
    best, point = before, f.start
    for _ in range(tries):
        tried = f.start + step * generator.uniform(-1.0, 1.0, f.start.shape)
        found = float(f(tried))
        if sign * found > sign * best:
            best, point = found, tried
    return Nudge("random", f.named(point), before, best, None, None, f.evaluations)


def numerical_gradient(
    f: Objective, method: str = "central", h: float | None = None
) -> np.ndarray[Any, Any]:
    """The gradient by moving each input: "forward" (N+1 runs), "central" (2N), "richardson", "complex" (N).

    h is the step, 1e-4 forward and 1e-5 central unless given. Forward differences are off by about h
    times the curvature; that is why central is the default. Complex steps lose no digits (Squire
    and Trapp 1998) but need every gate on the way to be holomorphic.
    """
    ways: dict[str, Callable[[np.ndarray[Any, Any], float], float]] = {
        "forward": _forward(f, h or 1e-4),
        "central": lambda e, x: _central(f, e, h or 1e-5),
        "richardson": lambda e, x: slope(lambda t: float(f(f.start + (t - x) * e)), x).value,
        "complex": lambda e, x: float(np.imag(f(f.start + 1e-30j * e)) / 1e-30),
    }
    if method not in ways:
        raise OptionError(f"method={method!r}; it is one of {', '.join(METHODS)}.")
    if method == "complex":
        _check_holomorphic(f)
    directions = np.eye(len(f.start))
    return np.array([ways[method](e, x) for e, x in zip(directions, f.start, strict=True)])


def _forward(f: Objective, h: float) -> Callable[[np.ndarray[Any, Any], float], float]:
    here: list[float] = []

    def one(e: np.ndarray[Any, Any], x: float) -> float:
        if not here:
            here.append(float(f(f.start)))
        return (float(f(f.start + h * e)) - here[0]) / h

    return one


def _central(f: Objective, e: np.ndarray[Any, Any], h: float) -> float:
    return (float(f(f.start + h * e)) - float(f(f.start - h * e))) / (2.0 * h)


def _check_holomorphic(f: Objective) -> None:
    for row in f.view.circuit.rows():
        if row.gate is not None and not row.gate.holomorphic:
            raise OptionError(
                f"method='complex' needs holomorphic gates; {row.gate.name} is not.",
                fix="method='central'",
            )


@dataclass(frozen=True)
class Microscope:
    """The output along the ray start + step * gradient: what each step promises and what it gives."""

    steps: tuple[float, ...]
    promised: tuple[float, ...]
    actual: tuple[float, ...]

    @property
    def best(self) -> float:
        """The step with the highest output among those looked at."""
        return self.steps[int(np.nanargmax(self.actual))]

    def __repr__(self) -> str:
        lines = [f"{'step':>10}  {'promised':>12}  {'actual':>12}"]
        rows = zip(self.steps, self.promised, self.actual, strict=True)
        lines += [f"{s:>10.4g}  {p:>12.6g}  {a:>12.6g}" for s, p, a in rows]
        return "\n".join(lines)


def microscope(
    function: Any,
    *values: Any,
    steps: Sequence[float] = (0.001, 0.01, 0.1, 1.0, 10.0),
    up: bool = True,
    **named: Any,
) -> Microscope:
    """How far does the gradient's promise hold? The output at several steps along the gradient.

    The gradient promises a straight line; a circuit keeps the promise only for small steps.

    >>> microscope("x*y", -2, 3, steps=(0.01, 1.0, 2.0)).actual
    (-5.8706, 1.0, -4.0)
    """
    f = Objective(function, values, named, ())
    gradient = f.gradient() * (1.0 if up else -1.0)
    before = float(f(f.start))
    rise = float(f.gradient() @ gradient)
    actual = tuple(float(f(f.start + s * gradient)) for s in steps)
    return Microscope(tuple(steps), tuple(before + s * rise for s in steps), actual)


def landscape(
    function: Any,
    *values: Any,
    along: Sequence[str],
    reach: float = 1.0,
    points: int = 41,
    **named: Any,
) -> tuple[np.ndarray[Any, Any], ...]:
    """A slice of the output around a point, along one or two single-number inputs.

    Gives (offsets, outputs), or (offsets, offsets, outputs[i, j]) for two inputs.
    """
    f = Objective(
        function,
        values,
        named,
        [p for p in as_circuit_function(function).parameters if p not in along],
    )
    if len(along) not in (1, 2) or len(f.start) != len(along):
        raise OptionError("along= names one or two inputs that each carry a single number.")
    offsets = np.linspace(-reach, reach, points)
    grid = np.meshgrid(*[offsets] * len(along), indexing="ij")
    moves = np.stack([g.ravel() for g in grid], axis=-1)
    outputs = np.array([float(f(f.start + move)) for move in moves]).reshape(grid[0].shape)
    return (*[offsets] * len(along), outputs)
