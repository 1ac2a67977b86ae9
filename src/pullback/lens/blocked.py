"""Which gate made a pull 0, infinite or NaN, and why: "relu is flat at -7", "b is 0"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.circuit import Row
from pullback.core.speech import said
from pullback.lens.snapshot import Snapshot, short
from pullback.lens.wire_names import wire_names
from pullback.passes.backward import Branch
from pullback.passes.pull import pull_inputs
from pullback.passes.rewrite import live


@dataclass(frozen=True)
class Cause:
    """A gate that made a pull `result`: 0, infinite, NaN, or None for no pull at all.

    wire: what its output is called, also t1, t2 ...; text: the reason in words; line: where the
    person's code wrote the gate.
    """

    gate: str
    wire: str
    result: float | None
    text: str
    line: str

    def __str__(self) -> str:
        head = "" if self.result is None else f"{self.result:g} because "
        return f"{head}{self.text}  {self.line}".rstrip()


def causes_of(run: Snapshot, wire: int) -> tuple[Cause, ...]:
    """The gates at which a pull turns 0, infinite or NaN on its way from the output to `wire`.

    Of several on one path the one nearest to the output: behind it there was nothing left to pull.
    """
    found = _closed(run, wire) if run.view.back.pulls[wire] < 0 else _turned(run, wire)
    names = wire_names(run.circuit) if found else []
    return tuple(_cause(run, w, names[w], *found[w]) for w in sorted(found))


def _cause(run: Snapshot, wire: int, name: str, result: float | None, text: str) -> Cause:
    row, site = run.circuit.row(wire), run.circuit.sites[int(run.circuit.site[wire])]
    assert row.gate is not None
    return Cause(row.gate.name, name, result, text, str(site) if site.file else "")


Found = dict[int, tuple[float | None, str]]  # by the wire that the gate puts out


def _turned(run: Snapshot, wire: int) -> Found:
    """Where, going back from the output, a pull turns 0, infinite or NaN."""
    found: Found = {}
    seen, waiting = {wire}, [wire]
    while waiting:
        for branch in run.view.back.branches.get(waiting.pop(), []):
            pull = np.asarray(run.values[branch.pull])
            if branch.gate < 0 or _kind(pull) == ORDINARY:
                continue
            if _kind(np.asarray(run.grad_of(branch.gate))) != _kind(pull):
                found[branch.gate] = _result(pull), _why(run, branch)
            elif branch.gate not in seen:
                seen.add(branch.gate)
                waiting.append(branch.gate)
    return found


ORDINARY, NOTHING, NOT_FINITE = range(3)


def _kind(pull: Any) -> int:
    if not np.all(np.isfinite(pull)):
        return NOT_FINITE
    return ORDINARY if np.any(pull) else NOTHING


def _result(pull: Any) -> float:
    return 0.0 if np.all(np.isfinite(pull)) else float(pull[~np.isfinite(pull)].ravel()[0])


def _closed(run: Snapshot, wire: int) -> Found:
    """Gates on the way from a wire that nothing pulls, through which nothing can pull."""
    circuit = run.circuit
    found: Found = {}
    alive, reached = live(circuit), {wire}
    for row in circuit.rows():
        if row.gate is not None and alive[row.wire] and reached.intersection(row.inputs):
            if _lets_through(run, row, [i for i, w in enumerate(row.inputs) if w in reached]):
                reached.add(row.wire)
            else:
                found[row.wire] = None, f"{said(circuit, row.wire)} passes no gradient on"
    return found


def _lets_through(run: Snapshot, row: Row, positions: list[int]) -> bool:
    gate, y = row.gate, run.values[row.wire]
    if gate is None or np.asarray(y).dtype.kind != "f":
        return False
    inputs = [run.values[i] for i in row.inputs]
    with np.errstate(all="ignore"):
        pulls = pull_inputs(gate, np.ones_like(y)[()], y, inputs, row.attributes)
    return any(pulls[i] is not None for i in positions)


def _why(run: Snapshot, branch: Branch) -> str:
    row = run.circuit.row(branch.gate)
    assert row.gate is not None
    pull = np.asarray(run.values[branch.pull])
    values = [np.asarray(run.values[i]) for i in row.inputs]
    if _kind(pull) == NOT_FINITE:
        times = f", times {short(run.grad_of(branch.gate))}"
        return f"the slope of {_taken(run, row)} is not finite{times}"
    words = WORDS.get(row.gate.name)
    told = words(_At(run, row, branch.position, values)) if words else ""
    return told or f"{row.gate.name} is flat at {_numbers(values[branch.position])}"


def _taken(run: Snapshot, row: Row) -> str:
    """The gate with its inputs and their values: `sqrt at 0`."""
    assert row.gate is not None
    shown = ", ".join(short(run.values[i]) for i in row.inputs)
    return f"{row.gate.name} at {shown}"


def _numbers(value: Any) -> str:
    return short(value[()]) if value.ndim == 0 else f"all {value.size} numbers"


@dataclass(frozen=True)
class _At:
    """An input of a gate in this run, whose slope is 0."""

    run: Snapshot
    row: Row
    position: int
    values: list[Any]

    def name(self, position: int) -> str:
        return said(self.run.circuit, self.row.inputs[position])

    @property
    def here(self) -> str:
        return _numbers(self.values[self.position])

    def is_all(self, position: int, number: float) -> bool:
        return bool(np.all(self.values[position] == number))


def _zero_beside(at: _At) -> str:
    other = 1 - at.position
    if at.is_all(other, 0.0):
        constant = at.run.circuit.is_constant(at.row.inputs[other])
        return (
            f"{at.name(at.position)} is multiplied by 0" if constant else f"{at.name(other)} is 0"
        )
    return f"the product with {at.name(other)} is too small for a number"


def _divided(at: _At) -> str:
    if at.position == 1 and at.is_all(0, 0.0):
        return f"{at.name(0)} is 0"
    return f"{at.name(1)} is so large that the quotient is flat"


def _raised(at: _At) -> str:
    flat = [i for i in (1, 0) if at.is_all(i, 0.0)]
    return f"{at.name(flat[0])} is 0" if flat else ""


def _left_out(at: _At) -> str:
    """A choice took another input."""
    assert at.row.gate is not None
    taken = {1: 2, 2: 1}[at.position] if at.row.gate.name == "where" else 1 - at.position
    return f"{at.row.gate.name} took {at.name(taken)}, not {at.name(at.position)}"


def _shut(at: _At) -> str:
    assert at.row.gate is not None
    return f"{at.row.gate.name} is flat at {at.here}"


WORDS: dict[str, Callable[[_At], str]] = {
    "relu": _shut,
    "clamp": _shut,
    "absolute": lambda at: f"absolute has its corner at {at.here}",
    "multiply": _zero_beside,
    "matmul": _zero_beside,
    "dot": _zero_beside,
    "divide": _divided,
    "power": _raised,
    "maximum": _left_out,
    "minimum": _left_out,
    "where": _left_out,
    "stop_gradient": lambda at: "stop_gradient passes no gradient on",
}
