"""`TrainState`: the whole state of a training between two steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class TrainState:
    """The whole state of a training between two steps: a training that starts from it continues bit for bit.

    carried: by name, weights, what the optimizer remembers, what the net carries. epoch: how many
    are finished; step: how many steps of the next one. sums: of every shown number, over that one's
    rows so far. best: weights and states of the net with the smallest validation loss so far.

    A running training works in the arrays of its state; `copy` keeps them as they are now.
    """

    carried: Mapping[str, Any]
    epoch: int = 0
    step: int = 0
    sums: Mapping[str, float] = field(default_factory=dict)
    best: Mapping[str, Any] = field(default_factory=dict)
    best_loss: float = math.inf
    best_epoch: int = 0

    def copy(self) -> TrainState:
        """The same, in arrays of its own."""
        return replace(self, carried=copied(self.carried), best=copied(self.best))

    @property
    def is_finite(self) -> bool:
        """Whether every carried number is. Nothing is copied."""
        return all(map(_is_finite, self.carried.values()))

    @property
    def bytes(self) -> int:
        """How much memory the carried arrays take."""
        return sum(np.asarray(value).nbytes for value in self.carried.values())


def _is_finite(value: Any) -> bool:
    if np.isfinite(np.add.reduce(value, axis=None, dtype=np.float64)):
        return True  # no sum of finite float32 leaves the numbers; one of float64 may
    return bool(np.isfinite([np.min(value), np.max(value)]).all())


def copied(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Each array in memory of its own."""
    return {name: np.array(value) for name, value in arrays.items()}
