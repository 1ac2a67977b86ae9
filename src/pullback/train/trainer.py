"""The minibatch loop: one seed gives one result, bit for bit, and an interruption loses at most one step.

Everything that training knows between two steps is one frozen `Progress`, exchanged as a whole after
each step. So wherever Ctrl-C strikes, the weights of the last full step are there.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.dtypes import INT64
from pullback.core.shapes import Spec
from pullback.errors import DataError, NotFiniteError, RunError
from pullback.executors import compile, compile_steps
from pullback.executors.reference.program import Program
from pullback.executors.reference.steps import Steps, blame
from pullback.nn.init import Array
from pullback.nn.layer import draw
from pullback.nn.options import check_count
from pullback.train.monitor import EpochRecord, Monitor, Monitors
from pullback.train.step import Task, objective, training_step

Arrays = tuple[Array, ...]
Stopped = Literal["patience", "max_epochs", "interrupted"]
FEW = 500  # steps of one shape; fewer are done sooner than machine code for them is made


class Examples(NamedTuple):
    """Rows to learn from or to be judged by: x (n, d) real, target (n,) labels or numbers."""

    x: Array
    target: Array

    def take(self, rows: Array) -> Examples:
        return Examples(self.x[rows], self.target[rows])

    @property
    def specs(self) -> tuple[Spec, Spec]:
        return Spec(self.x.shape, self.x.dtype), Spec(self.target.shape, self.target.dtype)


@dataclass(frozen=True)
class Plan:
    """How long to train, and in what portions.

    batch_size: rows a step; the last step of an epoch takes what is left. max_epochs: an upper end.
    patience: stop after so many epochs without a better validation loss. seed: of the starting
    weights and of every epoch's order.
    """

    batch_size: int = 32
    max_epochs: int = 100
    patience: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        check_count("batch_size", self.batch_size, least=1)
        check_count("max_epochs", self.max_epochs, least=0)
        check_count("patience", self.patience, least=1)
        check_count("seed", self.seed, least=0, below=2**32)

    def generator(self, epoch: int) -> np.random.Generator:
        """The randomness of one epoch, from 1; epoch 0 draws the weights. Nothing else is carried on."""
        return np.random.Generator(np.random.PCG64([self.seed, epoch]))

    def order(self, epoch: int, rows: int) -> Array:
        """The rows in this epoch's order."""
        # Sorted doubles: of a seed NumPy keeps only the bits for ever (NEP 19).
        return np.argsort(self.generator(epoch).random(rows), kind="stable")


@dataclass(frozen=True, eq=False)
class Progress:
    """All that training knows between two steps: a training that starts here goes on bit for bit.

    epoch: how many are finished; step: how many steps of the next one. loss, right: summed over
    that one's rows so far. best: the weights with the smallest validation loss so far.
    """

    weights: Arrays
    states: Arrays
    best: Arrays
    best_loss: float = math.inf
    best_epoch: int = 0
    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    right: int = 0


