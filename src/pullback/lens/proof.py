"""Two circuits that should be the same: how near their values and pulls are, and where they differ.

Expanding a gate keeps its mathematics but not its care for extremes, so equality is not promised but
measured: at seeded points, and at zeros, large numbers, infinities and NaN.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.emit.numerals import number
from pullback.executors import compile
from pullback.executors.reference.program import Program
from pullback.lens.gatecheck import uneven
from pullback.passes.backward import backward

POINTS = 24  # seeded ones, of three sizes
SIZES = (0.1, 1.0, 10.0)
EXTREMES = (
    0.0, -0.0, 5e-324, 1e-8, -1e-8, 40.0, -40.0, 800.0, -800.0, 1e300, -1e300, math.inf, -math.inf, math.nan,
)  # fmt: skip
ONE_BY_ONE = 8  # inputs that are each set to every extreme, beside all at once
NEAR = 1e-9  # relative; what is further apart has parted and is named
NOISE = 1e-13  # of numbers around 1
TOLD = 4  # partings that are printed


@dataclass(frozen=True)
class Proof:
    """What was compared and found. Nothing here is promised: it was measured.

    value_ulps, pull_ulps: the largest difference where the two agree, in units of the last place of
    the largest number on that wire. partings: where they do not, in words. before, after: the gates.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    points: int
    value_ulps: int
    pull_ulps: int
    partings: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether every bit was the same everywhere."""
        return not self.value_ulps and not self.pull_ulps and not self.partings

    def __repr__(self) -> str:
        said = [f"{_gates(self.before)} became {_gates(self.after)}"]
        if self.before == self.after:
            said = ["no gate changed"]
        apart = len(self.partings)
        where = f"at {self.points - apart} of {self.points} points, extremes among them"
        if self.exact:
            said.append(f"the same bits, values and pulls, {where}")
        else:
            near = f"values to {self.value_ulps} ulp, pulls to {self.pull_ulps} ulp"
            said.append(f"the same {where}: {near}")
        if apart:
            said.append(f"they differ at {apart}:")
        said += [f"  {p}" for p in self.partings[:TOLD]]
        if apart > TOLD:
            said.append(f"  and {apart - TOLD} more")
        return "\n".join(said)


def _gates(gates: tuple[str, ...]) -> str:
    shown = ", ".join(gates[:8]) or "nothing"
    return shown if len(gates) <= 8 else f"{shown} and {len(gates) - 8} more"


def prove(before: Circuit, after: Circuit) -> Proof:
    """Run both beside each other, forward and backward, and say how far they are apart."""
    one, other = _Asked(before), _Asked(after)
    names = list(before.input_names)
    points, ulps, partings = 0, [0.0, 0.0], []
    for point in _points(before):
        points += 1
        apart = [0.0, 0.0]
        parted = ""
        for (what, kind, a), (_, _, b) in zip(one.at(point), other.at(point), strict=True):
            distance = _ulps(a, b)
            if distance * np.finfo(np.asarray(a).dtype).eps > NEAR:
                parted = parted or f"{_told(names, point)}: {what} {_pair(a, b)}"
            else:
                apart[kind] = max(apart[kind], distance)
        if parted:
            partings.append(parted)
        else:
            ulps = [max(u, a) for u, a in zip(ulps, apart, strict=True)]
    gone, come = _changed(before, after)
    return Proof(gone, come, points, int(ulps[0]), int(ulps[1]), tuple(partings))


class _Asked:
    """One of the two: its outputs and pulls at a point, each with what it is."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        end = circuit.spec_of(circuit.outputs[0])
        self.force: list[Any] = []
        self.pulled: list[int] = []
        outputs = list(circuit.outputs)
        self.program: Program = compile(circuit)
        if end.dtype.kind == "f":
            back = backward(circuit)
            self.pulled = list(back.input_pulls)
            # Uneven: an even force on a softmax cancels, and only rounding would be compared.
            self.force = [uneven(end.shape, seed=3).astype(end.dtype)[()]]
            self.program = compile(back.asking([*outputs, *(p for p in self.pulled if p >= 0)]))

    def at(self, point: Sequence[Any]) -> Iterator[tuple[str, int, Any]]:
        """(what, 0 for a value and 1 for a pull, the number); only real ones."""
        circuit = self.circuit
        found = iter(self.program.run([*point, *self.force]))
        for output in circuit.outputs:
            value = next(found)
            if circuit.spec_of(output).dtype.kind == "f":
                yield "the value is", 0, value
        for wire, pull in zip(circuit.inputs, self.pulled, strict=bool(self.pulled)):
            spec = circuit.spec_of(wire)
            if spec.dtype.kind == "f":
                value = next(found) if pull >= 0 else np.zeros(spec.shape, spec.dtype)
                yield f"the pull on {circuit.names[wire]} is", 1, value


