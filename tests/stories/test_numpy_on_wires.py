"""NumPy's functions, methods and operators on wires and Units: they work, or say what to write."""

import inspect

import numpy as np
import pytest

import pullback as pb
from pullback.core.array_methods import INSTEAD
from pullback.core.gate import GATES
from pullback.core.numpy_functions import FUNCTIONS, OTHER_NAMES
from pullback.errors import CircuitError, GateError, PullbackError, RangeError, UnknownAttribute

X = np.array([[0.5, -1.5, 2.0], [3.0, 0.25, -0.75]])
V = np.array([2.0, -1.0, 0.5])

# Each runs on NumPy's array, on a wire and on a Unit: NumPy says what is right.
WORKS = {
    "np.sum": lambda x: np.sum(x, axis=0),
    "np.mean": lambda x: np.mean(x, axis=-1, keepdims=True),
    "np.max": lambda x: np.max(x),
    "np.amax": lambda x: np.amax(x, 1),
    "np.min": lambda x: np.min(x, axis=(0, 1)),
    "np.prod": lambda x: np.prod(x, axis=1),
    "np.argmax": lambda x: np.argmax(x, axis=1),
    "np.dot": lambda x: np.dot(x, V),
    "np.dot on the right": lambda x: np.dot(np.ones((2, 2)), x),
    "np.outer": lambda x: np.outer(x[0], V),
    "np.matmul": lambda x: np.matmul(x, V),
    "np.square": lambda x: np.square(x),
    "np.reciprocal": lambda x: np.reciprocal(x),
    "np.fabs": lambda x: np.fabs(x),
    "np.abs": lambda x: np.abs(x),
    "np.exp": lambda x: np.exp(x),
    "np.maximum": lambda x: np.maximum(0, x),
    "np.where": lambda x: np.where(x > 0, x, -x),
    "np.clip": lambda x: np.clip(x, 0, 1),
    "np.clip by arrays": lambda x: np.clip(x, -V, None),
    "np.concatenate": lambda x: np.concatenate([x, 2 * x], axis=1),
    "np.concatenate of all": lambda x: np.concatenate([x, x[0]], axis=None),
    "np.stack": lambda x: np.stack([x[0], V], axis=-1),
    "np.vstack": lambda x: np.vstack([x[0], x]),
    "np.hstack": lambda x: np.hstack([x[0], x[1]]),
    "np.hstack of tables": lambda x: np.hstack([x, x]),
    "np.reshape": lambda x: np.reshape(x, (3, -1)),
    "np.ravel": lambda x: np.ravel(x),
    "np.squeeze": lambda x: np.squeeze(x[:1]),
    "np.expand_dims": lambda x: np.expand_dims(x, -1),
    "np.transpose": lambda x: np.transpose(x, (1, 0)),
    "np.broadcast_to": lambda x: np.broadcast_to(x, (2, 2, 3)),
    "np.take": lambda x: np.take(x, [2, 0], axis=1),
    "np.take of all": lambda x: np.take(x, [5, 0]),
    "np.pad": lambda x: np.pad(x, ((1, 0), (0, 2))),
    "np.linalg.norm": lambda x: np.linalg.norm(x, axis=0),
    "np.shape": lambda x: x * np.shape(x)[1],
    "np.ndim": lambda x: x * np.ndim(x),
    "np.size": lambda x: x / np.size(x),
    "np.size of an axis": lambda x: x / np.size(x, 0),
    "np.zeros_like": lambda x: np.zeros_like(x) + x,
    "np.ones_like": lambda x: np.ones_like(x) * x,
    "np.logical_and": lambda x: np.where(np.logical_and(x > 0, x < 1), x, 0.0),
    ".sum": lambda x: x.sum(axis=1),
    ".min": lambda x: x.min(axis=0),
    ".max": lambda x: x.max(),
    ".prod": lambda x: x.prod(),
    ".argmax": lambda x: x.argmax(axis=0),
    ".mean": lambda x: x.mean(axis=0, keepdims=True),
    ".size": lambda x: x.sum() / x.size,
    ".flatten": lambda x: x.flatten(),
    ".ravel": lambda x: x.ravel(),
    ".squeeze": lambda x: x[:1, 1:2].squeeze(),
    ".squeeze of one axis": lambda x: x[:1, 1:2].squeeze(0),
    ".astype": lambda x: x.astype(np.float32),
    ".astype(int)": lambda x: x.astype(int),
    ".dot": lambda x: x.dot(V),
    ".transpose": lambda x: x.transpose(1, 0),
    ".reshape": lambda x: x.reshape(3, 2),
    ".reshape of a tuple": lambda x: x.reshape((6,)),
    ".reshape of one": lambda x: x.reshape(-1),
    ".clip": lambda x: x.clip(0, 1),
    ".T": lambda x: x.T @ x,
    "len": lambda x: x * len(x),
    "for": lambda x: sum(row for row in x),
    "&": lambda x: np.where((x > 0) & (x < 2), x, 0.0),
    "|": lambda x: np.where((x > 2) | (x < 0), x, 0.0),
    "~": lambda x: np.where(~(x > 0), x, 0.0),
    "an array & a wire": lambda x: np.where(np.array([True, False, True]) & (x > 0), x, 0.0),
    "x @ a list": lambda x: x @ [1.0, 2.0, 3.0],
    "x[:, [0, 1]]": lambda x: x[:, [0, 1]],
    "x[[]]": lambda x: x[[]],
    "x[np.arange(n), y]": lambda x: x[np.arange(2), np.array([2, 0])],
}


