"""The order of a tape's entries: gates of one kind side by side, where they follow no pattern.

A machine that cannot guess which gate comes next waits at each one. A gate may move as long as it stays
behind its inputs, and behind those that listened to them before: then each pull is still the same sum,
added up in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 16  # gates at a time; the first ones tell whether it is worth it


def grouped(
    kind: NDArray[np.int64], gates: NDArray[np.int64], wires: Sequence[NDArray[np.int64]], least: float
) -> NDArray[np.int64] | None:  # fmt: skip
    """The order in which gates of a kind stand side by side; None where they come in runs below `least`.

    kind: of each gate. gates: their wires. wires: those they listen to, four columns, -1 for none.
    """
    kinds = int(kind.max(initial=0)) + 1
    given = [np.where(column < 0, wires[0], column) for column in wires]
    heard = [0] * (int(gates.max(initial=0)) + 1)
    groups = np.zeros_like(kind)
    for start in range(0, len(gates), BLOCK):
        part = slice(start, start + BLOCK)
        columns = [column[part].tolist() for column in (kind, gates, *given)]
        found = _groups(columns, kinds, heard)
        if start == 0 and len(found) < least * len(set(found)):
            return None
        groups[part] = found
    return np.argsort(groups, kind="stable")


def _groups(columns: Sequence[list[int]], kinds: int, heard: list[int]) -> list[int]:
    """The group of each gate: the first of its kind that is not before those it has to stay behind.

    Groups of kind k are numbered k, k + kinds, k + 2 kinds ... heard: the group of the last gate that
    made or listened to each wire.
    """
    found = []
    for kind, gate, x, y, z, w in zip(*columns, strict=True):
        after = max(heard[x], heard[y], heard[z], heard[w])
        group = after + (kind - after) % kinds
        heard[x] = heard[y] = heard[z] = heard[w] = heard[gate] = group
        found.append(group)
    return found
