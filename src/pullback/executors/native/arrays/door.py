"""Arrays into machine code without a detour: a Python builtin that reads where NumPy keeps its numbers.

One function serves all programs. It looks at each argument's type, dtype, shape and flags itself;
whatever is not exactly as the program wants it goes to the Python function beside it. Where a NumPy
array lies in memory is tried out once, by `usable`.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from pullback.core.dtypes import FLOAT32, FLOAT64
from pullback.core.shapes import Spec
from pullback.executors.native import builtin
from pullback.executors.native.jit import Library, build

_HEAD = object.__basicsize__
_MOST_AXES = 4
# Of an array object: the address of its numbers, then axes, sizes, strides, base, dtype and flags.
_DATA, _AXES, _SIZES, _DTYPE, _FLAGS = (_HEAD + 8 * n for n in (0, 1, 2, 5, 6))
_READABLE, _WRITEABLE = 0x0101, 0x0501  # in order and aligned; and may be written to

_CONTEXT = (
    "RUN",
    "COUNT",
    "SPECS",
    "TABLE",
    "ARENA",
    "ARRAY",
    "PYTHON",
    "DOUBLE",
    "SINGLE",
    "SLOW",
    "NONE",
)
_SPEC = 5 + _MOST_AXES  # slots: dtype, flags, axes (-1: a number), place in the table, slot, sizes


class Door:
    """`enter(*arrays)`: puts their addresses into the table and runs the code.

    specs: what each argument has to be, and whether it is written. table: addresses, one an argument
    first. slow: called with the same arguments when one does not fit or the code says no; its
    answer is the answer, otherwise None.
    """

    def __init__(
        self,
        run: int,
        specs: Sequence[tuple[Spec, bool]],
        places: tuple[np.ndarray[Any, Any], int],
        slow: Callable[..., Any],
        owner: object,
    ) -> None:
        table, arena = places
        self.numbers = np.zeros(len(specs) + 1)
        starts = [self.numbers.ctypes.data + 8 * n for n in range(len(specs))]
        self.specs = np.array(
            [_record(s, w, at) for (s, w), at in zip(specs, starts, strict=True)] or [[0]], np.int64
        )
        kinds = (np.ndarray, float, np.float64, np.float32, slow, None)
        context = struct.pack(
            "11q",
            run,
            len(specs),
            self.specs.ctypes.data,
            table.ctypes.data,
            arena,
            *map(id, kinds),
        )
        self.enter = builtin.made_of(
            _library(), "enter", context, (owner, kinds, table, self.specs, self.numbers)
        )


def _record(spec: Spec, written: bool, slot: int) -> list[int]:
    is_number = not spec.shape and not written and spec.dtype in (FLOAT64, FLOAT32)
    axes = -1 if is_number else len(spec.shape)
    flags = _WRITEABLE if written else _READABLE
    sizes = [*spec.shape, *[0] * (_MOST_AXES - len(spec.shape))]
    return [id(spec.dtype), flags, axes, int(spec.dtype == FLOAT32), slot, *sizes]


def fits(specs: Sequence[Spec]) -> bool:
    """Whether arguments like these can go through the door."""
    plain = all(s.dtype is np.dtype(s.dtype.name) and len(s.shape) <= _MOST_AXES for s in specs)
    return plain and usable()


@lru_cache(maxsize=1)
def usable() -> bool:
    """Whether this interpreter's arrays lie as expected: tried out once."""
    if not builtin.usable() or sys.byteorder != "little":
        return False
    x = np.zeros((3, 5), np.float32)
    slots = ctypes.c_int64 * 8
    found = slots.from_address(id(x) + _HEAD)
    sizes = (ctypes.c_int64 * 2).from_address(found[2])
    number = np.float32(1.5)
    return (
        type(x).__basicsize__ >= _FLAGS + 4
        and found[0] == x.ctypes.data
        and found[1] & 0xFFFFFFFF == x.ndim
        and tuple(sizes) == x.shape
        and found[5] == id(x.dtype)
        and found[6] & _WRITEABLE == _WRITEABLE
        and ctypes.c_float.from_address(id(number) + _HEAD).value == 1.5
    )


@lru_cache(maxsize=1)
def _library() -> Library:
    text = _TEXT
    for place, name in enumerate(_CONTEXT):
        text = text.replace(f"@{name}", str(place))
    names = {
        "HEAD": _HEAD, "TYPE": _HEAD - 8, "DATA": _DATA, "AXES": _AXES, "SIZES": _SIZES, "DTYPE": _DTYPE,
        "FLAGS": _FLAGS, "FIRST": tuple.__basicsize__, "BYTES": bytes.__basicsize__ - 1, "SPEC": 8 * _SPEC,
    }  # fmt: skip
    for name, value in names.items():
        text = text.replace(f"+{name}", str(value))
    return build(text, ["enter"], level=0)


