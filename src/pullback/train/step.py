"""The whole training step as one circuit: scores, loss, backward and update, inlined into each other.

So whatever runs, draws, checks or exports a circuit does it to training too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.build import Builder, scope
from pullback.core.circuit import Circuit
from pullback.core.dtypes import INT64
from pullback.core.shapes import Spec, spec_of
from pullback.core.wire import Wire
from pullback.errors import CircuitError
from pullback.nn.layer import Joined, Layer, Need, Weights, prefix_names
from pullback.nn.losses import Loss, count_right
from pullback.passes.backward import backward
from pullback.passes.share import share
from pullback.passes.tidy import tidy
from pullback.train.optimizers import Optimizer, State


@dataclass(frozen=True)
class Task:
    """What is learned: a net, the loss that judges its scores, the optimizer that moves its weights."""

    net: Layer
    loss: Loss
    optimizer: Optimizer


def objective(task: Task, x: Spec, target: Spec) -> Joined:
    """(x, target, *weights) -> loss; and how many rows are right, when the targets are labels.

    The weights get the dtype of x; targets are labels when they are integers.

    >>> from pullback.nn import CrossEntropy, Linear
    >>> from pullback.train import SGD
    >>> x, labels = Spec((32, 64), np.dtype("float32")), Spec((32,), INT64)
    >>> circuit = objective(Task(Linear(10), CrossEntropy(), SGD()), x, labels).circuit
    >>> [circuit.names[wire] for wire in circuit.outputs]
    ['loss', 'right']
    """
    builder = Builder()
    weights = Weights(builder, x.dtype)
    start, goal = builder.input(x, "x"), builder.input(target, "target")
    scores = task.net.join(start, weights)
    with scope("loss"):
        outputs = [task.loss(scores, goal).named("loss")]
        if target.dtype == INT64:
            outputs.append(count_right(scores, goal).named("right"))
    return Joined(builder.finish(outputs), tuple(weights.needs))


def training_step(task: Task, x: Spec, target: Spec) -> Circuit:
    """(*weights, *states, x, target, learning_rate) -> (*weights, *states, loss[, right]).

    Loss and right are those before the step. A weight `W` goes out as `W_next`; its state
    `velocity` goes in as `W_velocity` and out as `W_velocity_next`.
    """
    judged = objective(task, x, target)
    pulled = _pulled(judged)
    builder = Builder()
    weights, states = _moving_inputs(builder, task.optimizer, judged, x.dtype)
    data = [builder.input(x, "x"), builder.input(target, "target")]
    rate = builder.input(Spec((), x.dtype), "learning_rate")
    one = builder.constant(np.ones((), x.dtype))
    made = builder.inline(pulled, [*data, *weights, one])
    metrics, grads = made[: -len(weights)], made[-len(weights) :]
    with scope("update"):
        moved = _moved(task.optimizer.at(rate), judged.needs, weights, grads, states)
    return tidy(share(builder.finish([*moved, *metrics])))


def _pulled(judged: Joined) -> Circuit:
    """The objective that also puts out the pull on each weight."""
    back = backward(judged.circuit)
    pulls = back.input_pulls[2:]
    for need, pull in zip(judged.needs, pulls, strict=True):
        if pull < 0:
            raise CircuitError(f"the loss does not listen to weight '{need.name}'.")
    return back.asking([*judged.circuit.outputs, *pulls])


def _moving_inputs(
    builder: Builder, optimizer: Optimizer, judged: Joined, dtype: np.dtype[Any]
) -> tuple[list[Wire], list[State]]:
    weights = [builder.input(Spec(n.shape, dtype), n.name, "parameter") for n in judged.needs]
    states = []
    for need in judged.needs:
        start = optimizer.start(np.zeros(need.shape, dtype))
        states.append(
            {k: builder.input(spec_of(v), f"{need.name}_{k}", "state") for k, v in start.items()}
        )
    return weights, states


def _moved(
    optimizer: Optimizer,
    needs: Sequence[Need],
    weights: Sequence[Wire],
    grads: Sequence[Wire],
    states: Sequence[State],
) -> list[Wire]:
    moved: list[Wire] = []
    remembered: list[Wire] = []
    for need, weight, grad, state in zip(needs, weights, grads, states, strict=True):
        start = len(weight.builder.op)
        after, kept = optimizer.update(weight, grad, state)
        moved.append(_called(after, f"{need.name}_next"))
        remembered.extend(_called(kept[k], f"{need.name}_{k}_next") for k in state)
        prefix_names(weight.builder, start, f"{need.name}_")
    return [*moved, *remembered]


def _called(wire: Wire, name: str) -> Wire:
    """A wire under a name of its own; an input that went through unchanged keeps the one it has."""
    return wire if wire.id in wire.builder.inputs else wire.named(name)
