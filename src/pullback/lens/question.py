"""An answer beside the right pull: when the two are the same up to rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.lens.snapshot import Snapshot
from pullback.passes.backward import Branch

# Right answers written differently differ by rounding only; a real mistake is far larger.
TOLERANCE = 1e-7
# Of the branches' own size: what two branches that cancel may leave by rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Question:
    """One wire at several points: what was answered, and what is right."""

    wire: int
    runs: Sequence[Snapshot]
    given: Sequence[Any]

    @property
    def right(self) -> list[Any]:
        return [run.grad_of(self.wire) for run in self.runs]

    @property
    def branches(self) -> list[Branch]:
        return [b for b in self.runs[0].view.back.branches[self.wire] if b.gate >= 0]

    def is_right(self) -> bool:
        return self.answered(self.right)

    def answered(self, guess: Sequence[Any]) -> bool:
        """Whether the answer is this guess, at every point."""
        return same(self.given, guess, self.sizes)

    @property
    def sizes(self) -> list[float]:
        return [_size(run, self.branches) for run in self.runs]

    def fitted(self) -> Question:
        """The same where only axes of size 1 differ from the wire's shape: it broadcasts to the same."""
        want = np.shape(self.right[0])
        thin = [s for s in np.shape(self.given[0]) if s != 1] == [s for s in want if s != 1]
        return replace(self, given=[np.reshape(g, want) for g in self.given]) if thin else self

    def is_rounding(self) -> bool:
        """Whether answer and pull differ by no more than rounding leaves of a number such as 1 - f."""
        pairs = zip(self.given, self.right, self.sizes, strict=True)
        return all(
            np.shape(g) == np.shape(r) and bool(np.all(np.abs(g - r) <= ROUNDING * max(size, 1.0)))
            for g, r, size in pairs
        )

    def wrong_at(self) -> list[int]:
        """The points at which the answer is not right."""
        pairs = enumerate(zip(self.given, self.right, self.sizes, strict=True))
        return [i for i, (g, r, size) in pairs if not same([g], [r], [size])]


def same(given: Sequence[Any], wanted: Sequence[Any], sizes: Sequence[float] = ()) -> bool:
    """Equal up to rounding wherever `wanted` is finite, and it is finite somewhere.

    sizes: how large the numbers were that went into `wanted` at each point.
    """
    compared = False
    for i, (g, w) in enumerate(zip(given, wanted, strict=True)):
        if np.shape(g) != np.shape(w):
            return False
        g, w = np.asarray(g, float), np.asarray(w, float)
        finite = np.isfinite(w)
        room = TOLERANCE * np.abs(w[finite]) + ROUNDING * (sizes[i] if sizes else 0.0)
        if not np.all(np.abs(g[finite] - w[finite]) <= room):  # NaN is not within the room
            return False
        compared = compared or bool(finite.any())
    return compared


def _size(run: Snapshot, branches: Sequence[Branch]) -> float:
    """The largest finite number among the contributions to a pull."""
    found = [np.abs(np.asarray(run.values[b.pull], float)) for b in branches]
    return float(max((f[np.isfinite(f)].max(initial=0.0) for f in found), default=0.0))


def place_of(given: Any, expected: Any) -> tuple[int, ...]:
    """Where two arrays of one shape first differ; () for numbers, and where they do not."""
    a, b = np.asarray(given, float), np.asarray(expected, float)
    wrong = np.argwhere(~np.isclose(a, b, rtol=TOLERANCE, atol=0.0))
    return tuple(int(i) for i in wrong[0]) if a.ndim and len(wrong) else ()
