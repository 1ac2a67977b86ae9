"""The guard of what was not chosen: below a gate that chooses, a pull of 0 stays 0.

A rule multiplies the force with a slope, and 0 times an infinite slope is NaN. Where nothing pulls
because another number was chosen, that NaN would say something untrue. Circuits, tapes and Units ask
one `Guard` which gates need one; NaN from 0 * infinity elsewhere stays, it has no better answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pullback.core.circuit import Circuit, Row
from pullback.core.gate import Gate
from pullback.core.shapes import Spec
from pullback.core.tables import attribute_key
from pullback.passes.pull import opened_recipe


class Guard:
    """Which gates are guarded, found while going back from the outputs. Keys: wires, or ids of Units.

    uncertain: the keys that may carry an infinity or NaN though inputs and constants are finite and
    nothing overflows. After a condition that a person wrote every gate is guarded: it may be there because
    the inputs themselves are not finite.
    """

    def __init__(self, uncertain: Collection[Hashable]) -> None:
        self.uncertain = uncertain
        self.by_condition: set[Hashable] = set()
        self.by_value: set[Hashable] = set()

    def needed(self, key: Hashable, gate: Gate, choice: str) -> bool:
        """Whether the pulls of the gate that puts out `key` are guarded; choice: what it `chooses`.

        A recipe whose pull is derived chooses inside, so its own gates are guarded too.
        """
        inside = choice and gate.recipe and gate.rule is None
        below = key in self.uncertain and (inside or key in self.by_value)
        return bool(below or key in self.by_condition)

    def passed_on(self, key: Hashable, choice: str, inputs: Iterable[Hashable]) -> None:
        """The inputs of a gate lie below what it chooses, and below all that it lies below."""
        inputs = tuple(inputs)
        if choice == "condition" or key in self.by_condition:
            self.by_condition.update(inputs)
        if choice or key in self.by_value:
            self.by_value.update(inputs)


def guard_of(circuit: Circuit) -> Guard:
    """A guard whose keys are the wires of `circuit`."""
    gates = [g for g in circuit.gates if g is not None]
    return Guard(uncertain_wires(circuit) if matters(gates) else ())


def matters(gates: Collection[Gate]) -> bool:
    """Whether one of `gates` chooses by value and one may have an infinite slope."""
    steep = any(g.slopes == "any" or callable(g.slopes) for g in gates)
    return steep and any(g.chooses == "value" or g.recipe for g in gates)


def choice_of(gate: Gate, specs: Sequence[Spec], attributes: Mapping[str, Any]) -> str:
    """What a gate `chooses`; of a recipe without a rule, what the gates inside choose."""
    if gate.rule is not None or gate.chooses or not gate.recipe:
        return gate.chooses
    return _inside(gate, tuple(specs), attribute_key(attributes))[0]


def is_uncertain(
    gate: Gate, specs: Sequence[Spec], attributes: Mapping[str, Any], constants: Sequence[Any]
) -> bool:
    """Whether finite inputs may give an infinity or NaN, or such a slope. constants: None for a wire."""
    slopes = gate.slopes(*constants) if callable(gate.slopes) else gate.slopes
    if slopes != "any" or gate.rule is not None or not gate.recipe:
        return slopes == "any"
    return _inside(gate, tuple(specs), attribute_key(attributes))[1]


@lru_cache(maxsize=4096)
def _inside(gate: Gate, specs: tuple[Spec, ...], key: Any) -> tuple[str, bool]:
    opened = opened_recipe(gate, specs, {name: value for name, _, value in key})
    choices = {_of_row(choice_of, opened, row) for row in opened.rows() if row.gate}
    found = "condition" if "condition" in choices else "value" if "value" in choices else ""
    return found, bool(uncertain_wires(opened))


def _of_row(asked: Callable[..., Any], circuit: Circuit, row: Row, *more: Any) -> Any:
    return asked(row.gate, [circuit.spec_of(i) for i in row.inputs], row.attributes, *more)


def uncertain_wires(circuit: Circuit) -> set[int]:
    """The wires of real numbers that may be infinite or NaN, or come with an infinite slope."""
    found: set[int] = set()
    for row in circuit.rows():
        if row.gate is None or circuit.spec_of(row.wire).dtype.kind != "f":
            continue
        if not found.isdisjoint(row.inputs) or _of_row(
            is_uncertain, circuit, row, [_constant(circuit, i) for i in row.inputs]
        ):
            found.add(row.wire)
    return found


def _constant(circuit: Circuit, wire: int) -> Any:
    return circuit.constant_of(wire) if circuit.is_constant(wire) else None