@pytest.mark.parametrize("ask", WORKS.values(), ids=WORKS)
def test_what_numpy_does_to_an_array_it_does_to_a_wire_and_a_unit(ask):
    wanted = np.asarray(ask(X))
    for found in (pb.circuit(ask)(X), ask(pb.Unit(X)).value):
        assert np.shape(found) == wanted.shape
        assert np.asarray(found).dtype.kind == wanted.dtype.kind
        assert np.allclose(found, wanted, rtol=1e-14)


SLOPES = {  # by hand
    "np.sum": (lambda x: np.sum(np.square(x)), 2 * X),
    "np.mean": (lambda x: np.mean(x), np.full((2, 3), 1 / 6)),
    "np.max": (lambda x: np.max(x), X == 3.0),
    "np.clip": (lambda x: np.sum(np.clip(x, 0, 1)), (X > 0) & (X < 1)),
    "np.dot": (lambda x: np.sum(np.dot(x, V)), np.array([V, V])),
    "the right scores": (
        lambda x: pb.sum(x[np.arange(2), np.array([2, 0])]),
        [[0, 0, 1], [1, 0, 0]],
    ),
    "the middle": (lambda x: pb.sum(pb.where((x > 0) & (x < 2), x, 0.0)), (X > 0) & (X < 2)),
}


@pytest.mark.parametrize(("ask", "slope"), SLOPES.values(), ids=SLOPES)
def test_their_gradients_are_those_by_hand(ask, slope):
    assert np.allclose(pb.grad(ask)(X), slope)
    x = pb.Unit(X)
    ask(x).backward()
    assert np.allclose(x.grad, slope)


