"""`Training`: a task trained on rows and evaluated on others, reproducible bit for bit by its seed."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.shapes import Spec
from pullback.errors import DataError, RunError
from pullback.loop.blame import blamed_rows, diverged
from pullback.loop.loop import Data, How, Loop
from pullback.loop.plan import Plan
from pullback.loop.rows import ByRows
from pullback.loop.state import TrainState, copied
from pullback.nn.context import draw
from pullback.nn.init import Array
from pullback.passes.training_step import Step
from pullback.train.monitor import EpochRecord, Monitor, Monitors
from pullback.train.step import Task, evaluation, objective, training_step

Stopped = Literal["patience", "max_epochs", "interrupted"]


class Examples(NamedTuple):
    """Rows for training or evaluation: x (n, d) real, target (n,) labels or numbers."""

    x: Array
    target: Array

    def take(self, rows: Array) -> Examples:
        return Examples(self.x[rows], self.target[rows])

    def specs(self, rows: int) -> tuple[Spec, Spec]:
        """Those of so many rows."""
        x, target = self
        return Spec((rows, *x.shape[1:]), x.dtype), Spec((rows, *target.shape[1:]), target.dtype)


class Training:
    """One training: a task, a plan and rows. `run` it; `weights` are then the ones to keep."""

    def __init__(  # noqa: PLR0913 - what, how, of which rows, from where, and by whom
        self,
        task: Task,
        plan: Plan,
        train: Examples,
        validation: Examples | None = None,
        state: TrainState | None = None,
        executor: str = "auto",
        threads: int = 1,
    ) -> None:
        """`state`: where to go on; without one the weights are drawn from the plan's seed.

        executor: who makes the steps; "auto" takes machine code where that is worth compiling. threads:
        how many share a long step; any number gives the same bits.
        """
        if not len(train.x):
            raise DataError("there are no rows to learn from.")
        self.task, self.plan, self.train, self.validation = task, plan, train, validation
        self.needs = objective(task, *train.specs(1)).needs
        self.stopped: Stopped | None = None
        start = state or draw(self.needs, plan.generator(0))
        data = Data(train._asdict(), {})
        self.loop = Loop(self._step, data, plan, start, How(executor, threads))
        self._judge = ByRows(self._evaluation, executor)

    @property
    def now(self) -> TrainState:
        """Where the training is, after the last full step. It works in these arrays."""
        return self.loop.now

    @property
    def weights(self) -> dict[str, Array]:
        """What the net needs, by name: the best on validation; of the last full step without one or
        when interrupted."""
        best = self.now.best if self.stopped != "interrupted" else {}
        return {need.name: (best or self.now.carried)[need.name] for need in self.needs}

    def run(self, monitor: Monitor | None = None) -> Stopped:
        """Train until the plan says stop; returns why it stopped. Ctrl-C stops after a full step.

        Raises RunError when the loss or a weight is no longer finite; it names the row or the weight that
        was not from the start, else the first bad wire.
        """
        monitor, began = Monitors((monitor,) if monitor else ()), time.perf_counter()
        try:
            self.stopped = self._run(monitor, began)
        except KeyboardInterrupt:
            self.stopped = "interrupted"
        monitor.ended()
        return self.stopped

    def evaluate(
        self, examples: Examples, weights: Mapping[str, Any] | None = None, times: int = 1
    ) -> tuple[float, float | None]:
        """Mean loss and the share of right rows (None where targets are no labels).

        weights: those to keep if none are given. times: how often it will be asked.
        """
        losses, *right = self._judge.run(examples._asdict(), weights or self.weights, times)
        loss = float(losses.mean(dtype=np.float64))
        return loss, float(right[0].mean()) if right else None

    def _run(self, monitor: Monitor, began: float) -> Stopped:
        while self.now.epoch < self.plan.max_epochs:
            means = self.loop.epoch()
            monitor.epoch(self._judged(means, began))
            if self.validation and self.now.epoch - self.now.best_epoch >= self.plan.patience:
                return "patience"
        return "max_epochs"

    def _judged(self, means: dict[str, float], began: float) -> EpochRecord:
        """The end of an epoch: what it came to; and where the next one starts."""
        now, loss, accuracy = self.now, None, None
        if self.loop.is_finite and self.validation:
            given = {need.name: now.carried[need.name] for need in self.needs}
            loss, accuracy = self.evaluate(self.validation, given, self.plan.max_epochs)
        self._check_finite(loss or 0.0)
        best = loss is not None and loss < now.best_loss
        record = EpochRecord(
            epoch=now.epoch + 1,
            loss=means.pop("loss"),
            accuracy=means.pop("right", None),
            validation_loss=loss,
            validation_accuracy=accuracy,
            learning_rate=float(self.task.optimizer.learning_rate),
            best=best,
            seconds=time.perf_counter() - began,
            terms=means,
        )
        changes: dict[str, Any] = {}
        if best:
            changes = {"best": copied(given), "best_loss": loss, "best_epoch": now.epoch + 1}
        self.loop.finish(**changes)
        return record

    def _check_finite(self, loss: float) -> None:
        if self.loop.is_finite and math.isfinite(loss) and self.now.is_finite:
            return
        judged = self.validation
        wrong: RunError | None = None
        if self.loop.is_finite and judged and not math.isfinite(loss):
            every = np.arange(len(judged.x))
            wrong = blamed_rows(judged._asdict(), every, " of the validation rows")
        raise wrong or diverged(self.loop)

    def _step(self, rows: int) -> Step:
        return training_step(self.task, *self.train.specs(rows))

    def _evaluation(self, rows: int) -> Circuit:
        return evaluation(self.task, *self.train.specs(rows)).circuit
