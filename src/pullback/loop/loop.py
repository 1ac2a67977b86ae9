"""`Loop`: the one training loop. Steps over rows, in portions, from a state that no copy is made of.

Everything a training knows between two steps is one `TrainState`. Steps work in its arrays, and how
many were made is counted where they are made; so wherever Ctrl-C strikes, `now` is the state after
a full step.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from pullback.executors import compile_steps
from pullback.executors.reference.steps import Steps
from pullback.loop import worth
from pullback.loop.plan import Array, Plan
from pullback.loop.state import TrainState
from pullback.passes.training_step import Step

PORTION = 0.25  # seconds of steps between two looks at what they came to
MANY = 1 << 12  # rows of short epochs that one portion may take
SMALL = 1 << 24  # bytes of state of which a copy is kept from portion to portion


@dataclass(frozen=True)
class How:
    """Who makes the steps: "auto" takes machine code where that is worth compiling. threads: how many
    share a long step; any number gives the same bits."""

    executor: str = "auto"
    threads: int = 1


@dataclass(frozen=True, eq=False)
class Data:
    """What steps are given beside what is carried: columns with a row an example, and fixed values."""

    columns: Mapping[str, Array]
    fixed: Mapping[str, Any]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


class Made(NamedTuple):
    """The steps for one size of batch, and their names."""

    step: Step
    steps: Steps


class Portion(NamedTuple):
    """Steps made in one go, over which rows. at: where that began, without arrays; kept: with them,
    unless they are too large."""

    at: TrainState
    kept: TrainState | None
    made: Made
    rows: Array


class Loop:
    """A training of one objective: `epoch` and `epochs` run it, `now` is where it is.

    make: the step for a batch of so many rows. start: what the objective learns and carries, by name,
    in arrays that become the loop's own; or a state to go on from, which is copied.

    Errors: whatever a step raises; `diverged` says what went wrong when `is_finite` no longer holds.
    """

    def __init__(
        self,
        make: Callable[[int], Step],
        data: Data,
        plan: Plan,
        start: Mapping[str, Any] | TrainState,
        how: How | None = None,
    ) -> None:
        self.make, self.data, self.plan, self.how = make, data, plan, how or How()
        self.count = len(data)
        self.size = min(plan.batch_size, self.count)
        self.rest = self.count % self.size
        self.steps_an_epoch = -(-self.count // self.size)
        self._all: dict[int, Made] = {}
        first = self.step = make(self.size)
        if isinstance(start, TrainState):
            begun = start.copy()
        else:
            carried = {**start, **first.begin(start)}
            begun = TrainState({name: carried[name] for name in first.carried})
        self._at: tuple[TrainState, Made | None] = (begun, None)
        self._pace = 16  # steps a portion
        self._last: Steps | None = None  # whoever made the latest steps
        self.recent: deque[Portion] = deque(maxlen=2)
        self.is_finite = True

    @property
    def now(self) -> TrainState:
        """Where the training is: after the last full step."""
        before, made = self._at
        return self._after(before, made) if made else before

    @property
    def steps_made(self) -> int:
        """How many steps the whole training has made."""
        return self.now.epoch * self.steps_an_epoch + self.now.step

    def epoch(self) -> dict[str, float]:
        """What is left of this epoch: the mean over its rows of every shown number, by name.

        The state stays at the end of the epoch until `finish` is called.
        """
        start, whole = self.now.step * self.size, self.count - self.rest
        order = self.plan.order(self.now.epoch + 1, self.count)
        for rows in self._portions(order[start:whole]):
            self._portion(self.size, rows)
        if self.rest and self.is_finite and self.now.step < self.steps_an_epoch:
            self._portion(self.rest, order[whole:])
        return {name: total / self.count for name, total in self.now.sums.items()}

    def finish(self, **changes: Any) -> None:
        """The epoch has ended: the next one is counted from 0."""
        self._at = replace(self.now, epoch=self.now.epoch + 1, step=0, sums={}, **changes), None

    def epochs(self, count: int) -> Iterator[list[float]]:
        """So many whole epochs, short ones many at once; for each the mean loss over its rows."""
        together = 1 if self.rest else max(1, MANY // self.count)
        while count > 0 and self.is_finite:
            some = min(together, count)
            count -= some
            if some == 1:
                loss = self.epoch()[self.step.recorded[0]]
                self.finish()
                yield [loss]
            else:
                first = self.now.epoch + 1
                orders = [self.plan.order(e, self.count) for e in range(first, first + some)]
                steps = self._portion(self.size, np.concatenate(orders))
                if self.is_finite:
                    losses = steps.records[0].astype(float).reshape(some, -1)
                    yield losses.mean(axis=1).tolist()

    def loss(self, carried: Mapping[str, Any], rows: Array) -> float:
        """The mean loss over whole batches of these rows, with what is carried left as it is."""
        step, steps = self._steps(self.size, self.now)
        moving, self._last = steps.fixed, None
        steps.hold([np.array(carried[name]) for name in step.carried])
        steps.fixed = [
            0.0 if name == step.rate else x for name, x in zip(step.fixed, moving, strict=True)
        ]
        try:
            steps.run([self.data.columns[name] for name in step.columns], rows)
        finally:
            steps.fixed = moving
        losses = steps.records[0]
        return float(losses.mean()) if len(losses) * steps.batch == len(rows) else np.inf

    def inputs(self, step: Step, carried: Mapping[str, Any], rows: Array) -> list[Any]:
        """What the circuit of a step is given for these rows."""
        columns = {n: x[rows] for n, x in self.data.columns.items()}
        known = {**self._fixed(step), **columns, **carried}
        return [known[name] for name in step.circuit.input_names]

    # One portion

    def _portions(self, rows: Array) -> Iterator[Array]:
        """Slices of whole batches that each take about `PORTION` seconds, while all is finite."""
        start = 0
        while start < len(rows) and self.is_finite:
            part = rows[start : start + self._pace * self.size]
            start += len(part)
            began = time.perf_counter()
            yield part
            took = max(time.perf_counter() - began, 1e-9)
            fitting = int(len(part) // self.size * PORTION / took)
            self._pace = max(1, min(fitting, 4 * self._pace))

    def _portion(self, size: int, rows: Array) -> Steps:
        """Steps over `rows`, all of one size. Whatever ends them, `now` is after a full step."""
        before = self.now
        self._at = before, None
        made = self._steps(size, before)
        kept = before.copy() if before.bytes <= SMALL else None
        self.recent.append(Portion(replace(before, carried={}, best={}), kept, made, rows))
        same = made.steps is self._last  # then what is carried is there already
        made.steps.hold(None if same else [before.carried[name] for name in made.step.carried])
        self._at, self._last = (before, made), made.steps
        made.steps.run([self.data.columns[name] for name in made.step.columns], rows)
        self._at = self._after(before, made), None
        self.is_finite = all(np.isfinite(record).all() for record in made.steps.records)
        return made.steps

    def _after(self, before: TrainState, made: Made) -> TrainState:
        """Where the steps made since `before` have come to."""
        step, steps = made
        if not steps.done:
            return before
        epochs, at, first = 0, before.step + steps.done, 0
        if at > self.steps_an_epoch:  # several whole epochs in one go
            epochs, at = divmod(at, self.steps_an_epoch)
            first = steps.done - at
        sums = {}
        for name, record in zip(step.recorded, steps.records, strict=True):
            # Whole numbers are counts; of real ones each row has its share.
            weight = steps.batch if record.dtype.kind == "f" else 1
            sum_before = 0.0 if epochs else before.sums.get(name, 0.0)
            terms = record[first : steps.done].astype(float) * weight
            sums[name] = float(np.add.accumulate(np.append(sum_before, terms))[-1])
        return replace(
            before,
            carried=dict(zip(step.carried, steps.held, strict=True)),
            epoch=before.epoch + epochs,
            step=at,
            sums=sums,
        )

    def _steps(self, size: int, now: TrainState) -> Made:
        """The steps for batches of so many rows."""
        if size not in self._all:
            step = self.step if size == self.size else self.make(size)
            self._all[size] = Made(step, self._compiled(step, size, now))
        return self._all[size]

    def _compiled(self, step: Step, size: int, now: TrainState) -> Steps:
        carried, columns = step.positions
        many = self.plan.max_epochs * (self.count // self.size if size == self.size else 1)
        executor = self.how.executor
        if executor == "auto" and many < worth.runs(step.circuit):
            executor = "reference"
        fixed = self._fixed(step)
        return compile_steps(
            step.circuit,
            carried=carried,
            columns=columns,
            start=[now.carried[name] for name in step.carried],
            fixed=[fixed[name] for name in step.fixed],
            owned=True,
            executor=executor,
            threads=self.how.threads,
        )

    def _fixed(self, step: Step) -> dict[str, Any]:
        return {**self.data.fixed, step.rate: step.optimizer.learning_rate}
