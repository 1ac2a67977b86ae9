"""Superinstructions of a tape: entries that often follow one another, as one.

A machine that looks at one entry after the other spends most of its time finding out what to do next.
So pairs that often stand side by side become one word, again and again (byte-pair encoding, Gage 1994).
No entry moves: every sum keeps its order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST = 256  # words that a byte can tell apart
PAGE = 4096  # entries; no word goes on from one page to the next, so work can be cut there
SAMPLE = 1 << 16  # words that are looked at for frequent pairs
RARE = 400  # a pair that is less than one in so many is not worth its code
LONGEST = 16
Words = list[tuple[int, ...]]


def words(
    tokens: NDArray[np.uint8], at: NDArray[np.int64], count: int, room: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], Words]:
    """The text of `tokens`, which stand at the entries `at`, in words: which, where, and their tokens.

    room: how many tokens the new words may have together.
    """
    found: Words = [(i,) for i in range(count)]
    if not len(tokens):
        return tokens, at, []
    begins = np.concatenate([[False], at[1:] // PAGE != at[:-1] // PAGE])  # a page
    for x, y in _frequent(tokens, begins, found, room):
        tokens, at, begins = _joined(tokens, at, begins, x, y, len(found))
        found.append(found[x] + found[y])
    used = np.flatnonzero(np.bincount(tokens, minlength=len(found)))
    renamed = np.zeros(len(found), np.uint8)
    renamed[used] = np.arange(len(used))
    return renamed[tokens], at, [found[i] for i in used]


def _frequent(
    tokens: NDArray[np.uint8], begins: NDArray[np.bool_], known: Words, room: int
) -> Sequence[tuple[int, int]]:
    """The pairs to join, in that order, learned from a part of the text."""
    pages = np.split(np.arange(len(tokens)), np.flatnonzero(begins))
    some = np.concatenate(pages[:: 1 + len(tokens) // SAMPLE])
    tokens, begins = tokens[some], begins[some]
    sizes, found = [len(word) for word in known], list[tuple[int, int]]()
    enough = max(2, len(tokens) // RARE)
    while len(sizes) < MOST:
        pairs = (tokens[:-1].astype(np.int64) * MOST + tokens[1:])[~begins[1:]]
        counts = np.bincount(pairs, minlength=MOST * MOST)
        long = np.add.outer(sizes, sizes) > min(LONGEST, room)
        table = counts.reshape(MOST, MOST)[: len(sizes), : len(sizes)]
        table[long] = 0
        x, y = divmod(int(table.argmax()), len(sizes))
        if table[x, y] < enough:
            break
        found.append((x, y))
        tokens, some, begins = _joined(tokens, some, begins, x, y, len(sizes))
        sizes.append(sizes[x] + sizes[y])
        room -= sizes[-1]
    return found


def _joined(
    tokens: NDArray[np.uint8], at: NDArray[np.int64], begins: NDArray[np.bool_],
    x: int, y: int, new: int,
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:  # fmt: skip
    """The text with each x before a y made one word."""
    first = np.flatnonzero((tokens[:-1] == x) & (tokens[1:] == y) & ~begins[1:])
    if x == y:  # x x x x is two pairs, not three
        run = np.concatenate([[0], np.cumsum(np.diff(first) != 1)])
        place = np.arange(len(first))
        first = first[(place - place[np.searchsorted(run, run)]) % 2 == 0]
    tokens = tokens.copy()
    tokens[first] = new
    kept = np.ones(len(tokens), bool)
    kept[first + 1] = False
    return tokens[kept], at[kept], begins[kept]
