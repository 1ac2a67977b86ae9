"""Records of a training while it runs, and the callbacks that receive them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class EpochRecord:
    """One epoch in numbers.

    epoch counts from 1. loss and accuracy are means over the training rows as the weights moved;
    the validation ones are measured after the epoch. accuracy is None where targets are no labels,
    validation is None where there are no validation rows. best: no epoch before was better on
    validation. seconds since training began. terms: what else a step shows, such as penalties, by name.
    """

    epoch: int
    loss: float
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    best: bool
    seconds: float
    terms: Mapping[str, float] = field(default_factory=dict)


class Monitor(Protocol):
    """Anything with `epoch(record)`: it is called after every epoch. It may raise KeyboardInterrupt.

    If it has `ended()`, that is called once, when the last step is made.
    """

    def epoch(self, record: EpochRecord) -> None: ...


@dataclass(frozen=True)
class Monitors:
    """Several monitors as one, told one after the other.

    >>> Monitors().epoch(EpochRecord(1, 2.3, 0.1, None, None, 0.1, True, 0.5))
    """

    listeners: tuple[Monitor, ...] = ()

    def epoch(self, record: EpochRecord) -> None:
        for listener in self.listeners:
            listener.epoch(record)

    def ended(self) -> None:
        """The last step is made."""
        for listener in self.listeners:
            if hasattr(listener, "ended"):
                listener.ended()
