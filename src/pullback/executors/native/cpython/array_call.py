"""Arrays into machine code without a detour: a Python builtin that reads where NumPy keeps its numbers.

One function serves all programs. It looks at each argument's type, dtype, shape and flags itself;
whatever is not exactly as the program wants it goes to the Python function beside it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core.dtypes import FLOAT32, FLOAT64
from pullback.core.once import once
from pullback.core.shapes import Spec
from pullback.executors.native.cpython import layout, scalar_call
from pullback.executors.native.llvm import bounds
from pullback.executors.native.llvm.jit import Library, build
from pullback.passes.planning.memory import ALIGNED

_MOST_AXES = 4
_CONTEXT = (
    "RUN", "COUNT", "OUTPUTS", "SPECS", "TABLE", "ARENA", "NEW", "SCALAR", "ARRAY", "PYTHON", "DOUBLE",
    "SINGLE", "LIST", "SLOW", "NONE",
)  # fmt: skip
_SPEC = 5 + _MOST_AXES  # slots: dtype, flags, axes (-1: a number), place in the table, slot, sizes


class ArrayCall:
    """Two ways in. `enter(*inputs)` puts their addresses into the table and runs the code; `ask(list)`
    makes arrays for the outputs too and gives a list of them.

    places: the table of addresses, inputs first, then outputs, and the arena; 0 for an arena that is
    the first output, a new one each time. slow: called with the
    same arguments when one does not fit or the code says no; its answer is the answer. keeps: lives
    as long as this.
    """

    def __init__(
        self,
        run: int,
        specs: tuple[Sequence[Spec], Sequence[Spec]],
        places: tuple[np.ndarray[Any, Any], int],
        slow: Callable[..., Any],
        keeps: object,
    ) -> None:
        (inputs, outputs), (table, arena) = specs, places
        numbers = np.zeros(len(inputs) + 1)
        slots = [numbers.ctypes.data + 8 * n for n in range(len(inputs))]
        records = [_record(s, at) for s, at in zip(inputs, slots, strict=True)]
        records += [_record(s, 0) for s in outputs]
        wanted = np.array(records or [[0]], np.int64)
        api = layout.numpy_functions()
        known = (np.ndarray, float, np.float64, np.float32, list, slow, None)
        context = struct.pack(
            "15q", run, len(inputs), len(outputs), wanted.ctypes.data, table.ctypes.data, arena,
            api[layout.NEW_ARRAY], api[layout.ARRAY_SCALAR], *map(id, known),
        )  # fmt: skip
        held = (keeps, known, table, wanted, numbers)
        self.enter = scalar_call.made_of(_library(), "enter", context, held)
        self.ask = scalar_call.made_of(_library(), "ask", context, held)


def _record(spec: Spec, slot: int) -> list[int]:
    """What an argument has to be; `slot` is where a plain number goes, 0 for an output."""
    is_number = not spec.shape and slot and spec.dtype in (FLOAT64, FLOAT32)
    axes = -1 if is_number else len(spec.shape)
    sizes = [*spec.shape, *[0] * (_MOST_AXES - len(spec.shape))]
    return [id(spec.dtype), layout.READABLE, axes, int(spec.dtype == FLOAT32), slot, *sizes]


def fits(specs: Sequence[Spec]) -> bool:
    """Whether arguments like these can go in so."""
    plain = all(s.dtype is np.dtype(s.dtype.name) and len(s.shape) <= _MOST_AXES for s in specs)
    return plain and usable() and not bounds.asked()


@once
def usable() -> bool:
    """Whether arrays can go in and out so."""
    return scalar_call.usable() and layout.arrays()


@once
def _library() -> Library:
    names = {name: place for place, name in enumerate(_CONTEXT)}
    names |= {"SPEC": 8 * _SPEC, "ALIGNED": ALIGNED, "LAST": ALIGNED - 1}
    return build(layout.text("array_call.ll", names), ["enter", "ask"], level=0)
