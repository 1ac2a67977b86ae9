"""A circuit in the shape of its file: tensors and tables. Whether it is a circuit is asked in `check`."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pullback.core.circuit import ROLES, Circuit, Ints, Longs
from pullback.core.dtypes import DTYPES
from pullback.core.file.container import said
from pullback.core.file.tables import CircuitTable, packed, unpacked
from pullback.core.gate import find_gate
from pullback.core.shapes import Spec
from pullback.core.sites import Site
from pullback.errors import FileError

Tensors = dict[str, NDArray[Any]]

_INT32: np.dtype[Any] = np.dtype(np.int32)
_OTHERS: dict[str, np.dtype[Any]] = {"first": np.dtype(np.int64), "labels": np.dtype(np.uint8)}
_SCALARS: tuple[np.dtype[Any], ...] = DTYPES
_BY_NAME = {d.name: d for d in _SCALARS}
ARRAY = len(DTYPES)  # the kind of a constant: the position of a scalar's dtype, or this


@dataclass(frozen=True, eq=False)
class Columns:
    """Everything in a circuit, but numbers and letters stay in arrays until they are proved good.

    Python's own integers and texts are up to thirty times larger than the bytes they come from; a
    file that is refused should not have cost them. labels: ASCII, each with a line end behind it.
    roles: into ROLES. constant_kinds: into DTYPES, whose scalars follow one another, or ARRAY.
    """

    ops: tuple[str, ...]
    specs: tuple[Spec, ...]
    attributes: tuple[dict[str, Any], ...]
    sites: tuple[Site, ...]
    groups: tuple[tuple[str, ...], ...]
    scalars: tuple[NDArray[Any], ...]
    arrays: dict[int, NDArray[Any]]
    op: Ints
    first: Longs
    operands: Ints
    attribute: Ints
    spec: Ints
    site: Ints
    group: Ints
    label: Ints
    labels: NDArray[np.uint8]
    inputs: Ints
    roles: Ints
    outputs: Ints
    explicit: Ints
    constant_kinds: Ints

    def __len__(self) -> int:
        return len(self.op)


_COLUMNS = {f.name: _OTHERS.get(f.name, _INT32) for f in fields(Columns)[7:]}
_SHARED = ("op", "first", "operands", "attribute", "spec", "site", "group", "label")


def columns_of(circuit: Circuit) -> Columns:
    """The columns of a circuit. Sites keep no folder: it would say who wrote the circuit, and where."""
    kinds = [ARRAY if np.ndim(c) else DTYPES.index(c.dtype) for c in circuit.constants]
    pairs = list(zip(kinds, circuit.constants, strict=True))
    return Columns(
        ops=circuit.ops,
        specs=circuit.specs,
        attributes=circuit.attributes,
        sites=tuple(Site(_file_name(s.file), s.line, s.name) for s in circuit.sites),
        groups=circuit.groups,
        scalars=tuple(np.array([c for k, c in pairs if k == i], d) for i, d in enumerate(_SCALARS)),
        arrays={i: value for i, (kind, value) in enumerate(pairs) if kind == ARRAY},
        **{name: getattr(circuit, name) for name in _SHARED},
        labels=np.frombuffer("".join(f"{n}\n" for n in circuit.labels).encode(), np.uint8),
        inputs=np.array(circuit.inputs, _INT32),
        roles=np.array([ROLES.index(r) for r in circuit.roles], _INT32),
        outputs=np.array(circuit.outputs, _INT32),
        explicit=np.array(sorted(circuit.explicit), _INT32),
        constant_kinds=np.array(kinds, _INT32),
    )


def _file_name(path: str) -> str:
    return re.sub(r"[^\w.\- ]", "", re.split(r"[/\\]", path)[-1])[:64]


def circuit_of(columns: Columns) -> Circuit:
    """The circuit of checked columns, with numbers of its own: the file's bytes can be forgotten."""
    left = [iter(s) for s in columns.scalars]
    kinds = enumerate(columns.constant_kinds.tolist())
    return Circuit(
        gates=(None, None, *map(find_gate, columns.ops[2:])),
        specs=columns.specs,
        attributes=columns.attributes,
        constants=tuple(
            _kept(columns.arrays[i]) if k == ARRAY else next(left[k]) for i, k in kinds
        ),
        sites=columns.sites,
        groups=columns.groups,
        **{name: getattr(columns, name).copy() for name in _SHARED},
        labels=tuple(columns.labels.tobytes().decode().splitlines()),
        inputs=tuple(columns.inputs.tolist()),
        roles=tuple(ROLES[r] for r in columns.roles.tolist()),
        outputs=tuple(columns.outputs.tolist()),
        explicit=frozenset(columns.explicit.tolist()),
    )


def _kept(array: NDArray[Any]) -> NDArray[Any]:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def written(columns: Columns) -> tuple[CircuitTable, Tensors]:
    """The table and the tensors that say all of `columns`."""
    table = CircuitTable(
        ops=list(columns.ops),
        specs=[(s.dtype.name, list(s.shape)) for s in columns.specs],
        attributes=[packed(a, "an attribute", tuple) for a in columns.attributes],
        sites=[(s.file, s.line, s.name) for s in columns.sites],
        groups=[list(g) for g in columns.groups],
    )
    tensors: Tensors = {f"circuit.{name}": getattr(columns, name) for name in _COLUMNS}
    for dtype, scalars in zip(_SCALARS, columns.scalars, strict=True):
        tensors[f"circuit.constants_{dtype.name}"] = scalars
    for position, array in columns.arrays.items():
        tensors[f"circuit.constant.{position}"] = array
    return table, tensors


def read(table: CircuitTable, tensors: Tensors) -> Columns:
    """What `written` was given: views of tensors, which are taken out of `tensors`."""
    columns: dict[str, Any] = {name: _column(tensors, name, d) for name, d in _COLUMNS.items()}
    positions = np.flatnonzero(columns["constant_kinds"] == ARRAY).tolist()
    return Columns(
        ops=tuple(table.ops),
        specs=tuple(_spec(dtype, shape) for dtype, shape in table.specs),
        attributes=tuple(unpacked(a, tuple) for a in table.attributes),
        sites=tuple(Site(*s) for s in table.sites),
        groups=tuple(tuple(g) for g in table.groups),
        scalars=tuple(_column(tensors, f"constants_{d.name}", d) for d in _SCALARS),
        arrays={i: _array(tensors, f"circuit.constant.{i}") for i in positions},
        **columns,
    )


def _column(tensors: Tensors, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    column = tensors.pop(f"circuit.{name}", None)
    if column is None or column.dtype != dtype or column.ndim != 1:
        raise FileError(f"the column 'circuit.{name}' of {dtype} is missing.")
    return column


def _array(tensors: Tensors, name: str) -> NDArray[Any]:
    array = tensors.pop(name, None)
    if array is None or array.ndim == 0 or array.dtype not in DTYPES:
        raise FileError(f"the array '{name}' is missing.")
    return array


def _spec(dtype: str, shape: list[int]) -> Spec:
    if dtype not in _BY_NAME:
        raise FileError(f"a wire carries {', '.join(_BY_NAME)}, not '{said(dtype)}'.")
    return Spec(tuple(shape), _BY_NAME[dtype])
