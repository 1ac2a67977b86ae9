"""What a wire carries (shape and dtype), and gufunc-style signatures that check shapes and word the error."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

import numpy as np

from pullback.core.dtypes import canonical
from pullback.errors import GateError, ShapeError

Shape = tuple[int, ...]
MOST_AXES = 64  # NumPy has no more
MOST_NUMBERS = 2**36  # of one array; beyond, no machine has the memory


class Spec(NamedTuple):
    """What one wire carries.

    >>> str(Spec((32, 784), np.dtype("float32")))
    '(32, 784) float32'
    """

    shape: Shape
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return f"{self.shape} {self.dtype.name}"


def spec_of(value: Any) -> Spec:
    """The spec of an array, a number, or anything that already carries one."""
    if isinstance(value, Spec):
        return value
    if hasattr(value, "spec"):
        return value.spec  # type: ignore[no-any-return]
    array = canonical(value)
    return Spec(np.shape(array), array.dtype)


def check_shape(shape: Shape) -> None:
    """ShapeError unless an array can have this shape."""
    if any(size < 0 for size in shape):
        raise ShapeError(f"{shape} is not a shape: sizes are 0 or more.")
    if len(shape) > MOST_AXES:
        raise ShapeError(f"an array of {len(shape)} axes; {MOST_AXES} are the most.")
    if math.prod(shape) > MOST_NUMBERS:
        raise ShapeError(f"an array of shape {shape} would hold {math.prod(shape):,} numbers.")


class Signature:
    """`(...,n,d),(d,k)->(...,n,k)`: letters are sizes that must agree, `...` broadcasts.

    >>> Signature("(...,n,d),(d,k)->(...,n,k)").result([(7, 32, 784), (784, 10)])
    (7, 32, 10)
    """

    def __init__(self, text: str) -> None:
        if not re.fullmatch(r"\([^()]*\)(,\([^()]*\))*->\([^()]*\)", text.replace(" ", "")):
            raise GateError(f"shape signature {text!r} does not read '(n,d),(d,k)->(n,k)'.")
        left, right = text.replace(" ", "").split("->")
        self.text = text
        self.inputs = [_axes(part) for part in re.findall(r"\(([^()]*)\)", left)]
        self.output = _axes(right[1:-1])

    def result(self, shapes: list[Shape], names: list[str] | None = None) -> Shape:
        """The output shape, or a ShapeError that names the letter and both inputs."""
        names = names or [f"input {i}" for i in range(len(shapes))]
        sizes: dict[str, tuple[int, str]] = {}
        spread: list[Shape] = []
        for axes, shape, name in zip(self.inputs, shapes, names, strict=True):
            spread.append(self._bind(axes, shape, name, sizes))
        rest = broadcast(spread, names) if spread else ()
        return tuple(s for a in self.output for s in (rest if a == "..." else (sizes[a][0],)))

    def _bind(
        self, axes: list[str], shape: Shape, name: str, sizes: dict[str, tuple[int, str]]
    ) -> Shape:
        letters = [a for a in axes if a != "..."]
        free = len(shape) - len(letters)
        if free < 0 or (free and "..." not in axes):
            raise ShapeError(
                f"{self.text}: {name!r} has shape {shape}, which does not fit ({','.join(axes)})."
            )
        at = axes.index("...") if "..." in axes else 0
        rest = shape[at : at + free]
        for letter, size in zip(letters, shape[:at] + shape[at + free :], strict=True):
            known, owner = sizes.setdefault(letter, (size, name))
            if known != size:
                raise ShapeError(
                    f"{self.text}: {letter!r} is {known} in {owner!r} but {size} in {name!r}."
                )
        return rest


def _axes(text: str) -> list[str]:
    return [a for a in text.split(",") if a]


def broadcast(shapes: list[Shape], names: list[str] | None = None) -> Shape:
    """NumPy's broadcasting of `shapes`; the error names the first two inputs that clash."""
    if shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        names = names or [f"input {i}" for i in range(len(shapes))]
        i, j = _first_clash(shapes)
        raise ShapeError(
            f"{names[i]!r} {shapes[i]} and {names[j]!r} {shapes[j]} do not broadcast."
        ) from None


def _first_clash(shapes: list[Shape]) -> tuple[int, int]:
    for j in range(1, len(shapes)):
        for i in range(j):
            if any(
                a != b and 1 not in (a, b)
                for a, b in zip(shapes[i][::-1], shapes[j][::-1], strict=False)
            ):
                return i, j
    return 0, 1
