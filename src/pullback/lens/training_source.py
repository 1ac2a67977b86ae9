"""A training of a circuit as a readable NumPy program, run beside the engine before it is handed out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT32
from pullback.core.shapes import Spec
from pullback.core.structure import LEAF
from pullback.core.trace import trace
from pullback.core.wire import Wire
from pullback.emit.any_rows import PAIRS, Uneven, emit_any_rows
from pullback.emit.numpy import LARGEST, NUMPY, number
from pullback.emit.program import Program, emit_forward
from pullback.emit.training import Start, Training, emit_training
from pullback.errors import (
    CircuitError,
    FaceError,
    OptionError,
    PullbackError,
    did_you_mean,
)
from pullback.executors import compile as compile_circuit
from pullback.lens.fit_problem import FitProblem, check_has
from pullback.lens.source import Source
from pullback.loop.plan import Plan
from pullback.passes.backward import Backward
from pullback.passes.optimizer import Optimizer

if TYPE_CHECKING:
    from pullback.lens.function import CircuitFunction

# How weights are drawn: as the functions of these names in `pullback.nn.init` draw them.
INITS = {
    "he": "np.sqrt(2.0 / {inputs}) * generator.standard_normal({shape})",
    "lecun": "np.sqrt(1.0 / {inputs}) * generator.standard_normal({shape})",
    "xavier": "generator.uniform(-np.sqrt(6.0 / {both}), np.sqrt(6.0 / {both}), {shape})",
}
TRIED = 2  # epochs that are run before the program is handed out
CLOSE = {"float64": 1e-9, "float32": 1e-3}  # what a few roundings may grow to in them


def training_source(
    made: CircuitFunction,
    values: Sequence[Any],
    plan: Plan,
    optimizer: Optimizer,
    init: Mapping[str, str],
) -> Source:
    """The training of `made`'s parameters on the rows of its other inputs, as verified source."""
    check_has("optimizer", optimizer, "moves_each_alone", "SGD(learning_rate=0.01)")
    if not optimizer.moves_each_alone:
        kind = type(optimizer).__name__
        raise OptionError(
            f"{kind} moves weights by what all of them do, or by their names.",
            why="A training is printed with an update of one weight by itself.",
            fix="an optimizer such as SGD(learning_rate=0.01)",
        )
    job = _Job(made, dict(zip(made.parameters, values, strict=True)), plan, optimizer)
    program = emit_training(job.training(init))
    job.verify(program)
    return Source.of(program, job.circuit.by_name, verified=True)


class _Job(FitProblem):
    """A training that becomes a program."""

    def __init__(
        self, made: CircuitFunction, values: dict[str, Any], plan: Plan, optimizer: Optimizer
    ) -> None:
        super().__init__(made, values, plan)
        self.optimizer = optimizer

    def training(self, init: Mapping[str, str]) -> Training:
        """The parts of the program."""
        for name in init:
            self.made.check_known(name)
        circuit = self.circuit
        asked = [circuit.find(name) for name in self.weights]
        zero = self.optimizer.start(np.zeros(()))
        return Training(
            step=self._step(asked),
            update=_update(self.optimizer, list(zero), circuit.spec_of(asked[0]).dtype),
            states={name: float(value) for name, value in zero.items()},
            starts=[
                _start(wire, name, self.values[name], init.get(name))
                for wire, name in zip(asked, self.weights, strict=True)
            ],
            inputs=circuit.input_names,
            rows=self.rows,
            loss=circuit.names[circuit.outputs[0]] or "loss",
            size=self.plan.batch_size,
            epochs=self.plan.max_epochs,
            seed=self.plan.seed,
        )

    def _step(self, asked: Sequence[int]) -> Program:
        """Value and pulls of a batch of any number of rows."""
        name, column = self.made.name, self.circuit.find(self.rows[0])
        try:
            return emit_any_rows(self.back, NUMPY, name, column, asked)
        except Uneven as error:
            (one, other), *_ = PAIRS
            raise CircuitError(
                f"{name} reads differently for {one} rows and for {other}: {error}.",
                why="a training program must take batches of any size.",
            ) from None

    # Trust

    def verify(self, program: Program) -> None:
        """Train on a few rows with the program (our own text, names checked) and with the engine."""
        space: dict[str, Any] = {}
        text = "\n".join(program.text)
        exec(compile(text, "<train>", "exec"), space)  # noqa: S102 - our text
        few = self.batch(self.values, np.arange(sum(self.backs)))
        given = [few[n] for n in self.circuit.input_names if n not in self.weights]
        with np.errstate(all="ignore"):
            _, losses = space[program.name](*given, TRIED)
            wanted = self._by_engine(space, few)
        if not np.allclose(losses, wanted, CLOSE[self.dtype.name], equal_nan=True):
            raise PullbackError(
                f"the training source of {self.made.name} has the losses {losses}, the engine {wanted}.",
                why="an optimizer must treat all numbers of a weight alike; else please report this.",
            )

    def _by_engine(self, space: dict[str, Any], few: Mapping[str, Any]) -> list[float]:
        """The mean loss of each epoch: circuits by the executor, updates by the optimizer itself."""
        seed, count = self.plan.seed, sum(self.backs)
        losses: list[float] = []
        states: dict[str, dict[str, Any]] = {}
        values = {**few, **_first_weights(space, self.weights, seed)}
        programs = {rows: compile_circuit(self._asking(back)) for rows, back in self.backs.items()}
        force = np.ones((), self.dtype)
        for epoch in range(1, TRIED + 1):
            total = 0.0
            for rows in space["batches"](count, epoch, seed):
                batch = self.batch(values, rows)
                inputs = [batch[name] for name in self.circuit.input_names]
                loss, *pulls = programs[len(rows)].run([*inputs, force])
                for name, pull in zip(self.weights, pulls, strict=True):
                    state = states.get(name) or self.optimizer.start(values[name])
                    values[name], states[name] = self.optimizer.update(values[name], pull, state)
                total += float(loss) * len(rows)
            losses.append(total / count)
        return losses

    def _asking(self, back: Backward) -> Circuit:
        pulls = [back.pulls[back.forward.find(name)] for name in self.weights]
        return back.asking([*back.circuit.outputs, *pulls])


