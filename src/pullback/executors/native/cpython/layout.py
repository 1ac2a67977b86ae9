"""Where CPython and NumPy keep what machine code reads: every offset stands here, with a probe.

Offsets are bytes from the start of an object. Machine code that knows them is used only where the probes of
what it reads have found in this very process what they expect; else Python does the same.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from collections.abc import Callable, Mapping
from importlib import resources
from string import Template
from typing import Any

import numpy as np

from pullback.core.once import once

HEAD = object.__basicsize__
OFFSETS = {
    "HEAD": HEAD,
    "REFERENCES": HEAD - 16,  # the head ends with how often an object is held, and its type
    "TYPE": HEAD - 8,
    "VALUE": HEAD,  # of a float, an np.float64, an np.float32 and an np.int64
    "SIZE": HEAD,  # of a list, and where its items lie
    "ITEMS": HEAD + 8,
    "FIRST": tuple.__basicsize__,  # the items of a tuple lie in it
    "BYTES": bytes.__basicsize__ - 1,  # and so do those of bytes
    # Of an array: the address of its numbers, axes, sizes, dtype and flags.
    "DATA": HEAD,
    "AXES": HEAD + 8,
    "SIZES": HEAD + 16,
    "DTYPE": HEAD + 40,
    "FLAGS": HEAD + 48,
}
READABLE = 0x0101  # flags of an array whose numbers lie in order and aligned
# Where NumPy's own table has what makes an array, and what makes a number of one without axes.
NEW_ARRAY, ARRAY_SCALAR = 94, 76
# How a method takes its arguments, as methodobject.h says.
FASTCALL, KEYWORDS, ONE_ARGUMENT = 0x0080, 0x0002, 0x0008
NO_ARGUMENTS = 0x0004


class Method(ctypes.Structure):
    """PyMethodDef. It must live as long as what is made of it."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int),
        ("text", ctypes.c_char_p),
    )  # fmt: skip


def text(file: str, names: Mapping[str, int]) -> str:
    """LLVM text of this folder with `names`, and the offsets, put in for `$NAME`."""
    raw = resources.files(__package__).joinpath(file).read_text("ascii")
    return Template(raw).substitute({**OFFSETS, **names})


# Probes


@once
def plain_objects() -> bool:
    """Whether the head of an object, floats, lists, tuples and bytes lie as we say."""
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    if sys.implementation.name != "cpython" or not locked or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    wide = {float: 8, np.float64: 8, list: 24, tuple: 8, bytes: 17}
    sizes = all(kind.__basicsize__ == HEAD + more for kind, more in wide.items())
    return sizes and all(probe() for probe in PLAIN)


@once
def counted_objects() -> bool:
    """Whether an object counts who holds it, and whole numbers of NumPy lie, as we say."""
    return plain_objects() and _counts() and bool(_at(np.int64(-7), "VALUE") == -7)


@once
def arrays() -> bool:
    """Whether arrays lie as we say."""
    if not plain_objects() or sys.byteorder != "little" or numpy_functions() is None:
        return False
    return np.ndarray.__basicsize__ >= OFFSETS["FLAGS"] + 4 and all(probe() for probe in ARRAYS)


def _at(thing: object, name: str, kind: Any = ctypes.c_int64) -> Any:
    """What lies in an object at an offset."""
    return kind.from_address(id(thing) + OFFSETS[name]).value


def _counts() -> bool:
    thing = object()
    held = [thing] * 7
    return bool(len(held) < _at(thing, "REFERENCES") < len(held) + 5)


def _types() -> bool:
    things: tuple[Any, ...] = (1.5, np.float64(1.5), [], ())
    return all(_at(x, "TYPE") == id(type(x)) for x in things)


def _floats() -> bool:
    return all(_at(x, "VALUE", ctypes.c_double) == 1.5 for x in (1.5, np.float64(1.5)))


def _lists() -> bool:
    things = [object(), object()]
    things.append(object())  # now there is room for more than there are
    items, known = _at(things, "ITEMS"), [id(thing) for thing in things]
    return bool(_at(things, "SIZE") == 3 and _is_address(items) and _read(items, 3) == known)


def _tuples() -> bool:
    things = (object(), object())
    return _read(id(things) + OFFSETS["FIRST"], 2) == [id(thing) for thing in things]


def _bytes() -> bool:
    known = b"machine code"
    return ctypes.string_at(id(known) + OFFSETS["BYTES"], len(known)) == known


def _is_address(number: int) -> bool:
    """Whether a number may say where numbers lie: counts and flags beside it do not."""
    return 0xFFFF < number < 1 << 56 and number % 8 == 0


def _read(address: int, count: int) -> list[int]:
    return list((ctypes.c_int64 * count).from_address(address))


def _array() -> np.ndarray[Any, Any]:
    return np.zeros((3, 5), np.float32)


def _data() -> bool:
    x = _array()
    return bool(_at(x, "DATA") == x.ctypes.data)


def _axes() -> bool:
    return bool(_at(_array(), "AXES") & 0xFFFFFFFF == 2)


def _shapes() -> bool:
    x = _array()
    wanted = x.__array_interface__["shape"]
    found = _at(x, "SIZES")
    # The sizes and the strides of an array lie behind one another in one block.
    return bool(_is_address(found) and _read(found, 4) == [*wanted, *x.strides])


def _dtypes() -> bool:
    x = _array()
    return bool(_at(x, "DTYPE") == id(x.dtype))


def _flags() -> bool:
    pairs = ((_array(), READABLE), (_array()[:, ::2], READABLE & ~1))
    return all(_at(x, "FLAGS", ctypes.c_int) & READABLE == wanted for x, wanted in pairs)


def _numbers() -> bool:
    return bool(_at(np.float32(1.5), "VALUE", ctypes.c_float) == 1.5)


PLAIN: tuple[Callable[[], bool], ...] = (_types, _floats, _lists, _tuples, _bytes)
ARRAYS: tuple[Callable[[], bool], ...] = (_data, _axes, _shapes, _dtypes, _flags, _numbers)


@once
def numpy_functions() -> Any:
    """NumPy's functions for C, by their fixed places."""
    capsule = getattr(importlib.import_module("numpy._core._multiarray_umath"), "_ARRAY_API", None)
    if capsule is None:
        return None
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return ctypes.cast(pointer(capsule, None), ctypes.POINTER(ctypes.c_int64))
