"""`Builder`: writes the rows of one circuit while a function is traced, a pass rewrites or a parser binds.

A wire belongs to one builder. When a gate meets a wire of another builder (a function traced inside
a traced function), the inner builder takes it in as a captured input and hands it back on finishing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.circuit import CONSTANT, INPUT, Circuit
from pullback.core.dtypes import BOOL, FLOAT64, canonical, weak
from pullback.core.gate import GATES, Gate
from pullback.core.names import check_name, unique
from pullback.core.shapes import Spec
from pullback.core.sites import NOWHERE, SCOPE, caller, site_of
from pullback.core.tables import Attributes, Kind, Table, Taken
from pullback.core.wire import Wire
from pullback.errors import DtypeError, ShapeError

_serials = itertools.count()


class Builder:
    """Rows, each a kind and the wires it listens to; tables with what kinds point to.

    `finish` freezes them into a Circuit.
    """

    def __init__(self, template: Circuit | None = None) -> None:
        """An empty builder, or one that starts as a copy of `template` (same wire ids)."""
        self.serial = next(_serials)  # an inner circuit is begun later than the one around it
        t = template
        self.ops = Table(t.ops if t else (INPUT, CONSTANT))
        self.specs = Table(t.specs if t else ())
        self.attributes = Attributes(t.attributes if t else ({},))
        self.constants = list(t.constants) if t else []
        self.sites = Table(t.sites if t else (NOWHERE,))
        self.groups = Table(t.groups if t else ((),))
        self.labels = Table(t.labels if t else ())
        self.inputs = list(t.inputs) if t else []
        self.roles = list(t.roles) if t else []
        self.explicit = set(t.explicit) if t else set()
        self.kinds = Table()
        self.kind: list[int] = [self.kinds.id_of(kind) for kind in _kinds(t)] if t else []
        self.operands: list[int] = t.operands.tolist() if t else []
        self._first = [0]
        # What was found out once, and need not be again.
        self.met: dict[Any, tuple[int, int, Any]] = {}  # (gate, *place, *input kinds): `_meeting`
        self._sites: dict[Any, tuple[int, int]] = {}  # place: site and group
        self._codes: list[Any] = []  # keeps code objects alive while their ids are keys
        self._constant_ids: dict[Any, int] = {}
        self._numbers: dict[Any, int] = {}
        self._plans: dict[Any, Any] = {}
        self._copies: dict[int, Copy] = {}
        self.captured: dict[int, Wire] = {}
        self._captured_ids: dict[tuple[int, int], int] = {}
        self.here: tuple[int, int] | None = None  # (site, group) of a row being rewritten

    def __len__(self) -> int:
        return len(self.kind)

    def wire(self, id: int) -> Wire:
        """The handle on row `id`."""
        made = Wire()
        made.builder, made.id, made.spec_id = self, id, self.kind_of(id).spec
        return made

    # Rows

    def input(self, spec: Spec, name: str, role: str = "data") -> Wire:
        """A wire whose value comes from outside."""
        label = self.labels.id_of(check_name(name))
        kind = Kind(0, 0, len(self.inputs), self.specs.id_of(spec), 0, 0, label)
        made = self._row(kind, ())
        self.inputs.append(made.id)
        self.roles.append(role)
        self.explicit.add(made.id)
        return made

    def constant(self, value: Any) -> Wire:
        """A wire with a fixed value; equal small constants share one row."""
        array = canonical(value, "a constant")
        key = (array.dtype, array.tobytes()) if array.ndim == 0 else None
        if key in self._constant_ids:
            return self.wire(self._constant_ids[key])
        spec = self.specs.id_of(Spec(np.shape(array), array.dtype))
        if array.ndim:
            array = array.copy()
            array.flags.writeable = False
        made = self._row(Kind(1, 0, len(self.constants), spec, 0, 0, -1), ())
        self.constants.append(array)
        if key is not None:
            self._constant_ids[key] = made.id
        return made

    def apply(self, gate: Gate, inputs: Sequence[Any], attributes: dict[str, Any]) -> Wire:
        """Record one gate: bring the inputs to one dtype, infer the output's spec, append a row."""
        bound = gate.bind(attributes) if attributes or gate.defaults else {}
        wires: list[Any] = []
        kinds: list[Any] = []  # a wire's spec, or the type of a plain Python number
        for value in inputs:
            if type(value) is float or type(value) is int:
                kinds.append(type(value))
            else:
                if not (isinstance(value, Wire) and value.builder is self):
                    if isinstance(value, Wire) and value.builder.serial > self.serial:
                        return value.builder.apply(gate, inputs, bound)  # the inner one takes us in
                    value = self.adopt(value)
                kinds.append(value.spec_id)
                value = value.id
            wires.append(value)
        said = (gate.name, self.attributes.id_of(bound)) if bound else gate.name
        place = self.here or self._place()
        key = (said, *place, *kinds)
        found = self.met.get(key)
        if found is None:
            found = self.met[key] = self._meeting(gate, wires, kinds, bound, place)
        for position, change in found[2]:
            wires[position] = change(wires[position])
        return self.again(found, wires)

    def again(self, met: tuple[int, int, Any], operands: Sequence[int]) -> Wire:
        """A row of a kind that was met before."""
        made = Wire()
        made.builder, made.id = self, len(self.kind)
        kind, made.spec_id, _ = met
        self.kind.append(kind)
        self.operands.extend(operands)
        return made

    def inline(self, circuit: Circuit, inputs: Sequence[Wire]) -> list[Wire]:
        """Copy the rows of another circuit in, fed by `inputs`; its outputs as wires of this builder.

        Much cheaper than calling the gates again: nothing is inferred. Names, lines and scopes come
        along unless a row is being rewritten.
        """
        copy = self._copies.get(id(circuit))
        if copy is None:
            copy = self._copies[id(circuit)] = Copy(self, circuit)
        return copy.inlined(inputs)

    def name(self, wire: int, name: str) -> None:
        """Call a wire `name`, whatever the code around it says."""
        kind = self.kind_of(wire)._replace(label=self.labels.id_of(name))
        self.kind[wire] = self.kinds.id_of(kind)
        self.explicit.add(wire)

    def kind_of(self, wire: int) -> Kind:
        kind: Kind = self.kinds[self.kind[wire]]
        return kind

    def spec_of(self, wire: int) -> Spec:
        spec: Spec = self.specs[self.kind_of(wire).spec]
        return spec

    def listened(self, wire: int) -> list[int]:
        """The wires that a row listens to."""
        first = self._first
        while len(first) < wire + 2:
            first.append(first[-1] + self.kind_of(len(first) - 1).inputs)
        return self.operands[first[wire] : first[wire + 1]]

    def label_of(self, wire: int) -> str:
        """What a wire is called so far, "" for nothing."""
        label = self.kind_of(wire).label
        return self.labels[label] if label >= 0 else ""

    def said(self, wire: Wire) -> str:
        """A wire in words, for errors: name or gate, what it carries, where it was made."""
        kind = self.kind_of(wire.id)
        site = self.sites[kind.site]
        what = self.label_of(wire.id) or self.ops[kind.op]
        return f"{what}  {self.spec_of(wire.id)}" + (f"  {site}" if site.file else "")

    @contextmanager
    def nowhere(self) -> Iterator[None]:
        """Rows recorded inside have no line in anybody's code, unless they are being rewritten."""
        before, self.here = self.here, self.here or (0, 0)
        try:
            yield
        finally:
            self.here = before

    @contextmanager
    def standing_in(self, circuit: Circuit, wire: int) -> Iterator[None]:
        """Rows recorded inside get the site and scope of `circuit`'s row `wire`."""
        before = self.here
        self.here = (
            self.sites.id_of(circuit.sites[int(circuit.site[wire])]),
            self.groups.id_of(circuit.groups[int(circuit.group[wire])]),
        )
        try:
            yield
        finally:
            self.here = before

    def finish(self, outputs: Sequence[Wire]) -> Circuit:
        """Freeze the rows. The captured wires, if any, are the last inputs."""
        ends = tuple(
            self.adopt(w).id for w in outputs
        )  # before the rows: one may become a constant
        table = np.array(self.kinds, np.int32).reshape(-1, len(Kind._fields))
        columns = dict(zip(Kind._fields, table.T[:, self.kind], strict=True))
        first = np.concatenate([[0], np.cumsum(columns.pop("inputs"), dtype=np.int64)])
        return Circuit(
            **columns,
            first=first,
            operands=np.array(self.operands, np.int32),
            ops=tuple(self.ops),
            specs=tuple(self.specs),
            attributes=tuple(self.attributes),
            constants=tuple(self.constants),
            sites=tuple(self.sites),
            groups=tuple(self.groups),
            labels=tuple(self.labels),
            inputs=tuple(self.inputs),
            roles=tuple(self.roles),
            outputs=ends,
            explicit=frozenset(self.explicit),
        )

    # What a gate is given

    def adopt(self, value: Any) -> Wire:
        """`value` as a wire of this builder: a foreign wire is captured, a number a constant."""
        if not isinstance(value, Wire):
            return self.constant(value)
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
        attribute = self.attributes.id_of(bound)
        key = (gate.name, attribute, *kinds)
        if key not in self._plans:
            self._plans[key] = self._plan(gate, values, kinds, bound)
        op, spec, changes = self._plans[key]
        site, group = self.here or self._sites[place]
        name = "" if self.here else self.sites[site].name
        label = self.labels.id_of(name) if name else -1
        kind = Kind(op, len(values), attribute, spec, site, group, label)
        return self.kinds.id_of(kind), spec, changes

    def _plan(
        self, gate: Gate, values: list[Any], kinds: list[Any], attributes: dict[str, Any]
    ) -> Any:
        """What to do whenever `gate` meets inputs of these kinds: (op, output spec, input changes)."""
        gate.check_count(len(values))
        dtypes = [self.specs[k].dtype if isinstance(k, int) else None for k in kinds]
        common = gate.common(dtypes)
        if common.kind != "f" and float in kinds:
            common = FLOAT64
        specs: list[Spec] = []
        changes: list[tuple[int, Callable[[Any], int]]] = []
        for position, (name, kind) in enumerate(
            zip(gate.input_names(len(values)), kinds, strict=True)
        ):
            spec = self.specs[kind] if isinstance(kind, int) else None
            wanted = gate.kinds.get(name, common)
            change = self._change(gate, name, spec, wanted)
            if change:
                changes.append((position, change))
            specs.append(Spec(spec.shape if spec else (), wanted))
        return (
            self.ops.id_of(gate.name),
            self.specs.id_of(self._inferred_spec(gate, values, specs, attributes)),
            changes,
        )

    def _change(self, gate: Gate, name: str, spec: Spec | None, wanted: np.dtype[Any]) -> Any:
        """How an input of this spec (None: a plain number) becomes a wire of the wanted dtype."""
        if spec is None:
            if name in gate.kinds and wanted == BOOL:
                gate.check_kind(name, FLOAT64)
            return lambda number: self._number(number, wanted)
        if spec.dtype == wanted:
            return None
        if name in gate.kinds:
            gate.check_kind(name, spec.dtype)
        return lambda wire: GATES["cast"](self.wire(wire), dtype=wanted.name).id

    def _number(self, number: float, dtype: np.dtype[Any]) -> int:
        """The constant that a plain Python number is."""
        key = (number or str(number), dtype.char)  # 0 and -0 are equal
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = self.constant(weak(number, dtype)).id
        return found

    def _inferred_spec(
        self, gate: Gate, values: list[Any], specs: list[Spec], attributes: Any
    ) -> Spec:
        if gate.recipe and gate.elementwise:
            return _trace_recipe(gate, specs, attributes)
        try:
            return gate.infer(specs, attributes)
        except (ShapeError, DtypeError) as error:
            where = [
                self.said(self.wire(v)) if isinstance(v, int) else f"the number {v}" for v in values
            ]
            raise type(error)(
                f"{gate.name}: {error.what}", where=where, why=error.why, fix=error.fix
            ) from None

    # Where a row comes from, and where it goes

    def _place(self) -> tuple[int, int, tuple[str, ...]]:
        """The instruction that uses a gate, and the scope it is in."""
        frame, scope = caller(), SCOPE.get()
        place = (frame.f_lasti, id(frame.f_code), scope) if frame else (0, 0, scope)
        if place not in self._sites:
            site = 0
            if frame:
                self._codes.append(frame.f_code)
                site = self.sites.id_of(site_of(frame.f_code, frame.f_lasti))
            self._sites[place] = site, self.groups.id_of(scope)
        return place

    def _row(self, kind: Kind, operands: Sequence[int]) -> Wire:
        self.kind.append(self.kinds.id_of(kind))
        self.operands.extend(operands)
        return self.wire(len(self.kind) - 1)


