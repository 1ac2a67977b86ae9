"""`f.fit(...)`: the parameters of a circuit move until its output, a loss, is small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.errors import NotFiniteError, RunError
from pullback.executors import compile_steps
from pullback.executors.reference.program import Program
from pullback.executors.reference.steps import Steps, blame
from pullback.lens.lesson import Lesson, Plan, check_has
from pullback.lens.snapshot import plain
from pullback.passes.backward import Backward
from pullback.passes.training_step import Optimizer, training_step

if TYPE_CHECKING:
    from pullback.lens.function import CircuitFunction

MANY = 1 << 12  # rows that one call of the loop may take


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
    made: CircuitFunction, values: dict[str, Any], plan: Plan, optimizer: Optimizer, **how: Any
) -> Fitted:
    """The training of `made`'s parameters on the rows of its other inputs. how: see `compile_steps`."""
    check_has("optimizer", optimizer, "at", "SGD(learning_rate=0.01)")
    return _Fit(Lesson(made, values, plan), optimizer, how).run()


class _Fit:
    """Steps for full batches and for what is left of an epoch, which hand each other the weights."""

    def __init__(self, lesson: Lesson, optimizer: Optimizer, how: dict[str, Any]) -> None:
        self.lesson, self.optimizer, self.how = lesson, optimizer, how
        weights = [lesson.values[name] for name in lesson.weights]
        starts = [optimizer.start(w) for w in weights]
        self.state: list[Any] = [*weights, *(v for start in starts for v in start.values())]
        single = lesson.back_of_one() if lesson.size == 1 else None
        self.whole = self._steps(single or lesson.backs[lesson.size])
        self.rest = self._steps(lesson.backs[lesson.rest]) if lesson.rest else None
        self.losses: list[float] = []
        self.made = 0
        self.met = np.zeros(0, np.int64)  # rows of the latest step of a portion before

    def _steps(self, back: Backward) -> Steps:
        lesson, inputs = self.lesson, back.forward.input_names
        circuit = training_step(back, [inputs.index(n) for n in lesson.weights], self.optimizer)
        names, carried = circuit.input_names, len(self.state)
        columns = [names.index(n) for n in lesson.rows]
        fixed = [n for i, n in enumerate(names[:-1]) if i >= carried and i not in columns]
        return compile_steps(
            circuit,
            carried={i: i for i in range(carried)},
            columns=columns,
            start=self.state,
            fixed=[*(lesson.values[n] for n in fixed), self.optimizer.learning_rate],
            **self.how,
        )

    def run(self) -> Fitted:
        """All epochs, some of them in one go where that makes no difference."""
        plan, count = self.lesson.plan, self.lesson.count
        together = 1 if self.rest else max(1, MANY // count)
        interrupted = False
        try:
            for first in range(1, plan.max_epochs + 1, together):
                epochs = range(first, min(first + together, plan.max_epochs + 1))
                self._epochs([plan.order(epoch, count) for epoch in epochs])
        except KeyboardInterrupt:
            interrupted = True
        values = dict(zip(self.lesson.weights, map(plain, self.state), strict=False))
        return Fitted(values, self.losses, self.made, interrupted)

    def _epochs(self, orders: Sequence[Any]) -> None:
        size, rest, count = self.lesson.size, self.lesson.rest, self.lesson.count
        rows = np.concatenate(orders)
        losses = self._portion(self.whole, rows[: len(rows) - rest]).reshape(len(orders), -1) * size
        total = losses.sum(axis=1)
        if self.rest:
            total += self._portion(self.rest, rows[-rest:]).sum() * rest
        self.losses += (total / count).tolist()

    def _portion(self, steps: Steps, rows: Any) -> Any:
        """Steps over `rows`; the loss before each. Whatever ends them, `state` is after a full step."""
        before = steps.carried = self.state
        data = [self.lesson.values[n] for n in self.lesson.rows]
        try:
            steps.run(data, rows)
        finally:
            self.state, self.made = steps.carried, self.made + steps.done
        losses = steps.records[0].astype(float)
        if not np.isfinite(losses).all():
            raise self._blamed(steps, rows) or self._diverged(steps, before, rows)
        self.met = rows[-steps.batch :]
        return losses

    def _blamed(self, steps: Steps, rows: Any) -> RunError | None:
        """What was given that is not finite itself, as far as the last two steps have met it."""
        # Two: a loss may hide from its own step what has spoilt the weights.
        lesson, done = self.lesson, rows[: steps.done * steps.batch]
        met = np.concatenate([self.met, done])[-2 * lesson.size :]
        for name, value in lesson.values.items():
            said = f"{name!r} {'starts as' if name in lesson.weights else 'is'}"
            wrong = blame(said, value, met if name in lesson.rows else None)
            if wrong:
                return wrong
        return None

    def _diverged(self, steps: Steps, before: list[Any], rows: Any) -> RunError:
        """The first wire that went bad, found by making the last step once more, checked."""
        number, size = steps.done - 1, steps.batch
        epoch = (self.made - 1) * size // self.lesson.count + 1
        steps.carried = before
        steps.run([self.lesson.values[n] for n in self.lesson.rows], rows[: number * size])
        batch = rows[number * size : (number + 1) * size]
        given = self.lesson.batch(self.lesson.values, batch[0] if steps.single else batch)
        said = f"training of {self.lesson.made.name} diverged in epoch {epoch}"
        why = f"learning_rate is {self.optimizer.learning_rate:g}; a step was too long."
        try:
            Program(steps.circuit).run(self._inputs(steps.circuit, steps.carried, given), True)
        except NotFiniteError as error:
            return RunError(f"{said}: {error.what}", why=why)
        return RunError(f"{said}: the loss is not finite.", why=why)

    def _inputs(self, circuit: Circuit, carried: list[Any], given: dict[str, Any]) -> list[Any]:
        names = circuit.input_names[len(carried) : -1]
        return [*carried, *(given[n] for n in names), self.optimizer.learning_rate]
