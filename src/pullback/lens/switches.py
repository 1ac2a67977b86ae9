"""Which way the switches of a gate stand: where one turns, a slope jumps and no gradient exists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.gate import Gate


def state(gate: Gate, inputs: Sequence[Any], attributes: dict[str, Any]) -> bytes:
    """On which side of its kinks a gate is, at these inputs; equal bytes, no kink between.

    A number that stands on a kink has a state of its own, so a gate of steps turns wherever it goes.

    >>> from pullback.core.gate import find_gate
    >>> floor = find_gate("floor")
    >>> state(floor, [2.5], {}) == state(floor, [2.9], {}), state(floor, [2.0], {}) == state(floor, [2.5], {})
    (True, False)
    """
    if gate.kink is None:
        return b""
    side = np.sign(gate.kink(*inputs, **attributes))
    on_it: Any = ()
    if len(inputs) == 1 and np.shape(side) == np.shape(inputs[0]):
        on_it = np.asarray(inputs[0])[np.asarray(side) == 0.0]
    return bytes(np.asarray(side).tobytes() + np.asarray(on_it).tobytes())
