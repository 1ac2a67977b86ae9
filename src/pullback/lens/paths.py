"""The paths along which a wire is pulled: the strongest, each with the product of its slopes."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from pullback.core.circuit import Circuit, Row
from pullback.core.speech import expression_of
from pullback.lens.snapshot import Snapshot
from pullback.lens.wire_names import wire_names
from pullback.passes.backward import Branch
from pullback.passes.pull import pull_inputs

SHOWN = 12  # wires of one path that are printed; the middle of a longer one is left out


@dataclass(frozen=True)
class PathLine:
    """One path from the wire to the output: the wires on the way and the product of their slopes."""

    wires: tuple[str, ...]
    product: float

    def __str__(self) -> str:
        wires = self.wires
        if len(wires) > SHOWN:
            half = SHOWN // 2
            wires = (*wires[:half], f"{len(wires) - 2 * half} more", *wires[-half:])
        return " -> ".join(wires)


class Paths(NamedTuple):
    """The strongest paths and what the others add up to: 0.0 when every path is listed."""

    lines: tuple[PathLine, ...]
    remainder: float


def strongest_paths(run: Snapshot, wire: int, count: int) -> Paths:
    """The `count` paths with the largest products; none where an array is on the way.

    A gate that takes a wire twice is on one path, with the sum of its two slopes. An infinite or NaN
    product counts as the largest.
    """
    reached = _reached(run, wire)
    if not count or not all(is_single(run, b) for b in reached):
        return Paths((), 0.0)
    order = sorted({wire, *(b.gate for b in reached)}, reverse=True)
    found, pull = _strongest(run, order, count), run.grad_of(wire)
    if _path_count(run, order, count + 1) <= len(found):
        return Paths(tuple(found), 0.0)
    return Paths(tuple(found), _remainder(float(pull), [p.product for p in found]))


def _remainder(pull: float, listed: list[float]) -> float:
    """What the listed products leave of the pull; 0 where they are infinite as the pull is."""
    if all(map(math.isfinite, [pull, *listed])):
        return math.fsum([pull, *(-p for p in listed)])
    return 0.0 if sum(listed) == pull else math.nan


def is_single(run: Snapshot, branch: Branch) -> bool:
    """Whether only single numbers go into and out of the branch's gate."""
    wires = (branch.gate, *run.circuit.row(branch.gate).inputs)
    return all(run.circuit.spec_of(w).shape == () for w in wires)


def slope_of(run: Snapshot, row: Row, position: int) -> float:
    """d output / d input of one gate, at the numbers of this run."""
    assert row.gate is not None
    inputs = [run.values[i] for i in row.inputs]
    y = run.values[row.wire]
    with np.errstate(all="ignore"):
        pull = pull_inputs(row.gate, np.ones_like(y)[()], y, inputs, row.attributes)[position]
    return 0.0 if pull is None else float(pull)


def _reached(run: Snapshot, wire: int) -> list[Branch]:
    """Every branch on some path from `wire` to the output."""
    back, seen, found, waiting = run.view.back, {wire}, [], [wire]
    while waiting:
        for branch in back.branches.get(waiting.pop(), []):
            if branch.gate >= 0:
                found.append(branch)
                if branch.gate not in seen:
                    seen.add(branch.gate)
                    waiting.append(branch.gate)
    return found


class _Way(NamedTuple):
    """A path as a chain of cells that share their ends, so that long circuits stay cheap."""

    product: float
    wire: int
    onward: _Way | None

    @property
    def strength(self) -> float:
        return math.inf if math.isnan(self.product) else abs(self.product)


def _strongest(run: Snapshot, order: list[int], count: int) -> list[PathLine]:
    """The `count` paths with the largest products from the last of `order` to the output.

    Each wire keeps its own best ways onward. That is enough: a way that is not among a wire's best
    is beaten by `count` others however the path came there.
    """
    best: dict[int, list[_Way]] = {}
    for at in order:
        ways = [
            _Way(float(run.values[b.pull]), at, None)
            for b in run.view.back.branches.get(at, [])
            if b.gate < 0
        ]
        for gate, branches in _by_gate(run, at).items():
            ways += [_Way(_onward(run, branches, w.product), at, w) for w in best[gate]]
        best[at] = heapq.nlargest(count, ways, key=lambda way: way.strength)
    called = _Names(run.circuit)
    return [PathLine(called.along(way), way.product) for way in best[order[-1]]]


def _by_gate(run: Snapshot, wire: int) -> dict[int, list[Branch]]:
    """The branches of a wire that go into one gate together."""
    found: dict[int, list[Branch]] = {}
    for branch in run.view.back.branches.get(wire, []):
        if branch.gate >= 0:
            found.setdefault(branch.gate, []).append(branch)
    return found


def _onward(run: Snapshot, branches: list[Branch], onward: float) -> float:
    """The product of a path that goes through these branches, all into one gate."""
    return sum(_times(run, branch, onward) for branch in branches)


def _times(run: Snapshot, branch: Branch, onward: float) -> float:
    """Infinity times 0 is NaN here where it is in the pull: not on the side that a choice left."""
    product = slope_of(run, run.circuit.row(branch.gate), branch.position) * onward
    masked = math.isnan(product) and not np.isnan(run.values[branch.pull])
    return 0.0 if masked else product


def _path_count(run: Snapshot, order: list[int], most: int) -> int:
    """How many paths there are, counted up to `most`: there may be more than atoms."""
    counts: dict[int, int] = {}
    for at in order:
        ends = any(b.gate < 0 for b in run.view.back.branches.get(at, []))
        counts[at] = min(most, ends + sum(counts[gate] for gate in _by_gate(run, at)))
    return counts[order[-1]]


class _Names:
    """Wires by name, else by what makes them; of two that read the same, by t1, t2 ... too."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit

    def along(self, way: _Way | None) -> tuple[str, ...]:
        names = []
        while way:
            names.append(self.circuit.names[way.wire] or self._unnamed(way.wire))
            way = way.onward
        return tuple(names)

    def _unnamed(self, wire: int) -> str:
        text = self._made[wire]
        return f"{text} ({self._numbered[wire]})" if self._often[text] > 1 else text

    @cached_property
    def _made(self) -> dict[int, str]:
        circuit = self.circuit
        rows = (r for r in circuit.rows() if r.gate is not None and not circuit.names[r.wire])
        return {row.wire: expression_of(circuit, row.wire) for row in rows}

    @cached_property
    def _often(self) -> Counter[str]:
        return Counter(self._made.values())

    @cached_property
    def _numbered(self) -> list[str]:
        return wire_names(self.circuit)
