"""How Units go back: one use of a gate, and the pass through all that a Unit was made from.

A Unit is whatever knows its `value`, `pulled`, `order` and `gate`; the classes are in `unit.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.gate import Gate
from pullback.core.operators import Operators
from pullback.core.shapes import Spec, spec_of
from pullback.errors import CircuitError
from pullback.passes.pull import pull_inputs
from pullback.passes.unchosen import Guard, choice_of, is_uncertain, matters

# Gates of which Python's own arithmetic on floats gives the same bits in a tenth of the time: the value,
# and the pulls where the rule is written with more than operators. The laws hold them to the gates.
QUICK: dict[str, tuple[Callable[..., float], Callable[..., Any] | None]] = {
    "add": (float.__add__, None),
    "subtract": (float.__sub__, None),
    "multiply": (float.__mul__, None),
    "negative": (float.__neg__, None),
    "relu": (
        lambda x: x if x > 0.0 or x != x else 0.0,
        lambda dy, y, x: dy if x > 0.0 else np.float64(0.0),
    ),
}


class Held:
    """The places of a Unit that is held by Python.

    by, inputs, attributes: the gate that put it out, None for none; attributes is None for a quick one.
    pulled: the grad.
    """

    __slots__ = ("attributes", "by", "inputs", "name", "order", "pulled", "value")

    by: Any  # a Gate
    inputs: tuple[Any, ...]
    attributes: dict[str, Any] | None
    pulled: Any
    value: Any


class GateUse:
    """One use of a gate: what it listened to and what it put out. `backward()` steps this gate alone."""

    __slots__ = ("attributes", "gate", "inputs", "output")

    def __init__(
        self, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any], output: Any
    ) -> None:
        self.gate, self.inputs, self.attributes, self.output = gate, inputs, attributes, output

    @property
    def specs(self) -> list[Spec]:
        """What the inputs carry."""
        return [spec_of(value_of(x)) for x in self.inputs]

    @property
    def is_uncertain(self) -> bool:
        """Whether the gate may put out an infinity or NaN, or have such a slope, for finite inputs."""
        constants = [None if isinstance(x, Operators) else x for x in self.inputs]
        return is_uncertain(self.gate, self.specs, self.attributes, constants)

    def pulls(self, dy: Any, guarded: bool = False) -> Iterator[tuple[Any, Any]]:
        """Each pulled Unit input and its pull, in the order of the inputs. guarded: see `Guard`."""
        values = [value_of(x) for x in self.inputs]
        pulls: Any = pull_inputs(
            self.gate, dy, self.output.value, values, self.attributes, guarded=guarded
        )
        for x, pull in zip(self.inputs, pulls, strict=True):
            if isinstance(x, Operators) and pull is not None and value_of(x).dtype.kind == "f":
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


def value_of(x: Any) -> Any:
    """The number in a Unit; anything else as it is."""
    held: Any = x
    return held.value if isinstance(x, Operators) else x


def pull_all(root: Any, force: Any, accumulate: bool) -> None:
    """Give every Unit that `root` was made from its grad; after an error each has the one before."""
    units = _ancestors(root)
    before = [u.pulled for u in units]
    for unit in units:
        unit.pulled = None
    root.pulled = force
    with np.errstate(all="ignore"):
        try:
            _flow(units)
        except BaseException:  # of a rule that a person wrote, or Ctrl-C
            for unit, old in zip(units, before, strict=True):
                unit.pulled = old
            raise
        for unit, old in zip(units, before if accumulate else (), strict=False):
            if old is not None:
                unit.pulled = old if unit.pulled is None else old + unit.pulled


def _flow(units: list[Any]) -> None:
    guard = _guard_of(units)
    simple = not guard.uncertain  # nothing to guard so far; only a step by rule can change that
    for unit in units:
        if simple and isinstance(unit, Held):
            if unit.pulled is None or unit.by is None:
                continue
            if unit.attributes is None:
                _step_quickly(unit)
                continue
        _step(unit, guard)
        simple = simple and not guard.by_condition


def _ancestors(root: Any) -> list[Any]:
    """A Unit and all it was made from, the latest first: an order in which pulls can flow."""
    found, waiting = {id(root)}, [root]
    for unit in waiting:
        for x in unit.inputs if isinstance(unit, Held) else _inputs(unit):
            if id(x) not in found and isinstance(x, Operators):
                found.add(id(x))
                waiting.append(x)
    waiting.sort(key=operator.attrgetter("order"), reverse=True)
    return waiting


def _inputs(unit: Any) -> tuple[Any, ...]:
    use = unit.gate
    return use.inputs if use else ()


def _guard_of(units: Sequence[Any]) -> Guard:
    """A guard whose keys are the ids of `units`, the latest of them first."""
    uncertain: set[Hashable] = set()
    # A GateUse for each Unit would cost as much as half of the pass.
    held = {unit.by for unit in units if isinstance(unit, Held)} - {None}
    others = {use.gate for unit in units if not isinstance(unit, Held) and (use := unit.gate)}
    if matters(held | others):
        for unit in reversed(units):
            use = unit.gate
            if use is None or unit.value.dtype.kind != "f":
                continue
            if use.is_uncertain or any(id(x) in uncertain for x in use.inputs):
                uncertain.add(id(unit))
    return Guard(uncertain)


def _step(unit: Any, guard: Guard) -> None:
    """Pull one gate's inputs, as circuits do: guarded below a choice, starting from the first branch."""
    use, grad = unit.gate, unit.pulled
    if use is None or grad is None:
        return
    choice = choice_of(use.gate, use.specs, use.attributes)
    for x, pull in use.pulls(grad, guard.needed(id(unit), use.gate, choice)):
        guard.passed_on(id(unit), choice, [id(x)])
        _add(x, pull)


def _step_quickly(unit: Any) -> None:
    """The same for a quick gate: all its numbers are single float64 and held by Python."""
    inputs, gate = unit.inputs, unit.by
    rule = QUICK[gate.name][1] or gate.rule
    if len(inputs) == 1:
        _add(inputs[0], rule(unit.pulled, unit.value, inputs[0].value))
        return
    a, b = inputs
    has_a, has_b = isinstance(a, Held), isinstance(b, Held)
    pulls = rule(unit.pulled, unit.value, a.value if has_a else a, b.value if has_b else b)
    if has_a:
        a.pulled = pulls[0] if a.pulled is None else a.pulled + pulls[0]
    if has_b:
        b.pulled = pulls[1] if b.pulled is None else b.pulled + pulls[1]


def _add(x: Any, pull: Any) -> None:
    x.pulled = pull if x.pulled is None else x.pulled + pull
