"""`f.fit(...)`: the parameters of a circuit move until its output, a loss, is small."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pullback.lens.fit_problem import FitProblem, check_has
from pullback.lens.snapshot import plain
from pullback.loop.blame import diverged
from pullback.loop.loop import Data, How, Loop
from pullback.loop.plan import Plan
from pullback.passes.optimizer import Optimizer

if TYPE_CHECKING:
    from pullback.lens.function import CircuitFunction


@dataclass(frozen=True, eq=False)
class Fitted:
    """What came of a training.

    values: the parameters by name, as they are now. losses: for each whole epoch the mean over its
    rows, each before the step that it caused. steps: how many were made. interrupted: by Ctrl-C.
    """

    values: dict[str, Any]
    losses: list[float]
    steps: int
    interrupted: bool

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def __repr__(self) -> str:
        loss = f"{self.losses[-1]:.6g}" if self.losses else "unknown"
        ended = ", interrupted" if self.interrupted else ""
        return f"<Fitted {', '.join(self.values)}: loss {loss} after {self.steps} steps{ended}>"


def fit(
    made: CircuitFunction, values: dict[str, Any], plan: Plan, optimizer: Optimizer, how: How
) -> Fitted:
    """The training of `made`'s parameters on the rows of its other inputs."""
    check_has("optimizer", optimizer, "at", "SGD(learning_rate=0.01)")
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
    return Fitted(found, losses, loop.steps_made, interrupted)
