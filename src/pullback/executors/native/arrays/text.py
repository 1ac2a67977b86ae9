"""A plan as LLVM text: one function a group, equal groups share one, and `@run` calls them in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from pullback.core.circuit import Row
from pullback.executors.native.arrays import bounds, gemm
from pullback.executors.native.arrays.elementwise import (
    Constant,
    Loop,
    Operand,
    compute,
    copy,
    elementwise,
    spread,
)
from pullback.executors.native.arrays.fold import FOLDS, fold
from pullback.executors.native.arrays.memory import Memory
from pullback.executors.native.arrays.move import move
from pullback.executors.native.arrays.nest import Body, Index, Placed, View, product
from pullback.executors.native.arrays.plan import Group, Plan
from pullback.executors.native.arrays.split import cut, narrowed
from pullback.executors.native.arrays.views import dense
from pullback.executors.native.code import FAST, SIZES, Number
from pullback.executors.native.jit import has_fma
from pullback.executors.native.lower import CURVES
from pullback.executors.native.pool import LINE

INLINE = 4  # exp and its kin in one group, up to which they are written where they are used


@dataclass(frozen=True)
class Copy:
    """The last thing of all: a view copied to the storage with a slot of its own."""

    source: View
    target: View


@dataclass
class _Function:
    """One group being written. Storages become parameters in the order in which they are met.

    bytes_of: how much lies behind a storage.
    """

    body: Body
    bytes_of: Callable[[int], int]
    parameters: dict[int, str] = field(default_factory=dict)

    def placed(self, view: View) -> Placed:
        return Placed(view, self.parameter(view.storage))

    def parameter(self, storage: int) -> str:
        """The register that points to a storage."""
        name = self.parameters.setdefault(storage, f"%p{len(self.parameters)}")
        if self.body.bounds:
            self.body.bounds.known(name, self.bytes_of(storage))
        return name


class Module:
    """The text of a plan. `slots` of the memory plan say where in the table an address stands.

    team: where in the table those stand who share the work of divided groups.
    """

    def __init__(
        self, plan: Plan, memory: Memory, copies: Sequence[Copy], *, fast: bool, team: int
    ) -> None:
        self.plan, self.memory, self.fast, self.team = plan, memory, fast, team
        self.outside: dict[str, str] = {}
        self.functions: dict[str, str] = {}  # text -> name
        self.divided: dict[str, int] = {}  # those done in parts -> how many addresses they take
        self.constants = uniform_constants(plan)
        self.targets = {one.target.storage: one.target for one in copies}
        self.lines: list[str] = []
        self.loaded: dict[str, str] = {}
        for group in plan.groups:
            self._call(group)
        for one in copies:
            self._copy(one)

    def text(self) -> str:
        """`i64 @run(ptr table, ptr arena)`: 0, or 1 when an index was out of range."""
        head = "define i64 @run(ptr noalias %table, ptr noalias %arena) nounwind {\nentry:"
        main = [head, *self.loaded.values(), *self.lines, "  ret i64 0", "bad:", "  ret i64 1", "}"]
        texts = [text.replace("@GROUP", name, 1) for text, name in self.functions.items()]
        parts = [_part(name, count) for name, count in self.divided.items()]
        checks = [bounds.OUTSIDE] if bounds.asked() else []
        return "\n".join([*checks, *self.outside.values(), *texts, *parts, *main])

    # One group

    def _call(self, group: Group) -> None:
        f, result = self._written(group, group.parts)
        if group.parts > f.body.most_turns:
            f, result = self._written(group, max(f.body.most_turns, 1))
        kind = "i1" if result is not None else "void"
        name = self._function(f, kind, result.text if result is not None else "", group)
        addresses = [self._address(s, group) for s in f.parameters]
        given = ", ".join(f"ptr {address}" for address in addresses)
        if f.body.parts > 1:
            self._share(name, addresses, f.body.parts)
        elif result is None:
            self.lines.append(f"  call void {name}({given})")
        else:
            n = len(self.lines)
            self.lines += [f"  %bad{n} = call i1 {name}({given})",
                           f"  br i1 %bad{n}, label %bad, label %good{n}", f"good{n}:"]  # fmt: skip

    def _written(self, group: Group, parts: int) -> tuple[_Function, Number | None]:
        curves = sum(row.gate is not None and row.gate.name in CURVES for row in group.rows)
        f = _Function(self._body(curves <= INLINE, parts), partial(self._bytes, group=group))
        scratch = f.parameter(-1) if group.scratch else ""
        return f, self._write(f, group, scratch)

    def _share(self, name: str, addresses: Sequence[str], parts: int) -> None:
        """A call of all parts: the addresses go through memory, where each thread reads them."""
        self.divided[name] = len(addresses)
        most = max(self.divided.values())
        team = self._from_table(self.team)
        self.loaded["%share"] = f"  %share = load ptr, ptr {team}"
        self.loaded["%given"] = f"  %given = alloca [{most} x ptr]"
        n = len(self.lines)
        for i, address in enumerate(addresses):
            self.lines += [f"  %given{n}.{i} = getelementptr ptr, ptr %given, i64 {i}",
                           f"  store ptr {address}, ptr %given{n}.{i}"]  # fmt: skip
        call = f"call void %share(ptr {team}, ptr {name}.part, ptr %given, i64 {parts})"
        self.lines.append("  " + call)

    def _copy(self, one: Copy) -> None:
        f = _Function(self._body(True, 1), partial(self._bytes, group=None))
        copy(f.body, f.placed(one.source), f.placed(one.target))
        name = self._function(f, "void", "", None)
        given = ", ".join(f"ptr {self._address(s, None)}" for s in f.parameters)
        self.lines.append(f"  call void {name}({given})")

    def _body(self, inline: bool, parts: int) -> Body:
        return Body(flags=FAST if self.fast else "", fused=has_fma(), inline=inline, parts=parts)

    def _function(self, f: _Function, kind: str, result: str, group: Group | None) -> str:
        shared = self._shared(f, group)
        given = ", ".join(
            f"ptr {'' if s in shared else 'noalias '}{name}" for s, name in f.parameters.items()
        )
        given += ", i64 %part" if f.body.parts > 1 else ""
        for key, text in f.body.outside.items():
            self.outside.setdefault(key, text)
        lines = [f"define internal {kind} @GROUP({given}) nounwind noinline {{", "entry:",
                 *f.body.slots, *f.body.lines, f"  ret {kind} {result}".rstrip(), "}"]  # fmt: skip
        return self.functions.setdefault("\n".join(lines), f"@group{len(self.functions)}")

    def _shared(self, f: _Function, group: Group | None) -> set[int]:
        """Storages that lie where another one of the same call does."""
        places: dict[str, list[int]] = {}
        for storage in f.parameters:
            places.setdefault(self._address(storage, group), []).append(storage)
        return {s for several in places.values() if len(several) > 1 for s in several}

    def _address(self, storage: int, group: Group | None) -> str:
        if storage == -1:
            assert group is not None
            return self._in_arena(self.memory.scratch[group.number].offset)
        if storage in self.memory.slots:
            return self._from_table(self.memory.slots[storage])
        return self._in_arena(self.memory.pieces[storage].offset)

    def _bytes(self, storage: int, group: Group | None) -> int:
        if storage == -1 and group is not None:
            return self.memory.scratch[group.number].size
        if storage in self.memory.pieces:
            return self.memory.pieces[storage].size
        view = self.targets.get(storage) or dense(self.plan.circuit, storage)
        return SIZES[view.kind] * view.size

    def _from_table(self, slot: int) -> str:
        name = f"%slot{slot}"
        at = f"  {name}.at = getelementptr ptr, ptr %table, i64 {slot}"
        self.loaded.setdefault(name, f"{at}\n  {name} = load ptr, ptr {name}.at")
        return name

    def _in_arena(self, offset: int) -> str:
        name = f"%arena{offset}"
        self.loaded.setdefault(name, f"  {name} = getelementptr i8, ptr %arena, i64 {offset}")
        return name

    def _write(self, f: _Function, group: Group, scratch: str) -> Number | None:
        writes = {wire: f.placed(dense(self.plan.circuit, wire)) for wire in group.writes}
        if group.kind == "check":
            return _check(f.body, f.placed(self.plan.views[group.index]), group.size)
        if group.kind == "loop":
            elementwise(f.body, self._loop(f, group, writes))
        elif group.kind == "matmul":
            self._matmul(f, group, writes, scratch)
        elif group.kind in FOLDS:
            fold(f.body, group.rows, f.placed(self.plan.views[group.rows[0].inputs[0]]), writes)
        elif writes:
            inputs = [f.placed(self.plan.views[i]) for i in group.rows[0].inputs]
            move(f.body, group.rows[0], writes[group.rows[0].wire], inputs)
        return None

    def _operand(self, f: _Function, wire: int, shape: tuple[int, ...]) -> Operand:
        view = self.plan.views[wire]
        if view.storage in self.constants:
            return Constant(self.constants[view.storage], view.kind)
        return spread(f.placed(view), shape)

    def _loop(self, f: _Function, group: Group, writes: dict[int, Placed]) -> Loop:
        inside = {row.wire for row in group.rows}
        rows = [_by_row(row) for row in group.rows]
        wanted = dict.fromkeys(i for row in rows for i in row.inputs if i not in inside)
        reads = {i: self._read(f, i, group.shape) for i in wanted}
        return Loop(rows, group.shape, reads, list(writes.items()))

    def _read(self, f: _Function, i: int, shape: tuple[int, ...]) -> Operand:
        """A wire spread out to `shape`; ~wire has one number for each row of it."""
        if i >= 0:
            return self._operand(f, i, shape)
        at = self._operand(f, ~i, shape[:-1])
        return _repeated(at, shape) if isinstance(at, Placed) else at

    def _matmul(self, f: _Function, group: Group, writes: dict[int, Placed], scratch: str) -> None:
        row, rest = group.rows[0], group.rows[1:]
        shape = group.shape
        if not product(shape):
            return
        a, b = (f.placed(self.plan.views[i]) for i in row.inputs)
        d = a.view.shape[-1]
        a = spread(a, (*shape[:-1], d))
        b = spread(b, (*shape[:-2], d, shape[-1]))
        inside = {r.wire for r in group.rows}
        reads = {i: self._operand(f, i, shape) for r in rest for i in r.inputs if i not in inside}
        fixed = {
            i: f.body.load(f.body.pointer(at), at.view.kind)
            for i, at in reads.items()
            if isinstance(at, Placed) and not any(at.view.strides)
        }
        loop = Loop(
            group.rows,
            shape,
            {i: at for i, at in reads.items() if i not in fixed},
            [*writes.items()],
        )

        how = cut(shape, a.view.kind, f.body.parts)
        if f.body.parts > 1:
            f.body.most_turns = f.body.parts  # `divide` has seen to it
            offset = f.body.impure(f"mul i64 %part, {group.scratch}", "i64").text
            scratch = f.body.at(scratch, offset, "i8") if scratch else ""

        def product_at(here: list[Index]) -> None:
            sides = _inner(f.body, a, here), _inner(f.body, b, here)
            inner = _at_batch(f.body, loop, here)
            if f.body.parts == 1 or how.batch >= 0:
                _product(f.body, sides, inner, fixed, scratch)
                return
            for run in how.runs:
                with f.body.among(run.first, run.many) as i:
                    start = f.body.sum_of(run.start, (i, run.size))
                    some = _some(f.body, sides, inner, how.axis, (start, run.size))
                    _product(f.body, *some, fixed, scratch)

        _batches(f.body, shape[:-2], [], product_at, how.batch)


def _product(
    body: Body, sides: tuple[Placed, Placed], loop: Loop, fixed: dict[int, Number], scratch: str
) -> None:
    """One matrix times another, and what is done to each element of the product."""
    if _is_thin(*(at.view for at in sides)):
        sides, loop = (_turned(sides[1]), _turned(sides[0])), _turned_loop(loop)
    operands = [*loop.reads.values(), *(at for _, at in loop.writes)]
    beside = [at for at in operands if isinstance(at, Placed)]
    gemm.Gemm(body, *sides, scratch, _epilogue(body, loop, fixed), beside).write()


def _some(
    body: Body, sides: tuple[Placed, Placed], loop: Loop, axis: int, those: tuple[Index, int]
) -> tuple[tuple[Placed, Placed], Loop]:
    """A product of some rows (axis 0) or columns (1) only: `those` begin somewhere and are so many."""

    def of(at: Placed) -> Placed:
        pointer = body.at(
            at.pointer, body.sum_of(0, (those[0], at.view.strides[axis])), at.view.kind
        )
        shape = tuple(those[1] if i == axis else size for i, size in enumerate(at.view.shape))
        return Placed(at.view._replace(shape=shape), pointer)

    left, right = sides
    reads = {i: of(at) if isinstance(at, Placed) else at for i, at in loop.reads.items()}
    shape = tuple(those[1] if i == axis else size for i, size in enumerate(loop.shape))
    both = (of(left), right) if axis == 0 else (left, of(right))
    return both, Loop(loop.rows, shape, reads, [(w, of(at)) for w, at in loop.writes])


def _part(name: str, count: int) -> str:
    """One part of a divided group, its addresses taken from memory."""
    lines = [f"define internal void {name}.part(ptr %given, i64 %part) nounwind {{"]
    for i in range(count):
        lines += [f"  %at{i} = getelementptr ptr, ptr %given, i64 {i}",
                  f"  %p{i} = load ptr, ptr %at{i}"]  # fmt: skip
    given = "".join(f"ptr %p{i}, " for i in range(count))
    return "\n".join([*lines, f"  call void {name}({given}i64 %part)", "  ret void", "}"])


def _is_thin(left: View, right: View) -> bool:
    """Whether a product is one column: then it is made as one row, so that lanes are filled.

    Of a divided product each part is asked, when its scratch is measured as when it is written.
    """
    return right.shape[-1] == 1 and left.shape[-2] > 1


def _turned(at: Placed) -> Placed:
    return at.moved(0, at.view.shape[::-1], at.view.strides[::-1])


def _turned_loop(loop: Loop) -> Loop:
    reads = {i: _turned(at) if isinstance(at, Placed) else at for i, at in loop.reads.items()}
    return Loop(loop.rows, loop.shape[::-1], reads, [(w, _turned(at)) for w, at in loop.writes])


def _at_batch(body: Body, loop: Loop, here: list[Index]) -> Loop:
    reads = {
        i: _inner(body, at, here) if isinstance(at, Placed) else at for i, at in loop.reads.items()
    }
    return Loop(
        loop.rows, loop.shape[-2:], reads, [(w, _inner(body, at, here)) for w, at in loop.writes]
    )


def _epilogue(body: Body, loop: Loop, fixed: dict[int, Number]) -> gemm.Epilogue:
    """The rows behind a product, done on its tiles. fixed: operands that are one number."""
    row, *rest = loop.rows
    writes = dict(loop.writes)

    def epilogue(down: Index, right: Index) -> gemm.Piece:
        placed = {key: at for key, at in loop.reads.items() if isinstance(at, Placed)} | writes
        corners = {key: body.pointer(at, [down, right]) for key, at in placed.items()}

        def place(key: int, i: int, j: int) -> str:
            rows, columns = placed[key].view.strides
            return body.at(corners[key], i * rows + j * columns, placed[key].view.kind)

        def piece(y: Number, i: int, j: int) -> None:
            values = {row.wire: y}
            for wire, x in fixed.items():
                values[wire] = body.splat(x, y.lanes) if y.lanes > 1 else x
            for wire, at in loop.reads.items():
                if isinstance(at, Constant):
                    values[wire] = body.constant(at.value, at.kind, y.lanes)
                else:
                    columns = at.view.strides[1]
                    values[wire] = body.load_from(place(wire, i, j), at.view.kind, y.lanes, columns)
            compute(body, rest, values)
            for wire, at in writes.items():
                body.store_to(
                    values[wire], place(wire, i, j), at.view.strides[1] if y.lanes > 1 else 1
                )

        return piece

    return epilogue


def _batches(
    body: Body, sizes: tuple[int, ...], here: list[Index], write: Any, shared: int = -1
) -> None:
    if len(here) == len(sizes):
        write(here)
        return
    with (body.shared if len(here) == shared else body.loop)(sizes[len(here)]) as i:
        _batches(body, sizes, [*here, i], write, shared)


def _inner(body: Body, at: Placed, here: Sequence[Index]) -> Placed:
    """The last two axes, at one place of the axes before."""
    if not here:
        return at
    view = at.view
    pointer = body.pointer(at, here)
    n = len(here)
    return Placed(view._replace(offset=0, shape=view.shape[n:], strides=view.strides[n:]), pointer)


def _by_row(row: Row) -> Row:
    """An unpick reads ~wire: other rows may read the same wire along the columns."""
    is_unpick = row.gate is not None and row.gate.name == "unpick"
    return row._replace(inputs=tuple(~i for i in row.inputs)) if is_unpick else row


def _repeated(at: Placed, shape: tuple[int, ...]) -> Placed:
    return at.moved(0, shape, (*at.view.strides, 0))


def _check(body: Body, index: Placed, size: int) -> Number:
    """Whether some index lies outside 0..size-1."""
    slot = body.slot("i1")
    body.store_bit(slot, body.constant(0, "i1"))
    if index.view.size:
        _batches(body, index.view.shape, [], lambda here: body.store_bit(slot, body.load_bit(slot) |
            body.compare("uge", body.load(body.pointer(index, here), "i64"), size)))  # fmt: skip
    return body.load_bit(slot)


def uniform_constants(plan: Plan) -> dict[int, Any]:
    """Constants that are one number everywhere, bit for bit: those need no memory."""
    circuit = plan.circuit
    found: dict[int, Any] = {}
    for wire in np.nonzero(circuit.op == 1)[0].tolist():
        value = np.asarray(circuit.constant_of(wire))
        if value.size and value.tobytes() == value.flat[0].tobytes() * value.size:
            found[wire] = value.flat[0]
    return found


def needs_scratch(plan: Plan) -> None:
    """Say how much room each part of a matrix product needs to pack its sides."""
    for group in plan.groups:
        if group.kind == "matmul" and product(group.shape):
            left, right = (plan.views[i] for i in group.rows[0].inputs)
            how = cut(group.shape, left.kind, group.parts)
            group.scratch = max(
                _scratch(*narrowed(left, right, how.axis, run.size)) for run in how.runs
            )
            if group.parts > 1:
                group.scratch += -group.scratch % LINE


def _scratch(left: View, right: View) -> int:
    if _is_thin(left, right):
        left, right = _last_turned(right), _last_turned(left)
    return gemm.scratch_size(left, right)


def _last_turned(x: View) -> View:
    shape, strides = (*x.shape[:-2], *x.shape[:-3:-1]), (*x.strides[:-2], *x.strides[:-3:-1])
    return x._replace(shape=shape, strides=strides)
