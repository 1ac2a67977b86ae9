"""A plan as LLVM text: one function a group, equal groups share one, and `@run` calls them in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pullback.executors.native.arrays.elementwise import copy
from pullback.executors.native.arrays.kernel import NativeKernel, Writing, curves_in
from pullback.executors.native.arrays.kernels import KERNELS
from pullback.executors.native.arrays.nest import Body
from pullback.executors.native.llvm import bounds
from pullback.executors.native.llvm.code import FAST, Number
from pullback.executors.native.llvm.jit import has_fma
from pullback.passes.planning.groups import Group, Plan
from pullback.passes.planning.memory import Memory
from pullback.passes.planning.views import View, dense

INLINE = 4  # exp and its kin in one group, up to which they are written where they are used


@dataclass(frozen=True)
class Copy:
    """The last thing of all: a view copied to the storage with a slot of its own."""

    source: View
    target: View


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
        w, result = self._written(group, group.parts)
        if group.parts > w.body.most_turns:
            w, result = self._written(group, max(w.body.most_turns, 1))
        if result is None and not w.body.lines:
            return  # there is nothing to do
        kind = "i1" if result is not None else "void"
        name = self._function(w, kind, result.text if result is not None else "", group)
        addresses = [self._address(s, group) for s in w.parameters]
        given = ", ".join(f"ptr {address}" for address in addresses)
        if w.body.parts > 1:
            self._share(name, addresses, w.body.parts)
        elif result is None:
            self.lines.append(f"  call void {name}({given})")
        else:
            n = len(self.lines)
            self.lines += [f"  %bad{n} = call i1 {name}({given})",
                           f"  br i1 %bad{n}, label %bad, label %good{n}", f"good{n}:"]  # fmt: skip

    def _written(self, group: Group, parts: int) -> tuple[Writing, Number | None]:
        assert isinstance(group.kernel, NativeKernel)
        body = self._body(curves_in(group) <= INLINE, parts)
        lies = partial(self._bytes, group=group), partial(self._address, group=group)
        w = Writing(body, self.plan, group, self.constants, *lies)
        return w, group.kernel.write(w)

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
        nothing = Group(KERNELS.loop, [], (), -1)
        lies = partial(self._bytes, group=None), partial(self._address, group=None)
        w = Writing(self._body(True, 1), self.plan, nothing, {}, *lies)
        copy(w.body, w.placed(one.source), w.placed(one.target))
        name = self._function(w, "void", "", None)
        given = ", ".join(f"ptr {self._address(s, None)}" for s in w.parameters)
        self.lines.append(f"  call void {name}({given})")

    def _body(self, inline: bool, parts: int) -> Body:
        return Body(flags=FAST if self.fast else "", fused=has_fma(), inline=inline, parts=parts)

    def _function(self, f: Writing, kind: str, result: str, group: Group | None) -> str:
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

    def _shared(self, f: Writing, group: Group | None) -> set[int]:
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
        return view.bytes

    def _from_table(self, slot: int) -> str:
        name = f"%slot{slot}"
        at = f"  {name}.at = getelementptr ptr, ptr %table, i64 {slot}"
        self.loaded.setdefault(name, f"{at}\n  {name} = load ptr, ptr {name}.at")
        return name

    def _in_arena(self, offset: int) -> str:
        name = f"%arena{offset}"
        self.loaded.setdefault(name, f"  {name} = getelementptr i8, ptr %arena, i64 {offset}")
        return name


def _part(name: str, count: int) -> str:
    """One part of a divided group, its addresses taken from memory."""
    lines = [f"define internal void {name}.part(ptr %given, i64 %part) nounwind {{"]
    for i in range(count):
        lines += [f"  %at{i} = getelementptr ptr, ptr %given, i64 {i}",
                  f"  %p{i} = load ptr, ptr %at{i}"]  # fmt: skip
    given = "".join(f"ptr %p{i}, " for i in range(count))
    return "\n".join([*lines, f"  call void {name}({given}i64 %part)", "  ret void", "}"])


def writers(plan: Plan) -> Iterator[Callable[..., Any]]:
    """The functions that write the groups of a plan."""
    for group in plan.groups:
        assert isinstance(group.kernel, NativeKernel)
        yield group.kernel.write


def uniform_constants(plan: Plan) -> dict[int, Any]:
    """Constants that are one number everywhere, bit for bit: those need no memory."""
    circuit = plan.circuit
    found: dict[int, Any] = {}
    for wire in np.nonzero(circuit.op == 1)[0].tolist():
        value = np.asarray(circuit.constant_of(wire))
        if value.size and value.tobytes() == value.flat[0].tobytes() * value.size:
            found[wire] = value.flat[0]
    return found
