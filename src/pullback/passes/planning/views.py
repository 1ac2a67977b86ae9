"""`View`: numbers in memory with a stride an axis; and gates that only look at numbers another way.

transpose, slice, reshape and broadcast_to cost nothing: what they put out is another view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.core.circuit import Circuit, Row
from pullback.gates.shape import subscript

SAME = ("stop_gradient", "force")  # put out their first input as it is
LOOKING = ("transpose", "broadcast_to", "slice", "reshape")


class View(NamedTuple):
    """An array in memory: element (i, j) lies at offset + i strides[0] + j strides[1], in elements.

    A stride of 0 repeats an element, a negative one runs backwards.
    """

    storage: int
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def size(self) -> int:
        return product(self.shape)

    @property
    def bytes(self) -> int:
        return self.dtype.itemsize * self.size

    @property
    def is_dense(self) -> bool:
        """Whether the elements lie one behind the other in running order."""
        expected = dense_strides(self.shape)
        pairs = zip(self.shape, self.strides, expected, strict=True)
        return all(size == 1 or stride == wanted for size, stride, wanted in pairs)


def product(sizes: Sequence[int]) -> int:
    """How many elements an array of these sizes has."""
    total = 1
    for size in sizes:
        total *= size
    return total


def dense_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides.

    >>> dense_strides((2, 3, 4))
    (12, 4, 1)
    """
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def dense(circuit: Circuit, wire: int) -> View:
    """A wire in memory of its own."""
    shape, dtype = circuit.spec_of(wire)
    return View(wire, dtype, 0, shape, dense_strides(shape))


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
    if name == "sum_to" and x.size == product(shape):
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


def through(x: View, look: Callable[[Any], Any]) -> View:
    """x after NumPy looked at it by `look`: it knows best which element then lies where."""
    # Strides alone are asked for, so an array over one byte will do. It is never read.
    start = np.zeros(1, np.int8)
    array = np.lib.stride_tricks.as_strided(start, x.shape, x.strides, writeable=False)
    seen = np.asarray(look(array))
    moved = seen.__array_interface__["data"][0] - start.__array_interface__["data"][0]
    return x._replace(offset=x.offset + moved, shape=seen.shape, strides=seen.strides)
