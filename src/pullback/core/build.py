"""`Builder`: writes the rows of one circuit while a function is traced, a pass rewrites or a parser binds.

A wire belongs to one builder. When a gate meets a wire of another builder (a function traced inside
a traced function), the inner builder takes it in as a captured input and hands it back on finishing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from pullback.core.circuit import CONSTANT, INPUT, Circuit
from pullback.core.dtypes import BOOL, FLOAT64, canonical, weak
from pullback.core.gate import GATES, Gate
from pullback.core.names import check_name, unique
from pullback.core.shapes import Spec
from pullback.core.sites import NOWHERE, Site, caller, site_of
from pullback.core.wire import Wire
from pullback.errors import DtypeError, ShapeError

_serials = itertools.count()
_scope: ContextVar[tuple[str, ...]] = ContextVar("scope", default=())


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Everything recorded inside belongs to the group `name`; scopes nest. Pictures fold by it.

    >>> with scope("layer1"):
    ...     pass
    """
    token = _scope.set((*_scope.get(), check_name(name)))
    try:
        yield
    finally:
        _scope.reset(token)


class Builder:
    """Rows in plain lists, tables with what they point to. `finish` freezes them into a Circuit."""

    def __init__(self, template: Circuit | None = None) -> None:
        """An empty builder, or one that starts as a copy of `template` (same wire ids)."""
        self._start(template)
        self.serial = next(_serials)  # an inner circuit is begun later than the one around it
        self._spec_ids = {s: i for i, s in enumerate(self.specs)}
        self._op_ids = {name: i for i, name in enumerate(self.ops)}
        self._attribute_ids = {_attribute_key(a): i for i, a in enumerate(self.attributes)}
        self._label_ids = {label: i for i, label in enumerate(self.labels)}
        self._site_ids: dict[Any, int] = {}
        self._constant_ids: dict[Any, int] = {}
        self._plans: dict[Any, Any] = {}
        self._inlined: dict[int, Any] = {}
        self._codes: list[Any] = []  # keeps code objects alive while their ids are keys
        self.captured: dict[int, Wire] = {}
        self.here: tuple[int, int] | None = None  # (site, group) of a row being rewritten

    def _start(self, template: Circuit | None) -> None:
        t = template
        self.ops = list(t.ops) if t else [INPUT, CONSTANT]
        self.op: list[int] = t.op.tolist() if t else []
        self.first: list[int] = t.first.tolist() if t else [0]
        self.operands: list[int] = t.operands.tolist() if t else []
        self.attribute: list[int] = t.attribute.tolist() if t else []
        self.spec: list[int] = t.spec.tolist() if t else []
        self.site: list[int] = t.site.tolist() if t else []
        self.group: list[int] = t.group.tolist() if t else []
        self.label: list[int] = t.label.tolist() if t else []
        self.specs = list(t.specs) if t else []
        self.attributes: list[dict[str, Any]] = list(t.attributes) if t else [{}]
        self.constants = list(t.constants) if t else []
        self.sites = list(t.sites) if t else [NOWHERE]
        self.groups = list(t.groups) if t else [()]
        self.labels = list(t.labels) if t else []
        self.inputs = list(t.inputs) if t else []
        self.roles = list(t.roles) if t else []
        self.explicit = set(t.explicit) if t else set()

    # Rows

    def input(self, spec: Spec, name: str, role: str = "data") -> Wire:
        """A wire whose value comes from outside."""
        wire = self._append(0, (), len(self.inputs), self._spec_id(spec), 0, 0)
        self.inputs.append(wire)
        self.roles.append(role)
        self.name(wire, check_name(name))
        return Wire(self, wire)

    def constant(self, value: Any) -> Wire:
        """A wire with a fixed value; equal small constants share one row."""
        array = canonical(value, "a constant")
        key = (array.dtype, array.tobytes()) if array.ndim == 0 else None
        if key is None or key not in self._constant_ids:
            spec = self._spec_id(Spec(np.shape(array), array.dtype))
            if array.ndim:
                array = array.copy()
                array.flags.writeable = False
            wire = self._append(1, (), len(self.constants), spec, 0, 0)
            self.constants.append(array)
            if key is None:
                return Wire(self, wire)
            self._constant_ids[key] = wire
        return Wire(self, self._constant_ids[key])

    def apply(self, gate: Gate, inputs: Sequence[Any], attributes: dict[str, Any]) -> Wire:
        """Record one gate: bring the inputs to one dtype, infer the output's spec, append a row."""
        attribute = 0
        if attributes or gate.defaults:
            attributes = gate.bind(attributes)
            attribute = self._attribute_id(attributes)
        site, group = self.here or self._find_site()
        wires: list[int] = []
        kinds: list[Any] = []  # a wire's spec, or the type of a plain Python number
        for value in inputs:
            if type(value) is float or type(value) is int:
                kinds.append(type(value))
            else:
                if not (isinstance(value, Wire) and value.builder is self):
                    if isinstance(value, Wire) and value.builder.serial > self.serial:
                        return value.builder.apply(
                            gate, inputs, attributes
                        )  # the inner circuit takes us in
                    value = self.adopt(value)
                value = value.id
                kinds.append(self.spec[value])
            wires.append(value)
        key = (gate.name, attribute, *kinds)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._plan(gate, wires, kinds, attributes)
        op, spec, changes = plan
        for position, change in changes:
            wires[position] = change(wires[position])
        return Wire(self, self._append(op, wires, attribute, spec, site, group))

    def inline(self, circuit: Circuit, inputs: Sequence[Wire]) -> list[Wire]:
        """Copy the rows of another circuit in, fed by `inputs`; its outputs as wires of this builder.

        Much cheaper than calling the gates again: nothing is inferred. Names, lines and scopes come
        along unless a row is being rewritten.
        """
        plan = self._inlined.get(id(circuit))
        if plan is None:
            plan = self._inlined[id(circuit)] = self._inline_plan(circuit)
        _, constants, steps = plan
        new = dict(constants)
        for wire, value in zip(circuit.inputs, inputs, strict=True):
            new[wire] = value.id
        here = self.here
        for wire, op, operands, attribute, spec, site, group, label in steps:
            site, group = here or (site, group)
            made = self._append(op, [new[i] for i in operands], attribute, spec, site, group)
            if not here:  # a row without a name must not get its site's: a pull has its gate's site
                self.label[made] = self._label_id(label) if label else -1
            new[wire] = made
        return [Wire(self, new[o]) for o in circuit.outputs]

    def name(self, wire: int, name: str) -> None:
        """Call a wire `name`, whatever the code around it says."""
        self.label[wire] = self._label_id(name)
        self.explicit.add(wire)

    def spec_of(self, wire: int) -> Spec:
        return self.specs[self.spec[wire]]

    def said(self, wire: Wire) -> str:
        """A wire in words, for errors: name or gate, what it carries, where it was made."""
        label = self.label[wire.id]
        site = self.sites[self.site[wire.id]]
        what = self.labels[label] if label >= 0 else self.ops[self.op[wire.id]]
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
            self._table_id(self.sites, circuit.sites[int(circuit.site[wire])]),
            self._table_id(self.groups, circuit.groups[int(circuit.group[wire])]),
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
        return Circuit(
            ops=tuple(self.ops),
            op=np.array(self.op, np.int32),
            first=np.array(self.first, np.int64),
            operands=np.array(self.operands, np.int32),
            attribute=np.array(self.attribute, np.int32),
            spec=np.array(self.spec, np.int32),
            site=np.array(self.site, np.int32),
            group=np.array(self.group, np.int32),
            label=np.array(self.label, np.int32),
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
        for wire, outer in self.captured.items():
            if outer.builder is value.builder and outer.id == value.id:
                return Wire(self, wire)
        label = value.builder.label[value.id]
        name = value.builder.labels[label] if label >= 0 else "captured"
        made = self.input(value.spec, unique(name, self.labels), "data")
        self.explicit.discard(made.id)  # nobody called it so in here: names given here come first
        self.captured[made.id] = value
        return made

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
            self._op_id(gate),
            self._spec_id(self._inferred_spec(gate, values, specs, attributes)),
            changes,
        )

    def _change(self, gate: Gate, name: str, spec: Spec | None, wanted: np.dtype[Any]) -> Any:
        """How an input of this spec (None: a plain number) becomes a wire of the wanted dtype."""
        if spec is None:
            if name in gate.kinds and wanted == BOOL:
                gate.check_kind(name, FLOAT64)
            return lambda number: self.constant(weak(number, wanted)).id
        if spec.dtype == wanted:
            return None
        if name in gate.kinds:
            gate.check_kind(name, spec.dtype)
        return lambda wire: GATES["cast"](Wire(self, wire), dtype=wanted.name).id

    def _inferred_spec(
        self, gate: Gate, values: list[Any], specs: list[Spec], attributes: Any
    ) -> Spec:
        if gate.recipe and gate.elementwise:
            return _trace_recipe(gate, specs, attributes)
        try:
            return gate.infer(specs, attributes)
        except (ShapeError, DtypeError) as error:
            where = [
                self.said(Wire(self, v)) if isinstance(v, int) else f"the number {v}"
                for v in values
            ]
            raise type(error)(
                f"{gate.name}: {error.what}", where=where, why=error.why, fix=error.fix
            ) from None

    def _inline_plan(self, circuit: Circuit) -> Any:
        ops = [self._op_id(g) if g else i for i, g in enumerate(circuit.gates)]
        specs = [self._spec_id(s) for s in circuit.specs]
        attributes = [self._attribute_id(a) for a in circuit.attributes]
        sites = [self._table_id(self.sites, s) for s in circuit.sites]
        groups = [self._table_id(self.groups, g) for g in circuit.groups]
        constants: dict[int, int] = {}
        steps = []
        for row in circuit.rows():
            w = row.wire
            if circuit.is_constant(w):
                constants[w] = self.constant(circuit.constant_of(w)).id
            elif row.gate is not None:
                place = specs[circuit.spec[w]], sites[circuit.site[w]], groups[circuit.group[w]]
                attribute = attributes[circuit.attribute[w]]
                steps.append(
                    (w, ops[circuit.op[w]], row.inputs, attribute, *place, circuit.names[w])
                )
        return circuit, constants, steps  # the circuit is kept so that its id stays its own

    def _find_site(self) -> tuple[int, int]:
        group = _scope.get()
        group_id = 0 if not group else self._table_id(self.groups, group)
        frame = caller()
        if frame is None:
            return 0, group_id
        key = (id(frame.f_code), frame.f_lasti)
        site = self._site_ids.get(key)
        if site is None:
            self._codes.append(frame.f_code)
            self.sites.append(site_of(frame.f_code, frame.f_lasti))
            site = self._site_ids[key] = len(self.sites) - 1
        return site, group_id

    # Tables

    def _append(
        self, op: int, operands: Sequence[int], attribute: int, spec: int, site: int, group: int
    ) -> int:
        self.op.append(op)
        self.operands.extend(operands)
        self.first.append(len(self.operands))
        self.attribute.append(attribute)
        self.spec.append(spec)
        self.site.append(site)
        self.group.append(group)
        name = self.sites[site].name if self.here is None and op > 1 else ""
        self.label.append(self._label_id(name) if name else -1)
        return len(self.op) - 1

    def _spec_id(self, spec: Spec) -> int:
        found = self._spec_ids.get(spec)
        if found is None:
            self.specs.append(spec)
            found = self._spec_ids[spec] = len(self.specs) - 1
        return found

    def _op_id(self, gate: Gate) -> int:
        found = self._op_ids.get(gate.name)
        if found is None:
            self.ops.append(gate.name)
            found = self._op_ids[gate.name] = len(self.ops) - 1
        return found

    def _attribute_id(self, attributes: dict[str, Any]) -> int:
        if not attributes:
            return 0
        key = _attribute_key(attributes)
        found = self._attribute_ids.get(key)
        if found is None:
            self.attributes.append(attributes)
            found = self._attribute_ids[key] = len(self.attributes) - 1
        return found

    def _label_id(self, label: str) -> int:
        found = self._label_ids.get(label)
        if found is None:
            self.labels.append(label)
            found = self._label_ids[label] = len(self.labels) - 1
        return found

    def _table_id(self, table: list[Any], entry: Site | tuple[str, ...]) -> int:
        key = (id(table), entry)
        found = self._site_ids.get(key)
        if found is None:
            found = self._site_ids[key] = table.index(entry) if entry in table else len(table)
            if found == len(table):
                table.append(entry)
        return found


def _attribute_key(attributes: dict[str, Any]) -> tuple[Any, ...]:
    # The type belongs to the key: True, 1 and 1.0 are equal in Python.
    return tuple((name, type(value), value) for name, value in attributes.items())


def _trace_recipe(gate: Gate, specs: list[Spec], attributes: dict[str, Any]) -> Spec:
    inner = Builder()
    wires = [inner.input(s, f"x{i}") for i, s in enumerate(specs)]
    return inner.adopt(gate.body(*wires, **attributes)).spec
