"""Python builtins made of machine code: numbers go in and come out without a detour through ctypes.

One pair of functions serves all programs. It reads and makes Python floats itself, where `layout.py` says
that they lie; whatever is not a plain number is handed to the Python function beside it.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.once import once
from pullback.executors.native.cpython import layout
from pullback.executors.native.llvm.jit import Library, build

# What a builtin knows of its program: slots of 8 bytes, read by position.
_CONTEXT = ("VALUES", "INPUTS", "OUTPUTS", "FLOAT", "NUMPY", "LIST", "INT", "SLOW")


def builtin(
    kind: str, library: Library, counts: tuple[int, int], slow: Callable[..., Any]
) -> Callable[..., Any]:
    """`values` of `library`, which takes and gives `counts` doubles, as a Python builtin.

    kind: "run" takes a list and gives a list of np.float64, "call" takes numbers and gives plain
    ones. slow: does the same for anything else it may be called with.
    """
    known = (float, np.float64, list, int, slow)
    context = struct.pack("8q", library.address("values"), *counts, *map(id, known))
    return made_of(_library(), kind, context, (library, known))


def made_of(library: Library, name: str, context: bytes, keeps: object) -> Callable[..., Any]:
    """Function `name` of `library` as a Python builtin that reads `context`, slots of 8 bytes.

    keeps: what the slots point to; it lives as long as the builtin.
    """
    flags = layout.FASTCALL | layout.KEYWORDS
    method = layout.Method(name.encode(), library.address(name), flags, None)
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype = ctypes.py_object
    new.argtypes = (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    # The builtin holds the tuple, and so all that it reads and runs.
    made: Callable[..., Any] = new(
        ctypes.addressof(method), (context, method, library, keeps), None
    )
    return made


@once
def _library() -> Library:
    places = {name: place for place, name in enumerate(_CONTEXT)}
    return build(layout.text("scalar_call.ll", places), ["run", "call"], level=0)


@once
def usable() -> bool:
    """Whether numbers can go in and out so: tried out once."""
    if not layout.plain_objects():
        return False
    library = build(_SWAP, ["values"], level=0)
    run, call = (builtin(kind, library, (2, 2), lambda *_: None) for kind in ("run", "call"))
    given, swapped = [1.5, np.float64(-2.5)], [-2.5, 1.5]
    return bool(run(given) == swapped and call(*given) == tuple(swapped))


_SWAP = """define void @values(ptr %in, ptr %out) nounwind {
  %a = load double, ptr %in
  %in.1 = getelementptr double, ptr %in, i64 1
  %b = load double, ptr %in.1
  store double %b, ptr %out
  %out.1 = getelementptr double, ptr %out, i64 1
  store double %a, ptr %out.1
  ret void
}"""
