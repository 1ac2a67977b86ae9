"""The number types behind `Unit`, made by machine code: one door, one probe, or None.

`unit_type(base, hooks)` makes a type whose objects compute, join and pull in a few nanoseconds. It
needs a CPython whose layout it knows (3.11 to 3.14, with its lock) and proves itself before use.
"""

from __future__ import annotations

import ctypes
import math
import struct
import sys
from collections.abc import Callable, Sequence
from importlib import resources
from string import Template
from typing import Any, NamedTuple

import numpy as np

from pullback.core.gate import Gate
from pullback.core.once import once
from pullback.executors.native.cpython import exact, scalar_call
from pullback.executors.native.cpython.new_type import Parts, give_kind, method_of, new_type
from pullback.executors.native.llvm.code import Number
from pullback.executors.native.llvm.jit import Library, build, has_fma
from pullback.passes.pull import pull_inputs

HEAD = object.__basicsize__
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
PLACES = {
    "HEAD": HEAD,
    "COUNT": HEAD - 16,
    "TYPE": HEAD - 8,
    "ITEMS": HEAD + 8,  # of a list
    "FIRST": tuple.__basicsize__,
    "VALUE": HEAD,  # where a float has its value too
    "GRAD": HEAD + 8,
    "A": HEAD + 16,
    "B": HEAD + 24,
    "WORD": HEAD + 32,
    "LABEL": HEAD + 40,
}
SIZE = HEAD + 48
_COLLECTED = 1 << 14  # Py_TPFLAGS_HAVE_GC
# Numbers of the slots of a type, as typeslots.h of the stable interface fixes them.
SLOTS = {
    "slot.absolute": 6, "slot.add": 7, "slot.multiply": 29,
    "slot.negative": 30, "same": 32, "power": 33, "slot.subtract": 36, "slot.divide": 37,
    "free": 52, "ready": 60, "make": 65, "traverse": 71,
}  # fmt: skip
_FILES = ("unit.ll", "unit_fields.ll", "unit_gates.ll", "unit_pull.ll")
READERS = {
    "value": ("get_value", "set_value"),
    "data": ("get_data", "set_value"),
    "grad": ("get_grad", "set_grad"),
    "pulled": ("get_grad", "set_grad"),
    "order": ("get_order", ""),
    "name": ("get_name", "set_name"),
    "gate": ("get_gate", ""),
}
CALLS = {"_pull": "pull", "_apply": "apply", "_dot": "dot", "__apply_gate__": "apply_gate"}


class Hooks(NamedTuple):
    """What the types ask of Python: for what they do not do themselves.

    slow(op, *inputs): a gate on inputs that are no plain numbers. new(type, args, named): an object
    made in any other way than from one number. use(unit, op, *inputs): what a gate was made of.
    apply(unit, gate, inputs, attributes): a gate that the types do not know, or one with settings.
    """

    slow: Callable[..., Any]
    new: Callable[..., Any]
    use: Callable[..., Any]
    apply: Callable[..., Any]


class Gates(NamedTuple):
    """The gates that the types know, by number; `power` with a constant exponent has its own number."""

    numbered: tuple[Gate | None, ...]
    numbers: dict[Gate, int]


@once
def gates() -> Gates:
    """The gates that the types know."""
    known = exact.exact_gates()
    return Gates((None, *known), {gate: i for i, gate in enumerate(known, 1)})


_kept: list[Any] = []  # what the types point to; it lives as long as the process


def unit_type(base: type, hooks: Hooks) -> Any | None:
    """A type below `base` whose objects hold one float64, or None where that cannot be done safely."""
    if not usable():
        return None
    library = _library()
    for name, hook in zip(("SLOW", "NEW", "USE", "APPLY"), hooks, strict=True):
        _know(library, name, hook)
    made = _type(library, base, "Unit", dict(READERS))
    _know(library, "UNIT", made)
    return made if _is_as_asked(made) else None


def plain_type(base: type, methods: Sequence[str], kind: type) -> Any:
    """A second type, which speaks Python floats, and whose grad is 0 before anything pulls.

    kind: what the type itself is an object of. methods: gates of one input that its objects have as
    methods. Where a Unit has its name, they have the attributes that anybody gives them: nothing, until
    somebody does.
    """
    library = _library()
    readers = {**READERS, "grad": ("get_plain_grad", "set_grad"), "__dict__": ("get_dict", "")}
    del readers["name"]
    made = _type(library, base, base.__name__, readers, methods, attributes_at=PLACES["LABEL"])
    made.name = ""
    assert _is_as_asked(made, attributes_at=PLACES["LABEL"])
    _know(library, "PLAIN", made)
    give_kind(made, kind)
    return made


def call_directly(kind: Any) -> None:
    """From now on, a gate (a `kind`) called with Units finds its machine code without Python's help."""
    library = _library()
    _know(library, "CALL", kind.__call__)
    kind.__call__ = method_of(kind, "__call__", library.address("call_gate"))


@once
def usable() -> bool:
    """Whether this interpreter and this NumPy are laid out as the text expects."""
    if not (3, 11) <= sys.version_info < (3, 15) or not scalar_call.usable():
        return False
    thing = object()
    held = [thing] * 7
    if not len(held) < ctypes.c_int64.from_address(id(thing) + PLACES["COUNT"]).value < 12:
        return False
    whole = np.int64(-7)
    if ctypes.c_int64.from_address(id(whole) + HEAD).value != -7:
        return False
    try:
        _library()
    except (ValueError, TypeError, AttributeError, RuntimeError):
        return False
    return True


