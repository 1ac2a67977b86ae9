"""`Builder`: writes the rows of one circuit while a function is traced, a pass rewrites or a parser binds.

A wire belongs to one builder. When a gate meets a wire of another builder (a function traced inside
a traced function), the inner builder takes it in as a captured input and hands it back on finishing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.copying import Copy
from pullback.core.dtypes import weak
from pullback.core.gate import GATES, Gate
from pullback.core.names import unique
from pullback.core.rows import Rows
from pullback.core.shapes import Spec
from pullback.core.sites import SCOPE, caller, site_of
from pullback.core.tables import Kind
from pullback.core.wire import Wire
from pullback.errors import DtypeError, ShapeError

_serials = itertools.count()


class Builder(Rows):
    """Rows, and what it takes to record gates as rows; `finish` freezes them into a Circuit."""

    def __init__(self, template: Circuit | None = None) -> None:
        """An empty builder, or one that starts as a copy of `template` (same wire ids)."""
        super().__init__(template)
        self.serial = next(_serials)  # an inner circuit is begun later than the one around it
        # What was found out once, and need not be again.
        self.met: dict[Any, tuple[int, int, Any]] = {}  # (gate, *place, *input kinds): `_meeting`
        self._sites: dict[Any, tuple[int, int]] = {}  # place: site and group
        self._codes: list[Any] = []  # keeps code objects alive while their ids are keys
        self._numbers: dict[Any, int] = {}
        self._plans: dict[Any, Any] = {}
        self._copies: dict[int, Copy] = {}
        self.captured: dict[int, Wire] = {}
        self._captured_ids: dict[tuple[int, int], int] = {}

    def apply(self, gate: Gate, inputs: Sequence[Any], attributes: dict[str, Any]) -> Wire:
        """Record one gate: bring the inputs to one dtype, infer the output's spec, append a row."""
        bound = gate.bind(attributes) if attributes or gate.needs_options else {}
        wires: list[Any] = []
        kinds: list[Any] = []  # a wire's spec, or the type of a plain Python number
        for value in inputs:
            if type(value) is float or type(value) is int:
                kinds.append(type(value))
            else:
                if not (isinstance(value, Wire) and value.builder is self):
                    if isinstance(value, Wire) and value.builder.serial > self.serial:
                        return value.builder.apply(gate, inputs, bound)  # the inner one takes us in
                    gate.check_count(len(inputs), inputs)
                    value = self.adopt(value, gate)
                kinds.append(value.spec_id)
                value = value.id
            wires.append(value)
        said = (gate, self.attribute_id(bound)) if bound else gate
        place = self.here or self._place()
        key = (said, *place, *kinds)
        found = self.met.get(key)
        if found is None:
            found = self.met[key] = self._meeting(gate, wires, kinds, bound, place)
        kind, spec, changes = found
        for position, change in changes:
            wires[position] = change(wires[position])
        return self.row(kind, spec, wires)

    def inline(self, circuit: Circuit, inputs: Sequence[Wire]) -> list[Wire]:
        """Copy the rows of another circuit in, fed by `inputs`; its outputs as wires of this builder.

        Much cheaper than calling the gates again: nothing is inferred. Names, lines and scopes come
        along unless a row is being rewritten.
        """
        return [self.wire(o) for o in self.inlined(circuit, [x.id for x in inputs])]

    def inlined(self, circuit: Circuit, inputs: Sequence[int]) -> list[int]:
        """The same by the numbers of wires."""
        copy = self._copies.get(id(circuit))
        if copy is None:
            copy = self._copies[id(circuit)] = Copy(self, circuit)
        return copy.inlined(inputs)

    def nowhere(self) -> AbstractContextManager[None]:
        """Rows recorded inside have no line in anybody's code, unless they are being rewritten."""
        return self._standing(self.here or (0, 0))

    def unnamed(self) -> AbstractContextManager[None]:
        """Rows recorded inside belong to the line that runs, but are not what it stores: none has a name."""
        return self._standing(self.here or self._sites[self._place()])

    def standing_in(self, circuit: Circuit, wire: int) -> AbstractContextManager[None]:
        """Rows recorded inside get the site and scope of `circuit`'s row `wire`."""
        site = self.site_ids[circuit.sites[int(circuit.site[wire])]]
        return self._standing((site, self.group_ids[circuit.groups[int(circuit.group[wire])]]))

    @contextmanager
    def _standing(self, here: tuple[int, int]) -> Iterator[None]:
        before, self.here = self.here, here
        try:
            yield
        finally:
            self.here = before

    def finish(self, outputs: Sequence[Wire]) -> Circuit:
        """Freeze the rows. The captured wires, if any, are the last inputs."""
        return self.frozen([self.adopt(w).id for w in outputs])  # an output may become a constant

    # What a gate is given

    def adopt(self, value: Any, gate: Gate | None = None) -> Wire:
        """`value` as a wire of this builder: a foreign wire is captured, a number a constant.

        gate: whose input it is, for the words of an error.
        """
        if not isinstance(value, Wire):
            return self.constant(gate.taken(value) if gate else value)
        if value.builder is self:
            return value
        key = (value.builder.serial, value.id)
        if key not in self._captured_ids:
            name = value.builder.label_of(value.id) or "captured"
            made = self.input(value.spec, unique(name, self.labels), "data").id
            self.explicit.discard(made)  # nobody called it so in here: names given here come first
            self.captured[made], self._captured_ids[key] = value, made
        return self.wire(self._captured_ids[key])

    def _meeting(
        self, gate: Gate, values: list[Any], kinds: list[Any], bound: dict[str, Any], place: Any
    ) -> tuple[int, int, Any]:
        """What a gate does in one place with inputs of these kinds: row kind, spec, input changes."""
        bound = bound or gate.bind({})
        attribute = self.attribute_id(bound)
        key = (gate, attribute, *kinds)
        if key not in self._plans:
            self._plans[key] = self._plan(gate, values, kinds, bound)
        op, spec, changes = self._plans[key]
        site, group = self.here or self._sites[place]
        name = "" if self.here else self.sites[site].name
        label = self.label_ids[name] if name else -1
        kind = Kind(op, len(values), attribute, spec, site, group, label)
        return self.kind_ids[kind], spec, changes

    def _plan(
        self, gate: Gate, values: list[Any], kinds: list[Any], attributes: dict[str, Any]
    ) -> Any:
        """What to do whenever `gate` meets inputs of these kinds: (op, output spec, input changes)."""
        gate.check_count(
            len(values),
            [v if isinstance(k, type) else None for v, k in zip(values, kinds, strict=True)],
        )
        given = tuple([self.specs[k] if isinstance(k, int) else k for k in kinds])
        try:
            wanted, result = gate.meet(given, attributes)
        except (ShapeError, DtypeError) as error:
            error.where = tuple(
                self.said(self.wire(v)) if isinstance(k, int) else f"the number {v}"
                for v, k in zip(values, kinds, strict=True)
            )
            raise
        changes = [
            (position, self._change(one, spec.dtype))
            for position, (one, spec) in enumerate(zip(given, wanted, strict=True))
            if one != spec
        ]
        spec = _traced(gate, wanted, attributes) if result is None else result
        return self.op_ids[gate], self.spec_ids[spec], changes

    def _change(self, given: Any, dtype: np.dtype[Any]) -> Callable[[Any], int]:
        """How an input, a wire's or a plain number, becomes a wire of this dtype."""
        if isinstance(given, Spec):
            return lambda wire: GATES["cast"](self.wire(wire), dtype=dtype.name).id
        return lambda number: self._number(number, dtype)

    def _number(self, number: float, dtype: np.dtype[Any]) -> int:
        """The constant that a plain Python number is."""
        key = (number or str(number), dtype.char)  # 0 and -0 are equal
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = self.constant(weak(number, dtype)).id
        return found

    # Where a row comes from, and where it goes

    def _place(self) -> tuple[int, int, tuple[str, ...]]:
        """The instruction that uses a gate, and the scope it is in."""
        frame, scope = caller(), SCOPE.get()
        place = (frame.f_lasti, id(frame.f_code), scope) if frame else (0, 0, scope)
        if place not in self._sites:
            site = 0
            if frame:
                self._codes.append(frame.f_code)
                site = self.site_ids[site_of(frame.f_code, frame.f_lasti)]
            self._sites[place] = site, self.group_ids[scope]
        return place


def _traced(gate: Gate, specs: Sequence[Spec], attributes: dict[str, Any]) -> Spec:
    inner = Builder()
    wires = [inner.input(s, f"x{i}") for i, s in enumerate(specs)]
    return inner.adopt(gate.body(*wires, **attributes)).spec
