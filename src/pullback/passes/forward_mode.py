"""Forward mode: how far the outputs move when the inputs move (jvp), without a second set of rules.

The pulls are linear in the force. So the backward of the backward, pulled by the inputs' directions,
is the derivative along them (the transpose of a transpose).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.replay import replay
from pullback.core.wire import Wire
from pullback.passes.backward import backward
from pullback.passes.tidy import tidy


def forward_mode(circuit: Circuit, moved: Sequence[int] | None = None) -> Circuit:
    """(inputs, a direction for each moved input) -> (outputs, how each real output moves).

    moved: positions among the inputs, all real ones by default. Outputs that cannot move give zeros.
    """
    real = [i for i, w in enumerate(circuit.inputs) if circuit.spec_of(w).dtype.kind == "f"]
    moved = real if moved is None else moved
    builder = Builder()
    names = circuit.input_names
    inputs = [
        builder.input(circuit.spec_of(w), n, r)
        for w, n, r in zip(circuit.inputs, names, circuit.roles, strict=True)
    ]
    directions = {
        m: builder.input(circuit.spec_of(circuit.inputs[m]), f"v{names[m]}") for m in moved
    }
    outputs = replay(circuit, inputs)
    pushes = []
    for position, wire in enumerate(circuit.outputs):
        if circuit.spec_of(wire).dtype.kind == "f":
            pushes.append(_push(circuit, position, inputs, directions))
    return tidy(builder.finish([*outputs, *pushes]))


def _push(circuit: Circuit, position: int, inputs: list[Wire], directions: dict[int, Wire]) -> Any:
    """How one output moves: the pull on the force of what is pulled, 0 where nothing depends on it."""
    spec = circuit.spec_of(circuit.outputs[position])
    once = backward(circuit, (position,))
    pulled = [m for m in directions if once.input_pulls[m] != -1]
    pulls = once.asking([once.input_pulls[m] for m in pulled])
    twice = backward(pulls, range(len(pulled)))
    (force,) = once.forces
    answer = twice.pulls[force]
    if answer == -1:
        return np.zeros(spec.shape, spec.dtype)
    # Any force does, the pulls are linear in it; 1 keeps it apart from the zeros under a `where`.
    one = np.ones(spec.shape, spec.dtype)
    given = [*inputs, one, *(directions[m] for m in pulled)]
    (pushed,) = replay(twice.asking([answer]), given)
    return pushed
