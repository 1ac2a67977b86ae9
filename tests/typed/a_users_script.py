"""What a type checker sees of a user's script: every `assert_type` is checked by mypy in `start.py check`."""

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import pullback as pb
from pullback.lens.snapshot import Snapshot


@pb.circuit
def f(x: pb.Wire, y: pb.Wire) -> pb.Wire:
    h = pb.tanh(x * 2.0)
    assert_type(h, pb.Wire)
    assert_type(1.0 - x + y, pb.Wire)
    assert_type(x[0], pb.Wire)
    assert_type(x.T.sum(axis=0).reshape(-1), pb.Wire)
    return pb.maximum(0.0, h) + y


@pb.circuit(parameters="w")
def g(w: pb.Wire) -> pb.Wire:
    return w * w


assert_type(f, pb.CircuitFunction)
assert_type(g, pb.CircuitFunction)
assert_type(pb.circuit("x*y"), pb.CircuitFunction)
assert_type(f.run(1.0, 2.0), Snapshot)
assert_type(f.grad(1.0, 2.0), dict[str, Any])
assert_type(pb.tanh(0.5), float)
assert_type(pb.greater(0.5, 1.0), bool)
assert_type(pb.tanh(np.zeros(3)), NDArray[Any])
assert_type(pb.maximum(np.zeros(3), np.zeros(3)), NDArray[Any])
assert_type(pb.sum(np.ones(3), axis=0), NDArray[Any])
assert_type(pb.maximum(0.0, pb.Unit(2.0)), pb.Unit)
assert_type(pb.Unit(2.0) * 3, pb.Unit)
assert_type(pb.Unit(np.ones(3)).max(), pb.Unit)
assert_type(pb.grad(lambda x: x * x), Callable[..., Any])
