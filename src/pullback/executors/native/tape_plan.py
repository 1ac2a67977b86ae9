"""A circuit of single numbers as columns that one small machine can run: a number for the kind of row,
and where its inputs lie.

Rows that no output listens to are left out. A row with three inputs takes two entries: the second one
holds the third input and does nothing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pullback.core.circuit import Circuit
from pullback.core.gate import Gate
from pullback.executors.native.code import KINDS
from pullback.passes.pull import Use, pull_template
from pullback.passes.rewrite import live

REST = 0  # the entry that only holds a third input
MOST_KINDS = 255
MOST_INPUTS = 4


@dataclass(frozen=True)
class Kind:
    """What all entries of one number have in common.

    kinds: LLVM's names of the inputs' types, and kind of the output's. pulled: something pulls on
    it. masked: out of a `where`.
    """

    gate: Gate
    attributes: dict[str, Any]
    kinds: tuple[str, ...]
    kind: str
    use: Use
    pulled: bool = True


class TooManyKinds(Exception):
    """More kinds of row than a byte can tell apart."""


@dataclass(frozen=True, eq=False)
class Tape:
    """The columns. Place i of the values is an input or constant for i < start, then entry i - start.

    op, a, b: of each entry; a and b are places. place: of each wire, -1 for those left out. constants:
    the places of the circuit's constants and their wires.
    """

    circuit: Circuit
    kinds: tuple[Kind, ...]
    op: NDArray[np.uint8]
    a: NDArray[np.uint32]
    b: NDArray[np.uint32]
    place: NDArray[np.int64]
    start: int

    @property
    def places(self) -> int:
        return self.start + len(self.op)

    @cached_property
    def reached(self) -> NDArray[np.bool_]:
        """Which places some entry can pull."""
        found = np.zeros(self.places + 1, bool)
        for number, kind in enumerate(self.kinds, 1):
            kept = pull_template(kind.use)[1] if kind.pulled else ()
            at = np.nonzero(self.op == number)[0]
            for column, keeps in enumerate(kept):
                if keeps:
                    found[(self.a, self.b)[column % 2][at + column // 2]] = True
        return found

    @cached_property
    def constants(self) -> list[int]:
        """The wires that are constants."""
        kept = (self.circuit.op == 1) & (self.place >= 0)
        return [int(i) for i in np.nonzero(kept)[0]]


def tape(circuit: Circuit, output: int | None = None) -> Tape:
    """The columns of `circuit`; for pulling on its output number `output`, only what that needs."""
    asking = (
        circuit
        if output is None
        else dataclasses.replace(circuit, outputs=(circuit.outputs[output],))
    )
    wanted = np.array(live(asking), bool)
    gates = np.nonzero(wanted & (circuit.op > 1))[0]
    leaves = np.nonzero(wanted & (circuit.op <= 1))[0]
    counts = np.diff(circuit.first)[gates]
    sizes = np.where(counts > 2, 2, 1)
    place = np.full(len(circuit), -1, np.int64)
    place[leaves] = np.arange(len(leaves))
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    at = ends - sizes
    place[gates] = len(leaves) + at
    op, kinds = _kinds(circuit, gates, output)
    a, b = np.zeros(total, np.uint32), np.zeros(total, np.uint32)
    ops = np.full(total, REST, np.uint8)
    ops[at] = op
    for column, to, shift in ((0, a, 0), (1, b, 0), (2, a, 1), (3, b, 1)):
        has = counts > column
        to[at[has] + shift] = place[circuit.operands[circuit.first[gates[has]] + column]]
    single = counts == 1
    b[at[single]] = a[at[single]]
    return Tape(circuit, kinds, ops, a, b, place, len(leaves))


def _kinds(
    circuit: Circuit, gates: NDArray[Any], output: int | None
) -> tuple[NDArray[np.uint8], tuple[Kind, ...]]:
    """The kind number of each gate row, from 1 on, and the kinds."""
    key = circuit.op[gates].astype(np.int64) * (len(circuit.attributes) + 1)
    key += circuit.attribute[gates]
    for column in range(MOST_INPUTS):
        key = _combined(key, _input_specs(circuit, gates, column), len(circuit.specs) + 1)
    first, number = _numbered(key)
    kinds = [_kind(circuit, int(gates[i])) for i in first]
    if output is not None:
        pulled, masked = _pull_marks(circuit, gates, number, kinds, circuit.outputs[output])
        first, number = _numbered(number * 4 + 2 * pulled + masked)
        kinds = [_kind(circuit, int(gates[i]), bool(pulled[i]), bool(masked[i])) for i in first]
    if len(kinds) > MOST_KINDS:
        raise TooManyKinds(str(len(kinds)))
    return (number + 1).astype(np.uint8), tuple(kinds)


def _combined(key: NDArray[Any], more: NDArray[Any], base: int) -> NDArray[Any]:
    """One number for both; kept small, so that nothing overflows."""
    return np.asarray(np.unique(key, return_inverse=True)[1] * base + more)


def _numbered(key: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    return first, number


def _input_specs(circuit: Circuit, gates: NDArray[Any], column: int) -> NDArray[Any]:
    """Which spec input number `column` has, the last number where there is no such input."""
    first, counts = circuit.first[gates], np.diff(circuit.first)[gates]
    found = np.full(len(gates), len(circuit.specs))
    has = counts > column
    found[has] = circuit.spec[circuit.operands[first[has] + column]]
    return found


def _kind(circuit: Circuit, wire: int, pulled: bool = True, masked: bool = False) -> Kind:
    row = circuit.row(wire)
    assert row.gate is not None
    specs = tuple(circuit.spec_of(i) for i in row.inputs)
    spec = circuit.spec_of(wire)
    use = Use(
        row.gate,
        row.gate.rule,
        spec,
        specs,
        tuple((k, type(v), v) for k, v in row.attributes.items()),
        tuple(s.dtype.kind == "f" for s in specs),
        (None,) * len(specs),
        masked,
    )
    kinds = tuple(KINDS[s.dtype] for s in specs)
    return Kind(row.gate, row.attributes, kinds, KINDS[spec.dtype], use, pulled)


def _pull_marks(
    circuit: Circuit, gates: NDArray[Any], number: NDArray[Any], kinds: list[Kind], output: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Which rows are pulled at all, and which out of a `where`: by going back once, where rows differ."""
    real = np.array([k.kind in ("double", "float") for k in kinds], bool)
    pulled, masked = real[number], np.zeros(len(gates), bool)
    kept = [pull_template(k.use)[1] if ok else () for k, ok in zip(kinds, real, strict=True)]
    wheres = [k.gate.name == "where" for k in kinds]
    if not any(wheres) and all(all(k) for k in kept) and real.all():
        return pulled, masked
    has_pull, is_masked = {output}, set()
    first, operands = circuit.first.tolist(), circuit.operands.tolist()
    numbers = number.tolist()
    for i in range(len(gates) - 1, -1, -1):
        wire, kind = int(gates[i]), numbers[i]
        pulled[i] = wire in has_pull and real[kind]
        if not pulled[i]:
            continue
        inputs = operands[first[wire] : first[wire + 1]]
        masked[i] = wire in is_masked
        has_pull.update(x for x, k in zip(inputs, kept[kind], strict=True) if k)
        if masked[i] or wheres[kind]:
            is_masked.update(inputs)
    return pulled, masked
