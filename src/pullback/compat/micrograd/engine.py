"""`Value`, as micrograd has it: one number, the graph behind it, and `backward()`."""

from __future__ import annotations

import operator
from typing import Any

from pullback.core.gate import GATES
from pullback.executors.unit import PlainUnit, Unit, native_type, second_type

METHODS = ("relu", "exp", "log", "tanh", "sigmoid", "sqrt")  # gates that a Value has as methods
_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "relu": "ReLU"}


def dot(start: Any, w: Any, x: Any) -> Any:
    """start + w[0] x[0] + w[1] x[1] ..., one gate after the other."""
    found = None if isinstance(start, PlainUnit) else start._dot(w, x)
    return sum(map(operator.mul, w, x), start) if found is None else found


class _Manners(Unit):
    """What micrograd's Value says and does, whoever holds the number.

    data is a float64, grad 0.0 before anything pulls. `backward()` adds to the grads that are there,
    so call `zero_grad` (or set `grad = 0`) between steps, as with micrograd. Unlike there, a second
    `backward()` on one graph adds the same gradient once more instead of spoiling it.

    >>> a, b = Value(2.0), Value(-3.0)
    >>> c = (a * b).relu() + a**2
    >>> c.backward()
    >>> c, a.grad, b.grad
    (Value(data=4.0, grad=1.0), 4.0, 0.0)
    """

    __slots__ = ()

    @classmethod
    def made(cls, data: Any, _children: Any = (), _op: str = "") -> Any:
        """From anything that is a number; children and operation are read from the graph itself."""
        return Value(float(data))

    # NumPy leaves a number beside a Value to the Value.
    __array_ufunc__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        held = {"grad": self.grad, "name": self.name}
        return Value, (self.data,), (self.__dict__, held)  # type: ignore[attr-defined]

    def backward(self) -> None:  # type: ignore[override]
        """Add the gradient of this Value to the grad of every Value that it was made from."""
        self.grad = None
        super().backward(accumulate=True)

    @property
    def _prev(self) -> set[Any]:
        """The Values that this one was made from, for those who draw the graph."""
        use = self.gate
        inputs = use.inputs if use else ()
        return {x if isinstance(x, Unit) else Value(x) for x in inputs}

    @property
    def _backward(self) -> Any:
        """What pulls this Value's inputs by one step. Not to be set: a gate of your own is a `pb.gate`."""
        use = self.gate
        return use.backward if use else lambda: None

    @property
    def _op(self) -> str:
        use = self.gate
        if use is None:
            return ""
        if use.gate.name == "power" and not isinstance(use.inputs[1], Unit):
            return f"**{use.inputs[1]:g}"
        return _SIGNS.get(use.gate.name, use.gate.name)

    # Values are nodes: two of them are equal only if they are one.
    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"  # type: ignore[attr-defined]


for _name in METHODS:
    setattr(_Manners, _name, lambda self, gate=GATES[_name]: gate(self))


class PlainValue(_Manners, PlainUnit):
    """A Value held by Python, where no native type can be made."""

    def __init__(self, data: Any, _children: Any = (), _op: str = "") -> None:
        PlainUnit.__init__(self, float(data))

    @property
    def data(self) -> float:
        return float(self.value)

    @data.setter
    def data(self, data: Any) -> None:
        self.value = type(self.value)(data)

    @property
    def grad(self) -> float:
        return 0.0 if self.pulled is None else float(self.pulled)

    @grad.setter
    def grad(self, grad: Any) -> None:
        self.pulled = grad


def _value_type() -> Any:
    _Manners.__name__ = _Manners.__qualname__ = PlainValue.__name__ = PlainValue.__qualname__ = (
        "Value"
    )
    return PlainValue if native_type() is None else second_type(_Manners, METHODS)


Value = _value_type()
