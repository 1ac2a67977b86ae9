"""`Circuit`: one traced, shape-specialised graph in flat integer columns. One row, one wire.

Row i says which gate puts out wire i and which earlier rows are its inputs, so rows are already in
an order in which they can run. Passes rewrite circuits, executors run them, emitters print them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pullback.core.gate import Gate
from pullback.core.shapes import Spec
from pullback.core.sites import Site
from pullback.core.speech import spoken
from pullback.core.tables import Kind
from pullback.errors import UnknownName, did_you_mean

INPUT, CONSTANT = "input", "constant"
ROLES = ("data", "parameter", "state", "constant", "frozen")
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


class Row(NamedTuple):
    """One row, unpacked: wire `wire` is what `gate` puts out. `gate` is None for inputs and constants."""

    wire: int
    gate: Gate | None
    inputs: tuple[int, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Circuit:
    """The IR. Columns have one entry a row; tables hold what the columns point to.

    op: into `gates` and their names, `ops` (0 input, 1 constant). attribute: into `attributes`, or for
    a constant into `constants`, for an input its position. spec, site, group, label: into `specs`,
    `sites`, `groups`, `labels`. The inputs of row i are `operands[first[i]:first[i + 1]]`.
    """

    gates: tuple[Gate | None, ...]  # as they were when rows were recorded; a name may be given anew
    op: Ints
    first: Longs
    operands: Ints
    attribute: Ints
    spec: Ints
    site: Ints
    group: Ints
    label: Ints
    specs: tuple[Spec, ...]
    attributes: tuple[dict[str, Any], ...]
    constants: tuple[Any, ...]
    sites: tuple[Site, ...]
    groups: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...]
    inputs: tuple[int, ...]
    roles: tuple[str, ...]
    outputs: tuple[int, ...]
    explicit: frozenset[int] = field(
        default=frozenset()
    )  # rows whose label was given, not read from code

    def __len__(self) -> int:
        return len(self.op)

    @cached_property
    def ops(self) -> tuple[str, ...]:
        """The name of each op."""
        return (INPUT, CONSTANT, *(gate.name for gate in self.gates if gate is not None))

    def rows(self) -> Iterator[Row]:
        """Every row in running order."""
        first, operands = self.first.tolist(), self.operands.tolist()
        columns = zip(self.op.tolist(), self.attribute.tolist(), strict=True)
        for wire, (op, attribute) in enumerate(columns):
            attributes = self.attributes[attribute] if op > 1 else {}
            yield Row(
                wire, self.gates[op], tuple(operands[first[wire] : first[wire + 1]]), attributes
            )

    @cached_property
    def kinds(self) -> list[Kind]:
        """What each row is, except its inputs; rows of a kind share it."""
        columns = (self.op, np.diff(self.first), self.attribute, self.spec, self.site, self.group)
        rows = zip(*[c.tolist() for c in (*columns, self.label)], strict=True)
        made: dict[Any, Kind] = {}
        return [made.get(row) or made.setdefault(row, Kind._make(row)) for row in rows]

    @cached_property
    def listening(self) -> list[tuple[int, tuple[int, ...]]]:
        """Each gate's wire, and its inputs."""
        return [(row.wire, row.inputs) for row in self.rows() if row.gate is not None]

    def row(self, wire: int) -> Row:
        op = int(self.op[wire])
        listened = tuple(int(i) for i in self.operands[self.first[wire] : self.first[wire + 1]])
        attributes = self.attributes[int(self.attribute[wire])] if op > 1 else {}
        return Row(wire, self.gates[op], listened, attributes)

    def spec_of(self, wire: int) -> Spec:
        return self.specs[int(self.spec[wire])]

    def constant_of(self, wire: int) -> Any:
        return self.constants[int(self.attribute[wire])]

    def is_constant(self, wire: int) -> bool:
        return int(self.op[wire]) == 1

    def is_input(self, wire: int) -> bool:
        return int(self.op[wire]) == 0

    @property
    def gate_count(self) -> int:
        """Rows that compute something."""
        return int((self.op > 1).sum())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A safe, unique name for each wire, "" where the person gave none.

        Given names, those of inputs before all, come first and are kept exactly; a variable stored
        into again and again (a loop) becomes h, h_2, h_3 in running order.
        """
        names = [""] * len(self)
        taken: set[str] = set()
        counts: dict[str, int] = {}
        labels = self.label.tolist()
        given = [i for i in self.inputs if i in self.explicit]
        for wire in (*given, *sorted(self.explicit)):
            if labels[wire] >= 0 and not names[wire]:
                names[wire] = _next(self.labels[labels[wire]], taken, counts)
        for wire in np.nonzero(self.label >= 0)[0].tolist():
            if not names[wire]:
                names[wire] = _next(self.labels[labels[wire]], taken, counts)
        return tuple(names)

    @cached_property
    def by_name(self) -> dict[str, int]:
        return {name: wire for wire, name in enumerate(self.names) if name}

    def find(self, name: str) -> int:
        """The wire called `name`, or UnknownName with the nearest one."""
        try:
            return self.by_name[name]
        except KeyError:
            raise UnknownName(
                f"no wire is called {name[:64]!r}.", why=did_you_mean(name, self.by_name)
            ) from None

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(self.names[i] for i in self.inputs)

    def describe(self, wire: int) -> str:
        """How to speak of a wire: its name, else what makes it and its line. Never a bare number."""
        return spoken(self, wire)

    def use_counts(self) -> NDArray[np.int64]:
        """How many gate inputs and outputs use each wire."""
        counts = np.bincount(self.operands, minlength=len(self)).astype(np.int64)
        for wire in self.outputs:
            counts[wire] += 1
        return counts

    def __reduce__(self) -> Any:
        """Pickled as the bytes of its file: they are checked when they are loaded, and gates are names."""
        # Not imported above: the file is made of circuits.
        file = importlib.import_module("pullback.core.file")
        return file.circuit_of_bytes, (file.to_bytes(self),)

    def __copy__(self) -> Circuit:
        return self

    def __deepcopy__(self, memo: Any) -> Circuit:
        return self

    def __repr__(self) -> str:
        ins = ", ".join(
            f"{n} {self.spec_of(i)}" for n, i in zip(self.input_names, self.inputs, strict=True)
        )
        return f"<Circuit of {self.gate_count} gates: {ins}>"


def _next(label: str, taken: set[str], counts: dict[str, int]) -> str:
    number = counts.get(label, 0) + 1
    name = label if number == 1 else f"{label}_{number}"
    while name in taken:
        number += 1
        name = f"{label}_{number}"
    counts[label] = number
    taken.add(name)
    return name
