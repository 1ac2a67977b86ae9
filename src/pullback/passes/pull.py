"""Pull back through one gate: its rule, or the derived rule of a recipe, with broadcasting undone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.gate import Gate
from pullback.core.replay import replay
from pullback.core.shapes import Spec, spec_of
from pullback.errors import GateError
from pullback.gates.reduce import sum_to


def pull_inputs(
    gate: Gate, dy: Any, y: Any, inputs: Sequence[Any], attributes: dict[str, Any]
) -> list[Any]:
    """What each input of `gate` is pulled with when its output is pulled with `dy`; None = nothing.

    Works on numbers and on wires alike, which is what makes Units and circuits agree bit for bit.
    """
    if gate.rule is not None:
        pulls = gate.rule(dy, y, *inputs, **attributes)
    elif gate.recipe:
        pulls = _derived(gate, dy, inputs, attributes)
    elif gate.result is not None and not callable(gate.result) and gate.result.kind != "f":
        pulls = (None,) * len(inputs)
    else:
        raise GateError(
            f"gate {gate.name!r} has no pull rule, so nothing can be learned through it.",
            fix=f"@{gate.name}.pulls  def d_{gate.name}(dy, y, {', '.join(gate.inputs)}): ...",
        )
    pulls = pulls if isinstance(pulls, tuple) else (pulls,)
    if len(pulls) != len(inputs):
        raise GateError(f"d_{gate.name} returns {len(pulls)} pulls for {len(inputs)} inputs.")
    return [None if p is None else _fitted(gate, p, x) for p, x in zip(pulls, inputs, strict=True)]


def _fitted(gate: Gate, pull: Any, x: Any) -> Any:
    shape, wanted = np.shape(pull), np.shape(x)
    if shape == wanted:
        return pull
    if len(shape) < len(wanted):
        raise GateError(f"d_{gate.name} returns a pull of shape {shape} for an input of shape {wanted}.")
    return sum_to(pull, shape=wanted)


def _derived(gate: Gate, dy: Any, inputs: Sequence[Any], attributes: dict[str, Any]) -> tuple[Any, ...]:
    specs = tuple(spec_of(x) for x in inputs)
    circuit, pulled = _derived_circuit(gate, specs, spec_of(dy), tuple(attributes.items()))
    pulls = iter(replay(circuit, [*inputs, dy]))
    return tuple(next(pulls) if p else None for p in pulled)


@lru_cache(maxsize=4096)
def _derived_circuit(
    gate: Gate, specs: tuple[Spec, ...], pull: Spec, attributes: tuple[tuple[str, Any], ...]
) -> tuple[Circuit, tuple[bool, ...]]:
    from pullback.passes.backward import backward  # the two call each other: a recipe is a circuit
    from pullback.passes.tidy import tidy

    opened = opened_recipe(gate, specs, dict(attributes))
    back = backward(opened)
    inputs = [back.pulls[i] for i in opened.inputs]
    kept = back.asking([i for i in inputs if i >= 0])
    return tidy(kept), tuple(i >= 0 for i in inputs)


def opened_recipe(gate: Gate, specs: Sequence[Spec], attributes: dict[str, Any]) -> Circuit:
    """The circuit of a recipe's own gates for inputs of these specs."""
    builder = Builder()
    names = gate.input_names(len(specs))
    wires = [builder.input(s, n) for s, n in zip(specs, names, strict=True)]
    return builder.finish([builder.adopt(gate.body(*wires, **attributes))])
