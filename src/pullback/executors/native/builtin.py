"""A Python builtin made of machine code: numbers go in and come out without a detour through ctypes.

The text reads and makes Python floats itself, so it depends on how CPython lays out a float and a
list. The offsets come from the running interpreter, `usable` tries them once, and whatever is not a
plain number is handed to the ordinary Python function beside it.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from pullback.executors.native.jit import Library, build

EXPORTS = ("context", "run", "call")
_HEAD = object.__basicsize__  # a float's value lies behind the head of every object
_TYPE = _HEAD - 8  # the head ends with the type
_FASTCALL = 0x0080 | 0x0002  # METH_FASTCALL | METH_KEYWORDS


class _Method(ctypes.Structure):
    """PyMethodDef. It must live as long as the builtin."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("text", ctypes.c_char_p),
    )


def text(inputs: int, outputs: int) -> str:
    """LLVM text of `run` (a list in, a list of np.float64 out) and `call` (floats in, floats out).

    It calls `void @values(ptr, ptr)`, which must stand beside it and read and write doubles.
    """
    result = _PACK_ONE if outputs == 1 else _PACK_TUPLE
    return (
        _TEXT.replace("PACK_CALL", result)
        .replace("INPUTS", str(inputs))
        .replace("OUTPUTS", str(outputs))
        .replace("HEAD", str(_HEAD))
        .replace("TYPE", str(_TYPE))
        .replace("SIZE", str(_HEAD))
        .replace("ITEMS", str(_HEAD + 8))
        .replace("FIRST", str(tuple.__basicsize__))
    )


_TEXT = """
@context = global [6 x ptr] zeroinitializer
declare ptr @PyList_New(i64)
declare ptr @PyTuple_New(i64)
declare ptr @PyFloat_FromDouble(double)
declare ptr @_PyObject_New(ptr)
declare void @Py_DecRef(ptr)
declare void @PyErr_Clear()
declare double @PyLong_AsDouble(ptr)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)

define internal i1 @unpack(ptr %items, ptr %in) nounwind alwaysinline {
entry:
  %float = load ptr, ptr @context
  %float64.at = getelementptr ptr, ptr @context, i64 1
  %float64 = load ptr, ptr %float64.at
  %int.at = getelementptr ptr, ptr @context, i64 5
  %int = load ptr, ptr %int.at
  br label %next
next:
  %i = phi i64 [0, %entry], [%up, %good]
  %end = icmp eq i64 %i, INPUTS
  br i1 %end, label %done, label %look
look:
  %at = getelementptr ptr, ptr %items, i64 %i
  %one = load ptr, ptr %at
  %type.at = getelementptr i8, ptr %one, i64 TYPE
  %type = load ptr, ptr %type.at
  %a = icmp eq ptr %type, %float
  %b = icmp eq ptr %type, %float64
  %ok = or i1 %a, %b
  br i1 %ok, label %real, label %other
real:
  %value.at = getelementptr i8, ptr %one, i64 HEAD
  %held = load double, ptr %value.at
  br label %good
other:
  %c = icmp eq ptr %type, %int
  br i1 %c, label %whole, label %bad
whole:
  %converted = call double @PyLong_AsDouble(ptr %one)
  %doubt = fcmp oeq double %converted, -1.0
  br i1 %doubt, label %doubtful, label %good
doubtful:
  call void @PyErr_Clear()
  br label %bad
good:
  %value = phi double [%held, %real], [%converted, %whole]
  %to = getelementptr double, ptr %in, i64 %i
  store double %value, ptr %to
  %up = add i64 %i, 1
  br label %next
done:
  ret i1 true
bad:
  ret i1 false
}

define internal ptr @float64(double %x) nounwind alwaysinline {
  %type.at = getelementptr ptr, ptr @context, i64 1
  %type = load ptr, ptr %type.at
  %made = call ptr @_PyObject_New(ptr %type)
  %none = icmp eq ptr %made, null
  br i1 %none, label %out, label %fill
fill:
  %value.at = getelementptr i8, ptr %made, i64 HEAD
  store double %x, ptr %value.at
  br label %out
out:
  ret ptr %made
}

define internal ptr @filled(ptr %whole, ptr %items, ptr %out, i1 %numpy) nounwind alwaysinline {
entry:
  br label %next
next:
  %i = phi i64 [0, %entry], [%up, %put]
  %end = icmp eq i64 %i, OUTPUTS
  br i1 %end, label %done, label %make
make:
  %from = getelementptr double, ptr %out, i64 %i
  %value = load double, ptr %from
  br i1 %numpy, label %special, label %plain
special:
  %a = call ptr @float64(double %value)
  br label %made
plain:
  %b = call ptr @PyFloat_FromDouble(double %value)
  br label %made
made:
  %one = phi ptr [%a, %special], [%b, %plain]
  %none = icmp eq ptr %one, null
  br i1 %none, label %lost, label %put
put:
  %to = getelementptr ptr, ptr %items, i64 %i
  store ptr %one, ptr %to
  %up = add i64 %i, 1
  br label %next
done:
  ret ptr %whole
lost:
  call void @Py_DecRef(ptr %whole)
  ret ptr null
}

define ptr @run(ptr %self, ptr %args, i64 %n, ptr %names) nounwind {
entry:
  %in = alloca [INPUTS x double]
  %out = alloca [OUTPUTS x double]
  %unnamed = icmp eq ptr %names, null
  %single = icmp eq i64 %n, 1
  %usual = and i1 %unnamed, %single
  br i1 %usual, label %look, label %slow
look:
  %list = load ptr, ptr %args
  %type.at = getelementptr i8, ptr %list, i64 TYPE
  %type = load ptr, ptr %type.at
  %known.at = getelementptr ptr, ptr @context, i64 2
  %known = load ptr, ptr %known.at
  %right = icmp eq ptr %type, %known
  br i1 %right, label %count, label %slow
count:
  %size.at = getelementptr i8, ptr %list, i64 SIZE
  %size = load i64, ptr %size.at
  %fits = icmp eq i64 %size, INPUTS
  br i1 %fits, label %read, label %slow
read:
  %items.at = getelementptr i8, ptr %list, i64 ITEMS
  %items = load ptr, ptr %items.at
  %ok = call i1 @unpack(ptr %items, ptr %in)
  br i1 %ok, label %go, label %slow
go:
  call void @values(ptr %in, ptr %out)
  %made = call ptr @PyList_New(i64 OUTPUTS)
  %none = icmp eq ptr %made, null
  br i1 %none, label %failed, label %fill
fill:
  %places.at = getelementptr i8, ptr %made, i64 ITEMS
  %places = load ptr, ptr %places.at
  %full = call ptr @filled(ptr %made, ptr %places, ptr %out, i1 true)
  ret ptr %full
failed:
  ret ptr null
slow:
  %slow.at = getelementptr ptr, ptr @context, i64 3
  %python = load ptr, ptr %slow.at
  %answer = call ptr @PyObject_Vectorcall(ptr %python, ptr %args, i64 %n, ptr %names)
  ret ptr %answer
}

define ptr @call(ptr %self, ptr %args, i64 %n, ptr %names) nounwind {
entry:
  %in = alloca [INPUTS x double]
  %out = alloca [OUTPUTS x double]
  %unnamed = icmp eq ptr %names, null
  %fits = icmp eq i64 %n, INPUTS
  %usual = and i1 %unnamed, %fits
  br i1 %usual, label %read, label %slow
read:
  %ok = call i1 @unpack(ptr %args, ptr %in)
  br i1 %ok, label %go, label %slow
go:
  call void @values(ptr %in, ptr %out)
PACK_CALL
slow:
  %slow.at = getelementptr ptr, ptr @context, i64 4
  %python = load ptr, ptr %slow.at
  %answer = call ptr @PyObject_Vectorcall(ptr %python, ptr %args, i64 %n, ptr %names)
  ret ptr %answer
}
"""

