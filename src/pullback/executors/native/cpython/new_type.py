"""A type of Python made of machine code: its slots, methods and fields in the interpreter's tables.

All of it by the stable interface, but for one thing: `give_kind`.
"""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

from pullback.executors.native.cpython.layout import FASTCALL, KEYWORDS, OFFSETS, Method

# Numbers of slots, as typeslots.h of the stable interface fixes them; of a member, as structmember.h says.
_METHODS, _MEMBERS, _GETSET = 64, 72, 73
_SSIZE, _READONLY = 19, 1
_kept: list[Any] = []  # what types and methods point to
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_kept))  # objects may outlive every module


class _Spec(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p), ("size", ctypes.c_int), ("item", ctypes.c_int),
        ("flags", ctypes.c_uint), ("slots", ctypes.c_void_p),
    )  # fmt: skip


class _Slot(ctypes.Structure):
    _fields_ = (("slot", ctypes.c_int), ("value", ctypes.c_void_p))


class _Member(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p), ("type", ctypes.c_int), ("offset", ctypes.c_ssize_t),
        ("flags", ctypes.c_int), ("text", ctypes.c_char_p),
    )  # fmt: skip


class _Reader(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p), ("get", ctypes.c_void_p), ("set", ctypes.c_void_p),
        ("text", ctypes.c_char_p), ("closure", ctypes.c_void_p),
    )  # fmt: skip


class Parts(NamedTuple):
    """What a type is made of: addresses of functions.

    slots: by number. calls: methods by name, each with the flags of its arguments. fields: by name, to
    get and to set, None for what cannot be set. attributes_at: where objects keep a dict, 0 for none.
    """

    slots: dict[int, int]
    calls: dict[str, tuple[int, int]]
    fields: dict[str, tuple[int, int | None]]
    attributes_at: int


def new_type(base: type, name: str, size: int, parts: Parts) -> Any:
    """A type below `base` whose objects have `size` bytes."""
    calls = [Method(n.encode(), function, how, None) for n, (function, how) in parts.calls.items()]
    methods = (Method * (len(calls) + 1))(*calls)
    fields = [_Reader(n.encode(), *pair, None, None) for n, pair in parts.fields.items()]
    getset = (_Reader * (len(fields) + 1))(*fields)
    at = parts.attributes_at
    members = (_Member * 2)(_Member(b"__dictoffset__", _SSIZE, at, _READONLY, None))
    given = [*parts.slots.items(), (_METHODS, ctypes.addressof(methods))]
    given += [(_GETSET, ctypes.addressof(getset))]
    given += [(_MEMBERS, ctypes.addressof(members))] if at else []
    slots = (_Slot * (len(given) + 1))(*[_Slot(*pair) for pair in given])
    spec = _Spec(f"{base.__module__}.{name}".encode(), size, 0, 0, ctypes.addressof(slots))
    _kept.extend([methods, getset, members, slots, spec])
    new = ctypes.pythonapi.PyType_FromSpecWithBases
    new.restype, new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.py_object)
    return new(ctypes.addressof(spec), (base,))


def method_of(kind: type, name: str, function: int) -> Any:
    """A method for objects of `kind`, to be put into it."""
    method = Method(name.encode(), function, FASTCALL | KEYWORDS, None)
    _kept.append(method)
    new = ctypes.pythonapi.PyDescr_NewMethod
    new.restype, new.argtypes = ctypes.py_object, (ctypes.py_object, ctypes.c_void_p)
    return new(kind, ctypes.addressof(method))


def give_kind(made: type, kind: type) -> None:
    """Let `made` be an object of `kind`, which is a kind of `type`.

    Written into its head: until 3.12 Python makes no type of another kind from a table.
    """
    size: Any = type.__basicsize__
    assert kind.__basicsize__ == size
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kind))
    ctypes.c_void_p.from_address(id(made) + OFFSETS["TYPE"]).value = id(kind)
