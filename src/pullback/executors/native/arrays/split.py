"""Which groups of a plan several threads divide among themselves.

Only what is independent is divided: elements, rows, columns, tiles, never the terms of a sum. So each
number comes of the same instructions whatever the number of threads.
"""

from __future__ import annotations

from pullback.executors.native.llvm.pool import MOST
from pullback.passes.planning.groups import Plan

# Nanoseconds on one core, about. Below these, handing work out takes longer than it saves.
WORTH = 200_000  # of a whole plan
WORTH_A_GROUP = 8_000


def divide(plan: Plan, threads: int) -> int:
    """Say of each group in how many parts it is done and what room each needs; how many threads it takes."""
    costs = [group.kernel.cost(plan, group) for group in plan.groups]
    if threads > 1 and sum(costs) > WORTH:
        for group, ns in zip(plan.groups, costs, strict=True):
            if ns > WORTH_A_GROUP:
                group.parts = group.kernel.parts(plan, group, min(threads, MOST))
    for group in plan.groups:
        group.scratch = group.kernel.scratch(plan, group)
    return max((group.parts for group in plan.groups), default=1)