@once
def _library() -> Library:
    exports = ["call_gate", "known", "gates", "loops", "clock", "power", *_exported()]
    _rules()
    library = build(_text(), exports, level=2)
    _kept.append(library)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(_kept))  # objects may outlive every module
    for name, thing in (
        ("FLOAT", float), ("FLOAT64", np.float64), ("INT", int),
        ("INT64", np.int64), ("NONE", None), ("EMPTY", ""),
        ("WRONG", TypeError), ("DICT", dict), ("TRUE", True), ("TUPLE", tuple), ("LIST", list),
    ):  # fmt: skip
        _know(library, name, thing)
    loops = struct.pack(f"{2 * len(exact.LOOPS)}q", *exact.loop_addresses())
    ctypes.memmove(library.address("loops"), loops, len(loops))
    table = struct.pack(f"{len(gates().numbers)}q", *map(id, gates().numbers))
    ctypes.memmove(library.address("gates") + 8, table, len(table))
    return library


def clock_from(start: int, unit: Any) -> Callable[[], int]:
    """Let the order of birth go on from `start`; the result takes the next place in it, for who is no
    native Unit. A new one takes it, in one piece, so that no other thread comes between."""
    ctypes.c_int64.from_address(_library().address("clock")).value += start
    return lambda: unit(0.0).order


def rules_stand() -> bool:
    """Whether every gate still has the pull rule that was compiled."""
    return all(gate.rule is rule for gate, rule in _rules())


@once
def _rules() -> list[tuple[Gate, Any]]:
    return [(gate, gate.rule) for gate in gates().numbers]


def _know(library: Library, name: str, thing: Any) -> None:
    _kept.append(thing)
    place = library.address("known") + 8 * KNOWN.index(name)
    ctypes.c_void_p.from_address(place).value = id(thing)


def _exported() -> list[str]:
    slots = [name for name in SLOTS if name != "power"]
    slots += [f"slot.{gate.name}" for gate in gates().numbers]
    readers = [f for pair in READERS.values() for f in pair if f]
    return [*dict.fromkeys([*slots, *readers, "get_plain_grad", "get_dict", *CALLS.values()])]


def _type(
    library: Library,
    base: type,
    name: str,
    readers: dict[str, tuple[str, str]],
    unary: Sequence[str] = (),
    attributes_at: int = 0,
) -> Any:
    at = library.address
    calls = {python: (at(native), 0x0080) for python, native in CALLS.items()}
    calls |= {gate: (at(f"slot.{gate}"), 0x0004) for gate in unary}
    fields = {python: (at(get), at(put) if put else None) for python, (get, put) in readers.items()}
    slots = {number: at(native) for native, number in SLOTS.items()}
    return new_type(base, name, SIZE, Parts(slots, calls, fields, attributes_at))


def _is_as_asked(made: Any, attributes_at: int = 0) -> bool:
    """Objects have our size, and no head for the garbage collector: alone they are part of no cycle."""
    plain = made.__weakrefoffset__ == made.__itemsize__ == 0
    places = (made.__dictoffset__, made.__basicsize__) == (attributes_at, SIZE)
    return bool(plain and places and not made.__flags__ & _COLLECTED)


# The text of the module: the files, and the gates, written from their own definitions.


def _text() -> str:
    places = {**{name: i for i, name in enumerate(KNOWN)}, **PLACES, **FLAGS}
    places |= {
        "NOT_HAS": ~FLAGS["HAS"], "WINDOW": WINDOW, "SPARE": SPARE, "AHEAD": AHEAD,
        "NOT_SEEN": ~(FLAGS["SEEN"] | FLAGS["UNDER"]),
        "NOT_MET": ~(FLAGS["SEEN"] | FLAGS["HAD"] | FLAGS["UNDER"]),
        "CHOICE": FLAGS["CHOOSES"] | FLAGS["UNDER"],
        "GUARDED": FLAGS["UNSURE"] | FLAGS["UNDER"],
    }  # fmt: skip
    files = resources.files(__package__)
    fixed = [files.joinpath(name).read_text("ascii") for name in _FILES]
    code = exact.ExactCode(fused=has_fma())
    slots = [_slot(code, gate, op) for gate, op in gates().numbers.items()]
    steps = _steps(code)
    parts = [*fixed, *slots, steps, _apply(), _POWER, code.module()]
    return Template("\n".join(parts)).substitute(places)


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


POINTS = (0.0, -0.0, 0.3, -1.7, 2.0, 40.0, -800.0, 1e300, math.inf, math.nan)


def agrees(unit: Any) -> bool:
    """Whether a new type has the gates' own bits in values and pulls, at hard numbers too."""
    with np.errstate(all="ignore"):
        return all(
            _gate_agrees(unit, gate, [POINTS[(i + k * (2 * i + 4)) % 10] for k in range(count)])
            for gate in gates().numbers
            for count in [len(gate.inputs)]
            for i in range(len(POINTS))
        )


def _gate_agrees(unit: Any, gate: Gate, points: list[float]) -> bool:
    inputs, numbers = [unit(x) for x in points], [np.float64(x) for x in points]
    y = inputs[0]._apply(gates().numbers[gate], *inputs)
    y._pull(np.float64(-0.7), False)
    wanted = np.float64(gate.body(*numbers, **gate.defaults))
    pulls = pull_inputs(gate, np.float64(-0.7), wanted, numbers, gate.defaults)
    pairs = [(y.value, wanted), *zip((x.grad for x in inputs), pulls, strict=True)]
    return all(_same(*pair) for pair in pairs)


def _same(found: Any, wanted: Any) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return bool(
        found.tobytes() == np.float64(wanted).tobytes() or (found != found) & (wanted != wanted)
    )
