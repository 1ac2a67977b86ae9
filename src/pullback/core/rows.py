"""`Rows`: the rows of a circuit being put together, and the tables that they point to.

Who records gates builds on it (`build.py`); who copies rows of another circuit needs no more than this.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import CONSTANT, INPUT, Circuit
from pullback.core.dtypes import canonical
from pullback.core.names import check_name
from pullback.core.shapes import Spec
from pullback.core.sites import NOWHERE
from pullback.core.tables import Ids, Kind, attribute_key
from pullback.core.wire import Wire


class Rows:
    """Rows, each a kind and its input wires; tables with what kinds point to."""

    def __init__(self, template: Circuit | None = None) -> None:
        """An empty builder, or one that starts as a copy of `template` (same wire ids)."""
        t = template
        self.gates: list[Any] = [INPUT, CONSTANT, *(t.gates[2:] if t else ())]
        self.specs = list(t.specs) if t else []
        self.attributes = list(t.attributes) if t else [{}]
        self.constants = list(t.constants) if t else []
        self.sites = list(t.sites) if t else [NOWHERE]
        self.groups = list(t.groups) if t else [()]
        self.labels = list(t.labels) if t else []
        self.inputs = list(t.inputs) if t else []
        self.roles = list(t.roles) if t else []
        self.explicit = set(t.explicit) if t else set()
        self.kinds: list[Kind] = []
        self.op_ids, self.spec_ids = Ids(self.gates), Ids(self.specs)
        self.site_ids = Ids(self.sites)
        self.group_ids, self.label_ids = Ids(self.groups), Ids(self.labels)
        self.kind_ids = Ids(self.kinds)
        self._attribute_ids = Ids([attribute_key(a) for a in self.attributes])
        self.kind: list[int] = [self.kind_ids[kind] for kind in t.kinds] if t else []
        self.operands: list[int] = t.operands.tolist() if t else []
        self._given: dict[int, int] = {}  # labels that say more than the kind of a row
        self._first = [0]
        self._constant_ids: dict[Any, int] = {}
        self.here: tuple[int, int] | None = None  # (site, group) of a row being rewritten

    def __len__(self) -> int:
        return len(self.kind)

    def wire(self, id: int) -> Wire:
        """The handle on row `id`."""
        made = Wire()
        made.builder = self  # type: ignore[assignment] # only a Builder is asked for wires
        made.id, made.spec_id = id, self.kind_of(id).spec
        return made

    def input(self, spec: Spec, name: str, role: str = "data") -> Wire:
        """A wire whose value comes from outside."""
        label = self.label_ids[check_name(name)]
        kind = Kind(0, 0, len(self.inputs), self.spec_ids[spec], 0, 0, label)
        made = self.row(self.kind_ids[kind], kind.spec, ())
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
        spec = self.spec_ids[Spec(np.shape(array), array.dtype)]
        if array.ndim:
            array = array.copy()
            array.flags.writeable = False
        kind = Kind(1, 0, len(self.constants), spec, 0, 0, -1)
        made = self.row(self.kind_ids[kind], spec, ())
        self.constants.append(array)
        if key is not None:
            self._constant_ids[key] = made.id
        return made

    def attribute_id(self, attributes: dict[str, Any]) -> int:
        """The place of a gate's attributes in the table, where they are put if they are new."""
        found = self._attribute_ids[attribute_key(attributes)] if attributes else 0
        if found == len(self.attributes):
            self.attributes.append(attributes)
        return found

    def row(self, kind: int, spec: int, operands: Sequence[int]) -> Wire:
        """One more row, and the handle on it."""
        made = Wire()
        made.builder = self  # type: ignore[assignment] # as above
        made.id, made.spec_id = len(self.kind), spec
        self.kind.append(kind)
        self.operands.extend(operands)
        return made

    def name(self, wire: int, name: str) -> None:
        """Call a wire `name`, whatever the code around it says."""
        self._given[wire] = self.label_ids[name]
        self.explicit.add(wire)

    def kind_of(self, wire: int) -> Kind:
        return self.kinds[self.kind[wire]]

    def spec_of(self, wire: int) -> Spec:
        return self.specs[self.kind_of(wire).spec]

    def listened(self, wire: int) -> list[int]:
        """The input wires of a row."""
        first = self._first
        while len(first) < wire + 2:
            first.append(first[-1] + self.kind_of(len(first) - 1).inputs)
        return self.operands[first[wire] : first[wire + 1]]

    def label_of(self, wire: int) -> str:
        """What a wire is called so far, "" for nothing."""
        label = self._given.get(wire, self.kind_of(wire).label)
        return self.labels[label] if label >= 0 else ""

    def said(self, wire: Wire) -> str:
        """A wire in words, for errors: name or gate, what it carries, where it was made."""
        kind = self.kind_of(wire.id)
        site = self.sites[kind.site]
        what = self.label_of(wire.id) or getattr(self.gates[kind.op], "name", self.gates[kind.op])
        return f"{what}  {self.spec_of(wire.id)}" + (f"  {site}" if site.file else "")

    def frozen(self, outputs: Sequence[int]) -> Circuit:
        """The circuit of the rows so far."""
        flat = itertools.chain.from_iterable(self.kinds)
        table = np.fromiter(flat, np.int32).reshape(-1, len(Kind._fields)).T
        rows = table.take(np.fromiter(self.kind, np.int32), axis=1)
        rows[-1, list(self._given)] = list(self._given.values())
        columns = dict(zip(Kind._fields, rows, strict=True))
        first = np.concatenate([[0], np.cumsum(columns.pop("inputs"), dtype=np.int64)])
        return Circuit(
            **columns,
            first=first,
            operands=np.fromiter(self.operands, np.int32),
            gates=(None, None, *self.gates[2:]),
            specs=tuple(self.specs),
            attributes=tuple(self.attributes),
            constants=tuple(self.constants),
            sites=tuple(self.sites),
            groups=tuple(self.groups),
            labels=tuple(self.labels),
            inputs=tuple(self.inputs),
            roles=tuple(self.roles),
            outputs=tuple(outputs),
            explicit=frozenset(self.explicit),
        )
