"""Gates that change the pull alone and leave the value: stop_gradient, force."""

from typing import Any

import numpy as np

from pullback.core.gate import gate
from pullback.core.shapes import Shape, broadcast
from pullback.errors import ShapeError
from pullback.gates.shape import broadcast_to


@gate(
    slopes="fixed", takes="any", py="{x}", np="{x}", js="{x}", c="{x}", latex="{x}", onnx="Identity"
)
def stop_gradient(x: Any) -> Any:
    """y = x, and nothing pulls through it.

    >>> float(stop_gradient(3.0))
    3.0
    """
    return np.asarray(x)[()]


@stop_gradient.pulls
def d_stop_gradient(dy: Any, y: Any, x: Any) -> Any:
    return None


def _forced(x: Shape, f: Shape) -> Shape:
    if broadcast([x, f], ["x", "f"]) != x:
        raise ShapeError(f"a force of shape {f} does not fit x of shape {x}.")
    return x


@gate(slopes="fixed", shape=_forced, py="{x}", np="{x}", js="{x}", c="{x}", latex="{x}")
def force(x: Any, f: Any) -> Any:
    """y = x in the forward pass. In the backward pass the pull on x is f: a gradient written by hand.

    >>> float(force(3.0, 1.0))
    3.0
    """
    return np.asarray(x)[()]


@force.pulls
def d_force(dy: Any, y: Any, x: Any, f: Any) -> Any:
    return broadcast_to(f, shape=x.shape), None
