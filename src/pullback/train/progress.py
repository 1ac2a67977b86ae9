"""Progress for people: a live line on a terminal, one plain line an epoch everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pullback.train.monitor import EpochRecord, Monitor


@contextmanager
def progress(max_epochs: int, stream: TextIO | None = None) -> Iterator[Monitor]:
    """A monitor that shows how training goes, on stderr unless told otherwise."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield Lines(stream)
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=stream)) as bar:
        yield Bar(bar, bar.add_task("epoch 0", total=max_epochs))


@dataclass(frozen=True, eq=False)
class Lines:
    """One plain line an epoch."""

    stream: TextIO

    def epoch(self, record: EpochRecord) -> None:
        self.stream.write(said(record) + "\n")
        self.stream.flush()


@dataclass(frozen=True, eq=False)
class Bar:
    """One line that changes in place, with a bar up to the last epoch there can be."""

    bar: Progress
    task: TaskID

    def epoch(self, record: EpochRecord) -> None:
        self.bar.update(self.task, completed=record.epoch, description=glance(record))


def said(record: EpochRecord) -> str:
    """An epoch in a line; a star marks the best on validation so far.

    >>> said(EpochRecord(3, 0.25, 0.9, 0.3, 0.875, 0.05, True, 1.5))
    'epoch   3  loss 0.2500  accuracy 90.0 %  validation loss 0.3000  accuracy 87.5 % *'
    """
    parts = [f"epoch {record.epoch:3d}  loss {record.loss:.4f}{_percent(record.accuracy)}"]
    if record.validation_loss is not None:
        share = _percent(record.validation_accuracy)
        parts.append(f"validation loss {record.validation_loss:.4f}{share}")
    return "  ".join(parts) + " *" * record.best


def glance(record: EpochRecord) -> str:
    """An epoch in half a line: how well it does on validation, or on training without one.

    >>> glance(EpochRecord(3, 0.25, 0.9, 0.3, 0.875, 0.05, True, 1.5))
    'epoch   3  validation loss 0.3000  accuracy 87.5 %'
    """
    if record.validation_loss is None:
        return f"epoch {record.epoch:3d}  loss {record.loss:.4f}{_percent(record.accuracy)}"
    share = _percent(record.validation_accuracy)
    return f"epoch {record.epoch:3d}  validation loss {record.validation_loss:.4f}{share}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"  accuracy {share:.1%}".replace("%", " %")
