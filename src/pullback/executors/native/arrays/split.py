"""Which groups of a plan several threads divide among themselves, and how a product of matrices is cut.

Only what is independent is divided: elements, rows, columns, tiles, never the terms of a sum. So each
number comes of the same instructions whatever the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from pullback.executors.native.arrays import gemm
from pullback.executors.native.arrays.elementwise import ENOUGH, widest
from pullback.executors.native.arrays.fold import FOLDS
from pullback.executors.native.arrays.nest import View, lanes_for, product
from pullback.executors.native.arrays.plan import Group, Plan
from pullback.executors.native.lower import CURVES
from pullback.executors.native.pool import MOST

# Nanoseconds on one core, about. Below these, handing work out takes longer than it saves.
WORTH = 200_000  # of a whole plan
WORTH_A_GROUP = 8_000
PACKING = 8  # copying a number of a product's side costs as much as multiplying it so often

DIVIDED = {"loop", "matmul", "gather", "reshape", "concat", *FOLDS}
CURVE = 16  # additions that exp and its kin are worth


def divide(plan: Plan, threads: int) -> int:
    """Say of each group in how many parts it is done; how many threads that takes."""
    costs = [cost(plan, group) for group in plan.groups]
    if threads > 1 and sum(costs) > WORTH:
        for group, ns in zip(plan.groups, costs, strict=True):
            if group.kind in DIVIDED and ns > WORTH_A_GROUP:
                group.parts = _most_parts(plan, group, min(threads, MOST))
    return max((group.parts for group in plan.groups), default=1)


def cost(plan: Plan, group: Group) -> float:
    """About how many nanoseconds one core takes for a group."""
    if not group.rows:
        return 0.0
    curves = sum(row.gate is not None and row.gate.name in CURVES for row in group.rows)
    steps = len(group.rows) + CURVE * curves
    views = [plan.views[i] for row in group.rows for i in row.inputs]
    if group.kind == "loop":
        return product(group.shape) * steps / 8
    if group.kind == "matmul":
        inner = views[0].shape[-1]
        return product(group.shape) * (inner / (4 * lanes_for(views[0].kind)) + steps / 8)
    return views[0].size * (1 + CURVE * (group.kind in ("softmax", "logsumexp"))) / 8


class Run(NamedTuple):
    """Parts that get equally many rows or columns: `many` parts from `first` on, `size` each from `start`."""

    first: int
    many: int
    start: int
    size: int


class Cut(NamedTuple):
    """How a product is divided: along batch axis `batch`, or else each matrix along `axis`, 0 or 1."""

    batch: int
    axis: int
    runs: list[Run]


def _most_parts(plan: Plan, group: Group, threads: int) -> int:
    if group.kind != "matmul":
        return threads  # the loops themselves will tell
    kind = plan.views[group.rows[0].inputs[0]].kind
    return sum(run.many for run in cut(group.shape, kind, threads).runs)


def cut(shape: Sequence[int], kind: str, parts: int) -> Cut:
    """How the product of this shape is best divided."""
    n, k = shape[-2:]
    if parts == 1:
        return Cut(-1, 0, [Run(0, 1, 0, n)])
    if shape[:-2]:
        batch = widest(shape[:-2], parts)
        if shape[batch] >= ENOUGH * parts * -(-shape[batch] // parts):
            return Cut(batch, 0, [Run(0, parts, 0, n)])
    rows, vectors = gemm.register_tile()
    wide = vectors * lanes_for(kind)
    down = list(_runs(n, wide if k == 1 else rows, parts))
    right = list(_runs(k, wide, parts))
    by_rows = _most(down) * k + PACKING * k
    by_columns = _most(right) * n + PACKING * n
    return Cut(-1, 0, down) if by_rows <= by_columns else Cut(-1, 1, right)


def _runs(size: int, unit: int, parts: int) -> Iterator[Run]:
    """`size` rows in pieces of whole units; only the last piece may end within one.

    >>> [tuple(run) for run in _runs(50, 16, 3)]
    [(0, 1, 0, 32), (1, 1, 32, 16), (2, 1, 48, 2)]
    """
    each, more = divmod(math.ceil(size / unit), parts)
    ends = [min(size, unit * (each * p + min(more, p))) for p in range(parts + 1)]
    pieces = [(p, a, b - a) for p, (a, b) in enumerate(pairwise(ends)) if b > a]
    for length, run in groupby(pieces, lambda piece: piece[2]):
        some = list(run)
        yield Run(some[0][0], len(some), some[0][1], length)


def _most(runs: Sequence[Run]) -> int:
    return max(run.size for run in runs)


def narrowed(left: View, right: View, axis: int, size: int) -> tuple[View, View]:
    """The sides of a product of `size` rows (axis 0) or columns (1) only."""
    if axis == 0:
        return left._replace(shape=(*left.shape[:-2], size, left.shape[-1])), right
    return left, right._replace(shape=(*right.shape[:-1], size))