# @NAME stands for a place in the context, +NAME for an offset.
_TEXT = """
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare void @Py_IncRef(ptr)

define internal ptr @known(ptr %slots, i64 %place) nounwind alwaysinline {
  %at = getelementptr ptr, ptr %slots, i64 %place
  %value = load ptr, ptr %at, align 1
  ret ptr %value
}

define internal i64 @part(ptr %object, i64 %offset) nounwind alwaysinline {
  %at = getelementptr i8, ptr %object, i64 %offset
  %value = load i64, ptr %at, align 1
  ret i64 %value
}

; Where the numbers of one argument lie; null when it is not what %spec wants.
define internal ptr @numbers(ptr %slots, ptr %spec, ptr %one) nounwind noinline {
entry:
  %type.at = getelementptr i8, ptr %one, i64 +TYPE
  %type = load ptr, ptr %type.at
  %axes = call i64 @part(ptr %spec, i64 16)
  %number = icmp slt i64 %axes, 0
  br i1 %number, label %single, label %several
several:
  %array = call ptr @known(ptr %slots, i64 @ARRAY)
  %is.array = icmp eq ptr %type, %array
  br i1 %is.array, label %look, label %bad
look:
  %dtype = call i64 @part(ptr %one, i64 +DTYPE)
  %dtype.wanted = call i64 @part(ptr %spec, i64 0)
  %dtype.good = icmp eq i64 %dtype, %dtype.wanted
  %flags.all = call i64 @part(ptr %one, i64 +FLAGS)
  %flags.wanted = call i64 @part(ptr %spec, i64 8)
  %flags = and i64 %flags.all, %flags.wanted
  %flags.good = icmp eq i64 %flags, %flags.wanted
  %has.all = call i64 @part(ptr %one, i64 +AXES)
  %has = and i64 %has.all, 4294967295
  %has.good = icmp eq i64 %has, %axes
  %good.a = and i1 %dtype.good, %flags.good
  %good.b = and i1 %good.a, %has.good
  br i1 %good.b, label %measure, label %bad
measure:
  %sizes.at = getelementptr i8, ptr %one, i64 +SIZES
  %sizes = load ptr, ptr %sizes.at
  br label %axis
axis:
  %i = phi i64 [0, %measure], [%i.next, %same]
  %end = icmp eq i64 %i, %axes
  br i1 %end, label %found, label %compare
compare:
  %offset = shl i64 %i, 3
  %size = call i64 @part(ptr %sizes, i64 %offset)
  %offset.spec = add i64 %offset, 40
  %size.wanted = call i64 @part(ptr %spec, i64 %offset.spec)
  %size.good = icmp eq i64 %size, %size.wanted
  br i1 %size.good, label %same, label %bad
same:
  %i.next = add i64 %i, 1
  br label %axis
found:
  %data.at = getelementptr i8, ptr %one, i64 +DATA
  %data = load ptr, ptr %data.at
  ret ptr %data
single:
  %value.at = getelementptr i8, ptr %one, i64 +HEAD
  %python = call ptr @known(ptr %slots, i64 @PYTHON)
  %is.python = icmp eq ptr %type, %python
  %double = call ptr @known(ptr %slots, i64 @DOUBLE)
  %is.double = icmp eq ptr %type, %double
  %is.wide = or i1 %is.python, %is.double
  br i1 %is.wide, label %wide, label %narrow.or.bad
narrow.or.bad:
  %float = call ptr @known(ptr %slots, i64 @SINGLE)
  %is.float = icmp eq ptr %type, %float
  br i1 %is.float, label %narrow, label %bad
wide:
  %x = load double, ptr %value.at
  br label %store
narrow:
  %y = load float, ptr %value.at
  %y.wide = fpext float %y to double
  br label %store
store:
  %value = phi double [%x, %wide], [%y.wide, %narrow]
  %slot.bits = call i64 @part(ptr %spec, i64 32)
  %slot = inttoptr i64 %slot.bits to ptr
  %is.single.bits = call i64 @part(ptr %spec, i64 24)
  %is.single = icmp ne i64 %is.single.bits, 0
  br i1 %is.single, label %as.single, label %as.double
as.single:
  %short = fptrunc double %value to float
  store float %short, ptr %slot
  ret ptr %slot
as.double:
  store double %value, ptr %slot
  ret ptr %slot
bad:
  ret ptr null
}

define ptr @enter(ptr %self, ptr %args, i64 %given, ptr %names) nounwind {
entry:
  %first.at = getelementptr i8, ptr %self, i64 +FIRST
  %bytes = load ptr, ptr %first.at
  %slots = getelementptr i8, ptr %bytes, i64 +BYTES
  %count.ptr = call ptr @known(ptr %slots, i64 @COUNT)
  %count = ptrtoint ptr %count.ptr to i64
  %specs = call ptr @known(ptr %slots, i64 @SPECS)
  %table = call ptr @known(ptr %slots, i64 @TABLE)
  %unnamed = icmp eq ptr %names, null
  %enough = icmp eq i64 %given, %count
  %usual = and i1 %unnamed, %enough
  br i1 %usual, label %next, label %slow
next:
  %i = phi i64 [0, %entry], [%i.next, %good]
  %end = icmp eq i64 %i, %count
  br i1 %end, label %go, label %one
one:
  %at = getelementptr ptr, ptr %args, i64 %i
  %object = load ptr, ptr %at
  %offset = mul i64 %i, +SPEC
  %spec = getelementptr i8, ptr %specs, i64 %offset
  %numbers = call ptr @numbers(ptr %slots, ptr %spec, ptr %object)
  %none = icmp eq ptr %numbers, null
  br i1 %none, label %slow, label %good
good:
  %to = getelementptr ptr, ptr %table, i64 %i
  store ptr %numbers, ptr %to
  %i.next = add i64 %i, 1
  br label %next
go:
  %run = call ptr @known(ptr %slots, i64 @RUN)
  %arena = call ptr @known(ptr %slots, i64 @ARENA)
  %said = call i64 %run(ptr %table, ptr %arena)
  %fine = icmp eq i64 %said, 0
  br i1 %fine, label %done, label %slow
done:
  %nothing = call ptr @known(ptr %slots, i64 @NONE)
  call void @Py_IncRef(ptr %nothing)
  ret ptr %nothing
slow:
  %python.slow = call ptr @known(ptr %slots, i64 @SLOW)
  %answer = call ptr @PyObject_Vectorcall(ptr %python.slow, ptr %args, i64 %given, ptr %names)
  ret ptr %answer
}
"""
