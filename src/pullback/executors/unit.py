"""`Unit`: the guide's eager wire. A value and a grad, now: every gate on Units computes at once.

Units and circuits use the same gates, the same pull rules and the same order of summation, so they
agree to the last bit. A single float64 is held by a native type where this interpreter allows it
(`native/eager.py`); everything else, and everything everywhere else, by plain Python. Both kinds mix.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import operator
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from pullback.core.dtypes import canonical
from pullback.core.gate import Gate
from pullback.core.operators import Operators
from pullback.errors import CircuitError
from pullback.gates.shape import cast
from pullback.passes.pull import pull_inputs

# Gates of which Python's own arithmetic on floats gives the same bits, in a tenth of the time.
_QUICK: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "negative": operator.neg,
}


class _Clock:
    """The order of birth, one for all kinds of Units."""

    tick: Callable[[], int] = itertools.count().__next__


class GateUse:
    """One use of a gate: what it listened to and what it put out. `backward()` steps this gate alone."""

    __slots__ = ("attributes", "gate", "inputs", "output")

    def __init__(
        self, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any], output: Unit
    ) -> None:
        self.gate, self.inputs, self.attributes, self.output = gate, inputs, attributes, output

    def pulls(self, dy: Any, masked: bool = False) -> Iterator[tuple[Unit, Any]]:
        """Each pulled Unit input and its pull, in the order of the inputs. masked: under a `where`."""
        values, y = [value_of(x) for x in self.inputs], self.output.value
        pulls: Any
        if not masked and self.gate.name in _QUICK and _are_single(values):
            assert self.gate.rule is not None
            pulls = self.gate.rule(dy, y, *values)
            pulls = pulls if type(pulls) is tuple else (pulls,)
        else:
            pulls = pull_inputs(self.gate, dy, y, values, self.attributes, masked=masked)
        for x, pull in zip(self.inputs, pulls, strict=True):
            if isinstance(x, Unit) and pull is not None and x.value.dtype.kind == "f":
                yield x, pull

    def backward(self) -> None:
        """Add this gate's pulls to its inputs' grads, as one step of the whole backward pass."""
        if self.output.grad is None:
            raise CircuitError(
                f"nothing pulls on the output of this {self.gate.name} gate yet.",
                fix="unit.grad = 1.0",
            )
        with np.errstate(all="ignore"):
            for x, pull in self.pulls(self.output.grad):
                x.grad = pull if x.grad is None else x.grad + pull

    def __repr__(self) -> str:
        return f"<{self.gate.name} of {', '.join(repr(x) for x in self.inputs)}>"


class Unit(Operators):
    """A number (or array) with a pull. Gates and operators on it compute at once and can go back.

    grad is None until something pulls. Comparisons are plain yes or no, so Python's `if` works.

    >>> x, y, z = Unit(-2.0), Unit(5.0), Unit(-4.0)
    >>> f = (x + y) * z
    >>> f.backward()
    >>> f.value, x.grad, y.grad, z.grad
    (np.float64(-12.0), np.float64(-4.0), np.float64(-4.0), np.float64(3.0))
    """

    __slots__ = ()

    value: Any
    grad: Any
    name: str
    order: int
    gate: GateUse | None

    def __new__(cls, value: Any, grad: Any = None, name: str = "") -> Unit:
        if cls is not Unit:
            return object.__new__(cls)
        native = native_type()
        if native is None or type(canonical(value, _called(name))) is not np.float64:
            return object.__new__(_Plain)
        return _filled(native(float(value)), grad, name)

    def __init__(self, value: Any, grad: Any = None, name: str = "") -> None:
        held: Any = self  # the places are those of a class below
        held.value = canonical(value, _called(name))
        held.grad, held.name, held.gate = grad, name, None
        held.order = _Clock.tick()

    def __apply_gate__(
        self, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]
    ) -> Unit:
        gate.check_count(len(inputs))
        if attributes or gate.defaults:
            attributes = gate.bind(attributes)
        if not isinstance(self, _Plain) and attributes == gate.defaults:
            op = _native().gates().numbers.get(gate)
            if op is not None:
                return self._apply(op, *inputs)  # type: ignore[attr-defined, no-any-return]
        return _applied(gate, inputs, attributes)

    def backward(self, force: Any = 1.0, *, accumulate: bool = False) -> None:
        """Pull this Unit with `force` and give every Unit it was made from its grad.

        Calling it again gives the same grads; accumulate=True adds to those that are there.
        """
        force = np.broadcast_to(canonical(force), self.value.shape).astype(self.value.dtype)[()]
        if not isinstance(self, _Plain) and _native().rules_stand():
            self._pull(force, bool(accumulate))  # type: ignore[attr-defined]
        else:
            _pull(self, force, accumulate)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return int(self.value.ndim)

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    def __lt__(self, other: Any) -> Any:
        return self.value < value_of(other)

    def __le__(self, other: Any) -> Any:
        return self.value <= value_of(other)

    def __gt__(self, other: Any) -> Any:
        return self.value > value_of(other)

    def __ge__(self, other: Any) -> Any:
        return self.value >= value_of(other)

    def __eq__(self, other: Any) -> Any:
        return self.value == value_of(other)

    def __ne__(self, other: Any) -> Any:
        return self.value != value_of(other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        name = f"{self.name}: " if self.name else ""
        return f"Unit({name}{self.value}, grad={self.grad})"


class _Plain(Unit):
    """A Unit held by Python: arrays, other dtypes, and all there is where no native type is made."""

    __slots__ = ("gate", "grad", "name", "order", "value")


def value_of(x: Any) -> Any:
    """The number in a Unit; anything else as it is."""
    return x.value if isinstance(x, Unit) else x


def _called(name: str) -> str:
    return f"Unit {name!r}" if name else "a Unit"


def _filled(unit: Any, grad: Any, name: str) -> Unit:
    if grad is not None:
        unit.grad = grad
    if name:
        unit.name = name
    return unit  # type: ignore[no-any-return]


# The native type, its door and what it asks of Python


@lru_cache(maxsize=1)
def native_type() -> Any:
    """The native type of a single float64, made on first use; None where there cannot be one."""
    if importlib.util.find_spec("llvmlite") is None:
        return None
    native = _native()
    made = native.unit_type(Unit, native.Hooks(_slow, _made, _used))
    if made is None or not native.agrees(made):
        return None
    _Clock.tick = native.clock_from(_Clock.tick())
    return made


def _native() -> Any:
    # Loaded when it is first asked for: it brings llvmlite.
    return importlib.import_module("pullback.executors.native.eager")


def _slow(op: int, *inputs: Any) -> Unit:
    """A gate on inputs of which one is neither a native Unit nor a plain number."""
    if op < 0:
        raise TypeError("pow() of a Unit takes no modulus.")
    gate = _native().gates().numbered[op]
    if any(isinstance(x, _Plain) or np.ndim(x) for x in inputs):
        return _applied(gate, inputs, dict(gate.defaults))
    unit = next(x for x in inputs if isinstance(x, Unit))
    numbers = [x if isinstance(x, Unit) else np.float64(canonical(x)) for x in inputs]
    return unit._apply(op, *numbers)  # type: ignore[attr-defined, no-any-return]


def _made(kind: Any, values: tuple[Any, ...], named: dict[str, Any] | None) -> Unit:
    return Unit(*values, **(named or {}))


def _used(unit: Unit, op: int, *inputs: Any) -> GateUse:
    gate = _native().gates().numbered[op]
    brought = tuple(x if isinstance(x, Unit) else np.float64(x) for x in inputs)
    return GateUse(gate, brought, dict(gate.defaults), unit)


# Computing and pulling in plain Python


def _applied(gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Unit:
    quick = _QUICK.get(gate.name)
    brought = inputs
    if quick is not None and _are_single([value_of(x) for x in inputs]):
        value = np.float64(quick(*[float(value_of(x)) for x in inputs]))
    else:
        brought = _brought(gate, inputs)
        with np.errstate(all="ignore"):
            value = gate.body(*[value_of(x) for x in brought], **attributes)
    out = _Plain(value)
    out.gate = GateUse(gate, brought, attributes, out)
    return out


def _are_single(values: list[Any]) -> bool:
    return all(type(v) is np.float64 for v in values)


def _pull(root: Unit, force: Any, accumulate: bool) -> None:
    units = _ancestors(root)
    before = {id(u): u.grad for u in units} if accumulate else {}
    for unit in units:
        unit.grad = None
    root.grad = force
    masked: set[int] = set()
    with np.errstate(all="ignore"):
        for unit in units:
            use = unit.gate
            if use is not None and unit.grad is not None:
                _step(unit, use, masked)
        for unit in units:
            old = before.get(id(unit))
            if old is not None:
                unit.grad = old if unit.grad is None else old + unit.grad


def _ancestors(root: Unit) -> list[Unit]:
    """A Unit and all it was made from, the latest first: an order in which pulls can flow."""
    found = {id(root): root}
    waiting = [root]
    while waiting:
        use = waiting.pop().gate
        for x in use.inputs if use else ():
            if isinstance(x, Unit) and id(x) not in found:
                found[id(x)] = x
                waiting.append(x)
    return sorted(found.values(), key=lambda u: -u.order)


def _step(unit: Unit, use: GateUse, masked: set[int]) -> None:
    """Pull one gate's inputs, as circuits do: guarded under a `where`, starting from the first branch."""
    from_masked = id(unit) in masked
    for x, pull in use.pulls(unit.grad, from_masked):
        if from_masked or use.gate.name == "where":
            masked.add(id(x))
        x.grad = pull if x.grad is None else x.grad + pull


def _brought(gate: Gate, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs brought to one dtype, as a circuit does when it records them."""
    dtypes = [None if type(x) in (int, float) else canonical(value_of(x)).dtype for x in inputs]
    common = gate.common(dtypes)
    if common.kind != "f" and any(type(x) is float for x in inputs):
        common = np.dtype(np.float64)
    brought: list[Any] = []
    for name, x, dtype in zip(gate.input_names(len(inputs)), inputs, dtypes, strict=True):
        if name in gate.kinds:
            brought.append(x if dtype is not None else gate.kinds[name].type(x))
        elif dtype is None:
            brought.append(common.type(x))
        elif dtype != common:
            brought.append(cast(x, dtype=common.name))
        else:
            brought.append(x if isinstance(x, Unit) else canonical(x))
    return tuple(brought)
