"""`Value`, as micrograd has it: one number, the graph behind it, and `backward()`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.compat.micrograd import given
from pullback.core.gate import GATES, Gate
from pullback.errors import DtypeError
from pullback.executors.unit import (
    PlainUnit,
    Unit,
    again,
    native_type,
    own_attributes,
    second_type,
)
from pullback.executors.unit_graph import GateUse

# Gates that it has as methods.
METHODS = ("relu", "exp", "log", "tanh", "sigmoid", "sqrt", "sin", "cos")
_OPERATORS: dict[Any, Callable[..., Any]] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul,
    np.divide: operator.truediv, np.power: operator.pow,
}  # fmt: skip
_SIGNS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "negative": "-", "relu": "ReLU",
}  # fmt: skip


def dot(start: Any, w: Any, x: Any) -> Any:
    """start + w[0] x[0] + w[1] x[1] ..., one gate after the other."""
    found = None if isinstance(start, PlainUnit) else start._dot(w, x)
    return sum(map(operator.mul, w, x), start) if found is None else found


class _Manners(Unit):
    """The interface of micrograd's Value, for both number types.

    data is a float64, grad 0.0 before anything pulls. `backward()` adds to the grads that are there,
    so call `zero_grad` (or set `grad = 0`) between steps, as with micrograd. Unlike there, a second
    `backward()` on one graph adds the same gradient once more instead of spoiling it.

    A Value may be given children: with their slopes, `Value(data, children, local_grads)`, or with a
    `_backward` of its own that is set afterwards, as a gate is written in the lecture. Beside an array
    of NumPy a Value stands for itself: `array * value` is an array of Values.

    >>> a, b = Value(2.0), Value(-3.0, label="b")
    >>> c = (a * b).relu() + a**2
    >>> c.backward()
    >>> c, a.grad, b.grad, b.label
    (Value(data=4.0, grad=1.0), 4.0, 0.0, 'b')
    """

    __slots__ = ()

    HISTORY = frozenset(("_children", "_op", "_backward"))
    label = ""

    @classmethod
    def made(cls, *values: Any, **named: Any) -> Any:
        """A Value from anything but one plain number."""
        said = given.told(*values, **named)
        if said.children:
            return PlainValue(*values, **named)
        return given.described(Value(said.data), said)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        """NumPy's function: the gate of that name, or on an array of objects, one by one."""
        operate = _OPERATORS.get(ufunc)
        if operate is not None and isinstance(inputs[0], np.generic):  # most often, and quickly
            return operate(inputs[0].item(), *inputs[1:], **keywords)
        if not any(np.ndim(x) for x in inputs if not isinstance(x, Unit)):
            found = super().__array_ufunc__(ufunc, method, *inputs, **keywords)
            if found is not NotImplemented:
                return found
        return getattr(ufunc, method)(*map(_boxed, inputs), **keywords)

    @classmethod
    def _by_python(cls, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        if not any(np.ndim(x) for x in inputs if not isinstance(x, Unit)):
            return super()._by_python(gate, inputs, attributes)
        if not gate.elementwise:
            said = f"{gate.name} of a Value and an array: a Value is one number."
            raise DtypeError(said, fix="pb.Unit(array)")
        each = np.frompyfunc(lambda *numbers: gate(*numbers, **attributes), len(inputs), 1)
        return each(*map(_boxed, inputs))

    def conjugate(self) -> Any:
        """Itself, for NumPy's variance."""
        return self

    @property
    def dtype(self) -> Any:
        # With one, np.mean would turn the mean of Values into a number.
        raise AttributeError("a Value has no dtype.")

    def __reduce__(self) -> Any:
        held = {"grad": self.grad, "name": self.name}
        state = own_attributes(self), held
        data: float = self.data  # type: ignore[attr-defined]
        if type(self) in (Value, PlainValue):
            return Value, (data,), state
        return again, (type(self), data), state

    def backward(self) -> None:  # type: ignore[override]
        """Add the gradient of this Value to the grad of every Value that it was made from."""
        self.grad = None
        super().backward(accumulate=True)

    @property
    def _children(self) -> tuple[Any, ...]:
        """The Values that this one was made from, in order. A number among them is the same Value
        whenever it is asked for, with the grad that it has by now."""
        use = self.gate
        inputs = use.inputs if use else ()
        if use is None or all(isinstance(x, Unit) for x in inputs):
            return inputs
        own: dict[str, Any] = self.__dict__
        if "_children" not in own:
            own["_children"] = tuple(x if isinstance(x, Unit) else Value(x) for x in inputs)
        children: tuple[Any, ...] = own["_children"]
        numbers = {id(c) for c, x in zip(children, inputs, strict=True) if not isinstance(x, Unit)}
        with np.errstate(all="ignore"):
            for x, pull in GateUse(use.gate, children, use.attributes, self).pulls(self.grad):
                if id(x) in numbers:
                    x.grad = pull
        return children

    @property
    def _prev(self) -> set[Any]:
        """The Values that this one was made from, for those who draw the graph."""
        return set(self._children)

    @property
    def _backward(self) -> Any:
        """What pulls this Value's inputs by one step. It may be set where the children were given;
        elsewhere a gate of your own is a `pb.gate`."""
        use = self.gate
        return use.backward if use else lambda: None

    @_backward.setter
    def _backward(self, function: Callable[[], None]) -> None:
        by = self.by if isinstance(self, PlainValue) else None
        derived = isinstance(self, PlainValue) and type(self) is not PlainValue
        if by is not given.GIVEN and (by is not None or not derived):
            raise AttributeError(
                "_backward can be set only for a Value made with children, as Value(data, (a, b), 'op'); "
                "the output of a gate uses the gate's own rule."
            )
        given.pull_by(self, function)

    @property
    def _op(self) -> str:
        use, own = self.gate, self.__dict__.get("_op")
        if own is not None:
            return str(own)
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
    """A Value held by Python: with children of its own, of a class derived from Value, and everywhere
    where no native type can be made."""

    def __init__(self, *values: Any, **named: Any) -> None:
        if not isinstance(self, PlainValue):
            raise TypeError(
                f"Value.__init__ of a {type(self).__name__}, which is no Value held by Python."
            )
        said = given.told(*values, **named)
        PlainUnit.__init__(self, said.data)
        given.described(self, said)

    def __init_subclass__(cls) -> None:
        """What gates make of a class derived from Value is a Value."""

    @property
    def gate(self) -> GateUse | None:
        use = super().gate
        return given.Given.of(use) if use and use.gate is given.GIVEN else use

    @property
    def data(self) -> float:
        return float(self.value)

    @data.setter
    def data(self, data: Any) -> None:
        self.value = np.float64(given.number(data))

    @property
    def grad(self) -> float:
        return 0.0 if self.pulled is None else float(self.pulled)

    @grad.setter
    def grad(self, grad: Any) -> None:
        self.pulled = None if grad is None else np.float64(given.number(grad))


class Kind(type):
    """What `Value` itself is where its objects are native: a class derived from it is held by Python."""

    __slots__ = ()

    def __new__(cls, name: str, bases: tuple[Any, ...], body: dict[str, Any], **named: Any) -> Any:
        plain = tuple(PlainValue if base is Value else base for base in bases)
        return super().__new__(cls, name, plain, body, **named)

    def __instancecheck__(cls, thing: Any) -> bool:
        return isinstance(thing, _Manners) if cls is Value else super().__instancecheck__(thing)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, _Manners) if cls is Value else super().__subclasscheck__(kind)

    def __getattribute__(cls, name: str) -> Any:
        # `Value.__init__(self, data)` in a derived class, whose objects are held by Python.
        return (
            PlainValue.__init__
            if name == "__init__" and cls is Value
            else super().__getattribute__(name)
        )


def _boxed(x: Any) -> Any:
    """An array of objects: a Value as it is, numbers as plain ones."""
    if isinstance(x, Unit):
        box = np.empty((), object)
        box[()] = x
        return box
    return np.asarray(x).astype(object)


def _value_type() -> Any:
    _Manners.__name__ = _Manners.__qualname__ = PlainValue.__name__ = PlainValue.__qualname__ = (
        "Value"
    )
    return PlainValue if native_type() is None else second_type(_Manners, METHODS, Kind)


Value: Any = _value_type()
