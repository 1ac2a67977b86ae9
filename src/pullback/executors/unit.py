"""`Unit`: the eager wire of Karpathy's guide, with a value and a grad: gates on Units compute at once.

Units and circuits use the same gates, the same pull rules and the same order of summation, so they
agree to the last bit. A single float64 is held by a native type where this interpreter allows it
(`native/cpython`); everything else, and everything everywhere else, by plain Python. Both kinds mix.
"""

from __future__ import annotations

import copy
import importlib
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from pullback.core.dtypes import canonical, typed_by_hand, weak
from pullback.core.gate import GATES, Gate, given_of
from pullback.core.once import LOCK, once
from pullback.core.operators import Operators
from pullback.errors import CircuitError
from pullback.executors.reference.program import force_on
from pullback.executors.unit_graph import QUICK, GateUse, Held, pull_all, value_of
from pullback.gates.shape import cast


class _Clock:
    """The order of birth, one for all kinds of Units."""

    tick: Callable[[], int] = itertools.count().__next__


def _compared(relation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A comparison: NumPy's, and Python's own exact one with an integer too large for NumPy."""

    def compare(self: Any, other: Any) -> Any:
        y = (
            canonical(other, "what is compared")
            if type(other) in (list, tuple)
            else value_of(other)
        )
        try:
            return relation(self.value, y)
        except OverflowError:
            return relation(self.value.astype(object), y)

    return compare


class Unit(Operators):
    """A number (or array) with a pull. Gates and operators on it compute at once and can go back.

    grad is None until something pulls; of whole numbers it stays None. Comparisons are plain yes or no,
    so Python's `if` works. What gates make of a subclass of your own is a plain Unit again.

    >>> x, y, z = Unit(-2.0), Unit(5.0), Unit(-4.0)
    >>> f = (x + y) * z
    >>> f.backward()
    >>> f.value, x.grad, y.grad, z.grad
    (np.float64(-12.0), np.float64(-4.0), np.float64(-4.0), np.float64(3.0))
    """

    __slots__ = ()

    HISTORY: ClassVar[frozenset[str]] = frozenset()  # attributes that no copy has

    value: Any
    grad: Any
    name: str
    order: int

    def __new__(
        cls, value: Any = None, grad: Any = None, name: str = "", *more: Any, **named: Any
    ) -> Unit:
        if cls is not Unit:  # a person's own class, which may be made of anything
            kind: Any = cls
            return blank(kind)  # type: ignore[no-any-return]
        if more or named:
            raise TypeError(f"Unit takes value, grad and name, not {[*more, *named]!r:.60}.")
        native = native_type()
        if type(value) is float and native is not None and grad is None and not name:
            return native(value)  # type: ignore[no-any-return]
        if native is None or type(canonical(value, _called(name))) is not np.float64:
            return object.__new__(PlainUnit)
        return _filled(native(float(value)), grad, name)

    def __init__(self, value: Any, grad: Any = None, name: str = "") -> None:
        held: Any = self  # the places are those of a class below
        held.value = canonical(typed_by_hand(value, _called(name)), _called(name))
        held.grad, held.name = grad, name
        held.by, held.inputs, held.attributes, held.order = None, (), {}, _Clock.tick()

    @property
    def gate(self) -> GateUse | None:
        """The gate that put this Unit out, with its inputs; None if there is none."""
        held: Any = self
        return held.by and GateUse(held.by, held.inputs, held.attributes or {}, self)

    @classmethod
    def made(cls, *values: Any, **named: Any) -> Unit:
        """A native Unit from anything but one plain number."""
        return Unit(*values, **named)

    def __apply_gate__(
        self, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]
    ) -> Unit:
        if not (type(inputs) is tuple and type(attributes) is dict and isinstance(gate, Gate)):
            raise TypeError(
                "__apply_gate__ takes a gate, a tuple of inputs and a dict of attributes."
            )
        if attributes or gate.defaults:
            attributes = gate.bind(attributes)
        gate.check_count(len(inputs), inputs)
        if not isinstance(self, PlainUnit) and attributes == gate.defaults:
            op = _native().gates().numbers.get(gate)
            if op is not None and any(_is_native(x) for x in inputs):
                return self._apply(op, *inputs)  # type: ignore[attr-defined, no-any-return]
        return self._by_python(gate, inputs, attributes)  # type: ignore[no-any-return]

    @classmethod
    def _by_python(cls, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        """What a gate puts out for inputs of which one is no single number."""
        return _applied(gate, inputs, attributes)

    def backward(self, force: Any = 1.0, *, accumulate: bool = False) -> None:
        """Pull this Unit with `force` and give every Unit it was made from its grad.

        force: one number, or an array that fits the value; a ShapeError says so where it does not.
        Calling it again gives the same grads; accumulate=True adds to those that are there.
        """
        native = not isinstance(self, PlainUnit)
        if not native and self.value.dtype.kind != "f":
            what = f"{_called(self.name)} carries {self.value.dtype.name}"
            raise CircuitError(f"{what}; only real numbers are pulled.", fix="x.astype(float)")
        if type(force) is not float or not native:
            force = force_on(self.value.shape, force).astype(self.value.dtype)
        if native and _native().rules_stand():
            self._pull(force, bool(accumulate))  # type: ignore[attr-defined]
        else:
            pull_all(self, force, accumulate)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return int(self.value.ndim)

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    __lt__, __le__ = _compared(operator.lt), _compared(operator.le)
    __gt__, __ge__ = _compared(operator.gt), _compared(operator.ge)
    __eq__, __ne__ = _compared(operator.eq), _compared(operator.ne)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        # math.exp(x) comes here as well, and would cut the graph without a word.
        raise TypeError(
            f"a {type(self).__name__.lstrip('Plain')} is not a plain number: "
            "the result would not be part of the graph. "
            "Try a gate, such as pb.exp(x), or x.value for the number."
        )

    def __copy__(self) -> Any:
        """The same number, grad and name, without the history. A subclass keeps what else it has."""
        return _with(_filled(type(self)(self.value), self.grad, self.name), self)

    def __deepcopy__(self, memo: Any) -> Any:
        again = memo[id(self)] = self.__copy__()
        for name, thing in own_attributes(self).items():
            setattr(again, name, copy.deepcopy(thing, memo))
        return again

    def __reduce__(self) -> Any:
        """Pickled are the number, grad and name, and what a class of your own has; not the history."""
        kind = _own_class(type(self))
        if kind is Unit:
            return Unit, (self.value, self.grad, self.name)
        held = {"grad": self.grad, "name": self.name}
        return again, (kind, self.value), (own_attributes(self), held)

    def __repr__(self) -> str:
        name = f"{self.name}: " if self.name else ""
        return f"Unit({name}{self.value}, grad={self.grad})"


def _quick(name: str, reflected: bool = False) -> Callable[[Any, Any], Any]:
    """An operator on PlainUnits that does not take the long way where both sides are single float64."""
    gate, function, single = GATES[name], QUICK[name][0], np.float64

    def apply(self: Any, other: Any) -> Any:
        value, kind, y = self.value, type(other), None
        if type(value) is single:
            if isinstance(other, PlainUnit):
                y = other.value
            elif kind is single or kind is float or (kind is int and other.bit_length() < 1024):
                other = y = single(other)  # of integers with more bits no float can be made
        pair = (other, self) if reflected else (self, other)
        if type(y) is not single:
            return self.__apply_gate__(gate, pair, {})
        return _put_out(self, function(y, value) if reflected else function(value, y), gate, pair)

    return apply


def _put_out(like: Any, value: float, gate: Gate, inputs: tuple[Any, ...]) -> Any:
    """A new PlainUnit of a quick gate: attributes is None for those."""
    out: Any = object.__new__(like.puts_out)
    out.value, out.by, out.inputs, out.attributes = np.float64(value), gate, inputs, None
    out.pulled, out.name, out.order = None, "", _Clock.tick()
    return out


class PlainUnit(Unit, Held):
    """A Unit held by Python: arrays, other dtypes, and all there is where no native type is made.

    puts_out: what gates make of it.
    """

    __slots__ = ()

    puts_out: ClassVar[type[PlainUnit]]

    def __init_subclass__(cls) -> None:
        cls.puts_out = cls

    def __apply_gate__(
        self, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]
    ) -> Any:
        if gate.name in QUICK and len(inputs) == 1 and type(self.value) is np.float64:
            return _put_out(self, QUICK[gate.name][0](self.value), gate, inputs)
        return super().__apply_gate__(gate, inputs, attributes)

    __add__, __radd__ = _quick("add"), _quick("add", reflected=True)
    __sub__, __rsub__ = _quick("subtract"), _quick("subtract", reflected=True)
    __mul__, __rmul__ = _quick("multiply"), _quick("multiply", reflected=True)

    @property
    def grad(self) -> Any:
        """The pull on this Unit, None before anything pulls."""
        return self.pulled

    @grad.setter
    def grad(self, grad: Any) -> None:
        self.pulled = grad

    def __copy__(self) -> Any:
        # Not by its own name: a subclass may ask for more than a number.
        again = blank(type(self))
        Unit.__init__(again, np.copy(self.value)[()], self.pulled, self.name)
        return _with(again, self)


PlainUnit.puts_out = PlainUnit


def _own_class(kind: Any) -> Any:
    """The class that a person knows a Unit by."""
    if not issubclass(kind, PlainUnit) or kind is PlainUnit:
        return Unit
    return kind.__bases__[0] if vars(kind).get("_own") else kind


def again(kind: Any, value: Any) -> Any:
    """A Unit of a person's own class with this number, whatever its __init__ asks for."""
    made = blank(kind)
    Unit.__init__(made, value)
    return made


def blank(kind: Any) -> Any:
    """A Unit of a person's own class, or a Value, before its number is known."""
    made: Any = object.__new__(_held_by_python(kind))
    made.by, made.inputs, made.attributes, made.pulled, made.name = None, (), {}, None, ""
    made.order = _Clock.tick()
    return made


def _held_by_python(kind: Any) -> Any:
    """A person's own subclass of Unit, with places for what a Unit has. There is one, which it keeps."""
    if issubclass(kind, PlainUnit):
        return kind
    with LOCK:
        if "_held_by_python" not in vars(kind):
            said = {
                "__slots__": (),
                "__module__": kind.__module__,
                "__qualname__": kind.__qualname__,
                "_own": True,
            }
            kind._held_by_python = type(kind.__name__, (kind, PlainUnit), said)
            kind._held_by_python.puts_out = PlainUnit
        return vars(kind)["_held_by_python"]


def _is_native(x: Any) -> bool:
    return isinstance(x, Unit) and not isinstance(x, PlainUnit)


def _called(name: str) -> str:
    return f"Unit {name!r}" if name else "a Unit"


def _filled(unit: Any, grad: Any, name: str) -> Unit:
    if grad is not None:
        unit.grad = grad
    if name:
        unit.name = name
    return unit  # type: ignore[no-any-return]


def own_attributes(unit: Any) -> dict[str, Any]:
    """What a person gave a Unit of a class of their own; nothing of its history."""
    held = getattr(unit, "__dict__", {})
    return {name: thing for name, thing in held.items() if name not in unit.HISTORY}


def _with(unit: Any, like: Any) -> Any:
    for name, thing in own_attributes(like).items():
        setattr(unit, name, thing)
    return unit


# The native type, its door and what it asks of Python


@once
def native_type() -> Any:
    """The native type of a single float64, made on first use; None where there cannot be one."""
    if importlib.import_module("pullback.executors.native.llvm.jit").lacking():
        return None
    native = _native()
    made = native.unit_type(Unit, native.Hooks(_slow, _made, _used, Unit.__apply_gate__))
    if made is None or not native.agrees(made):
        return None
    _Clock.tick = native.clock_from(_Clock.tick(), made)
    native.call_directly(Gate)
    return made


def second_type(base: type[Unit], methods: Sequence[str], kind: type) -> Any:
    """Another native type below `base`, of Python floats; there is one. Only where `native_type()` is.

    methods: gates of one input that it has as methods. kind: its own type.
    """
    return _native().plain_type(base, methods, kind)


@once
def _native() -> Any:
    # Loaded when it is first asked for: it brings llvmlite.
    return importlib.import_module("pullback.executors.native.cpython.unit_type")


def _slow(op: int, *inputs: Any) -> Unit:
    """A gate on inputs of which one is neither a native Unit nor a plain number."""
    if op < 0:
        raise TypeError("pow() of a Unit takes no modulus.")
    gate = _native().gates().numbered[op]
    taken = [x if isinstance(x, Unit) else gate.taken(x) for x in inputs]
    unit = next((x for x in inputs if isinstance(x, Unit)), None)
    if unit is None or any(isinstance(x, PlainUnit) or getattr(x, "shape", ()) for x in taken):
        kind: Any = Unit if unit is None else type(unit)
        return kind._by_python(gate, tuple(taken), dict(gate.defaults))  # type: ignore[no-any-return]
    numbers = [x if isinstance(x, Unit) else _as(x, np.dtype(np.float64)) for x in taken]
    return unit._apply(op, *numbers)  # type: ignore[attr-defined, no-any-return]


def _made(kind: Any, values: tuple[Any, ...], named: dict[str, Any] | None) -> Any:
    return kind.made(*values, **(named or {}))


def _used(unit: Unit, op: int, *inputs: Any) -> GateUse:
    gate = _native().gates().numbered[op]
    brought = tuple(x if isinstance(x, Unit) else np.float64(x) for x in inputs)
    return GateUse(gate, brought, dict(gate.defaults), unit)


# Computing in plain Python


def _applied(gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Unit:
    with np.errstate(all="ignore"):
        brought = _brought(gate, inputs, attributes)
        value = gate.body(*[value_of(x) for x in brought], **attributes)
    kind = next((x.puts_out for x in brought if isinstance(x, PlainUnit)), PlainUnit)
    out = kind(value)
    out.by, out.inputs, out.attributes = gate, brought, attributes
    return out


def _brought(gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> tuple[Any, ...]:
    """The inputs brought to one dtype, as a circuit does when it records them."""
    taken = [x if isinstance(x, Unit) else gate.taken(x) for x in inputs]
    wanted = gate.meet(tuple([given_of(value_of(x)) for x in taken]), attributes).wanted
    return tuple([_as(x, spec.dtype) for x, spec in zip(taken, wanted, strict=True)])


def _as(x: Any, dtype: np.dtype[Any]) -> Any:
    if type(x) is float or type(x) is int:
        return weak(x, dtype)
    return x if value_of(x).dtype == dtype else cast(x, dtype=dtype.name)
