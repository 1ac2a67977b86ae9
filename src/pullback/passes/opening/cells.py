"""`Cell`: one number that is not computed yet. NumPy moves and adds cells as it does numbers.

A gate's own NumPy body, run on arrays of cells instead of numbers, says which gates between single
numbers make each of its elements. So no gate needs a second description to be opened.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.gate import GATES, Gate
from pullback.core.operators import Operators


class Cell(Operators):
    """A gate over other cells, a fixed number, or a place: element `flat` of a wire in a frame."""

    __slots__ = ("args", "attributes", "gate", "number", "place")

    def __init__(
        self,
        gate: Gate | None = None,
        args: tuple[Any, ...] = (),
        attributes: dict[str, Any] | None = None,
        number: Any = None,
        place: Any = None,
    ) -> None:
        self.gate, self.args, self.attributes = gate, args, attributes or {}
        self.number, self.place = number, place

    def __apply_gate__(
        self, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]
    ) -> Cell:
        return Cell(gate, tuple(cell_of(x) for x in inputs), gate.bind(attributes))

    def __getattr__(self, name: str) -> Any:
        """NumPy's `exp` of an array of objects asks each for its method `exp`: the gate of that name."""
        if name not in GATES:
            raise AttributeError(name)
        return lambda *others: GATES[name](self, *others)

    def __lt__(self, other: Any) -> Any:
        return GATES["less"](self, other)

    def __le__(self, other: Any) -> Any:
        return GATES["less_equal"](self, other)

    def __gt__(self, other: Any) -> Any:
        return GATES["greater"](self, other)

    def __ge__(self, other: Any) -> Any:
        return GATES["greater_equal"](self, other)

    def __eq__(self, other: object) -> Any:
        return GATES["equal"](self, other)

    def __ne__(self, other: object) -> Any:
        return GATES["not_equal"](self, other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise TypeError("it has no value yet")


def cell_of(x: Any) -> Cell:
    """x itself, or the cell of a number."""
    return x if isinstance(x, Cell) else Cell(number=x)


def array_of(cells: list[Any], shape: tuple[int, ...]) -> Any:
    """An array of cells; np.array would look into them."""
    made = np.empty(len(cells), object)
    made[:] = cells
    return made.reshape(shape)


def flat_positions(shape: tuple[int, ...], cut: tuple[slice, ...]) -> Any:
    """The positions, counted row by row, of the part `cut` of an array of `shape`.

    >>> flat_positions((2, 3), (slice(1, 2), slice(None)))
    array([[3, 4, 5]])
    """
    flat = np.zeros((), np.int64)
    for size, part in zip(shape, cut, strict=True):
        flat = flat[..., None] * size + np.arange(size)[part]
    return flat
