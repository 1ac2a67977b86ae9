"""explain: why is this pull what it is? One line a branch, the strongest paths, and an exact remainder.

A wire gets a pull from every gate that uses it. Each branch contributes its local slope times
the pull on that gate's output; the branches add up to the pull. Followed further, a pull is a sum
over paths to the output; there may be very many, so the strongest are listed and the rest is one line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from pullback.core.speech import expression_of
from pullback.errors import OptionError
from pullback.lens.blocked import Cause, causes_of
from pullback.lens.paths import PathLine, is_single, slope_of, strongest_paths
from pullback.lens.snapshot import Snapshot, plain, short
from pullback.lens.whole import kind_of
from pullback.lens.wire_names import find_wire
from pullback.passes.backward import Branch


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


CAUSES = 5  # that are printed
WRITTEN_OUT = 8  # digits before the point; larger numbers get a power of ten


@dataclass(frozen=True)
class Explanation:
    """Why the pull on `name` is `pull`. The branches add up to it; so do the paths and the remainder.

    is_output: the wire is what is pulled from outside. remainder is 0.0 when every path is listed;
    there are no paths where an array is on the way. causes: the gates that made a pull, or a part of
    it, 0, infinite or NaN.
    """

    name: str
    value: Any
    pull: Any
    branches: tuple[BranchLine, ...]
    paths: tuple[PathLine, ...]
    remainder: float
    is_output: bool = False
    causes: tuple[Cause, ...] = ()

    def __repr__(self) -> str:
        named = f"{self.name} = {short(self.value)}"
        if self.is_output:
            return f"{named} is the output: its grad is the force, {short(self.pull)}."
        if self.pull is None:
            return f"{named} has no grad: {self._why_not()}"
        if any(b.slope is None for b in self.branches):
            rows = [f"  {short(b.contribution)}  {b.through}" for b in self.branches]
            head = f"{named}: grad {short(self.pull)}"
            return "\n".join([head, *rows, *self._cause_lines()])
        amounts, total = adding_up([float(b.contribution) for b in self.branches], self.pull)
        rows = [
            f"  {a} = {b.slope:.4g} * {short(b.upstream)}  {b.through}"
            for a, b in zip(_aligned(amounts), self.branches, strict=True)
        ]
        head = f"{named}: grad {total}"
        return "\n".join([head, *rows, *self._cause_lines(), *self._path_lines()])

    def _cause_lines(self) -> list[str]:
        """Why parts are 0 or no numbers; of many causes the first few."""
        more = len(self.causes) - CAUSES
        lines = [f"  {cause}" for cause in self.causes[:CAUSES]]
        return [*lines, *([f"  and {more} more causes"] if more > 0 else [])]

    def _why_not(self) -> str:
        dtype = np.asarray(self.value).dtype
        if dtype.kind == "f":
            causes = "; ".join(map(str, self.causes))
            return f"{causes or 'no path leads from it to the output'}."
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
    x = -2: grad -4.000
      -4.000 = 1 * -4  the slope of x + y, times the pull on q
    """
    if paths < 0:
        raise OptionError(f"paths must be 0 or more, got {paths}.")
    wire = find_wire(run.circuit, name)
    every = run.view.back.branches.get(wire, [])
    lines = tuple(_branch_line(run, wire, b) for b in every if b.gate >= 0)
    found = strongest_paths(run, wire, paths if lines else 0)
    return Explanation(
        name=name,
        value=run.wire(wire).value,
        pull=run.grad_of(wire),
        branches=lines,
        paths=found.lines,
        remainder=found.remainder,
        is_output=not lines and bool(every),
        causes=causes_of(run, wire),
    )


def _branch_line(run: Snapshot, wire: int, branch: Branch) -> BranchLine:
    circuit = run.circuit
    row = circuit.row(branch.gate)
    assert row.gate is not None
    site = circuit.sites[int(circuit.site[branch.gate])]
    slope = slope_of(run, row, branch.position) if is_single(run, branch) else None
    return BranchLine(
        gate=expression_of(circuit, branch.gate),
        into=_name(run, branch.gate),
        slope=slope,
        upstream=run.grad_of(branch.gate),
        contribution=plain(run.values[branch.pull]),
        line=str(site) if site.file else "",
    )


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
        return [f"{p + 0.0:.{digits}g}" for p in parts], f"{total + 0.0:.{digits}g}"  # -0 is 0
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
