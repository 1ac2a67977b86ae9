"""The number types behind `Unit` as LLVM text: files of this folder, and gates from their own definitions."""

from __future__ import annotations

from collections.abc import Sequence
from string import Template
from typing import NamedTuple

from pullback.core.gate import Gate
from pullback.core.once import once
from pullback.executors.native.cpython import exact, layout
from pullback.executors.native.llvm.code import Number
from pullback.executors.native.llvm.jit import has_fma

KNOWN = (
    "UNIT", "PLAIN", "FLOAT", "FLOAT64", "INT", "INT64", "NONE", "SLOW", "NEW", "USE", "APPLY",
    "TUPLE", "LIST", "EMPTY", "WRONG", "DICT", "TRUE", "CALL",
)  # fmt: skip
FLAGS = {
    "A_UNIT": 1 << 8, "B_UNIT": 1 << 9, "HAS": 1 << 10, "SEEN": 1 << 11, "HAD": 1 << 12,
    # As in `passes.unchosen`: it may be infinite, lies below a choice, is put out by a gate that chooses.
    "UNSURE": 1 << 13, "UNDER": 1 << 14, "CHOOSES": 1 << 15,
}  # fmt: skip
WINDOW = 1 << 15  # births that `pull` looks back over at once
SPARE = 1 << 20  # freed objects kept for the next graph, 64 bytes each
AHEAD = 8  # objects that will be wanted soon: memory needs to know some time before
# Of a Unit, behind its value, which lies where a float has it.
PLACES = {
    "GRAD": layout.HEAD + 8,
    "A": layout.HEAD + 16,
    "B": layout.HEAD + 24,
    "WORD": layout.HEAD + 32,
    "LABEL": layout.HEAD + 40,
}
_FILES = ("unit.ll", "unit_fields.ll", "unit_gates.ll", "unit_pull.ll")


class Gates(NamedTuple):
    """The gates that the types know, by number; `power` with a constant exponent has its own number."""

    numbered: tuple[Gate | None, ...]
    numbers: dict[Gate, int]


@once
def gates() -> Gates:
    """The gates that the types know."""
    known = exact.exact_gates()
    return Gates((None, *known), {gate: i for i, gate in enumerate(known, 1)})


def unit_text() -> str:
    """The whole module: the files of this folder, and every gate, written from its own definition."""
    places = {**{name: i for i, name in enumerate(KNOWN)}, **PLACES, **FLAGS}
    places |= {
        "NOT_HAS": ~FLAGS["HAS"], "WINDOW": WINDOW, "SPARE": SPARE, "AHEAD": AHEAD,
        "NOT_SEEN": ~(FLAGS["SEEN"] | FLAGS["UNDER"]),
        "NOT_MET": ~(FLAGS["SEEN"] | FLAGS["HAD"] | FLAGS["UNDER"]),
        "CHOICE": FLAGS["CHOOSES"] | FLAGS["UNDER"],
        "GUARDED": FLAGS["UNSURE"] | FLAGS["UNDER"],
    }  # fmt: skip
    fixed = [layout.text(name, places) for name in _FILES]
    code = exact.ExactCode(fused=has_fma())
    slots = [_slot(code, gate, op) for gate, op in gates().numbers.items()]
    steps = _steps(code)
    parts = Template("\n".join([*slots, steps, _apply(), _POWER])).substitute(
        layout.OFFSETS | places
    )
    return "\n".join([*fixed, parts, code.module()])


_SLOT = """define ptr @slot.{name}({params}) nounwind {{
entry:
{operands}
  %n = call ptr @joined(ptr %a0, ptr {second}, i64 {low}, double {value})
  ret ptr %n
{failures}
slow:
  %s = call ptr @slowly(i64 {op}, ptr %x0, ptr {other})
  ret ptr %s
}}"""

