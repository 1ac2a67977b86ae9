"""`Wire`: a handle on one row of the circuit being built. It has a shape but no value yet."""

from __future__ import annotations

import operator
from collections.abc import Callable
from sys import _getframe
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from pullback.core.gate import GATES, Gate
from pullback.core.names import check_name
from pullback.core.operators import Operators
from pullback.core.shapes import Spec
from pullback.core.sites import SCOPE
from pullback.errors import CircuitError

NEW_AXIS = "new"

if TYPE_CHECKING:
    from pullback.core.build import Builder


def _operator(name: str) -> Callable[[Any, Any], Wire]:
    """The operator of a gate. What this place has done with such wires before it does at once."""

    def operate(self: Wire, other: Any) -> Any:
        builder, gate = self.builder, GATES[name]
        if type(other) is Wire and other.builder is builder and not builder.here:
            frame = _getframe(1)
            key = (gate, frame.f_lasti, id(frame.f_code), SCOPE.get(), self.spec_id, other.spec_id)
            found = builder.met.get(key)
            if found and not found[2]:
                made = Wire()
                rows, operands = builder.kind, builder.operands
                made.builder, made.id, made.spec_id = builder, len(rows), found[1]
                rows.append(found[0])
                operands.append(self.id)
                operands.append(other.id)
                return made
        return builder.apply(gate, (self, other), {})

    return operate


class Wire(Operators):
    """One edge of a circuit under construction. Operators and gates on it record rows.

    A wire has no value while its circuit is traced, so Python's `if`, `float` and `while` on it
    raise; `where(condition, a, b)` chooses inside the circuit instead.
    """

    __slots__ = ("builder", "id", "spec_id")
    builder: Builder
    id: int
    spec_id: int

    @property
    def spec(self) -> Spec:
        return self.builder.specs[self.spec_id]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.spec.shape

    @property
    def dtype(self) -> Any:
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        return len(self.spec.shape)

    def __apply_gate__(
        self, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]
    ) -> Wire:
        builder = self.builder
        if len(inputs) == 1 and not attributes and not builder.here:
            frame = _getframe(2)
            key = (gate, frame.f_lasti, id(frame.f_code), SCOPE.get(), self.spec_id)
            found = builder.met.get(key)
            if found and not found[2]:
                return builder.row(found[0], found[1], (self.id,))
        return builder.apply(gate, inputs, attributes)

    def named(self, name: str) -> Wire:
        """The same wire, called `name` in every face."""
        self.builder.name(self.id, check_name(name))
        return self

    __add__ = _operator("add")
    __sub__ = _operator("subtract")
    __mul__ = _operator("multiply")
    __truediv__ = _operator("divide")
    __pow__ = _operator("power")
    __lt__ = _operator("less")
    __le__ = _operator("less_equal")
    __gt__ = _operator("greater")
    __ge__ = _operator("greater_equal")
    __eq__ = _operator("equal")  # type: ignore[assignment]
    __ne__ = _operator("not_equal")  # type: ignore[assignment]
    __hash__ = object.__hash__

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return GATES["sum"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        return GATES["mean"](self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        return GATES["max"](self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Any:
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        return GATES["reshape"](self, shape=tuple(wanted))

    @property
    def T(self) -> Any:
        return GATES["transpose"](self)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, Wire | np.ndarray | list):
            return GATES["gather"](self, index, axis=0)
        return GATES["slice"](self, index=index_of(index, self.ndim))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a wire that carries one number has no len()")
        return self.shape[0]

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> NoReturn:
        raise CircuitError(
            "a Python `if`, `and` or `while` cannot ask a wire: it has no value until the circuit runs.",
            where=[self.builder.said(self)],
            fix="where(condition, a, b)",
        )

    def _no_number(self, *_: Any, **__: Any) -> NoReturn:
        raise CircuitError(
            "a wire is not a number yet: float(), int(), math.* and NumPy arrays cannot take it.",
            where=[self.builder.said(self)],
            fix="the gate of that name, for instance pb.exp(x) instead of math.exp(x)",
        )

    __float__ = __int__ = __index__ = __complex__ = __array__ = _no_number

    def __repr__(self) -> str:
        return f"<Wire {self.builder.said(self)}>"


def index_of(index: Any, ndim: int) -> tuple[Any, ...]:
    """A Python index as a plain attribute: integers, (start, stop, step) triples and "new" axes.

    >>> index_of((0, slice(1, None)), 2)
    (0, (1, None, None))
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(part is Ellipsis for part in parts):
        at = next(i for i, part in enumerate(parts) if part is Ellipsis)
        missing = ndim - sum(part is not None and part is not Ellipsis for part in parts)
        parts[at : at + 1] = [slice(None)] * missing
    return tuple(_plain(part) for part in parts)


def _plain(part: Any) -> Any:
    if part is None:
        return NEW_AXIS
    if isinstance(part, slice):
        return tuple(
            None if v is None else operator.index(v) for v in (part.start, part.stop, part.step)
        )
    try:
        return operator.index(part)
    except TypeError:
        raise CircuitError(
            f"a wire cannot be indexed by {type(part).__name__}; use integers, slices, None or an index wire."
        ) from None
