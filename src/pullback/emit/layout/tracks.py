"""Vertical wires between two columns: which stands left of which, and how few lanes they need."""

from __future__ import annotations

from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

MERGED = 1000  # two wires drawn over each other are worse than any number of crossings


class Run:
    """One net in one gap: the heights at which it comes in and goes out."""

    __slots__ = ("bent", "high", "lefts", "low", "rights")

    def __init__(self, lefts: list[float], rights: list[float]) -> None:
        self.lefts, self.rights = lefts, rights
        heights = lefts + rights
        self.low, self.high = min(heights), max(heights)
        self.bent = self.high - self.low > 0.01


def arranged(runs: list[Run], clear: float) -> tuple[list[int], list[tuple[int, int]]]:
    """The lane of each run (-1 where it is straight), and pairs that would be drawn over each other.

    Lanes are handed out from the left (Hashimoto and Stevens 1971), in an order in which each wire
    crosses the fewest others.
    """
    lanes = [-1] * len(runs)
    bent = sorted([i for i, run in enumerate(runs) if run.bent], key=lambda i: runs[i].low)
    if _apart([runs[i] for i in bent], clear):
        for i in bent:
            lanes[i] = 0
        return lanes, []
    some = [runs[i] for i in bent]
    cost = _costs(some, clear)
    taken, merged = _lanes(some, _sequence(cost), cost >= MERGED, clear)
    for i, lane in zip(bent, taken, strict=True):
        lanes[i] = lane
    return lanes, [(bent[a], bent[b]) for a, b in merged]


def _apart(runs: list[Run], clear: float) -> bool:
    """True where no two runs, sorted by their upper ends, come near each other: one lane does for all."""
    return all(upper.high + 2 * clear <= lower.low for upper, lower in pairwise(runs))


def _costs(runs: list[Run], clear: float) -> NDArray[np.int64]:
    """cost[a, b]: the harm when a stands left of b. Crossings, and merging where heights are alike."""
    low = np.array([run.low for run in runs])
    high = np.array([run.high for run in runs])
    lefts, left_starts = _ends([run.lefts for run in runs])
    rights, right_starts = _ends([run.rights for run in runs])
    # a's way out crosses b's vertical wire; b's way in crosses a's.
    out = (low < rights[:, None]) & (rights[:, None] < high)
    into = (low < lefts[:, None]) & (lefts[:, None] < high)
    alike = np.abs(rights[:, None] - lefts) < clear
    merging = np.add.reduceat(np.add.reduceat(alike, right_starts, 0, int), left_starts, 1)
    cost: NDArray[np.int64] = merging * MERGED
    cost += np.add.reduceat(out, right_starts, 0, int)
    cost += np.add.reduceat(into, left_starts, 0, int).T
    np.fill_diagonal(cost, 0)
    return cost


def _ends(heights: list[list[float]]) -> tuple[NDArray[np.float64], list[int]]:
    """All heights in one row, and where those of each run begin."""
    starts = list(accumulate((len(some) for some in heights[:-1]), initial=0))
    return np.array([y for some in heights for y in some]), starts


def _sequence(cost: NDArray[np.int64]) -> list[int]:
    """Left to right: always the run that suffers least from standing left of all that are to come."""
    worse = np.maximum(cost - cost.T, 0).astype(float)
    harm = worse.sum(axis=1)
    sequence = []
    for _ in range(len(cost)):
        i = int(harm.argmin())
        sequence.append(i)
        harm -= worse[:, i]
        harm[i] = np.inf
    return sequence


def _lanes(
    runs: list[Run], sequence: list[int], alike: NDArray[np.bool_], clear: float
) -> tuple[list[int], list[tuple[int, int]]]:
    """Each run as far left as those before it let it; and the pairs that would merge."""
    lanes = [-1] * len(runs)
    merged = []
    done: list[tuple[float, float, int, int]] = []
    for i in sequence:
        low, high = runs[i].low - 2 * clear, runs[i].high + 2 * clear
        near = [(lane, j) for lo, hi, lane, j in done if lo < high and hi > low]
        lanes[i] = max(near)[0] + 1 if near else 0
        done.append((runs[i].low, runs[i].high, lanes[i], i))
        if alike[:, i].any():
            merged += [(j, i) for _, j in near if alike[j, i]]
    return lanes, merged
