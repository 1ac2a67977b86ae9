"""`f.card("q", ...)`: everything about the gate that computes one wire, on one card.

Its rule in words, its formulas with the author's names, the numbers of this run, what is answered at
corners, and what it costs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.gate import Gate
from pullback.core.names import unique
from pullback.core.speech import expression_of
from pullback.core.wire import Wire
from pullback.errors import CircuitError
from pullback.executors import compile
from pullback.lens.conventions import CONVENTIONS, Convention
from pullback.lens.cost import Cost, empty_program, measured
from pullback.lens.paths import slope_of
from pullback.lens.snapshot import Snapshot, plain, short
from pullback.lens.wire_names import find_wire, wire_names
from pullback.passes.pull import pull_inputs
from pullback.passes.tidy import tidy

FLOWS = {
    "distributes": "It passes its pull on to every input.",
    "routes": "It sends its pull to the chosen input alone.",
    "swaps": "It pulls each input with the other's value.",
}
MOST_NOTES = 6
Run = tuple[str, str]  # ink, text


@dataclass(frozen=True)
class Port:
    """One input: `contribution` = `slope` times the pull from above; an array has no one slope.

    made: what computes an input without a name. formula: the contribution with the author's names, as
    `dx += dq`; `+=` where the wire has other branches too. total: the whole pull on the wire. None
    where nothing pulls.
    """

    name: str
    made: str
    value: Any
    formula: str
    slope: float | None
    contribution: Any
    total: Any


@dataclass(frozen=True)
class Card:
    """One gate in one run. `cost` is measured when it is first looked at, which printing does."""

    wire: str
    gate: str
    made: str
    value: Any
    pull: Any
    line: str
    rule: str
    ports: tuple[Port, ...]
    notes: tuple[str, ...]
    measure: Callable[[], Cost | None] = field(repr=False, compare=False)

    @cached_property
    def cost(self) -> Cost | None:
        """What forward and backward take here; None for a gate that nothing can pull through."""
        return self.measure()

    def rows(self) -> list[list[Run]]:
        """The card as lines of (ink, text)."""
        head: list[Run] = [("title", f"{self.wire} = {self.made}"), ("", " = ")]
        head += [("value", summary(self.value)), ("note", f"  {self.gate}  {self.line}".rstrip())]
        rows = [head, [("", self.rule)], *self._table()]
        rows += [[("note", note)] for note in self.notes]
        return [*rows, [("note", f"cost here: {self.cost}")]] if self.cost else rows

    def _table(self) -> list[list[Run]]:
        if not self.ports:
            return []
        above = summary(self.pull)
        names = [f"{p.name} = {p.made}" if p.made else p.name for p in self.ports]
        columns = [("name", names, "input")]
        columns.append(("value", [summary(p.value) for p in self.ports], "value"))
        if all(p.slope is not None for p in self.ports):
            columns.append(("", [short(p.slope) for p in self.ports], "slope"))
            columns.append(("pull", [above] * len(self.ports), f"* pull on {self.wire}"))
        columns.append(("pull", [summary(p.contribution) for p in self.ports], "= adds"))
        columns.append(("name", [p.formula for p in self.ports], "formula"))
        if any("+=" in p.formula for p in self.ports):
            columns.append(("pull", [summary(p.total) for p in self.ports], "in all"))
        sized = [(ink, [head, *cells]) for ink, cells, head in columns]
        widths = [max(map(len, cells)) for _, cells in sized]
        return [
            [
                (ink if at else "note", _cell(cells[at], width, ink))
                for (ink, cells), width in zip(sized, widths, strict=True)
            ]
            for at in range(len(self.ports) + 1)
        ]

    def __str__(self) -> str:
        return "\n".join("".join(text for _, text in row).rstrip() for row in self.rows())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def as_dict(self) -> dict[str, Any]:
        """The card as plain data; arrays by shape, min, mean and max."""
        ports = [
            dataclasses.asdict(p)
            | {k: numbers_of(getattr(p, k)) for k in ("value", "contribution", "total")}
            for p in self.ports
        ]
        kept = {k: getattr(self, k) for k in ("wire", "gate", "made", "line", "rule", "notes")}
        cost = dataclasses.asdict(self.cost) if self.cost else None
        numbers = {"value": numbers_of(self.value), "pull": numbers_of(self.pull)}
        return {**kept, **numbers, "inputs": ports, "cost": cost}


def _cell(text: str, width: int, ink: str) -> str:
    return (text.ljust(width) if ink == "name" else text.rjust(width)) + "  "


def card(run: Snapshot, name: str) -> Card:
    """The card of the gate that computes the wire called `name`.

    >>> from pullback.lens.function import circuit
    >>> told = card(circuit("q = x + y; f = q * z").run(-2, 5, -4), "q")
    >>> told.made, told.rule
    ('x + y', 'y = a + b. The pull on both inputs is the pull on the output.')
    >>> [(p.formula, p.slope, p.contribution) for p in told.ports]
    [('dx = dq', 1.0, -4.0), ('dy = dq', 1.0, -4.0)]
    """
    circuit = run.circuit
    wire = find_wire(circuit, name)
    row = circuit.row(wire)
    if row.gate is None:
        raise CircuitError(f"'{name}' is an input: no gate computes it.", fix=_listeners(run, wire))
    site = circuit.sites[int(circuit.site[wire])]
    alone = _Alone(circuit, row)
    return Card(
        wire=name,
        gate=row.gate.name,
        made=expression_of(circuit, wire),
        value=plain(run.values[wire]),
        pull=run.grad_of(wire),
        line=str(site) if site.file else "",
        rule=_rule(row.gate),
        ports=_ports(run, row, alone),
        notes=tuple(_notes(run, row)),
        measure=lambda: _cost(run, row, alone),
    )


def _listeners(run: Snapshot, wire: int) -> str:
    names = [run.circuit.names[r.wire] for r in run.circuit.rows() if wire in r.inputs]
    return next((f"the card of {n!r}, which has it as input" for n in names if n), "another wire")


def _rule(gate: Gate) -> str:
    """The gate's own manual, and how it passes its pull on where the manual does not say."""
    words = " ".join((gate.__doc__ or gate.name).partition(">>>")[0].split())
    return words if "pull" in words else f"{words} {FLOWS.get(gate.pattern, '')}".strip()


