"""explain: why is this pull what it is? One line a branch, the strongest paths, and an exact remainder.

A wire is pulled through every gate that listens to it. Each branch contributes its local slope times
the pull on that gate's output; the branches add up to the pull. Followed further, a pull is a sum
over paths to the output; there may be very many, so the strongest are listed and the rest is one line.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.circuit import Row
from pullback.lens.snapshot import Snapshot, plain, short
from pullback.passes.backward import Branch
from pullback.passes.pull import pull_inputs


@dataclass(frozen=True)
class BranchLine:
    """One branch: `contribution` = `slope` times `upstream`, the pull on `into`. Arrays have no slope."""

    gate: str
    into: str
    slope: float | None
    upstream: Any
    contribution: Any
    line: str


@dataclass(frozen=True)
class PathLine:
    """One path from the wire to the output: the wires on the way and the product of their slopes."""

    wires: tuple[str, ...]
    product: float


@dataclass(frozen=True)
class Explanation:
    """Why the pull on `name` is `pull`. The branches add up to it; so do the paths and the remainder."""

    name: str
    value: Any
    pull: Any
    branches: tuple[BranchLine, ...]
    paths: tuple[PathLine, ...]
    remainder: float

    def __repr__(self) -> str:
        if not self.branches:
            said = (
                "no path leads from it to the output" if self.pull is None else "it is the output"
            )
            return f"{self.name} = {short(self.value)} is pulled with {short(self.pull)}: {said}."
        parts = [f"{self.name} = {short(self.value)} is pulled with {short(self.pull)}"]
        return "\n".join([*parts, *self._branch_lines(), *self._path_lines()])

    def _branch_lines(self) -> list[str]:
        if any(b.slope is None for b in self.branches):
            return [
                f"  {short(b.contribution)}  through {b.into}  {b.line}".rstrip()
                for b in self.branches
            ]
        amounts = adding_up([float(b.contribution) for b in self.branches], float(self.pull))
        width = max(len(a) for a in amounts)
        return [
            f"  {a.rjust(width)} = {b.slope:.4g} * {short(b.upstream)}"
            f"   slope of {b.gate} times the pull on {b.into}  {b.line}".rstrip()
            for a, b in zip(amounts, self.branches, strict=True)
        ]

    def _path_lines(self) -> list[str]:
        if len(self.paths) < 2:
            return []
        parts = [*(p.product for p in self.paths), self.remainder]
        amounts = adding_up(parts, math.fsum(parts))
        width = max(len(a) for a in amounts)
        lines = [
            f"  {a.rjust(width)}  {' > '.join(p.wires)}"
            for a, p in zip(amounts, self.paths, strict=False)
        ]
        rest = [f"  {amounts[-1].rjust(width)}  all other paths"] if self.remainder else []
        return ["by path:", *lines, *rest]


def explain(run: Snapshot, name: str, paths: int = 5) -> Explanation:
    """Why the wire called `name` is pulled as it is in `run`; the `paths` strongest paths."""
    wire = run.circuit.find(name)
    back = run.view.back
    branches = [b for b in back.branches.get(wire, []) if b.gate >= 0]
    lines = tuple(_branch_line(run, wire, b) for b in branches)
    pull = run.grad_of(wire)
    found: list[PathLine] = []
    if lines and all(_all_scalar(run, b) for b in _reached(run, wire)):
        found = _strongest(run, wire, paths)
    rest = float(pull) - math.fsum(p.product for p in found) if found else 0.0
    if found and _path_count(run, wire) <= len(found):
        rest = 0.0  # every path is listed; what is left is rounding
    return Explanation(name, run[name].value, pull, lines, tuple(found), rest)


def _branch_line(run: Snapshot, wire: int, branch: Branch) -> BranchLine:
    circuit = run.circuit
    row = circuit.row(branch.gate)
    assert row.gate is not None
    site = circuit.sites[int(circuit.site[branch.gate])]
    slope = _slope(run, row, branch.position) if _all_scalar(run, branch) else None
    into = circuit.names[branch.gate] or row.gate.name
    contribution = plain(run.values[branch.pull])
    line = str(site) if site.file else ""
    return BranchLine(row.gate.name, into, slope, run.grad_of(branch.gate), contribution, line)


def _all_scalar(run: Snapshot, branch: Branch) -> bool:
    wires = (branch.gate, *run.circuit.row(branch.gate).inputs)
    return all(run.circuit.spec_of(w).shape == () for w in wires)


def _slope(run: Snapshot, row: Row, position: int) -> float:
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


def _strongest(run: Snapshot, wire: int, count: int) -> list[PathLine]:
    """The `count` paths with the largest products: each wire keeps its own best ways to the output."""
    back, circuit = run.view.back, run.circuit
    best: dict[int, list[tuple[float, tuple[int, ...]]]] = {}
    for at in sorted({wire, *(b.gate for b in _reached(run, wire))}, reverse=True):
        ways: list[tuple[float, tuple[int, ...]]] = []
        for branch in back.branches.get(at, []):
            if branch.gate < 0:
                ways.append((float(run.values[branch.pull]), (at,)))
            else:
                slope = _slope(run, circuit.row(branch.gate), branch.position)
                ways += [(slope * product, (at, *path)) for product, path in best[branch.gate]]
        best[at] = heapq.nlargest(count, ways, key=lambda way: abs(way[0]))
    named = [
        (p, tuple(circuit.names[w] or _gate_name(run, w) for w in path)) for p, path in best[wire]
    ]
    return [PathLine(wires, product) for product, wires in named]


def _path_count(run: Snapshot, wire: int) -> int:
    back = run.view.back
    counts: dict[int, int] = {}
    for at in sorted({wire, *(b.gate for b in _reached(run, wire))}, reverse=True):
        counts[at] = sum(1 if b.gate < 0 else counts[b.gate] for b in back.branches.get(at, []))
    return counts[wire]


def _gate_name(run: Snapshot, wire: int) -> str:
    gate = run.circuit.row(wire).gate
    return gate.name if gate else "input"


def adding_up(parts: list[float], total: float, digits: int = 4) -> list[str]:
    """`parts` printed so that the printed numbers add up to the printed total.

    All have the same last digit; what rounding lost goes to the parts that it changes least.

    >>> adding_up([1 / 3, 1 / 3, 1 / 3], 1.0)
    ['0.334', '0.333', '0.333']
    """
    largest = max((abs(p) for p in [*parts, total] if math.isfinite(p)), default=0.0)
    if not all(map(math.isfinite, [*parts, total])) or largest == 0.0:
        return [f"{p:.{digits}g}" for p in parts]
    places = digits - 1 - math.floor(math.log10(largest))
    unit = 10.0**-places
    counts = [round(p / unit) for p in parts]
    missing = round(total / unit) - sum(counts)
    by_loss = sorted(
        range(len(parts)), key=lambda i: (counts[i] - parts[i] / unit) * (1 if missing > 0 else -1)
    )
    for i in by_loss[: abs(missing)]:
        counts[i] += 1 if missing > 0 else -1
    return [
        f"{c * unit:.{max(places, 0)}f}" if places > -6 else f"{c * unit:.{digits}g}"
        for c in counts
    ]
