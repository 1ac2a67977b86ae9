"""Gates that only look at numbers another way: transpose, slice, reshape, broadcast_to cost nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.circuit import Circuit, Row
from pullback.executors.native.arrays.nest import View, dense_strides
from pullback.executors.native.code import KINDS
from pullback.gates.shape import subscript

SAME = ("stop_gradient", "force")  # put out their first input as it is
LOOKING = ("transpose", "broadcast_to", "slice", "reshape")


def dense(circuit: Circuit, wire: int) -> View:
    """A wire in memory of its own."""
    shape, dtype = circuit.spec_of(wire)
    return View(wire, KINDS[dtype], 0, shape, dense_strides(shape))


def is_same(circuit: Circuit, row: Row) -> bool:
    """Whether a row puts out its first input, bit for bit and in the same shape."""
    assert row.gate is not None
    name = row.gate.name
    unchanged = circuit.spec_of(row.wire) == circuit.spec_of(row.inputs[0])
    return name in SAME or (name in ("cast", "reshape", "broadcast_to", "sum_to") and unchanged)


def looked_at(row: Row, x: View, shape: tuple[int, ...]) -> View | None:
    """What a row puts out as a view of its input, or None where numbers have to be moved."""
    assert row.gate is not None
    name, body = row.gate.name, row.gate.body
    if name == "sum_to" and x.size == View(0, "", 0, shape, shape).size:
        name = "reshape"  # sizes of 1 come and go
    if name == "reshape":
        fits = x.is_dense or x.size <= 1
        return x._replace(shape=shape, strides=dense_strides(shape)) if fits else None
    if name == "slice":
        return sliced(x, row.attributes["index"])
    if name not in LOOKING:
        return None
    return through(x, lambda array: body(array, **row.attributes))


def sliced(x: View, index: Any) -> View:
    """The part of x that the attribute `index` of a slice names."""
    # The dots keep a single element an array, which knows where it lies.
    return through(x, lambda array: array[(*subscript(index), ...)])


def through(x: View, look: Any) -> View:
    """x after NumPy looked at it by `look`: it knows best which element then lies where."""
    # Strides alone are asked for, so an array over one byte will do. It is never read.
    start = np.zeros(1, np.int8)
    array = np.lib.stride_tricks.as_strided(start, x.shape, x.strides, writeable=False)
    seen = np.asarray(look(array))
    moved = seen.__array_interface__["data"][0] - start.__array_interface__["data"][0]
    return x._replace(offset=x.offset + moved, shape=seen.shape, strides=seen.strides)
