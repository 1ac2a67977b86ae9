"""explain: why is this pull what it is? One line a branch, the strongest paths, and an exact remainder.

A wire is pulled through every gate that listens to it. Each branch contributes its local slope times
the pull on that gate's output; the branches add up to the pull. Followed further, a pull is a sum
over paths to the output; there may be very many, so the strongest are listed and the rest is one line.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from pullback.core.circuit import Row
from pullback.core.speech import expression_of
from pullback.errors import OptionError
from pullback.lens.snapshot import Snapshot, plain, short
from pullback.lens.whole import kind_of
from pullback.passes.backward import Branch
from pullback.passes.pull import pull_inputs


@dataclass(frozen=True)
class BranchLine:
    """One branch: `contribution` = `slope` times `upstream`, the pull on `into`. Arrays have no slope.

    gate: the expression that makes `into`; line: where the person's code wrote it.
    """

    gate: str
    into: str
    slope: float | None
    upstream: Any
    contribution: Any
    line: str

    @property
    def through(self) -> str:
        """The branch in words."""
        if self.slope is None:
            made = "" if self.gate == self.into else f" = {self.gate}"
            return f"through {self.into}{made}  {self.line}".rstrip()
        return f"the slope of {self.gate}, times the pull on {self.into}  {self.line}".rstrip()


WRITTEN_OUT = 8  # digits before the point; larger numbers get a power of ten
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


@dataclass(frozen=True)
class Explanation:
    """Why the pull on `name` is `pull`. The branches add up to it; so do the paths and the remainder.

    is_output: the wire is what is pulled from outside. remainder is 0.0 when every path is listed;
    there are no paths where an array is on the way.
    """

    name: str
    value: Any
    pull: Any
    branches: tuple[BranchLine, ...]
    paths: tuple[PathLine, ...]
    remainder: float
    is_output: bool = False

    def __repr__(self) -> str:
        named = f"{self.name} = {short(self.value)}"
        if self.is_output:
            return f"{named} is the output: it is pulled with {short(self.pull)} from outside."
        if self.pull is None:
            return f"{named} is not pulled: {self._why_not()}"
        if any(b.slope is None for b in self.branches):
            rows = [f"  {short(b.contribution)}  {b.through}" for b in self.branches]
            return "\n".join([f"{named} is pulled with {short(self.pull)}", *rows])
        amounts, total = adding_up([float(b.contribution) for b in self.branches], self.pull)
        rows = [
            f"  {a} = {b.slope:.4g} * {short(b.upstream)}  {b.through}"
            for a, b in zip(_aligned(amounts), self.branches, strict=True)
        ]
        return "\n".join([f"{named} is pulled with {total}", *rows, *self._path_lines()])

    def _why_not(self) -> str:
        dtype = np.asarray(self.value).dtype
        if dtype.kind == "f":
            return "no path leads from it to the output."
        said = f"it holds {kind_of(dtype)}, and only real numbers are pulled."
        return f"{said}\n  Try: {self.name}.astype(float)" if dtype.kind == "i" else said

    def _path_lines(self) -> list[str]:
        if len(self.paths) < 2 or (
            not self.remainder and all(len(p.wires) == 2 for p in self.paths)
        ):
            return []  # the branches have said it all
        amounts, _ = adding_up([*(p.product for p in self.paths), self.remainder], self.pull)
        told = [*map(str, self.paths), "all other paths"]
        lines = [f"  {a}  {said}" for a, said in zip(_aligned(amounts), told, strict=True)]
        return ["by path:", *(lines if self.remainder else lines[:-1])]


def _aligned(amounts: list[str]) -> list[str]:
    width = max(map(len, amounts))
    return [a.rjust(width) for a in amounts]


def explain(run: Snapshot, name: str, paths: int = 5) -> Explanation:
    """Why the wire called `name` is pulled as it is in `run`; the `paths` strongest paths.

    Raises UnknownName for a name that no wire has.

    >>> from pullback.lens.function import circuit
    >>> explain(circuit("q = x + y; f = q * z").run(-2, 5, -4), "x")
    x = -2 is pulled with -4.000
      -4.000 = 1 * -4  the slope of x + y, times the pull on q
    """
    if paths < 0:
        raise OptionError(f"paths={paths}; it is 0 or more.")
    wire = run.circuit.find(name)
    every = run.view.back.branches.get(wire, [])
    lines = tuple(_branch_line(run, wire, b) for b in every if b.gate >= 0)
    pull, found, rest = run.grad_of(wire), [], 0.0
    reached = _reached(run, wire)
    if lines and paths and all(_all_scalar(run, b) for b in reached):
        order = sorted({wire, *(b.gate for b in reached)}, reverse=True)
        found = _strongest(run, order, paths)
        if _path_count(run, order, paths + 1) > len(found):
            rest = math.fsum([float(pull), *(-p.product for p in found)])
    value = run[name].value
    return Explanation(name, value, pull, lines, tuple(found), rest, not lines and bool(every))


def _branch_line(run: Snapshot, wire: int, branch: Branch) -> BranchLine:
    circuit = run.circuit
    row = circuit.row(branch.gate)
    assert row.gate is not None
    site = circuit.sites[int(circuit.site[branch.gate])]
    slope = slope_of(run, row, branch.position) if _all_scalar(run, branch) else None
    return BranchLine(
        gate=expression_of(circuit, branch.gate),
        into=_name(run, branch.gate),
        slope=slope,
        upstream=run.grad_of(branch.gate),
        contribution=plain(run.values[branch.pull]),
        line=str(site) if site.file else "",
    )


def _all_scalar(run: Snapshot, branch: Branch) -> bool:
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


def _strongest(run: Snapshot, order: list[int], count: int) -> list[PathLine]:
    """The `count` paths with the largest products from the last of `order` to the output.

    Each wire keeps its own best ways onward. That is enough: a way that is not among a wire's best
    is beaten by `count` others however the path came there.
    """
    best: dict[int, list[_Way]] = {}
    for at in order:
        ways: list[_Way] = []
        for branch in run.view.back.branches.get(at, []):
            if branch.gate < 0:
                ways.append(_Way(float(run.values[branch.pull]), at, None))
            else:
                slope = slope_of(run, run.circuit.row(branch.gate), branch.position)
                ways += [_Way(_times(slope, w.product), at, w) for w in best[branch.gate]]
        best[at] = heapq.nlargest(count, ways, key=lambda way: abs(way.product))
    return [PathLine(_wires(run, way), way.product) for way in best[order[-1]]]


def _times(slope: float, onward: float) -> float:
    """Where nothing pulls, an infinite slope changes nothing."""
    return 0.0 if onward == 0.0 else slope * onward


def _wires(run: Snapshot, way: _Way | None) -> tuple[str, ...]:
    names = []
    while way:
        names.append(_name(run, way.wire))
        way = way.onward
    return tuple(names)


def _path_count(run: Snapshot, order: list[int], most: int) -> int:
    """How many paths there are, counted up to `most`: there may be more than atoms."""
    counts: dict[int, int] = {}
    for at in order:
        branches = run.view.back.branches.get(at, [])
        counts[at] = min(most, sum(1 if b.gate < 0 else counts[b.gate] for b in branches))
    return counts[order[-1]]


def _name(run: Snapshot, wire: int) -> str:
    return run.circuit.names[wire] or expression_of(run.circuit, wire)


def adding_up(parts: list[float], total: float, digits: int = 4) -> tuple[list[str], str]:
    """`parts` and their `total` printed so that the printed numbers add up exactly.

    All have the same last digit, fine enough for `digits` of the largest and of the total; what
    rounding lost goes to the parts that it changes least. Infinite numbers are printed as they are.

    >>> adding_up([1 / 3, 1 / 3, 1 / 3], 1.0)
    (['0.334', '0.333', '0.333'], '1.000')
    """
    total = float(total)
    if not all(map(math.isfinite, [*parts, total])) or not any([*parts, total]):
        return [f"{p:.{digits}g}" for p in parts], f"{total:.{digits}g}"
    top = _exponent(max(abs(p) for p in [*parts, total]))
    # Of parts that cancel, show more digits; beyond 15 there is only rounding.
    fine = max(_exponent(total) if total else top, top - 15 + digits) - digits + 1
    if -5 < top < WRITTEN_OUT:
        fine = min(fine, 0)  # 100010 is not written 100000: nobody sees that its zeros are rounding
    unit = Decimal(1).scaleb(fine)
    counts = [_rounded(p, unit) for p in parts]
    goal = _rounded(total, unit)
    _settle(counts, [Decimal(p) / unit for p in parts], goal)
    return [_printed(c, fine, top) for c in counts], _printed(goal, fine, top)


def _exponent(number: float) -> int:
    return Decimal(number).adjusted()


def _rounded(number: float, unit: Decimal) -> int:
    return int((Decimal(number) / unit).to_integral_value())


def _settle(counts: list[int], exact: list[Decimal], goal: int) -> None:
    """Move counts by one, those first that rounding moved the other way, until they add up to `goal`."""
    missing = goal - sum(counts)
    sign = 1 if missing > 0 else -1
    order = sorted(range(len(counts)), key=lambda i: sign * (counts[i] - exact[i]))
    for step in range(abs(missing)):
        counts[order[step % len(order)]] += sign


def _printed(count: int, fine: int, top: int) -> str:
    """`count` units of 10**fine; with a common power of ten where plain digits would be many."""
    if -5 < top < WRITTEN_OUT:
        return f"{Decimal(count).scaleb(fine):.{max(-fine, 0)}f}"
    return f"{Decimal(count).scaleb(fine - top):.{max(top - fine, 0)}f}e{top:+03d}"
