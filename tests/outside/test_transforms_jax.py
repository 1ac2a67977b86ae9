"""Nested derivatives beside JAX's: the same nests, the same numbers."""

import numpy as np
import pytest

import pullback as pb

jax = pytest.importorskip("jax", reason="jax is not installed: python3 start.py outside")
jax.config.update("jax_enable_x64", True)
TOLERANCE = 1e-12

X, Y = np.array([0.3, -0.7]), 1.3
D = {"W": np.array([[0.5, -0.2], [0.1, 0.8], [-0.6, 0.4]]), "b": (np.array([0.1, 0.2, 0.3]), 2.0)}

# Functions of (x, y, d), written so that our wires and JAX's tracers both take them.
SCALAR = {
    "a product": lambda x, y, d: (x * x * y).sum() * d["b"][1],
    "a layer": lambda x, y, d: ((d["W"] @ x + d["b"][0]) ** 2 * y).sum() + d["b"][1] ** 3,
    "one input alone": lambda x, y, d: y**3 + 0.0 * x.sum(),
}
NESTED = {
    "an array": lambda x, y, d: x * y * d["b"][1],
    "a tuple": lambda x, y, d: (x * y, (x * x).sum()),
    "a list in a dict": lambda x, y, d: {"z": [d["W"] @ x, y * y], "a": x},
    "nests of nests": lambda x, y, d: ((d["W"] * y, {"q": x}), (d["b"][0] * y).sum()),
    **SCALAR,
}
# JAX compiles every one of its own steps; most are asked in the long run alone.
WRT = [(1, 0, 2), *(pytest.param(w, marks=pytest.mark.slow) for w in (0, 1, 2, (0, 1), (2,)))]
every_nested = pytest.mark.parametrize("function", [
    pytest.param(f, id=name, marks=[] if name == "nests of nests" else pytest.mark.slow)
    for name, f in NESTED.items()
])  # fmt: skip
every_wrt = pytest.mark.parametrize("wrt", WRT, ids=str)


def alike(ours, theirs):
    """Whether two nests have the same form, shapes and numbers."""
    if isinstance(theirs, dict):
        return set(ours) == set(theirs) and all(alike(ours[k], theirs[k]) for k in theirs)
    if isinstance(theirs, list | tuple):
        same = type(ours) is type(theirs) and len(ours) == len(theirs)
        return same and all(map(alike, ours, theirs))
    return np.shape(ours) == np.shape(theirs) and np.allclose(ours, theirs, TOLERANCE, TOLERANCE)


@every_wrt
@every_nested
def test_a_jacobian_is_jaxs(function, wrt):
    assert alike(pb.jacobian(function, wrt)(X, Y, D), jax.jacrev(function, wrt)(X, Y, D))


@every_wrt
@pytest.mark.slow
@pytest.mark.parametrize("function", SCALAR.values(), ids=SCALAR)
def test_a_hessian_is_jaxs(function, wrt):
    assert alike(pb.hessian(function, wrt)(X, Y, D), jax.hessian(function, wrt)(X, Y, D))


@every_wrt
@pytest.mark.parametrize("function", SCALAR.values(), ids=SCALAR)
def test_a_gradient_is_jaxs(function, wrt):
    assert alike(
        pb.value_and_grad(function, wrt)(X, Y, D), jax.value_and_grad(function, wrt)(X, Y, D)
    )


@every_nested
def test_a_pullback_of_nested_forces_is_jaxs(function):
    value, pull = jax.vjp(function, X, Y, D)
    rng = np.random.default_rng(4)
    forces = jax.tree.map(lambda y: np.asarray(rng.normal(size=np.shape(y))), value)
    assert alike(pb.vjp(function, X, Y, D)[1](forces), pull(forces))


@every_nested
def test_a_push_along_nested_directions_is_jaxs(function):
    rng = np.random.default_rng(5)
    ways = jax.tree.map(lambda x: np.asarray(rng.normal(size=np.shape(x))), (X, Y, D))
    assert alike(pb.jvp(function, (X, Y, D), ways), jax.jvp(function, (X, Y, D), ways))
