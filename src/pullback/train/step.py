"""The whole training step as one circuit: scores, loss, backward and update, inlined into each other.

So whatever runs, draws, checks or exports a circuit does it to training too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pullback.core.build import Builder
from pullback.core.dtypes import FLOAT32, FLOAT64, INT64
from pullback.core.shapes import Spec
from pullback.core.sites import scope
from pullback.core.wire import Wire
from pullback.errors import OptionError
from pullback.gates.shape import cast
from pullback.nn.context import Context
from pullback.nn.layer import Joined, Layer, joined
from pullback.nn.losses import Loss, are_right, count_right
from pullback.passes import training_step as passes
from pullback.passes.optimizer import Optimizer


@dataclass(frozen=True)
class Task:
    """What is trained: a net, the loss of its scores, the optimizer of its weights.

    dtype: of the weights and of all that is computed, "float32" or "float64".
    """

    net: Layer
    loss: Loss
    optimizer: Optimizer
    dtype: str = FLOAT32.name

    def __post_init__(self) -> None:
        if self.dtype not in (FLOAT32.name, FLOAT64.name):
            raise OptionError(f"dtype must be 'float32' or 'float64', got {self.dtype!r}.")


def objective(task: Task, x: Spec, target: Spec) -> Joined:
    """(x, target, *weights, *states) -> loss; how many rows are right, when targets are labels.

    The loss is the mean over the rows and the net's penalty terms, which are shown beside it. Targets
    are labels when they are integers; real numbers are brought to the dtype of the task.

    >>> from pullback.nn import CrossEntropy, Linear
    >>> from pullback.train import SGD
    >>> x, labels = Spec((32, 64), np.dtype("float32")), Spec((32,), INT64)
    >>> objective(Task(Linear(10), CrossEntropy(), SGD()), x, labels).outputs
    ('loss', 'right')
    """
    context, scores, goal = _scored(task, x, target, training=True)
    with scope("loss"):
        outputs = _with_terms(task.loss(scores, goal), context)
        if target.dtype == INT64:
            outputs["right"] = count_right(scores, goal).named("right")
    return joined(context, outputs, columns=("x", "target"))


def evaluation(task: Task, x: Spec, target: Spec) -> Joined:
    """(x, target, *weights, *states) -> the loss of each row by itself; whether it is right, for labels.

    As the net predicts: every row by itself, nothing is carried.
    """
    context, scores, goal = _scored(task, x, target, training=False)
    with scope("loss"):
        outputs = {"losses": task.loss.each(scores, goal).named("losses")}
        if target.dtype == INT64:
            outputs["right"] = are_right(scores, goal).named("right")
    return joined(context, outputs, columns=("x", "target"))


def training_step(task: Task, x: Spec, target: Spec) -> passes.Step:
    """(*weights, *states, x, target, *states of the net, learning_rate) -> what they become, loss[, right].

    Loss and right are those before the step. A weight `W` goes out as `W_next`; its state
    `velocity` goes in as `W_velocity` and out as `W_velocity_next`.
    """
    return passes.training_step(objective(task, x, target), task.optimizer)


def _scored(task: Task, x: Spec, target: Spec, *, training: bool) -> tuple[Context, Wire, Wire]:
    """The net behind its rows: context, scores, and what they are compared with."""
    builder, dtype = Builder(), np.dtype(task.dtype)
    context = Context(builder, dtype, training=training)
    start, goal = builder.input(x, "x"), builder.input(target, "target")
    scores = task.net.join(_brought(start, dtype), context)
    return context, scores, _brought(goal, dtype)


def _brought(wire: Wire, dtype: np.dtype[np.floating]) -> Wire:
    """Real numbers in the dtype of the task; whole numbers are tokens or labels, and stay."""
    same = wire.dtype == dtype or wire.dtype.kind != "f"
    return wire if same else cast(wire, dtype=dtype.name)


def _with_terms(fit: Wire, context: Context) -> dict[str, Wire]:
    """The loss by name, and what it is the sum of where the net has penalty terms."""
    if not context.terms:
        return {"loss": fit.named("loss")}
    loss = fit
    for term in context.terms.values():
        loss = loss + term
    terms = {name: wire.named(name) for name, wire in context.terms.items()}
    return {"loss": loss.named("loss"), "fit": fit.named("fit"), **terms}