_OPERAND = """  %a{i} = call ptr @operand(ptr %x{i})
  %none{i} = icmp eq ptr %a{i}, null
  br i1 %none{i}, label %{failed}, label %have{i}
have{i}:"""


def _slot(code: exact.ExactCode, gate: Gate, op: int) -> str:
    """A gate as a function from objects to a new object, or to Python for what it cannot take."""
    inside = exact.ExactCode(fused=code.fused)
    two = len(gate.inputs) == 2
    inputs = [inside.number(f"%v{i}", "double") for i in range(len(gate.inputs))]
    value = exact.value_of(inside, gate, inputs)
    low = _low(inside, gate, op, inputs)
    code.outside |= inside.outside
    operands = [_OPERAND.format(i=0, failed="slow")]
    operands += [_OPERAND.format(i=1, failed="drop")] if two else []
    operands += [f"  %v{i} = call double @value(ptr %a{i})" for i in range(len(inputs))]
    return _SLOT.format(
        name=gate.name, op=op, low=low, value=value.text,
        params="ptr %x0, ptr %x1" if two else "ptr %x0",
        operands="\n".join([*operands, *inside.lines]),
        second="%a1" if two else "null", other="%x1" if two else "null",
        failures="drop:\n  call void @Py_DecRef(ptr %a0)\n  br label %slow" if two else "",
    )  # fmt: skip


def _low(code: exact.ExactCode, gate: Gate, op: int, inputs: Sequence[Number]) -> str:
    """The number of a gate and the flags of what it puts out, as the lowest bits of a word."""
    low = op | (FLAGS["CHOOSES"] if gate.chooses else 0)
    if not callable(gate.slopes):
        return str(low | (FLAGS["UNSURE"] if gate.slopes == "any" else 0))
    code.line("%b.given = call i1 @is_unit(ptr %a1)")
    constant = code.emit("xor i1 true, %b.given", "i1")
    finite = constant & exact.FINITE[gate.name](code, inputs[1])
    return code.emit(f"select {finite}, i64 {low}, i64 {low | FLAGS['UNSURE']}", "i64").text


_STEP = """define internal void @step(ptr %g, i64 %w) nounwind {{
entry:
  %pa = call ptr @receiver(ptr %g, i64 %w, i64 $A_UNIT, i64 $A)
  %pb = call ptr @receiver(ptr %g, i64 %w, i64 $B_UNIT, i64 $B)
  %a = call ptr @field(ptr %g, i64 $A)
  %b.some = call ptr @field(ptr %g, i64 $B)
  %single = icmp eq ptr %b.some, null
  %b = select i1 %single, ptr %a, ptr %b.some
  %v0 = call double @value(ptr %a)
  %v1 = call double @value(ptr %b)
  %y = call double @value(ptr %g)
  %dy = call double @grad(ptr %g)
  %b.bit = and i64 %w, $B_UNIT
  %b.unit = icmp ne i64 %b.bit, 0
  %choice.bits = and i64 %w, $CHOICE
  %no.choice = icmp eq i64 %choice.bits, 0
  %mark = select i1 %no.choice, i64 0, i64 $UNDER
  %guard.bits = and i64 %w, $GUARDED
  %guarded = icmp eq i64 %guard.bits, $GUARDED
  %op = and i64 %w, 255
  switch i64 %op, label %out [{cases}]
{blocks}
out:
  ret void
}}"""


def _steps(code: exact.ExactCode) -> str:
    """Every gate's pull rule as one case of a switch."""
    numbered = gates().numbers.items()
    for gate, op in numbered:
        code.block(f"gate.{op}")
        _pulled(code, gate, f"gate.{op}")
    cases = " ".join(f"i64 {op}, label %gate.{op}" for _, op in numbered)
    return _STEP.format(cases=cases, blocks="\n".join(code.lines))


