"""`Body`: code with loops; `Placed`: a view of numbers in memory, and the register that points to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pullback.executors.native.llvm.bounds import Bounds, asked
from pullback.executors.native.llvm.code import KINDS, SIZES, Code, Number, type_of
from pullback.executors.native.llvm.jit import vector_bits
from pullback.passes.planning.views import View

Index = int | str  # known now, or an i64 register


@dataclass(frozen=True)
class Placed:
    """A view and the register that points to its storage."""

    view: View
    pointer: str

    @property
    def kind(self) -> str:
        """How LLVM spells the kind of its numbers."""
        return KINDS[self.view.dtype]

    def moved(self, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Placed:
        """Another view of the same storage, `offset` elements further on."""
        view = self.view._replace(offset=self.view.offset + offset, shape=shape, strides=strides)
        return Placed(view, self.pointer)


def lanes_for(kind: str) -> int:
    """How many numbers of a kind fill a vector register."""
    return vector_bits() // 8 // max(SIZES[kind], 4)


class Body(Code):
    """The code of one function, with counted loops."""

    def __init__(
        self, *, flags: str = "", fused: bool = True, inline: bool = True, parts: int = 1
    ) -> None:
        super().__init__(flags=flags, fused=fused, inline=inline)
        self.here = "entry"
        self.parts = parts  # of a function that does one part of its work, number %part
        self.most_turns = 0  # of a loop that was divided among the parts
        self._divided = False
        self.bounds = Bounds() if asked() else None
        self.slots: list[str] = []  # stack slots, for the head of the function

    def block(self, label: str) -> None:
        super().block(label)
        self.here = label

    @contextmanager
    def loop(self, count: Index, step: int = 1) -> Iterator[Index]:
        """The lines within, for 0, step, 2 step ... below count, at least once. One turn needs no loop."""
        if isinstance(count, int) and count <= step:
            yield 0
            return
        end = count if isinstance(count, str) else count - (count % step or step) + 1
        i, n = self.fresh(), self.fresh()[2:]
        self.line(f"br label %loop{n}")
        with self._turns(i, n, 0, end, step):
            yield i

    @contextmanager
    def _turns(self, i: str, n: str, first: Index, end: Index, step: int) -> Iterator[None]:
        """Loop number n over i, entered from here, until i reaches end; goes on at %done."""
        before = self.here
        self.block(f"loop{n}")
        self.line(f"{i} = phi i64 [{first}, %{before}], [{i}.next, %turn{n}]")
        yield
        self.line(f"br label %turn{n}")
        self.block(f"turn{n}")
        self.line(f"{i}.next = add nuw nsw i64 {i}, {step}")
        self.line(f"{i}.more = icmp slt i64 {i}.next, {end}")
        self.line(f"br i1 {i}.more, label %loop{n}, label %done{n}")
        self.block(f"done{n}")

    @contextmanager
    def shared(self, count: int, step: int = 1) -> Iterator[Index]:
        """As `loop`, its turns divided among the parts: no turn may need what another one does.

        A single turn is the last part's. A shared loop in a shared loop is a plain one.
        """
        if self.parts == 1 or self._divided:
            with self.loop(count, step) as i:
                yield i
            return
        turns = -(-count // step)
        self._divided, self.most_turns = True, max(self.most_turns, turns)
        if turns <= 1:
            with self.among(self.parts - 1, 1):
                yield 0
        else:
            with self._share(turns, step) as i:
                yield i
        self._divided = False

    @contextmanager
    def _share(self, turns: int, step: int) -> Iterator[Index]:
        i, n = self.fresh(), self.fresh()[2:]
        first = self._bound("%part", turns, step)
        end = self._bound(self.impure("add i64 %part, 1", "i64").text, turns, step)
        self.line(f"{i}.some = icmp slt i64 {first}, {end}")
        self.line(f"br i1 {i}.some, label %loop{n}, label %done{n}")
        with self._turns(i, n, first, end, step):
            yield i

    def _bound(self, part: str, turns: int, step: int) -> str:
        """Where a part begins: the turns before it, as evenly as they go."""
        share = self.impure(f"mul i64 {part}, {turns}", "i64").text
        before = self.impure(f"udiv i64 {share}, {self.parts}", "i64").text
        return self.impure(f"mul i64 {before}, {step}", "i64").text

    @contextmanager
    def among(self, first: int, many: int) -> Iterator[Index]:
        """Lines for parts first, first + 1, ..., `many` of them: which one this is, counted from 0."""
        n = self.fresh()[2:]
        i = self.impure(f"sub i64 %part, {first}", "i64").text
        self.line(f"%in{n} = icmp ult i64 {i}, {many}")
        self.line(f"br i1 %in{n}, label %among{n}, label %out{n}")
        self.block(f"among{n}")
        yield 0 if many == 1 else i
        self.line(f"br label %out{n}")
        self.block(f"out{n}")

    def load(self, pointer: str, kind: str, lanes: int = 1) -> Number:
        """Numbers that lie one behind the other. Of a bool any bit counts: it may come from anywhere."""
        if self.bounds:
            pointer = self.bounds.inside(self, pointer, kind, lanes)
        if kind != "i1":
            return super().load(pointer, kind, lanes)
        return self.compare("ne", super().load(pointer, "i8", lanes), 0)

    def store(self, value: Number, pointer: str) -> None:
        if self.bounds:
            pointer = self.bounds.inside(self, pointer, value.kind, value.lanes)
        super().store(value, pointer)

    def at(self, pointer: str, index: Index, kind: str) -> str:
        there = super().at(pointer, index, kind)
        if self.bounds:
            self.bounds.moved(there, pointer)
        return there

    def fetch(self, pointer: str) -> None:
        """Bring a line of memory near; it will be read or written soon."""
        self.declare("@llvm.prefetch.p0", "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        self.line(f"call void @llvm.prefetch.p0(ptr {pointer}, i32 0, i32 3, i32 1)")

    def clear(self, pointer: str, size: int) -> None:
        """So many bytes of 0."""
        name = "@llvm.memset.p0.i64"
        self.declare(name, f"declare void {name}(ptr, i8, i64, i1)")
        self.line(f"call void {name}(ptr {pointer}, i8 0, i64 {size}, i1 false)")

    def slot(self, kind: str, lanes: int = 1) -> str:
        """A place for a number that changes from turn to turn; LLVM turns it into a register."""
        name = self.fresh()
        stored = type_of("i8" if kind == "i1" else kind, lanes)  # as `store` lays it down
        self.slots.append(f"  {name} = alloca {stored}")
        return name

    def store_bit(self, slot: str, value: Number) -> None:
        """A yes or no in a slot of its own."""
        self.line(f"store {value}, ptr {slot}")

    def load_bit(self, slot: str) -> Number:
        return self.impure(f"load i1, ptr {slot}", "i1")

    def sum_of(self, constant: int, *terms: tuple[Index, int]) -> Index:
        """constant + index stride + ..., with what is known now folded."""
        total: Index = constant
        for index, stride in terms:
            if isinstance(index, int):
                constant += index * stride
        total = constant
        for index, stride in terms:
            if isinstance(index, str) and stride:
                scaled: Index = index
                if stride != 1:
                    scaled = self.emit(f"mul nsw i64 {index}, {stride}", "i64").text
                total = (
                    scaled
                    if total == 0
                    else self.emit(f"add nsw i64 {scaled}, {total}", "i64").text
                )
        return total

    def least(self, a: int, b: Index) -> Index:
        """The smaller of two."""
        if isinstance(b, int):
            return min(a, b)
        return self.intrinsic("smin", self.number(b, "i64"), self.constant(a, "i64")).text

    def pointer(self, at: Placed, indices: Sequence[Index] = ()) -> str:
        """The address of one element of a view."""
        terms = zip(indices, at.view.strides, strict=False)
        return self.at(at.pointer, self.sum_of(at.view.offset, *terms), at.kind)

    def load_from(self, pointer: str, kind: str, lanes: int, stride: int) -> Number:
        """`lanes` numbers that lie `stride` elements apart; of stride 0 one, repeated."""
        if lanes == 1 or stride == 1:
            return self.load(pointer, kind, lanes)
        if stride == 0:
            return self.splat(self.load(pointer, kind), lanes)
        y = self.number("poison", kind, lanes)
        for lane in range(lanes):
            one = self.load(self.at(pointer, lane * stride, kind), kind)
            y = self.emit(f"insertelement {y}, {one}, i32 {lane}", kind, lanes)
        return y

    def store_to(self, value: Number, pointer: str, stride: int) -> None:
        """Numbers `stride` elements apart."""
        if value.lanes == 1 or stride == 1:
            self.store(value, pointer)
            return
        for lane in range(value.lanes):
            one = self.emit(f"extractelement {value}, i32 {lane}", value.kind)
            self.store(one, self.at(pointer, lane * stride, value.kind))

    def part(self, x: Number, start: int, lanes: int) -> Number:
        """Some of the lanes of x."""
        if lanes == x.lanes:
            return x
        if lanes == 1:
            return self.emit(f"extractelement {x}, i32 {start}", x.kind)
        order = ", ".join(f"i32 {start + i}" for i in range(lanes))
        text = f"shufflevector {x}, {x.type} poison, <{lanes} x i32> <{order}>"
        return self.emit(text, x.kind, lanes)

    def widened(self, x: Number, lanes: int) -> Number:
        """x with lanes of 0 behind it."""
        if lanes == x.lanes:
            return x
        if x.lanes == 1:
            zero = self.constant(0, x.kind, lanes)
            return self.emit(f"insertelement {zero}, {x}, i32 0", x.kind, lanes)
        order = ", ".join(f"i32 {min(i, x.lanes)}" for i in range(lanes))
        zero = self.constant(0, x.kind, x.lanes)
        return self.emit(f"shufflevector {x}, {zero}, <{lanes} x i32> <{order}>", x.kind, lanes)
