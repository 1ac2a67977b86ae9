"""The whole training step as one circuit: scores, loss, backward and update, inlined into each other.

So whatever runs, draws, checks or exports a circuit does it to training too.
"""

from __future__ import annotations

from dataclasses import dataclass

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.dtypes import INT64
from pullback.core.shapes import Spec
from pullback.core.sites import scope
from pullback.nn.layer import Joined, Layer, Weights
from pullback.nn.losses import Loss, count_right
from pullback.passes import training_step as passes
from pullback.passes.backward import backward
from pullback.train.optimizers import Optimizer


@dataclass(frozen=True)
class Task:
    """What is learned: a net, the loss that judges its scores, the optimizer that moves its weights."""

    net: Layer
    loss: Loss
    optimizer: Optimizer


def objective(task: Task, x: Spec, target: Spec) -> Joined:
    """(x, target, *weights) -> loss; and how many rows are right, when the targets are labels.

    The weights get the dtype of x; targets are labels when they are integers.

    >>> import numpy as np
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
    learned = range(2, 2 + len(judged.needs))
    return passes.training_step(backward(judged.circuit), learned, task.optimizer)