class Training:
    """One training: a task, a plan and rows. `run` it; `weights` are then the ones to keep."""

    def __init__(  # noqa: PLR0913 - what, how, of which rows, from where, and by whom
        self,
        task: Task,
        plan: Plan,
        train: Examples,
        validation: Examples | None = None,
        progress: Progress | None = None,
        executor: str = "auto",
        threads: int = 1,
    ) -> None:
        """`progress`: where to go on; without one the weights are drawn from the plan's seed.

        executor: who makes the steps; "auto" takes machine code where there are many. threads: how many
        share a long step; any number gives the same bits.
        """
        if not len(train.x):
            raise DataError("there are no rows to learn from.")
        self.task, self.plan, self.train, self.validation = task, plan, train, validation
        self.needs = objective(task, *train.take(np.arange(1)).specs).needs
        self.now = progress or self._start()
        self.stopped: Stopped | None = None
        self.executor, self.threads = executor, threads
        self._judges: dict[Any, Program] = {}
        self._steps: dict[int, Steps] = {}  # by rows a step
        self._recent: deque[tuple[Progress, Array]] = deque(maxlen=2)  # from where, over which rows

    @property
    def weights(self) -> dict[str, Array]:
        """By name: the best on validation; of the last full step without one or when interrupted."""
        judged = self.validation is not None and self.stopped != "interrupted"
        arrays = self.now.best if judged else self.now.weights
        return {need.name: w for need, w in zip(self.needs, arrays, strict=True)}

    def run(self, monitor: Monitor | None = None) -> Stopped:
        """Train until the plan says stop; returns why it stopped. Ctrl-C stops after a full step.

        Raises RunError when the loss or a weight is no longer finite; it names the row or the weight that
        was not from the start, else the first bad wire.
        """
        monitor, began = monitor or Monitors(), time.perf_counter()
        try:
            self.stopped = self._run(monitor, began)
        except KeyboardInterrupt:
            self.stopped = "interrupted"
        return self.stopped

    def evaluate(self, examples: Examples, weights: Sequence[Array]) -> tuple[float, float | None]:
        """Mean loss and the share of right rows (None where targets are no labels), in one go."""
        loss, *right = self._judge(examples).run([*examples, *weights])
        return float(loss), int(right[0]) / len(examples.x) if right else None

    def _run(self, monitor: Monitor, began: float) -> Stopped:
        while self.now.epoch < self.plan.max_epochs:
            self._epoch(self.plan.order(self.now.epoch + 1, len(self.train.x)))
            record, self.now = self._judged(self.now, began)
            monitor.epoch(record)
            if self.validation and self.now.epoch - self.now.best_epoch >= self.plan.patience:
                return "patience"
        return "max_epochs"

    def _epoch(self, order: Array) -> None:
        """What is left of this epoch: all full batches in one go, then the short last one."""
        size = self.plan.batch_size
        start, whole = self.now.step * size, len(order) - len(order) % size
        for rows in (order[start:whole], order[max(start, whole) :]):
            if len(rows):
                self._portion(rows)

    def _portion(self, rows: Array) -> None:
        """Steps over `rows`, all of one size. Whatever ends them, `now` is after a full step."""
        before, steps = self.now, self._begun(self.now, rows)
        self._recent.append((before, rows))
        try:
            steps.run(self.train, rows)
        finally:
            after = self._after(before, steps)
            if math.isfinite(after.loss):
                self.now = after
        if not math.isfinite(after.loss):
            raise self._diverged()

    def _start(self) -> Progress:
        dtype = self.train.x.dtype
        weights = draw(self.needs, self.plan.generator(0), dtype)
        starts = [self.task.optimizer.start(w) for w in weights]
        return Progress(weights, tuple(v for start in starts for v in start.values()), weights)

    def _begun(self, now: Progress, rows: Array) -> Steps:
        """Steps that go on from `now`, of as many rows as a batch has."""
        size = min(len(rows), self.plan.batch_size)
        if size not in self._steps:
            self._steps[size] = self._compiled(size)
        steps = self._steps[size]
        steps.carried = [*now.weights, *now.states]
        steps.fixed = [self.task.optimizer.learning_rate]
        return steps

    def _compiled(self, size: int) -> Steps:
        circuit = self._step_circuit(size)
        now, n = self.now, len(circuit.inputs) - 3
        many = self.plan.max_epochs * (len(self.train.x) // size if size else 0) >= FEW
        worth = self.executor != "auto" or (many and size == self.plan.batch_size)
        return compile_steps(
            circuit,
            carried={i: i for i in range(n)},
            columns=[n, n + 1],
            start=[*now.weights, *now.states],
            fixed=[self.task.optimizer.learning_rate],
            executor=self.executor if worth else "reference",
            threads=self.threads,
        )

    def _step_circuit(self, size: int) -> Circuit:
        x, target = self.train.take(np.arange(size)).specs
        return training_step(self.task, x, target)

    def _after(self, before: Progress, steps: Steps) -> Progress:
        """Where the steps made since `before` have come to."""
        if not steps.done:
            return before
        n, carried, loss = len(before.weights), steps.carried, before.loss
        losses, *right = [record[: steps.done] for record in steps.records]
        for one in losses.tolist():
            loss += one * steps.batch
        return replace(
            before,
            weights=tuple(carried[:n]),
            states=tuple(carried[n:]),
            step=before.step + steps.done,
            loss=loss,
            right=before.right + int(right[0].sum()) if right else 0,
        )

    def _judged(self, now: Progress, began: float) -> tuple[EpochRecord, Progress]:
        """The end of an epoch: what it came to, and where the next one starts."""
        rows, epoch = len(self.train.x), now.epoch + 1
        loss, accuracy = None, None
        if self.validation:
            loss, accuracy = self.evaluate(self.validation, now.weights)
        if not all(np.isfinite(w).all() for w in now.weights) or not math.isfinite(loss or 0.0):
            raise self._diverged()
        best_loss = min(now.best_loss, math.inf if loss is None else loss)
        best = best_loss < now.best_loss
        record = EpochRecord(
            epoch=epoch,
            loss=now.loss / rows,
            accuracy=now.right / rows if self.train.target.dtype == INT64 else None,
            validation_loss=loss,
            validation_accuracy=accuracy,
            learning_rate=float(self.task.optimizer.learning_rate),
            best=best,
            seconds=time.perf_counter() - began,
        )
        after = replace(now, epoch=epoch, step=0, loss=0.0, right=0)
        if best:
            after = replace(after, best=now.weights, best_loss=best_loss, best_epoch=epoch)
        return record, after

    def _diverged(self) -> RunError:
        """The first wire that went bad, found by making the last two steps again, checked."""
        for now, rows in self._again():
            wrong = self._blamed(now, self.train, rows)
            if wrong:
                return wrong
            batch = self.train.take(rows)
            inputs = [*now.weights, *now.states, *batch, self.task.optimizer.learning_rate]
            try:
                Program(self._step_circuit(len(rows))).run(inputs, checked=True)
            except NotFiniteError as error:
                return RunError(
                    f"training diverged in epoch {now.epoch + 1}, step {now.step + 1}: {error.what}",
                    why=f"learning_rate is {self.task.optimizer.learning_rate:g}; a step was too long.",
                )
        judged = self.validation
        wrong = self._blamed(self.now, judged, np.arange(len(judged.x))) if judged else None
        epoch = self.now.epoch + 1
        return wrong or RunError(f"after epoch {epoch} the validation loss is not finite.")

    def _blamed(self, now: Progress, examples: Examples, rows: Array) -> RunError | None:
        """What was not finite before the step from here over these rows."""
        of = "" if examples is self.train else " of the validation rows"
        starts = zip((f"{need.name!r} starts as" for need in self.needs), now.weights, strict=True)
        found = [blame(said, weight) for said, weight in starts]
        found += [blame(f"{n!r}{of} is", getattr(examples, n), rows) for n in examples._fields]
        return next(filter(None, found), None)

    def _again(self) -> Iterator[tuple[Progress, Array]]:
        """The last two steps, up to the first whose loss was not finite: from where, over which rows."""
        last: list[tuple[Progress, Array, int]] = []
        for before, rows in self._recent:
            steps = self._begun(before, rows)
            steps.run(self.train, rows)
            wrong = np.flatnonzero(~np.isfinite(steps.records[0]))
            made = int(wrong[0]) + 1 if len(wrong) else steps.done
            last += [(before, rows, n) for n in range(made)]
        for before, rows, n in last[-2:]:
            steps = self._begun(before, rows)
            size = steps.batch
            steps.run(self.train, rows[: n * size])
            yield self._after(before, steps), rows[n * size : (n + 1) * size]

    def _judge(self, examples: Examples) -> Program:
        """The objective, for rows of this shape."""
        if examples.specs not in self._judges:
            circuit = objective(self.task, *examples.specs).circuit
            self._judges[examples.specs] = compile(circuit)
        return self._judges[examples.specs]