class Copy:
    """Rows of `circuit` taken into a builder as they are: no gate is asked anything again."""

    def __init__(self, builder: Builder, circuit: Circuit) -> None:
        self.builder, self.circuit = builder, circuit
        self.ops = Taken(circuit.ops, builder.ops)
        self.attributes = Taken(circuit.attributes, builder.attributes)
        self.specs = Taken(circuit.specs, builder.specs)
        self.sites = Taken(circuit.sites, builder.sites)
        self.groups = Taken(circuit.groups, builder.groups)
        self.kinds = list(_kinds(circuit))

    def place(self, wire: int) -> tuple[int, int]:
        """The site and scope of a row."""
        kind = self.kinds[wire]
        return self.sites[kind.site], self.groups[kind.group]

    def row(self, wire: int, operands: Sequence[int], place: tuple[int, int], name: str) -> Wire:
        """A gate's row that listens to other wires, which carry the same as those it listened to."""
        op, count, attribute, spec, *_ = self.kinds[wire]
        label = self.builder.labels.id_of(name) if name else -1
        kind = Kind(
            self.ops[op], count, self.attributes[attribute], self.specs[spec], *place, label
        )
        return self.builder._row(kind, operands)

    def inlined(self, inputs: Sequence[Wire]) -> list[Wire]:
        """All rows, fed by `inputs`; the outputs."""
        circuit, builder, here = self.circuit, self.builder, self.builder.here
        new = {wire: value.id for wire, value in zip(circuit.inputs, inputs, strict=True)}
        new |= self.constants
        for wire, listened in self.listened:
            # Without a name here it gets none: a pull has its gate's site.
            place, name = (here, "") if here else (self.place(wire), circuit.names[wire])
            new[wire] = self.row(wire, [new[i] for i in listened], place, name).id
        return [builder.wire(new[o]) for o in circuit.outputs]

    @cached_property
    def constants(self) -> dict[int, int]:
        """The circuit's constants in the builder, once however often the rows are taken."""
        wires = [w for w, kind in enumerate(self.kinds) if kind.op == 1]
        return {w: self.builder.constant(self.circuit.constant_of(w)).id for w in wires}

    @cached_property
    def listened(self) -> list[tuple[int, tuple[int, ...]]]:
        return [(r.wire, r.inputs) for r in self.circuit.rows() if r.gate is not None]


def _kinds(circuit: Circuit) -> Iterator[Kind]:
    c = circuit
    columns = (c.op, np.diff(c.first), c.attribute, c.spec, c.site, c.group, c.label)
    return itertools.starmap(Kind, zip(*[column.tolist() for column in columns], strict=True))


def _trace_recipe(gate: Gate, specs: list[Spec], attributes: dict[str, Any]) -> Spec:
    inner = Builder()
    wires = [inner.input(s, f"x{i}") for i, s in enumerate(specs)]
    return inner.adopt(gate.body(*wires, **attributes)).spec