def _first_weights(space: dict[str, Any], names: Sequence[str], seed: int) -> dict[str, Any]:
    takes_seed = space["start"].__code__.co_argcount
    started = space["start"](*([seed] if takes_seed else []))
    return dict(zip(names, started if len(names) > 1 else [started], strict=True))


def _start(wire: int, name: str, value: Any, init: str | None) -> Start:
    """A weight's own value, or how it is drawn."""
    shape, single = np.shape(value), np.asarray(value).dtype == FLOAT32
    if init is None and np.any(value):
        return Start(wire, name, _written(value, name), drawn=False)
    if init in (None, "zeros"):
        kind = ", np.float32" if single else ""
        text = f"np.zeros({shape}{kind})" if shape else _written(0 * value, name)
        return Start(wire, name, text, drawn=False)
    if init not in INITS:
        known = [*INITS, "zeros"]
        raise OptionError(
            f"init of {name!r} must be one of {', '.join(known)}, got {init!r}.",
            why=did_you_mean(str(init), known),
        )
    inputs = max(math.prod(shape[:-1]), 1)
    outputs = math.prod(shape) // shape[-2] if len(shape) > 1 else math.prod(shape)
    text = INITS[init].format(shape=shape, inputs=inputs, both=max(inputs + outputs, 1))
    return Start(wire, name, f"({text}).astype(np.float32)" if single else text, drawn=True)


def _written(value: Any, name: str) -> str:
    """A weight's starting numbers as text."""
    if np.ndim(value) == 0 and np.asarray(value).dtype == FLOAT32:
        return f"np.float32({number(value)})"
    if np.size(value) > LARGEST and np.ptp(value) > 0:
        raise FaceError(
            f"weight {name!r} starts at {np.size(value)} numbers, too many for source.",
            fix=f'init={{"{name}": "he"}}',
        )
    return number(value)


def _update(optimizer: Optimizer, states: Sequence[str], dtype: np.dtype[Any]) -> Program:
    """The optimizer's own lines, as a function of a weight, its pull and what is remembered."""

    def update(weight: Wire, grad: Wire, *remembered: Wire) -> tuple[Any, ...]:
        moved, kept = optimizer.update(weight, grad, dict(zip(states, remembered, strict=True)))
        inputs = weight.builder.inputs
        named = {"weight": moved, **{name: kept[name] for name in states}}
        return tuple(w if w.id in inputs else w.named(f"{n}_next") for n, w in named.items())

    names = ["weight", "grad", *states]
    # Of some shape: numbers without one would be told what kind of numbers they are.
    specs = [Spec((2,), dtype)] * len(names)
    circuit = trace(update, [(name, LEAF) for name in names], specs).circuit
    return emit_forward(circuit, NUMPY, "update", "ninja")
