"""Whole numbers, and yes or no, are never pulled: None among all pulls, an error when asked for by name.

One rule for every way of asking. Most of them are labels and indices, of which nobody wants a pull; a
0 in its place would say that the output does not depend on them, and that may be untrue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.shapes import Spec
from pullback.core.wire import Wire
from pullback.errors import DtypeError
from pullback.lens.specialize import Specialization


def is_real(spec: Spec) -> bool:
    """Whether it is real numbers, the only ones that are pulled."""
    return bool(spec.dtype.kind == "f")


def kind_of(dtype: np.dtype[Any]) -> str:
    """What a person calls numbers that are not real."""
    return "yes or no (bool)" if dtype.kind == "b" else f"whole numbers ({dtype.name})"


def refuse_whole(view: Specialization, wanted: Sequence[int]) -> None:
    """DtypeError if one of the inputs whose pull is `wanted` by name is not real."""
    circuit = view.circuit
    for position in wanted:
        spec, name = circuit.spec_of(circuit.inputs[position]), circuit.input_names[position]
        if not is_real(spec):
            raise DtypeError(
                f"{name!r} holds {kind_of(spec.dtype)}, and only real numbers are pulled.",
                fix=f"{name}.astype(float)",
            )


def refuse_moves(view: Specialization, ways: Sequence[Any]) -> None:
    """DtypeError if an input that is not real is to move; None and 0 leave it where it is."""
    for position, way in enumerate(ways):
        if way is not None and (isinstance(way, Wire) or np.any(np.asarray(way) != 0)):
            refuse_whole(view, [position])


def without_whole(view: Specialization, pulls: Sequence[Any]) -> list[Any]:
    """A pull for each input in turn; None in place of one on numbers that are not real."""
    pairs = zip(view.circuit.inputs, pulls, strict=False)
    return [pull if is_real(view.circuit.spec_of(wire)) else None for wire, pull in pairs]
