"""`Copy`: rows of a finished circuit taken into a builder, by passes that rewrite or inline."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from pullback.core.circuit import Circuit
from pullback.core.rows import Rows
from pullback.core.tables import Kind


class Copy:
    """Rows of `circuit` taken into a builder as they are: no gate is asked anything again."""

    def __init__(self, builder: Rows, circuit: Circuit) -> None:
        self.builder, self.circuit = builder, circuit
        self.rows = circuit.kinds
        self._known: dict[Any, int] = {}

    def place(self, wire: int) -> tuple[int, int]:
        """The site and scope of a row."""
        builder, circuit, kind = self.builder, self.circuit, self.rows[wire]
        site, group = circuit.sites[kind.site], circuit.groups[kind.group]
        return builder.site_ids[site], builder.group_ids[group]

    def kind(self, wire: int, place: tuple[int, int], name: str) -> int:
        """What a row is in the builder, except its inputs."""
        b, c, kind = self.builder, self.circuit, self.rows[wire]
        op, attribute = b.op_ids[c.gates[kind.op]], b.attribute_id(c.attributes[kind.attribute])
        spec, label = b.spec_ids[c.specs[kind.spec]], b.label_ids[name] if name else -1
        return b.kind_ids[Kind(op, kind.inputs, attribute, spec, *place, label)]

    def inlined(self, inputs: Sequence[int]) -> list[int]:
        """All rows, fed by `inputs`; the outputs."""
        circuit, builder, known = self.circuit, self.builder, self._known
        here, names = builder.here, circuit.names
        new = self.constants | dict(zip(circuit.inputs, inputs, strict=True))
        for wire, listened in circuit.listening:
            kind = known.get((wire, here))
            if kind is None:
                # Without a name here it gets none: a pull has its gate's site.
                place = (here, "") if here else (self.place(wire), names[wire])
                kind = known[wire, here] = self.kind(wire, *place)
            new[wire] = len(builder.kind)
            builder.kind.append(kind)
            builder.operands.extend([new[i] for i in listened])
        return [new[o] for o in circuit.outputs]

    @cached_property
    def constants(self) -> dict[int, int]:
        """The circuit's constants in the builder, once however often the rows are taken."""
        wires = [w for w, kind in enumerate(self.rows) if kind.op == 1]
        return {w: self.builder.constant(self.circuit.constant_of(w)).id for w in wires}
