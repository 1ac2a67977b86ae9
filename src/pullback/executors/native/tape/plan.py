"""A circuit of single numbers as columns that one small machine can run: which word an entry begins or
ends, and where its inputs lie.

Rows that no output listens to are left out. A row with three inputs takes two entries: the second one
holds the third input.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT64
from pullback.core.gate import Gate
from pullback.executors.native.llvm.code import KINDS
from pullback.executors.native.tape.order import grouped
from pullback.executors.native.tape.superinstructions import MOST, PAGE, words
from pullback.passes.pull import Use, pull_template
from pullback.passes.rewrite import live
from pullback.passes.unchosen import Guard, choice_of, guard_of

MOST_INPUTS = 4
# Where an input of an entry lies: anywhere, just before it, there and nobody else listens, or in a constant.
FAR, BEFORE, ONLY, FIXED = range(4)
GATES_A_TOKEN = 16  # code for one gate is worth writing for so many
PATTERN = 8  # where words hold so many gates, what comes next is easily guessed
WORTH = 2  # gates move where runs of a kind are then so many times longer than words
TABLE = 1 << 20  # keys that are counted rather than sorted


@dataclass(frozen=True)
class Opcode:
    """What all entries of one number have in common.

    kinds: LLVM's names of the inputs' types, and kind of the output's. pulled: something pulls on
    it. guarded: below a choice.
    """

    gate: Gate
    attributes: dict[str, Any]
    kinds: tuple[str, ...]
    kind: str
    use: Use
    pulled: bool = True

    @property
    def size(self) -> int:
        """How many entries it takes."""
        return 2 if len(self.kinds) > 2 else 1


class Entry(NamedTuple):
    """A gate as it stands in a word. near: where each input lies, FAR, BEFORE, ONLY or FIXED."""

    kind: Opcode
    near: tuple[int, ...]


class TooManyKinds(Exception):
    """More kinds of row than a byte can tell apart."""


@dataclass(frozen=True, eq=False)
class Tape:
    """The columns. Place i of the values is an input or constant for i < start, then entry i - start.

    word: of each entry that begins or ends one. a, b: places of the inputs. place: of each wire, -1
    for those left out. reached: which places before the entries can be pulled. pages: the entries at
    which work can be cut, and the end.
    """

    circuit: Circuit
    words: tuple[tuple[Entry, ...], ...]
    word: NDArray[np.uint8]
    a: NDArray[np.uint32]
    b: NDArray[np.uint32]
    place: NDArray[np.int64]
    start: int
    reached: NDArray[np.bool_]
    pages: list[int]

    @property
    def places(self) -> int:
        return self.start + len(self.word)

    @cached_property
    def constants(self) -> list[int]:
        """The wires that are constants."""
        kept = (self.circuit.op == 1) & (self.place >= 0)
        return [int(i) for i in np.nonzero(kept)[0]]


def check_kinds(circuit: Circuit) -> None:
    """Raises TooManyKinds for a circuit that has no tape."""
    _kinds(_rows(circuit, None), None)


def tape(circuit: Circuit, output: int | None = None) -> Tape:
    """The columns of `circuit`; for pulling on its output number `output`, only what that needs."""
    rows = _rows(circuit, output)
    number, kinds = _kinds(rows, output)
    known, begins, said = _text(rows, number, kinds, pulled=output is not None)
    if len(known) * PATTERN > len(number):
        order = grouped(number, rows.gates, rows.wires, WORTH * len(number) / len(known))
        if order is not None:
            rows, number = _laid(circuit, rows.gates[order], rows.leaves), number[order]
            known, begins, said = _text(rows, number, kinds, pulled=output is not None)
    starts = rows.at - rows.start
    a, b = np.zeros(rows.total, np.uint32), np.zeros(rows.total, np.uint32)
    for column, wires in enumerate(rows.wires):
        has = wires >= 0
        (a, b)[column % 2][starts[has] + column // 2] = rows.place[wires[has]]
    word = np.zeros(rows.total, np.uint8)
    word[begins] = known
    word[np.append(begins, rows.total)[1:] - 1] = known
    reached = _reached(rows, number, kinds) if output is not None else np.zeros(0, bool)
    firsts = np.searchsorted(starts, np.arange(0, rows.total, PAGE))
    pages = np.unique(np.append(starts, rows.total)[[*firsts, len(starts)]]).tolist()
    return Tape(rows.circuit, said, word, a, b, rows.place, rows.start, reached, pages)


class _Rows(NamedTuple):
    """The rows that are wanted. gates: their wires; leaves: those of inputs and constants; at: the
    gates' places; wires: their inputs by column, -1 for none; total: how many entries they take."""

    circuit: Circuit
    gates: NDArray[np.int64]
    leaves: NDArray[np.int64]
    at: NDArray[np.int64]
    wires: tuple[NDArray[np.int64], ...]
    place: NDArray[np.int64]
    start: int
    total: int


