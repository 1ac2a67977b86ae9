"""`Unit`: the guide's eager wire. A value and a grad, now: every gate on Units computes at once.

Units and circuits use the same gates, the same pull rules and the same order of summation, so they
agree to the last bit.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.dtypes import canonical
from pullback.core.gate import Gate
from pullback.core.operators import Operators
from pullback.errors import CircuitError
from pullback.gates.shape import cast
from pullback.passes.pull import pull_inputs

_clock = itertools.count()


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

    __slots__ = ("gate", "grad", "name", "order", "value")

    def __init__(self, value: Any, grad: Any = None, name: str = "") -> None:
        self.value = canonical(value, f"Unit {name!r}" if name else "a Unit")
        self.grad = grad
        self.name = name
        self.gate: GateUse | None = None
        self.order = next(_clock)

    def __apply_gate__(
        self, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]
    ) -> Unit:
        gate.check_count(len(inputs))
        if attributes or gate.defaults:
            attributes = gate.bind(attributes)
        brought = _brought(gate, inputs)
        with np.errstate(all="ignore"):
            value = gate.body(*[value_of(x) for x in brought], **attributes)
        out = Unit(value)
        out.gate = GateUse(gate, brought, attributes, out)
        return out

    def backward(self, force: Any = 1.0, *, accumulate: bool = False) -> None:
        """Pull this Unit with `force` and give every Unit it was made from its grad.

        Calling it again gives the same grads; accumulate=True adds to those that are there.
        """
        units = self._ancestors()
        before = {id(u): u.grad for u in units} if accumulate else {}
        for unit in units:
            unit.grad = None
        self.grad = np.broadcast_to(canonical(force), self.value.shape).astype(self.value.dtype)[()]
        masked: set[int] = set()
        with np.errstate(all="ignore"):
            for unit in units:
                if unit.gate is not None and unit.grad is not None:
                    _step(unit, unit.gate, masked)
            for unit in units:
                old = before.get(id(unit))
                if old is not None:
                    unit.grad = old if unit.grad is None else old + unit.grad

    def _ancestors(self) -> list[Unit]:
        """This Unit and all it was made from, the latest first: an order in which pulls can flow."""
        found = {id(self): self}
        waiting = [self]
        while waiting:
            unit = waiting.pop()
            for x in unit.gate.inputs if unit.gate else ():
                if isinstance(x, Unit) and id(x) not in found:
                    found[id(x)] = x
                    waiting.append(x)
        return sorted(found.values(), key=lambda u: -u.order)

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


def value_of(x: Any) -> Any:
    """The number in a Unit; anything else as it is."""
    return x.value if isinstance(x, Unit) else x


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