REFUSED = {
    "np.cumsum": (
        lambda x: np.cumsum(x),
        GateError,
        "np.cumsum takes no wire and no Unit",
        "np.tri",
    ),
    "np.std": (lambda x: np.std(x), GateError, "np.std takes no wire", "mean"),
    "np.sign": (lambda x: np.sign(x), GateError, "np.sign takes no wire", "where"),
    "np.isnan": (lambda x: np.isnan(x), GateError, "np.isnan takes no wire", "x != x"),
    "np.add.reduce": (lambda x: np.add.reduce(x), GateError, r"np.add.reduce takes no wire", ""),
    "np.linalg.inv": (lambda x: np.linalg.inv(x), GateError, "np.linalg.inv takes no wire", ""),
    "np.sum(dtype=)": (lambda x: np.sum(x, dtype=float), GateError, "takes a, axis, keepdims", ""),
    "np.exp(where=)": (
        lambda x: np.exp(x, where=True),
        GateError,
        "np.exp of a wire or Unit takes no 'where'",
        "",
    ),
    "np.linalg.norm(ord=1)": (lambda x: np.linalg.norm(x, 1), GateError, "not ord=1", ""),
    "np.pad(reflect)": (lambda x: np.pad(x, 1, "reflect"), GateError, "mode='constant'", ""),
    "array += x": (
        lambda x: V.copy().__iadd__(x[0]),
        GateError,
        "cannot hold what np.add makes",
        "a = a",
    ),
    "x // y": (lambda x: x // 2, GateError, r"\(x // y\)", "floor(x / y)"),
    "x % y": (lambda x: x % 2, GateError, r"\(x % y\)", "floor"),
    "5 % x": (lambda x: 5 % x, GateError, r"\(x % y\)", "floor"),
    "x ^ 2": (lambda x: x ^ 2, GateError, r"x \^ y", "x ** y"),
    "x & y": (
        lambda x: x & x,
        PullbackError,
        "& takes bools on both sides; one side is float64",
        "(x > 0) & (x < 2)",
    ),
    "x[0] = 1": (
        lambda x: x.__setitem__(0, 1.0),
        CircuitError,
        "is never changed in place",
        "where",
    ),
    "x[0.5]": (lambda x: x[0.5], CircuitError, "cannot be indexed by float, 0.5", "integers"),
    "x['a']": (lambda x: x["a"], CircuitError, "cannot be indexed by str", "integers"),
    "x[True]": (lambda x: x[True], CircuitError, "cannot be indexed by bool", "integers"),
    "x[[0.5]]": (lambda x: x[[0.5]], PullbackError, "'index' is float64", "cast"),
    "x[::0]": (lambda x: x[::0], PullbackError, "step must not be 0", ""),
    "x[0.5:]": (lambda x: x[0.5:], CircuitError, "a slice is made of whole numbers", ""),
    "x[..., ...]": (lambda x: x[..., ...], CircuitError, "at most once", ""),
    "x[[9]]": (lambda x: x[[9]], RangeError, r"index 9 lies outside -2..1 of axis 0", ""),
    "x[9]": (lambda x: x[9], PullbackError, "does not fit", ""),
    "x[0, 0, 0]": (lambda x: x[0, 0, 0], PullbackError, "does not fit", ""),
    "arrays apart": (
        lambda x: x[None][[0], :, [0]],
        CircuitError,
        "next to each other",
        "two steps",
    ),
    "a list of rows": (
        lambda x: pb.sum([x[0], x[1]]),
        PullbackError,
        "sum is a list that holds",
        "concat",
    ),
    "joined in a list": (
        lambda x: pb.concat([x, x]),
        PullbackError,
        "concat is a list that holds",
        "concat",
    ),
    "squeeze": (
        lambda x: x.squeeze(1),
        CircuitError,
        r"axis 1 of \(2, 3\) is not an axis of size 1",
        "",
    ),
    "a ragged index": (lambda x: x[[[0], [0, 1]]], PullbackError, "an index is ragged", ""),
}


@pytest.mark.parametrize(("ask", "kind", "line", "fix"), REFUSED.values(), ids=REFUSED)
def test_what_no_gate_does_is_refused_and_what_to_write_is_named(ask, kind, line, fix):
    for way in (lambda: pb.circuit(ask)(X), lambda: ask(pb.Unit(X))):
        with pytest.raises(kind, match=line) as caught:
            way()
        assert fix in caught.value.fix


def test_a_line_of_several_gates_names_the_last_of_them():
    def f(x, j):
        y = np.stack([x[0], x[1]])
        z = x[[1, 0], j]
        w = np.vstack([y[0], z[[0, 1, 1]]])
        return np.sum(w)

    run = pb.circuit(f).run(X, np.array([2, 0]))
    assert run["y"].value.tolist() == X.tolist()
    assert run["z"].value.tolist() == [-0.75, 0.5]
    assert (run["y"].gate, run["z"].gate, run["w"].gate) == ("concat", "pick", "concat")
    assert sum(wire.name in ("y", "z", "w") for wire in run) == 3


@pytest.mark.parametrize("name", INSTEAD)
def test_a_method_that_is_not_there_is_an_attribute_error_with_what_to_write(name):
    with pytest.raises(UnknownAttribute, match=f"wires and Units have no '{name}'") as caught:
        getattr(pb.Unit(X), name)
    assert caught.value.fix == INSTEAD[name]
    assert not hasattr(pb.Unit(X), name)


@pytest.mark.parametrize("name", ["abs", "clip", "concatenate", "square", "einsum", "arange"])
def test_a_name_from_elsewhere_is_told_what_it_is_called_here(name):
    with pytest.raises(AttributeError, match=f"pullback has no {name!r}") as caught:
        getattr(pb, name)
    assert caught.value.fix == OTHER_NAMES[name]


def test_what_the_package_has_is_no_name_from_elsewhere():
    assert [name for name in OTHER_NAMES if name in GATES or name in pb.__all__] == []


def test_numpys_functions_take_their_inputs_under_numpys_names():
    taken = {f: list(inspect.signature(made).parameters) for f, made in FUNCTIONS.items()}
    numpys = {f: list(inspect.signature(f).parameters) for f in FUNCTIONS}
    named = {f: [p for p in names if p not in numpys[f]] for f, names in taken.items()}
    assert {f: names for f, names in named.items() if names and f not in (np.where, np.pad)} == {}
