"""`Plan`: how long to train, in what portions, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.ranges import check_count

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Plan:
    """How long to train, with which batch size, early stopping and seed.

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
