"""The number types behind `Unit`, made by machine code; None where they are not available.

`unit_type(base, hooks)` makes a type whose objects compute, join and pull in a few nanoseconds. It
needs a CPython whose layout it knows (3.11 to 3.14, with its lock) and proves itself before use.
"""

from __future__ import annotations

import ctypes
import math
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.core.gate import Gate
from pullback.core.once import once
from pullback.executors.native.cpython import exact, layout, scalar_call
from pullback.executors.native.cpython.new_type import Parts, give_kind, method_of, new_type
from pullback.executors.native.cpython.unit_text import KNOWN, PLACES, gates, unit_text
from pullback.executors.native.llvm.jit import Library, build
from pullback.passes.pull import pull_inputs

SIZE = layout.HEAD + 48  # of an object: see `unit_text.PLACES`
_COLLECTED = 1 << 14  # Py_TPFLAGS_HAVE_GC
# Numbers of the slots of a type, as typeslots.h of the stable interface fixes them.
SLOTS = {
    "slot.absolute": 6, "slot.add": 7, "slot.multiply": 29,
    "slot.negative": 30, "same": 32, "power": 33, "slot.subtract": 36, "slot.divide": 37,
    "free": 52, "ready": 60, "make": 65, "traverse": 71,
}  # fmt: skip
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
    if not layout.counted_objects():
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
    library = build(unit_text(), exports, level=2)
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
    calls = {python: (at(native), layout.FASTCALL) for python, native in CALLS.items()}
    calls |= {gate: (at(f"slot.{gate}"), layout.NO_ARGUMENTS) for gate in unary}
    fields = {python: (at(get), at(put) if put else None) for python, (get, put) in readers.items()}
    slots = {number: at(native) for native, number in SLOTS.items()}
    return new_type(base, name, SIZE, Parts(slots, calls, fields, attributes_at))


def _is_as_asked(made: Any, attributes_at: int = 0) -> bool:
    """Objects have our size, and no head for the garbage collector: alone they are part of no cycle."""
    plain = made.__weakrefoffset__ == made.__itemsize__ == 0
    places = (made.__dictoffset__, made.__basicsize__) == (attributes_at, SIZE)
    return bool(plain and places and not made.__flags__ & _COLLECTED)


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
