"""`Builder`: writes the rows of one circuit while a function is traced, a pass rewrites or a parser binds.

A wire belongs to one builder. When a gate meets a wire of another builder (a function traced inside
a traced function), the inner builder takes it in as a captured input and hands it back on finishing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from pullback.core.circuit import CONSTANT, INPUT, Circuit
from pullback.core.dtypes import BOOL, FLOAT64, INT64, canonical
from pullback.core.gate import GATES, Gate
from pullback.core.names import check_name
from pullback.core.shapes import Spec
from pullback.core.sites import NOWHERE, Site, caller, site_of
from pullback.core.wire import Wire
from pullback.errors import DtypeError, ShapeError

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
        self._spec_ids = {s: i for i, s in enumerate(self.specs)}
        self._op_ids = {name: i for i, name in enumerate(self.ops)}
        self._attribute_ids = {_attribute_key(a): i for i, a in enumerate(self.attributes)}
        self._label_ids = {label: i for i, label in enumerate(self.labels)}
        self._site_ids: dict[Any, int] = {}
        self._constant_ids: dict[Any, int] = {}
        self._inferred: dict[Any, int] = {}
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
        gate.check_count(len(inputs))
        if attributes or gate.defaults:
            attributes = gate.bind(attributes)
        site, group = self.here or self._find_site()
        wires = self._wires(gate, inputs)
        attribute = self._attribute_id(attributes)
        spec = self._infer(gate, wires, attribute, attributes)
        return Wire(self, self._append(self._op_id(gate), wires, attribute, spec, site, group))

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
            outputs=tuple(self.adopt(w).id for w in outputs),
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
        made = self.input(value.spec, f"captured{len(self.captured)}", "data")
        self.captured[made.id] = value
        return made

    def _wires(self, gate: Gate, inputs: Sequence[Any]) -> list[int]:
        dtypes: list[Any] = []
        values: list[Any] = []
        for value in inputs:
            if isinstance(value, Wire):
                value = value if value.builder is self else self.adopt(value)
                dtypes.append(self.specs[self.spec[value.id]].dtype)
            elif type(value) is int or type(value) is float:
                dtypes.append(None)
            else:
                value = self.constant(value)
                dtypes.append(value.dtype)
            values.append(value)
        return self._harmonised(gate, values, dtypes)

    def _harmonised(self, gate: Gate, values: list[Any], dtypes: list[Any]) -> list[int]:
        common = gate.common(dtypes)
        if common.kind != "f" and any(type(v) is float for v in values):
            common = FLOAT64
        wires: list[int] = []
        for name, value, dtype in zip(gate.input_names(len(values)), values, dtypes, strict=True):
            if name in gate.kinds:
                value = value if dtype is not None else self.constant(_of_kind(value, gate.kinds[name]))
                gate.check_kind(name, value.dtype)
            elif dtype is None:
                value = self.constant(_weak(value, common))
            elif dtype != common:
                value = GATES["cast"](value, dtype=common.name)
            wires.append(value.id)
        return wires

    def _infer(self, gate: Gate, wires: list[int], attribute: int, attributes: dict[str, Any]) -> int:
        key = (gate.name, attribute, *[self.spec[w] for w in wires])
        found = self._inferred.get(key)
        if found is None:
            specs = [self.specs[self.spec[w]] for w in wires]
            found = self._inferred[key] = self._spec_id(self._inferred_spec(gate, wires, specs, attributes))
        return found

    def _inferred_spec(self, gate: Gate, wires: list[int], specs: list[Spec], attributes: Any) -> Spec:
        if gate.recipe and gate.elementwise:
            return _trace_recipe(gate, specs, attributes)
        try:
            return gate.infer(specs, attributes)
        except (ShapeError, DtypeError) as error:
            where = [self.said(Wire(self, w)) for w in wires]
            raise type(error)(f"{gate.name}: {error.what}", where=where, why=error.why, fix=error.fix) from None

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

    def _append(self, op: int, operands: Sequence[int], attribute: int, spec: int, site: int, group: int) -> int:
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


def _weak(value: float, dtype: np.dtype[Any]) -> Any:
    try:
        return dtype.type(value)
    except OverflowError:
        raise DtypeError(f"{str(value)[:40]} is too large for {dtype.name}.") from None


def _of_kind(value: Any, kind: np.dtype[Any]) -> Any:
    whole = isinstance(value, int) and kind == INT64
    return kind.type(value) if whole or kind == BOOL and isinstance(value, bool) else value


def _trace_recipe(gate: Gate, specs: list[Spec], attributes: dict[str, Any]) -> Spec:
    inner = Builder()
    wires = [inner.input(s, f"x{i}") for i, s in enumerate(specs)]
    return inner.adopt(gate.body(*wires, **attributes)).spec
