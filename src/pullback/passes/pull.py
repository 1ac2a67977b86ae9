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
from pullback.gates.choose import where
from pullback.gates.compare import equal
from pullback.gates.reduce import sum_to


def pull_inputs(
    gate: Gate, dy: Any, y: Any, inputs: Sequence[Any], attributes: dict[str, Any]
) -> list[Any]:
    """What each input of `gate` is pulled with when its output is pulled with `dy`; None = nothing.

    Works on numbers and on wires alike, which is why Units and circuits agree bit for bit.
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
        raise GateError(
            f"d_{gate.name} returns a pull of shape {shape} for an input of shape {wanted}."
        )
    return sum_to(pull, shape=wanted)


def is_guarded(gate: Gate, masked: bool) -> bool:
    """Whether the pull through `gate` needs `guard`: it flows out of a `where` and is multiplied by something."""
    return masked and gate.elementwise and gate.pattern not in ("distributes", "routes")


def guard(dy: Any, pull: Any) -> Any:
    """`pull`, but 0 where nothing pulls: 0 * infinity must not leak NaN out of the side not chosen."""
    return where(equal(dy, 0.0), 0.0, pull)


def pull_template(
    gate: Gate,
    dy: Spec,
    y: Spec,
    inputs: tuple[Spec, ...],
    attributes: dict[str, Any],
    wanted: tuple[bool, ...],
) -> tuple[Circuit, tuple[bool, ...]]:
    """The gate's pull rule as a small circuit (dy, y, *inputs) -> pulls on the wanted inputs.

    Rules are traced once a kind of use and copied from then on. The second value says which of the
    inputs are pulled at all.
    """
    typed = tuple((k, type(v), v) for k, v in attributes.items())
    return _template(gate, dy, y, inputs, typed, wanted)


@lru_cache(maxsize=65536)
def _template(
    gate: Gate,
    dy: Spec,
    y: Spec,
    inputs: tuple[Spec, ...],
    typed: tuple[Any, ...],
    wanted: tuple[bool, ...],
) -> tuple[Circuit, tuple[bool, ...]]:
    from pullback.passes.tidy import tidy

    builder = Builder()
    names = [*("dy", "y"), *(f"x{i}" for i in range(len(inputs)))]
    wires = [builder.input(s, n) for s, n in zip((dy, y, *inputs), names, strict=True)]
    attributes = {k: v for k, _, v in typed}
    pulls = pull_inputs(gate, wires[0], wires[1], wires[2:], attributes)
    kept = tuple(w and p is not None for w, p in zip(wanted, pulls, strict=True))
    outputs = [builder.adopt(p) for p, k in zip(pulls, kept, strict=True) if k]
    return tidy(builder.finish(outputs)), kept


def _derived(
    gate: Gate, dy: Any, inputs: Sequence[Any], attributes: dict[str, Any]
) -> tuple[Any, ...]:
    """The pulls of a recipe without a rule: backward through its own gates."""
    from pullback.passes.backward import backward  # the two call each other: a recipe is a circuit

    opened = opened_recipe(gate, [spec_of(x) for x in inputs], attributes)
    back = backward(opened)
    pulled = [p for p in back.input_pulls if p >= 0]
    pulls = iter(replay(back.asking(pulled), [*inputs, dy]))
    return tuple(next(pulls) if p >= 0 else None for p in back.input_pulls)


def opened_recipe(gate: Gate, specs: Sequence[Spec], attributes: dict[str, Any]) -> Circuit:
    """The circuit of a recipe's own gates for inputs of these specs."""
    builder = Builder()
    names = gate.input_names(len(specs))
    wires = [builder.input(s, n) for s, n in zip(specs, names, strict=True)]
    return builder.finish([builder.adopt(gate.body(*wires, **attributes))])