def _rows(circuit: Circuit, output: int | None) -> _Rows:
    outputs = circuit.outputs if output is None else (circuit.outputs[output],)
    wanted = np.array(live(dataclasses.replace(circuit, outputs=outputs)), bool)
    gates, leaves = (np.flatnonzero(wanted & of) for of in (circuit.op > 1, circuit.op <= 1))
    return _laid(circuit, gates, leaves)


def _laid(circuit: Circuit, gates: NDArray[np.int64], leaves: NDArray[np.int64]) -> _Rows:
    """Leaves and gates at their places, each in the order given."""
    first, counts = circuit.first[gates], np.diff(circuit.first)[gates]
    wires = []
    for column in range(MOST_INPUTS):
        wires.append(np.full(len(gates), -1))
        has = counts > column
        wires[column][has] = circuit.operands[first[has] + column]
    sizes = np.where(counts > 2, 2, 1)
    start = max(len(leaves), 1)  # there is a place before the first entry
    at = start + np.cumsum(sizes) - sizes
    place = np.full(len(circuit), -1, np.int64)
    place[leaves], place[gates] = np.arange(len(leaves)), at
    return _Rows(circuit, gates, leaves, at, tuple(wires), place, start, int(sizes.sum()))


def _reached(rows: _Rows, number: NDArray[Any], kinds: Sequence[Opcode]) -> NDArray[np.bool_]:
    """Which inputs some gate can pull."""
    found = np.zeros(rows.start + 1, bool)  # the last one for inputs that nobody listens to
    kept = [(*pull_template(k.use)[1], *[False] * MOST_INPUTS) if k.pulled else () for k in kinds]
    for column, wires in enumerate(rows.wires):
        pulls = np.array([k[column] if k else False for k in kept], bool)[number]
        lies = rows.place[wires[pulls]]
        found[lies[lies < rows.start]] = True
    return found


def _text(
    rows: _Rows, number: NDArray[Any], kinds: Sequence[Opcode], *, pulled: bool
) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[tuple[Entry, ...], ...]]:
    """The rows in words: which, the entries they begin at, and their own entries."""
    tokens, entries = _entries(rows, number, kinds, pulled=pulled)
    room = len(tokens) // GATES_A_TOKEN
    known, begins, spelled = words(tokens, rows.at - rows.start, len(entries), room)
    return known, begins, tuple(tuple(entries[i] for i in one) for one in spelled)


def _entries(
    rows: _Rows, number: NDArray[Any], kinds: Sequence[Opcode], *, pulled: bool
) -> tuple[NDArray[np.uint8], list[Entry]]:
    """Each gate with where its inputs lie, by number; where that makes too many, all lie FAR."""
    near = _near(rows, pulled=pulled)
    key = number
    for column in near:
        key = key * 4 + column
    first, tokens = _numbered(key)
    if len(first) > MOST:
        near = [np.zeros_like(column) for column in near]
        first, tokens = _numbered(number)
    found = []
    for row in first.tolist():
        kind = kinds[number[row]]
        found.append(Entry(kind, tuple(int(c[row]) for c in near[: len(kind.kinds)])))
    return tokens.astype(np.uint8), found


def _near(rows: _Rows, *, pulled: bool) -> list[NDArray[np.int8]]:
    """Where each input lies. That nobody else listens, or that it is constant, matters to pulls alone."""
    circuit, found = rows.circuit, []
    carried = np.array([s.dtype == FLOAT64 for s in circuit.specs], bool)[circuit.spec]
    carried &= circuit.op > 1
    every = np.concatenate(rows.wires)
    uses = np.bincount(every[every >= 0], minlength=len(circuit))
    for wires in rows.wires:
        before = (rows.place[wires] == rows.at - 1) & carried[wires] & (wires >= 0)
        near = np.where(before, BEFORE, FAR).astype(np.int8)
        if pulled:
            near[before & (uses[wires] == 1)] = ONLY
            near[(circuit.op[wires] == 1) & (wires >= 0)] = FIXED
        found.append(near)
    return found


