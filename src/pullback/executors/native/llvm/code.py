"""LLVM text under construction, written with numbers that behave like numbers.

`Code` collects the lines of one function; a `Number` is a register in it: one number, or several
lanes side by side. Arithmetic on a Number writes a line. Equal lines of one block are written once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.dtypes import BOOL, FLOAT32, FLOAT64, INT64

KINDS: dict[np.dtype[Any], str] = {
    FLOAT64: "double",
    FLOAT32: "float",
    INT64: "i64",
    BOOL: "i1",
}
SMALLEST, LARGEST = -(2**63), 2**63 - 1  # of int64
SIZES = {"double": 8, "float": 4, "i64": 8, "i32": 4, "i1": 1, "i8": 1}
FAST = "reassoc contract arcp nsz "  # what fast=True allows; NaN and infinity keep their meaning


def type_of(kind: str, lanes: int = 1) -> str:
    """How LLVM spells `lanes` numbers of one kind.

    >>> type_of("double", 4), type_of("i1")
    ('<4 x double>', 'i1')
    """
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


def literal(value: Any, kind: str, lanes: int = 1) -> str:
    """A constant as an operand. Reals are spelled by their bits, so none is rounded on the way.

    What a kind cannot hold, such as an infinite bound of whole numbers, becomes the limit of the kind.

    >>> literal(0.5, "double", 2)
    'splat (double 0x3FE0000000000000)'
    """
    if kind == "float":
        with np.errstate(over="ignore"):
            value = np.float32(value)
    if kind in ("double", "float"):
        text = "0x" + struct.pack(">d", float(value)).hex().upper()
    elif kind == "i64":
        text = str(int(min(max(value, SMALLEST), LARGEST)))
    else:
        text = str(int(value))
    return text if lanes == 1 else f"splat ({kind} {text})"


class Code:
    """The lines of one function, and the module-level text they need.

    flags: LLVM's fast-math flags for plain arithmetic, "" for strict IEEE. fused: the machine has a
    fused multiply-add, used inside exp, log and their kin only. inline: write those where they are
    used; else call one copy of each.
    """

    def __init__(self, *, flags: str = "", fused: bool = True, inline: bool = True) -> None:
        self.flags, self.fused, self.inline = flags, fused, inline
        self.lines: list[str] = []
        self.outside: dict[str, str] = {}  # declarations and definitions by name
        self._known: dict[str, Number] = {}
        self._mirror: dict[str, Number] = {}
        self._count = 0

    # Operands

    def number(self, text: str, kind: str, lanes: int = 1) -> Number:
        """A register that exists already, such as an argument."""
        return Number(self, text, kind, lanes)

    def constant(self, value: Any, kind: str, lanes: int = 1) -> Number:
        return Number(self, literal(value, kind, lanes), kind, lanes, value)

    # Lines

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def block(self, label: str) -> None:
        """Begin a basic block. What was computed in another one is not taken for known."""
        self.lines.append(f"{label}:")
        self._known.clear()

    def fresh(self) -> str:
        self._count += 1
        return f"%t{self._count}"

    def emit(self, text: str, kind: str, lanes: int = 1) -> Number:
        """One pure instruction; the register it is known by if it was written before."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self.impure(text, kind, lanes)
        return known

    def impure(self, text: str, kind: str, lanes: int = 1) -> Number:
        """One instruction that must not be merged with an equal one, such as a load."""
        name = self.fresh()
        self.line(f"{name} = {text}")
        return Number(self, name, kind, lanes)

    def declare(self, name: str, text: str) -> None:
        self.outside.setdefault(name, text)

    def module(self) -> str:
        """The declarations and definitions that the lines so far call for."""
        return "\n".join(self.outside.values())

    # Memory

    def load(self, pointer: str, kind: str, lanes: int = 1) -> Number:
        """Numbers that lie one behind the other from `pointer` on, wherever it points to."""
        stored = "i8" if kind == "i1" else kind
        text = f"load {type_of(stored, lanes)}, ptr {pointer}, align {SIZES[kind]}"
        found = self.impure(text, stored, lanes)
        if kind != "i1":
            return found
        return self.impure(f"trunc {found} to {type_of(kind, lanes)}", kind, lanes)

    def store(self, value: Number, pointer: str) -> None:
        if value.kind == "i1":
            value = self.convert("zext", value, "i8")
        self.line(f"store {value}, ptr {pointer}, align {SIZES[value.kind]}")

    def at(self, pointer: str, index: int | str, kind: str) -> str:
        """The address of element `index` (a number or an i64 register)."""
        if index == 0:
            return pointer
        stored = "i8" if kind == "i1" else kind
        name = self.fresh()
        self.line(f"{name} = getelementptr inbounds {stored}, ptr {pointer}, i64 {index}")
        return name

    # Operations that are no operator

    def binary(self, operation: str, a: Number, b: Number) -> Number:
        if operation in ("add", "mul", "and", "or") and a.value is not None:
            a, b = b, a  # constants to the right, so that 2 x and x 2 are one line
        said = f"f{operation} {self.flags}" if a.is_real else f"{operation} "
        return self.emit(f"{said}{a}, {b.text}", a.kind, a.lanes)

    def compare(self, relation: str, a: Number, b: Number | float) -> Number:
        """fcmp or icmp, by LLVM's name of the relation: "ogt", "une", "slt", "eq" ..."""
        b = a.like(b)
        said = "fcmp" if a.is_real else "icmp"
        return self.emit(f"{said} {relation} {a}, {b.text}", "i1", a.lanes)

    def select(self, condition: Number, a: Number | float, b: Number | float) -> Number:
        """a where the condition holds, else b, lane by lane."""
        model = a if isinstance(a, Number) else b
        assert isinstance(model, Number)
        a, b = model.like(a), model.like(b)
        return self.emit(f"select {condition}, {a}, {b}", a.kind, a.lanes)

    def convert(self, instruction: str, x: Number, kind: str) -> Number:
        """A conversion by LLVM's name: "fptrunc", "sitofp", "bitcast", "zext" ..."""
        return self.emit(f"{instruction} {x} to {type_of(kind, x.lanes)}", kind, x.lanes)

    def intrinsic(self, name: str, *inputs: Number | str) -> Number:
        """llvm.<name> on numbers of one type; a str is a further argument such as "i1 false"."""
        x = inputs[0]
        assert isinstance(x, Number)
        short = {"double": "f64", "float": "f32"}.get(x.kind, x.kind)
        full = f"@llvm.{name}.{f'v{x.lanes}' if x.lanes > 1 else ''}{short}"
        types = ", ".join(i.type if isinstance(i, Number) else i.split()[0] for i in inputs)
        self.declare(full, f"declare {x.type} {full}({types})")
        said = ", ".join(str(i) for i in inputs)
        return self.emit(f"call {x.type} {full}({said})", x.kind, x.lanes)

    def splat(self, x: Number, lanes: int) -> Number:
        """One number in every lane."""
        if x.value is not None:
            return self.constant(x.value, x.kind, lanes)
        wide = type_of(x.kind, lanes)
        one = self.emit(f"insertelement {wide} poison, {x}, i32 0", x.kind, lanes)
        order = f"<{lanes} x i32> zeroinitializer"
        return self.emit(f"shufflevector {one}, {wide} poison, {order}", x.kind, lanes)

    def fma(self, a: Number, b: Number | float, c: Number | float) -> Number:
        """a b + c, rounded once where the machine can; for approximations, never for `a * b + c`."""
        b, c = a.like(b), a.like(c)
        return self.intrinsic("fma", a, b, c) if self.fused else a * b + c

    def each_lane(self, name: str, *inputs: Number) -> Number:
        """A function of the C library, called for one lane after the other."""
        kind, lanes = inputs[0].kind, inputs[0].lanes
        full = "@" + name + ("f" if kind == "float" else "")
        types = ", ".join([kind] * len(inputs))
        self.declare(full, f"declare {kind} {full}({types}) memory(none) nounwind")
        if lanes == 1:
            return self.emit(f"call {kind} {full}({', '.join(map(str, inputs))})", kind)
        y = self.number("poison", kind, lanes)
        for lane in range(lanes):
            taken = [self.emit(f"extractelement {x}, i32 {lane}", kind) for x in inputs]
            one = self.emit(f"call {kind} {full}({', '.join(map(str, taken))})", kind)
            y = self.emit(f"insertelement {y}, {one}, i32 {lane}", kind, lanes)
        return y

    # Functions of one number

    def strict(self, rule: Callable[[Number], Number], x: Number) -> Number:
        """rule(x) in plain IEEE arithmetic whatever flags this code has, written here or called.

        A rule with `branches` set has blocks of its own and so is always called.
        """
        if not self.inline or getattr(rule, "branches", False):
            return self._call(rule, x)
        before, self.flags = self.flags, ""
        try:
            return rule(x)
        finally:
            self.flags = before

    def _call(self, rule: Callable[[Number], Number], x: Number) -> Number:
        name = f"@pullback.{rule.__name__}.{x.lanes}.{x.kind}"
        if name not in self.outside:
            self.outside[name] = self._definition(name, rule, x)
        return self.emit(f"call fastcc {x.type} {name}({x})", x.kind, x.lanes)

    def _definition(self, name: str, rule: Callable[[Number], Number], x: Number) -> str:
        inside = Code(fused=self.fused)
        y = rule(inside.number("%x", x.kind, x.lanes))
        for key, text in inside.outside.items():
            self.declare(key, text)
        head = f"define internal fastcc {y.type} {name}({x.type} %x) nounwind noinline {{"
        return "\n".join([head, "entry:", *inside.lines, f"  ret {y}", "}"])

    # y = -x is remembered, so that what depends on |y| alone is shared with |x|.

    def mirrored(self, y: Number, x: Number) -> Number:
        self._mirror[y.text] = x
        return y

    def unmirrored(self, x: Number) -> Number:
        return self._mirror.get(x.text, x)