class _Alone:
    """The gate cut out of its circuit: forward, and its pull rule on wires with the author's names."""

    def __init__(self, circuit: Circuit, row: Row) -> None:
        assert row.gate is not None
        self.gate, self.row = row.gate, row
        self.names = wire_names(circuit)
        self.inputs = [i for i in dict.fromkeys(row.inputs) if not circuit.is_constant(i)]
        self.circuit = circuit

    def forward(self) -> Circuit:
        """The inputs, then the gate."""
        builder = Builder()
        given = self._given(builder)
        inputs = [given[i] for i in self.row.inputs]
        return builder.finish([builder.apply(self.gate, inputs, self.row.attributes)])

    def backward(self) -> tuple[Circuit, list[int]]:
        """(the pull from above, the output, the inputs) -> the pulls, and the ports that have one."""
        builder, circuit, row = Builder(), self.circuit, self.row
        spec, name = circuit.spec_of(row.wire), self.names[row.wire]
        taken = {self.names[i] for i in self.inputs} | {name}
        dy, y = builder.input(spec, unique(f"d{name}", taken)), builder.input(spec, name)
        given = self._given(builder)
        inputs = [given[i] for i in row.inputs]
        with builder.nowhere():  # wires of the rule must not be called after variables of ours
            pulls = pull_inputs(self.gate, dy, y, inputs, row.attributes) if self.pulled else []
        real = [circuit.spec_of(i).dtype.kind == "f" for i in row.inputs]
        ports = [
            at
            for at, p in enumerate(pulls)
            if p is not None and real[at] and not circuit.is_constant(row.inputs[at])
        ]
        return tidy(builder.finish([builder.adopt(pulls[at]) for at in ports])), ports

    @property
    def pulled(self) -> bool:
        """Whether anything can pull through this gate."""
        real = self.circuit.spec_of(self.row.wire).dtype.kind == "f"
        return real and (self.gate.rule is not None or self.gate.recipe)

    def _given(self, builder: Builder) -> dict[int, Wire]:
        given = {i: builder.input(self.circuit.spec_of(i), self.names[i]) for i in self.inputs}
        for i in self.row.inputs:
            if self.circuit.is_constant(i):
                given[i] = builder.constant(self.circuit.constant_of(i))
        return given


