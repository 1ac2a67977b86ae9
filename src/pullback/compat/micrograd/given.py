"""The arguments of a Value beside its number: a label, and children with their slopes or a `_backward`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.core.gate import Declaration, Gate
from pullback.errors import CircuitError
from pullback.executors.unit import Unit
from pullback.executors.unit_graph import GateUse


def _given(*children: Any, number: Any) -> Any:
    return number


# Of every Value whose children were given. In no table of gates: it means nothing outside of its Value.
GIVEN = Gate(_given, Declaration(slopes="any"), recipe=False)


class Told(NamedTuple):
    """The arguments of a Value. slopes: one for each child, None where none were given."""

    data: float
    children: tuple[Any, ...]
    op: str
    slopes: tuple[float, ...] | None
    label: Any


def told(
    data: Any,
    _children: Sequence[Any] = (),
    _op: str | Sequence[Any] = "",
    label: Any = "",
    *,
    children: Sequence[Any] = (),
    local_grads: Sequence[Any] | None = None,
) -> Told:
    """What was said, in any of the three spellings: (data, _children, _op) as in micrograd, label= as in
    the lectures, (data, children, local_grads) as in microgpt."""
    from_children = tuple(_children or children)
    slopes = local_grads if isinstance(_op, str) else _op
    for child in from_children:
        if not isinstance(child, Unit):
            raise TypeError(f"the children of a Value are Values, not {type(child).__name__}.")
    if slopes is not None and len(slopes) != len(from_children):
        raise TypeError(f"{len(from_children)} children have {len(slopes)} local gradients.")
    numbers = None if slopes is None else tuple(number(slope) for slope in slopes)
    return Told(number(data), from_children, _op if isinstance(_op, str) else "", numbers, label)


def described(value: Any, said: Told) -> Any:
    """`value` with all that was said of it."""
    if said.label != "":
        value.label = said.label
    if said.op:
        value.__dict__["_op"] = said.op
    if said.children:
        value.by, value.inputs = GIVEN, said.children
        value.attributes = {"slopes": said.slopes}
    return value


def number(data: Any) -> float:
    """`data` as a float; a TypeError for anything that is not a number, or more than one."""
    if isinstance(data, Unit):
        raise TypeError("the data of a Value is a plain number, not a Value. Try x.data.")
    if isinstance(data, str | bytes | bytearray | list | tuple) or np.ndim(data):
        raise TypeError(
            f"the data of a Value is one number, not {data!r:.60}. pb.Unit holds arrays."
        )
    return float(data)


def pull_by(value: Any, function: Callable[[], None]) -> None:
    """Let `function` pull the children of `value`: it adds to their grads, and reads the grad of `value`."""
    value.by = GIVEN
    value.attributes = {"slopes": None, **value.attributes, "backward": function}


class Given(GateUse):
    """How a Value came about that was told its children."""

    __slots__ = ()

    @classmethod
    def of(cls, use: GateUse) -> Given:
        return cls(use.gate, use.inputs, use.attributes, use.output)

    def pulls(self, dy: Any, guarded: bool = False) -> Iterator[tuple[Unit, Any]]:
        """Each child and its pull; nothing where a function of its own has pulled them."""
        slopes, function = self.attributes["slopes"], self.attributes.get("backward")
        if function is not None:
            function()
            return
        if slopes is None:
            name = getattr(self.output, "_op", "") or "a Value"
            raise CircuitError(
                f"{name} has children, but no local gradients for them.",
                fix="Value(data, children, local_grads), or out._backward = ...",
            )
        for child, slope in zip(self.inputs, slopes, strict=True):
            yield child, slope * dy
