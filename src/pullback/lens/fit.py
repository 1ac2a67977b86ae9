"""`f.fit(...)`: the parameters of a circuit move until its output, a loss, is small."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.executors import level_of_the_caller
from pullback.lens.fit_problem import FitProblem, check_has
from pullback.lens.snapshot import plain
from pullback.loop.blame import diverged
from pullback.loop.loop import SMALL, Data, How, Loop
from pullback.loop.plan import Plan
from pullback.passes.optimizer import Optimizer

if TYPE_CHECKING:
    from pullback.lens.function import CircuitFunction


LOOKED = 256  # rows by which the loss before and after are compared
GREW, TINY = 1.1, 1e-6  # a loss that is larger by less has stayed where it was


@dataclass(frozen=True, eq=False)
class Fitted:
    """What came of a training.

    values: the parameters by name, as they are now. losses: for each whole epoch the mean over its
    rows, each before the step that it caused. steps: how many were made. interrupted: by Ctrl-C.
    grew: the loss before and after on the same rows (the first ones), where it is larger after; else None.
    """

    values: dict[str, Any]
    losses: list[float]
    steps: int
    interrupted: bool
    grew: tuple[float, float] | None = None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def __repr__(self) -> str:
        loss = f"{self.losses[-1]:.6g}" if self.losses else "unknown"
        ended = ", interrupted" if self.interrupted else ""
        if self.grew:
            ended += ", grown from {:.6g} to {:.6g}".format(*self.grew)
        return f"<Fitted {', '.join(self.values)}: loss {loss} after {self.steps} steps{ended}>"


def fit(
    made: CircuitFunction, values: dict[str, Any], plan: Plan, optimizer: Optimizer, how: How
) -> Fitted:
    """The training of `made`'s parameters on the rows of its other inputs."""
    check_has("optimizer", optimizer, "moves_each_alone", "SGD(learning_rate=0.01)")
    problem = FitProblem(made, values, plan)
    data = Data(problem.columns, problem.fixed)
    make = partial(problem.step, optimizer=optimizer)
    loop = Loop(make, data, plan, problem.start, how)
    losses: list[float] = []
    interrupted = False
    try:
        for some in loop.epochs(plan.max_epochs):
            losses += some
    except KeyboardInterrupt:
        interrupted = True
    if not loop.is_finite:
        raise diverged(loop, f"training of {made.name}")
    carried = loop.now.carried
    found = {name: plain(carried[name]) for name in problem.weights}
    grew = None if interrupted else _growth(loop, problem)
    if grew:
        before, after = grew
        rate = f"learning_rate is {optimizer.learning_rate:g}; a step may be too long"
        said = f"{made.name}: the loss grew from {before:.6g} to {after:.6g}; {rate}."
        warnings.warn(said, RuntimeWarning, stacklevel=level_of_the_caller())
    return Fitted(found, losses, loop.steps_made, interrupted, grew)


def _growth(loop: Loop, problem: FitProblem) -> tuple[float, float] | None:
    """The loss before and after on the same rows, if it has grown by more than a jitter."""
    if not loop.steps_made or loop.now.bytes > SMALL:
        return None
    rows = np.arange(max(1, min(loop.count, LOOKED) // loop.size) * loop.size)
    start = {**problem.start, **loop.step.begin(problem.start)}
    before, after = (loop.loss(carried, rows) for carried in (start, loop.now.carried))
    return (before, after) if after > GREW * before + TINY else None