def _kinds(rows: _Rows, output: int | None) -> tuple[NDArray[np.int64], tuple[Opcode, ...]]:
    """The kind number of each gate row, and the kinds."""
    circuit, gates = rows.circuit, rows.gates
    key = circuit.op[gates].astype(np.int64) * (len(circuit.attributes) + 1)
    key += circuit.attribute[gates]
    none = len(circuit.specs)
    for wires in rows.wires:
        specs = np.where(wires >= 0, circuit.spec[wires], none)
        key = _numbered(key)[1] * (none + 1) + specs  # kept small, so that nothing overflows
    first, number = _numbered(key)
    kinds = [_kind(circuit, int(gates[i])) for i in first]
    if output is not None:
        pulled, guarded = _pull_marks(circuit, gates, number, kinds, circuit.outputs[output])
        first, number = _numbered(number * 4 + 2 * pulled + guarded)
        kinds = [_kind(circuit, int(gates[i]), bool(pulled[i]), bool(guarded[i])) for i in first]
    if len(kinds) > MOST:
        raise TooManyKinds(str(len(kinds)))
    return number, tuple(kinds)


def _numbered(key: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The first row of each number in `key`, and which of them each row has."""
    most = int(key.max(initial=0)) + 1
    if most > TABLE:
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
        return first, number
    row = np.full(most, -1)
    row[key[::-1]] = np.arange(len(key))[::-1]  # of several, the last one stays
    kept = row >= 0
    return row[kept], (np.cumsum(kept) - 1)[key]


def _kind(circuit: Circuit, wire: int, pulled: bool = True, guarded: bool = False) -> Opcode:
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
        guarded,
    )
    kinds = tuple(KINDS[s.dtype] for s in specs)
    return Opcode(row.gate, row.attributes, kinds, KINDS[spec.dtype], use, pulled)


def _pull_marks(
    circuit: Circuit, gates: NDArray[Any], number: NDArray[Any], kinds: list[Opcode], output: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Which rows are pulled at all, and which are guarded: by going back once, where rows differ."""
    real = np.array([k.kind in ("double", "float") for k in kinds], bool)
    pulled, guarded = real[number], np.zeros(len(gates), bool)
    kept = [pull_template(k.use)[1] if ok else () for k, ok in zip(kinds, real, strict=True)]
    choices = [choice_of(k.gate, k.use.inputs, k.attributes) for k in kinds]
    guard = _guard(circuit, gates, number, kinds, choices)
    plain = not guard.uncertain and "condition" not in choices
    if plain and all(all(k) for k in kept) and real.all():
        return pulled, guarded
    has_pull = {output}
    first, operands = circuit.first.tolist(), circuit.operands.tolist()
    numbers = number.tolist()
    for i in range(len(gates) - 1, -1, -1):
        wire, kind = int(gates[i]), numbers[i]
        pulled[i] = wire in has_pull and real[kind]
        if not pulled[i]:
            continue
        inputs = list(compress(operands[first[wire] : first[wire + 1]], kept[kind]))
        guarded[i] = guard.needed(wire, kinds[kind].gate, choices[kind])
        guard.passed_on(wire, choices[kind], inputs)
        has_pull.update(inputs)
    return pulled, guarded


def _guard(
    circuit: Circuit,
    gates: NDArray[Any],
    number: NDArray[Any],
    kinds: list[Opcode],
    choices: list[str],
) -> Guard:
    """The guard of `circuit`; one that knows of nothing uncertain where no gate chooses above such a one."""
    steep = np.array([k.gate.slopes == "any" or callable(k.gate.slopes) for k in kinds], bool)
    chooses = np.array([bool(choice) for choice in choices], bool)
    first = gates[steep[number]].min(initial=len(circuit))
    return guard_of(circuit) if first <= gates[chooses[number]].max(initial=-1) else Guard(())