def _ports(run: Snapshot, row: Row, alone: _Alone) -> tuple[Port, ...]:
    circuit, back = run.circuit, run.view.back
    rules, ports = alone.backward()
    formulas = {at: expression_of(rules, rules.outputs[i]) for i, at in enumerate(ports)}
    scalar = all(circuit.spec_of(w).shape == () for w in (row.wire, *row.inputs))
    made = []
    for at, wire in enumerate(row.inputs):
        if circuit.is_constant(wire):
            continue
        branches = back.branches.get(wire, [])
        mine = [b for b in branches if (b.gate, b.position) == (row.wire, at)]
        contribution = plain(run.values[mine[0].pull]) if mine else None
        sign = "+=" if len(branches) > 1 else "="
        name = alone.names[wire]
        formula = f"d{name} {sign} {formulas[at]}" if at in formulas else "nothing pulls here"
        slope = slope_of(run, row, at) if scalar and at in formulas else None
        value = plain(run.values[wire])
        unnamed = "" if circuit.names[wire] else expression_of(circuit, wire)
        made.append(Port(name, unnamed, value, formula, slope, contribution, run.grad_of(wire)))
    return tuple(made)


def _notes(run: Snapshot, row: Row) -> list[str]:
    """Where the gate has no one answer, and what is answered there; first of all here."""
    gate = row.gate
    assert gate is not None
    notes = []
    if gate.kink is not None:
        with np.errstate(all="ignore"):
            distance = np.asarray(gate.kink(*(run.values[i] for i in row.inputs), **row.attributes))
        at = int(np.sum(distance == 0))
        if at:
            here = "This input is" if distance.ndim == 0 else f"{at} of {distance.size} numbers are"
            notes.append(f"{here} exactly at a corner, where the slope jumps.")
    low, high = gate.domain
    if not gate.folds and (np.isfinite(low) or np.isfinite(high)):
        notes.append(f"Defined from {short(low)} to {short(high)}.")
    rows = [c for c in CONVENTIONS if _is_about(c, gate, row.attributes)]
    notes += [_convention(c) for c in rows[:MOST_NOTES]]
    return notes


def _is_about(convention: Convention, gate: Gate, attributes: dict[str, Any]) -> bool:
    """Whether a row of the table speaks of this gate with these attributes."""
    told = [k for k, v in attributes.items() if v != gate.defaults[k] and k != "axis"]
    if convention.function is gate:
        return not told
    about = convention.expression.startswith(f"{gate.name}(")
    return about and bool(told) and all(f"{k}=" in convention.expression for k in told)


def _convention(row: Convention) -> str:
    pulls = ", ".join(map(_told, row.pulls))
    inputs = ", ".join(map(_told, row.inputs))
    return f"{row.case}: {row.expression} at {inputs} is {_told(row.value)}, pulls {pulls}"


def _told(value: Any) -> str:
    many = isinstance(value, tuple)
    return f"[{' '.join(map(short, value))}]" if many else short(value)


def _cost(run: Snapshot, row: Row, alone: _Alone) -> Cost | None:
    rules, ports = alone.backward()
    if not ports:
        return None
    inputs = [run.values[i] for i in alone.inputs]
    y = run.values[row.wire]
    programs = [compile(alone.forward()), compile(rules), empty_program(y)]
    return measured(programs, [inputs, [np.ones_like(y)[()], y, *inputs], [y]])


def numbers_of(value: Any) -> Any:
    """A number as it is; of an array the shape, min, mean and max."""
    array = np.asarray(value)
    if value is None or array.ndim == 0:
        return value
    if array.size == 0:
        return {"shape": array.shape}
    numbers = {"min": array.min(), "mean": array.mean(), "max": array.max()}
    return {"shape": array.shape, **{k: float(v) for k, v in numbers.items()}}


def summary(value: Any) -> str:
    """The same in a few characters.

    >>> summary(0.880797), summary(np.array([1.0, 2.0, 6.0]))
    ('0.8808', '(3,) 1..6, mean 3')
    """
    told = numbers_of(value)
    if not isinstance(told, dict) or "mean" not in told:
        return short(value)
    return f"{short(value)}, mean {short(told['mean'])}"