_PACK_TUPLE = """
  %made = call ptr @PyTuple_New(i64 OUTPUTS)
  %none = icmp eq ptr %made, null
  br i1 %none, label %failed, label %fill
fill:
  %places = getelementptr i8, ptr %made, i64 FIRST
  %full = call ptr @filled(ptr %made, ptr %places, ptr %out, i1 false)
  ret ptr %full
failed:
  ret ptr null"""

_PACK_ONE = """
  %value = load double, ptr %out
  %made = call ptr @PyFloat_FromDouble(double %value)
  ret ptr %made"""


class Builtins:
    """`run` and `call` of one library as Python builtins, with their Python twins for odd inputs.

    keep: what must live as long as a builtin does; each builtin holds it, it holds no builtin.
    """

    def __init__(
        self, library: Library, slow_run: Callable[..., Any], slow_call: Callable[..., Any]
    ) -> None:
        keep = _Keep(library, (float, np.float64, list, slow_run, slow_call, int))
        place = (ctypes.c_void_p * len(keep.known)).from_address(library.address("context"))
        place[:] = [id(known) for known in keep.known]
        self.run = keep.builtin("run")
        self.call = keep.builtin("call")


class _Keep:
    def __init__(self, library: Library, known: tuple[Any, ...]) -> None:
        self.library, self.known = library, known
        self.methods: list[_Method] = []

    def builtin(self, name: str) -> Any:
        made = _Method(name.encode(), self.library.address(name), _FASTCALL, None)
        self.methods.append(made)
        new = ctypes.pythonapi.PyCFunction_NewEx
        new.restype, new.argtypes = (
            ctypes.py_object,
            (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p),
        )
        return new(ctypes.addressof(made), self, None)


@lru_cache(maxsize=1)
def usable() -> bool:
    """Whether this interpreter's floats and lists lie as the text expects: tried out once."""
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    if sys.implementation.name != "cpython" or not locked or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    if not _floats_lie_as_expected():
        return False
    swap = """define void @values(ptr %in, ptr %out) {
      %a = load double, ptr %in
      %second = getelementptr double, ptr %in, i64 1
      %b = load double, ptr %second
      store double %b, ptr %out
      %other = getelementptr double, ptr %out, i64 1
      store double %a, ptr %other
      ret void
    }"""
    library = build(swap + text(2, 2), EXPORTS)
    made = Builtins(library, lambda *_: None, lambda *_: None)
    swapped = made.run([1.5, np.float64(-2.5)])
    return bool(swapped == [-2.5, 1.5] and made.call(1.5, np.float64(-2.5)) == (-2.5, 1.5))


def _floats_lie_as_expected() -> bool:
    real = (1.5, np.float64(1.5))
    sizes = (
        float.__basicsize__,
        np.float64.__basicsize__,
        list.__basicsize__ - 24,
        tuple.__basicsize__ - 8,
    )
    if sizes != (_HEAD + 8, _HEAD + 8, _HEAD, _HEAD):
        return False
    return all(
        ctypes.c_double.from_address(id(x) + _HEAD).value == 1.5
        and ctypes.c_void_p.from_address(id(x) + _TYPE).value == id(type(x))
        for x in real
    )
