"""The memory plan: where each storage lies, for how long, and what takes the place of what.

A storage is given, fixed, an output, or a piece of one arena. A piece is free again after its last
reader, and an elementwise row may write over what it has just read for the last time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.passes.planning.groups import Group, Plan
from pullback.passes.planning.views import dense

ALIGNED = 64  # bytes: a cache line, and the widest vector


@dataclass(frozen=True)
class Piece:
    """`size` bytes of the arena from `offset` on, for groups first to last."""

    offset: int
    size: int
    first: int
    last: int


@dataclass
class Memory:
    """Where storages lie: a slot of the table of addresses, or a piece of the arena."""

    slots: dict[int, int] = field(default_factory=dict)
    pieces: dict[int, Piece] = field(default_factory=dict)
    scratch: dict[int, Piece] = field(default_factory=dict)  # by group number
    inplace: dict[int, int] = field(default_factory=dict)  # storage -> the one it is written over
    bytes: int = 0


def plan_memory(plan: Plan, slots: dict[int, int]) -> Memory:
    """Pieces for every storage that has no slot. slots: of inputs, constants and outputs."""
    memory = Memory(dict(slots))
    last = _last_uses(plan)
    taken: list[Piece] = []
    for now, group in enumerate(plan.groups):
        taken = [p for p in taken if p.last >= now]
        for wire in group.writes:
            storage = plan.views[wire].storage
            if storage in memory.slots or storage in memory.pieces:
                continue
            size = max(dense(plan.circuit, storage).bytes, 1)
            over = _written_over(plan, group, wire, now, last, memory)
            if over is not None:
                old = memory.pieces[over]
                piece = Piece(old.offset, old.size, now, last.get(storage, now))
                memory.inplace[wire] = over
                taken = [p for p in taken if p is not old]
            else:
                piece = Piece(_gap(taken, size), size, now, last.get(storage, now))
            memory.pieces[storage] = piece
            taken.append(piece)
        if group.scratch:
            size = group.scratch * group.parts
            piece = Piece(_gap(taken, size), size, now, now)
            memory.scratch[group.number] = piece
            taken.append(piece)
    pieces = [*memory.pieces.values(), *memory.scratch.values()]
    memory.bytes = max((p.offset + _aligned(p.size) for p in pieces), default=0)
    return memory


def _last_uses(plan: Plan) -> dict[int, int]:
    """The number in running order of the last group that reads each storage."""
    last: dict[int, int] = {}
    for now, group in enumerate(plan.groups):
        for storage in group.reads:
            last[storage] = now
    for output in plan.circuit.outputs:
        last[plan.views[output].storage] = len(plan.groups)
    return last


def _written_over(
    plan: Plan, group: Group, wire: int, now: int, last: dict[int, int], memory: Memory
) -> int | None:
    """A storage of the same size that nobody needs after this group, which reads it in step."""
    if plan.views[wire] != dense(plan.circuit, wire):
        return None
    gone = set(memory.inplace.values())
    for storage in group.reads:
        fits = storage in memory.pieces and storage not in gone and last[storage] == now
        if fits and group.kernel.over(plan, group, wire, storage):
            return storage
    return None


def _gap(taken: Iterable[Piece], size: int) -> int:
    """The first offset at which `size` bytes are free."""
    offset = 0
    for piece in sorted(taken, key=lambda p: p.offset):
        if piece.offset - offset >= _aligned(size):
            break
        offset = max(offset, piece.offset + _aligned(piece.size))
    return offset


def first_whole(memory: np.ndarray[Any, Any]) -> int:
    """The first byte of some memory from which the widest registers load at their best."""
    return -memory.ctypes.data % ALIGNED


def _aligned(size: int) -> int:
    return -(-size // ALIGNED) * ALIGNED
