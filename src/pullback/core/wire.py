"""`Wire`: a handle on one row of the circuit being built. It has a shape but no value yet."""

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe
from typing import TYPE_CHECKING, Any, NoReturn

from pullback.core.gate import GATES, Gate
from pullback.core.names import check_name
from pullback.core.operators import Operators
from pullback.core.shapes import Spec
from pullback.core.sites import SCOPE
from pullback.errors import CircuitError

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

    def __bool__(self) -> NoReturn:
        raise CircuitError(
            "a Python `if`, `and` or `while` cannot test a wire: it has no value until the circuit runs.",
            where=[self.builder.said(self)],
            fix="where(condition, a, b)",
        )

    def _no_number(self, *_: Any, **__: Any) -> NoReturn:
        raise CircuitError(
            "a wire is not a number yet: float(), int(), math.* and NumPy arrays do not accept it.",
            where=[self.builder.said(self)],
            fix="the gate of that name, for instance pb.exp(x) instead of math.exp(x)",
        )

    __float__ = __int__ = __index__ = __complex__ = __array__ = _no_number

    def __repr__(self) -> str:
        return f"<Wire {self.builder.said(self)}>"