def _pulled(code: exact.ExactCode, gate: Gate, label: str) -> None:
    count = len(gate.inputs)
    names = ("%dy", "%y", *(f"%v{i}" for i in range(count)))
    numbers = [code.number(name, "double") for name in names]
    _give(code, gate, exact.pulls_of(code, gate, numbers, (True, False)[:count]), "%pa")
    if count == 2:
        code.line(f"br i1 %b.unit, label %{label}.b, label %out")
        code.block(f"{label}.b")
        _give(code, gate, exact.pulls_of(code, gate, numbers, (False, True)), "%pb")
    code.line("br label %out")


def _give(code: exact.ExactCode, gate: Gate, pulls: list[Number | None], to: str) -> None:
    for pull in pulls:
        if pull is not None:
            given = exact.unpoisoned(code, gate, pull)
            code.line(f"call void @give(ptr {to}, {given}, i64 %mark)")


_APPLY = """define internal i64 @inputs_of(i64 %op) nounwind {{
entry:
  switch i64 %op, label %one [{two}]
one:
  ret i64 1
two:
  ret i64 2
}}
define internal ptr @by_number(i64 %op, ptr %inputs) nounwind {{
entry:
  %x0 = load ptr, ptr %inputs
  %x1.at = getelementptr ptr, ptr %inputs, i64 1
  switch i64 %op, label %never [{cases}]
{blocks}
never:
  ret ptr null
}}
define ptr @apply(ptr %self, ptr %args, i64 %given) nounwind {{
entry:
  %some = icmp sgt i64 %given, 0
  br i1 %some, label %read, label %wrong
read:
  %op.x = load ptr, ptr %args
  %type = call ptr @type(ptr %op.x)
  %whole = call i1 @is_known(ptr %type, i64 $INT)
  br i1 %whole, label %convert, label %wrong
convert:
  %op = call i64 @PyLong_AsLongLong(ptr %op.x)
  %from.1 = sub i64 %op, 1
  %exists = icmp ult i64 %from.1, {count}
  br i1 %exists, label %measure, label %unknown
unknown:
  call void @PyErr_Clear()  ; of a number too large
  br label %wrong
measure:
  %wants = call i64 @inputs_of(i64 %op)
  %has = sub i64 %given, 1
  %right = icmp eq i64 %wants, %has
  br i1 %right, label %look, label %wrong
look:
  %inputs = getelementptr ptr, ptr %args, i64 1
  %unit = call i1 @has_unit(ptr %inputs, i64 %wants)
  br i1 %unit, label %go, label %wrong
wrong:
  %no = call ptr @misuse()
  ret ptr %no
go:
  %y = call ptr @by_number(i64 %op, ptr %inputs)
  ret ptr %y
}}"""


def _apply() -> str:
    """by_number(op, inputs): a gate by its number; apply(self, op, *inputs) for Python."""
    blocks, cases, pairs = [], [], []
    for gate, op in gates().numbers.items():
        cases.append(f"i64 {op}, label %op.{op}")
        two = len(gate.inputs) == 2
        pairs += [f"i64 {op}, label %two"] if two else []
        load = [f"  %second.{op} = load ptr, ptr %x1.at"] if two else []
        given = f"ptr %x0, ptr %second.{op}" if two else "ptr %x0"
        blocks += [f"op.{op}:", *load, f"  %y.{op} = call ptr @slot.{gate.name}({given})",
                   f"  ret ptr %y.{op}"]  # fmt: skip
    return _APPLY.format(
        cases=" ".join(cases), blocks="\n".join(blocks), two=" ".join(pairs), count=len(cases)
    )


# x ** y; with a modulus Python may say no.
_POWER = """define ptr @power(ptr %x, ptr %y, ptr %modulus) nounwind {
entry:
  %usual = call i1 @is_known(ptr %modulus, i64 $NONE)
  br i1 %usual, label %go, label %no
go:
  %z = call ptr @slot.power(ptr %x, ptr %y)
  ret ptr %z
no:
  %s = call ptr @slowly(i64 -1, ptr %x, ptr %y)
  ret ptr %s
}"""
