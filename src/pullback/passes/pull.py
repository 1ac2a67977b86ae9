"""Pull back through one gate: its rule, or the derived rule of a recipe, with broadcasting undone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.gate import Gate
from pullback.core.replay import replay
from pullback.core.shapes import Spec, spec_of
from pullback.errors import GateError
from pullback.gates.choose import zero_wins
from pullback.gates.curves import absolute
from pullback.gates.reduce import kept_shape, sum, sum_to
from pullback.gates.shape import reshape
from pullback.passes.tidy import tidy


def pull_inputs(
    gate: Gate,
    dy: Any,
    y: Any,
    inputs: Sequence[Any],
    attributes: dict[str, Any],
    *,
    guarded: bool = False,
) -> list[Any]:
    """What each input of `gate` is pulled with when its output is pulled with `dy`; None = nothing.

    Works on numbers and on wires alike, which is why Units and circuits agree bit for bit.
    guarded: where `dy` is 0 because something else was chosen, 0 * infinity must not become NaN.
    """
    if gate.rule is not None:
        pulls = gate.rule(dy, y, *inputs, **attributes)
    elif gate.recipe:
        pulls = _derived(gate, dy, inputs, attributes, guarded)
    else:
        raise GateError(
            f"gate {gate.name!r} has no pull rule, so nothing can be learned through it.",
            fix=f"@{gate.name}.pulls  def d_{gate.name}(dy, y, {', '.join(gate.inputs)}): ...",
        )
    pulls = pulls if isinstance(pulls, tuple) else (pulls,)
    if len(pulls) != len(inputs):
        raise GateError(f"d_{gate.name} returns {len(pulls)} pulls for {len(inputs)} inputs.")
    if guarded:
        pulls = [None if p is None else _unpoisoned(gate, dy, p, attributes) for p in pulls]
    return [None if p is None else _fitted(gate, p, x) for p, x in zip(pulls, inputs, strict=True)]


def _unpoisoned(gate: Gate, dy: Any, pull: Any, attributes: dict[str, Any]) -> Any:
    """`pull`, but 0 where nothing pulls and the rule made NaN of it.

    A gate that folds an axis pulls a row with nothing where nothing pulls the row. A product of
    matrices is left as it is: each pull there is a sum of which only some terms are not chosen.
    """
    if gate.slopes == "fixed":
        return pull
    if np.shape(pull) == np.shape(dy) and gate.elementwise:
        return zero_wins(dy, pull)
    if gate.elementwise or "axis" not in attributes:
        return pull
    return zero_wins(_reaching(dy, pull, attributes["axis"]), pull)


def _reaching(dy: Any, pull: Any, axis: Any) -> Any:
    """How hard each row along `axis` is pulled, in a shape that broadcasts to that of `pull`."""
    if np.shape(pull) == np.shape(dy):
        return sum(absolute(dy), axis=axis, keepdims=True)
    return reshape(dy, shape=kept_shape(np.shape(pull), axis))


def _fitted(gate: Gate, pull: Any, x: Any) -> Any:
    shape, wanted = np.shape(pull), np.shape(x)
    if shape == wanted:
        return pull
    if len(shape) < len(wanted):
        raise GateError(
            f"d_{gate.name} returns a pull of shape {shape} for an input of shape {wanted}."
        )
    return sum_to(pull, shape=wanted)


class Use(NamedTuple):
    """One kind of use of a gate: all that its pull rule, written out as a circuit, depends on."""

    gate: Gate
    rule: Any  # a gate in use may be given a better rule
    y: Spec
    inputs: tuple[Spec, ...]
    attributes: tuple[
        tuple[str, type, Any], ...
    ]  # the type too: True, 1 and 1.0 are equal in Python
    wanted: tuple[bool, ...]
    constants: tuple[Any, ...]  # (sign, number) that an input always is, where that is plainer
    guarded: bool


@lru_cache(maxsize=65536)
def pull_template(use: Use) -> tuple[Circuit, tuple[bool, ...]]:
    """The gate's pull rule as a small circuit (dy, y, *inputs) -> pulls on the wanted inputs.

    Rules are traced once a kind of use and copied from then on. The second value says which of the
    inputs are pulled at all.
    """
    gate, inputs = use.gate, use.inputs
    builder = Builder()
    names = [*("dy", "y"), *(f"x{i}" for i in range(len(inputs)))]
    wires = [builder.input(s, n) for s, n in zip((use.y, use.y, *inputs), names, strict=True)]
    known = [x if c is None else c[1] for x, c in zip(wires[2:], use.constants, strict=True)]
    attributes = {k: v for k, _, v in use.attributes}
    pulls = pull_inputs(gate, wires[0], wires[1], known, attributes, guarded=use.guarded)
    kept = tuple(w and p is not None for w, p in zip(use.wanted, pulls, strict=True))
    outputs = [builder.adopt(p) for p, k in zip(pulls, kept, strict=True) if k]
    for pull, x in zip(outputs, (x for x, k in zip(inputs, kept, strict=True) if k), strict=True):
        if pull.spec != x:
            raise GateError(f"d_{gate.name} returns a pull of {pull.spec} for an input of {x}.")
    return tidy(builder.finish(outputs)), kept


def _derived(
    gate: Gate, dy: Any, inputs: Sequence[Any], attributes: dict[str, Any], guarded: bool
) -> tuple[Any, ...]:
    """The pulls of a recipe without a rule: backward through its own gates."""
    # A recipe is a circuit, so pulling it needs the pass that needs this file.
    from pullback.passes.backward import backward  # noqa: PLC0415

    opened = opened_recipe(gate, [spec_of(x) for x in inputs], attributes)
    back = backward(opened, guarded=guarded)
    pulled = [p for p in back.input_pulls if p != -1]
    pulls = iter(replay(back.asking(pulled), [*inputs, dy]))
    return tuple(next(pulls) if p != -1 else None for p in back.input_pulls)


def opened_recipe(gate: Gate, specs: Sequence[Spec], attributes: dict[str, Any]) -> Circuit:
    """The circuit of a recipe's own gates, or of a gate's parts, for inputs of these specs."""
    assert gate.inside is not None
    builder = Builder()
    names = gate.input_names(len(specs))
    wires = [builder.input(s, n) for s, n in zip(specs, names, strict=True)]
    return builder.finish([gate.inside(*wires, **attributes)])
