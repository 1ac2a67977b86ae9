"""Finding the same few gates again and again in a long circuit: unrolled loops, rows of neurons."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pullback.core.circuit import Circuit

LONGEST = 64  # the longest period looked for
FEWEST = 4  # repetitions worth folding
RUNS = 12  # boxes for what does not repeat
FAR = 1 << 20  # in place of a distance beyond any period


class Stretch(NamedTuple):
    """Members start..stop of the running order. period: how many repeat, 0 when none do."""

    start: int
    stop: int
    period: int


def stretches(circuit: Circuit, members: list[int]) -> list[Stretch]:
    """The running order in a few stretches: repeated ones as long as possible, the rest in equal runs.

    members: a row for each thing in running order.
    """
    tokens = _tokens(circuit, members)
    done: list[Stretch] = []
    waiting = [(0, len(members))]
    while waiting:
        start, stop = waiting.pop()
        found = _longest(tokens[start:stop], start)
        if found is None:
            done.append(Stretch(start, stop, 0))
        else:
            done.append(found)
            waiting += [(a, b) for a, b in ((start, found.start), (found.stop, stop)) if b > a]
    return [run for stretch in sorted(done) for run in _runs(stretch, len(members))]


def _tokens(circuit: Circuit, members: list[int]) -> NDArray[np.int64]:
    """A number for what each member does and how far back it listens: equal when it does the same."""
    place = {row: i for i, row in enumerate(members)}
    known: dict[tuple[int, ...], int] = {}
    tokens = []
    for i, row in enumerate(members):
        back = [i - place[w] if w in place else -1 for w in circuit.row(row).inputs]
        key = (
            int(circuit.op[row]),
            int(circuit.attribute[row]),
            *(d if d <= LONGEST else FAR for d in back),
        )
        tokens.append(known.setdefault(key, len(known)))
    return np.array(tokens, np.int64)


def _longest(tokens: NDArray[np.int64], start: int) -> Stretch | None:
    """The stretch in which the same tokens repeat that covers most; the shortest period among equals."""
    best: Stretch | None = None
    for period in range(1, min(LONGEST, len(tokens) // FEWEST) + 1):
        same = np.concatenate([[False], tokens[period:] == tokens[:-period], [False]])
        edges = np.nonzero(same[1:] != same[:-1])[0].reshape(-1, 2)
        if not len(edges):
            continue
        lengths = edges[:, 1] - edges[:, 0]
        at = int(lengths.argmax())
        times = int(lengths[at]) // period + 1
        if times >= FEWEST and (best is None or times * period > best.stop - best.start):
            first = start + int(edges[at, 0])
            best = Stretch(first, first + times * period, period)
    return best


def _runs(stretch: Stretch, total: int) -> list[Stretch]:
    """A stretch without repetition in as many equal runs as its share of the circuit deserves."""
    start, stop, period = stretch
    size = stop - start
    if period or size <= 6:
        return [stretch] if period else [Stretch(i, i + 1, 0) for i in range(start, stop)]
    count = max(1, round(RUNS * size / total))
    cuts = [start + size * i // count for i in range(count + 1)]
    return [Stretch(a, b, 0) for a, b in pairwise(cuts)]