def _points(circuit: Circuit) -> Iterator[list[Any]]:
    """Seeded points of several sizes; then every input, and each alone, at every extreme."""
    specs = [circuit.spec_of(w) for w in circuit.inputs]
    generator = np.random.Generator(np.random.PCG64(29))

    def drawn(size: float) -> list[Any]:
        return [_of_kind(s, size * generator.standard_normal(s.shape)) for s in specs]

    for i in range(POINTS):
        yield drawn(SIZES[i % len(SIZES)])
    for extreme in EXTREMES:
        yield [_of_kind(s, np.full(s.shape, extreme)) for s in specs]
    alone = len(specs) > 1 or any(s.shape for s in specs)
    if alone and len(specs) <= ONE_BY_ONE:
        for at, spec in enumerate(specs):
            for extreme in EXTREMES if spec.dtype.kind == "f" else ():
                point = drawn(1.0)
                changed = np.array(point[at])
                changed.reshape(-1)[:1] = extreme
                yield [*point[:at], changed[()], *point[at + 1 :]]


def _of_kind(spec: Any, values: Any) -> Any:
    """The numbers as this input carries them; an index points at the first."""
    if spec.dtype.kind == "i":
        return np.zeros(spec.shape, spec.dtype)[()]
    with np.errstate(all="ignore"):
        return (values > 0 if spec.dtype.kind == "b" else np.asarray(values, spec.dtype))[()]


def _ulps(a: Any, b: Any) -> float:
    """The largest difference in units of the last place of the largest number here."""
    a, b = np.asarray(a), np.asarray(b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if np.all(same):
        return 0.0
    if not (np.isfinite(a[~same]).all() and np.isfinite(b[~same]).all()):
        return math.inf
    gap = float(np.max(np.abs(a[~same] - b[~same])))
    largest = float(max(np.max(np.abs(x[np.isfinite(x)]), initial=0.0) for x in (a, b)))
    if gap <= NOISE and largest <= NOISE:
        return 0.0  # what cancels to nothing leaves rounding behind
    return float(math.ceil(gap / float(np.spacing(a.dtype.type(largest)))))


def _told(names: list[str], point: Sequence[Any]) -> str:
    pairs = zip(names, point, strict=True)
    return ", ".join(f"{n} = {number(v, 3)}" for n, v in list(pairs)[:3])


def _pair(a: Any, b: Any) -> str:
    return f"{number(a)} before, {number(b)} after"


def _changed(before: Circuit, after: Circuit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The gates that went and those that came, in running order."""
    old, new = _names(before), _names(after)
    kept = {name: min(old.count(name), new.count(name)) for name in {*old, *new}}
    return _without(old, dict(kept)), _without(new, dict(kept))


def _names(circuit: Circuit) -> list[str]:
    return [row.gate.name for row in circuit.rows() if row.gate is not None]


def _without(names: list[str], kept: dict[str, int]) -> tuple[str, ...]:
    left = []
    for name in names:
        if kept[name]:
            kept[name] -= 1
        else:
            left.append(name)
    return tuple(left)