class Number:
    """One register (or constant): `lanes` numbers of one kind. Operators write instructions."""

    __slots__ = ("code", "kind", "lanes", "text", "value")

    def __init__(self, code: Code, text: str, kind: str, lanes: int, value: Any = None) -> None:
        self.code, self.text, self.kind, self.lanes = code, text, kind, lanes
        self.value = value  # of a constant, else None

    @property
    def type(self) -> str:
        return type_of(self.kind, self.lanes)

    @property
    def is_real(self) -> bool:
        return self.kind in ("double", "float")

    def __str__(self) -> str:
        return f"{self.type} {self.text}"

    def like(self, value: Any) -> Number:
        """`value` as a Number of this one's type, if it is none yet."""
        if isinstance(value, Number):
            return value
        return self.code.constant(value, self.kind, self.lanes)

    def __add__(self, other: Any) -> Number:
        return self.code.binary("add", self, self.like(other))

    def __radd__(self, other: Any) -> Number:
        return self.code.binary("add", self.like(other), self)

    def __sub__(self, other: Any) -> Number:
        return self.code.binary("sub", self, self.like(other))

    def __rsub__(self, other: Any) -> Number:
        return self.code.binary("sub", self.like(other), self)

    def __mul__(self, other: Any) -> Number:
        return self.code.binary("mul", self, self.like(other))

    def __rmul__(self, other: Any) -> Number:
        return self.code.binary("mul", self.like(other), self)

    def __truediv__(self, other: Any) -> Number:
        return self.code.binary("div", self, self.like(other))

    def __rtruediv__(self, other: Any) -> Number:
        return self.code.binary("div", self.like(other), self)

    def __neg__(self) -> Number:
        if not self.is_real:
            return self.like(0) - self
        before = self.code.unmirrored(self)
        if before is not self:
            return before  # twice is not at all, to the bit
        negative = self.code.emit(f"fneg {self}", self.kind, self.lanes)
        return self.code.mirrored(negative, self)

    def __and__(self, other: Any) -> Number:
        return self.code.binary("and", self, self.like(other))

    def __or__(self, other: Any) -> Number:
        return self.code.binary("or", self, self.like(other))

    def __xor__(self, other: Any) -> Number:
        return self.code.binary("xor", self, self.like(other))

    def __lshift__(self, count: int) -> Number:
        return self.code.binary("shl", self, self.like(count))

    def __rshift__(self, count: int) -> Number:
        return self.code.binary("lshr", self, self.like(count))

    def __abs__(self) -> Number:
        if not self.is_real:
            return self.code.intrinsic("abs", self, "i1 false")
        return self.code.intrinsic("fabs", self.code.unmirrored(self))

    def bits(self) -> Number:
        """The same bits as an integer of the same width."""
        return self.code.convert("bitcast", self, "i64" if self.kind == "double" else "i32")

    def as_real(self) -> Number:
        """The same bits as a real number: the way back from `bits`."""
        return self.code.convert("bitcast", self, "double" if self.kind == "i64" else "float")
