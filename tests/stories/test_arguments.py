"""What gates take and refuse, by example: the laws of odd calls say that it is the same everywhere."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.gate import GATES
from pullback.errors import (
    DtypeError,
    GateError,
    OptionError,
    PullbackError,
    RangeError,
    ShapeError,
)

X = np.arange(6.0).reshape(2, 3)

REFUSED = {
    "arrays that do not join": (
        lambda x: pb.concat(x, x[0]),
        ShapeError,
        r"concat: \(2, 3\) and \(3,\) do not join",
    ),
    "one width": (
        lambda x: pb.pad(x, widths=1),
        ShapeError,
        r"pad: widths=1 does not give a \(before, after\)",
    ),
    "a pair too few": (lambda x: pb.pad(x, widths=((1, 1),)), ShapeError, "pair an axis"),
    "a width below 0": (
        lambda x: pb.pad(x[0], widths=((-1, 1),)),
        ShapeError,
        "pad: widths=-1 is below 0",
    ),
    "a size of -2": (
        lambda x: pb.reshape(x, shape=(-2, 3)),
        ShapeError,
        r"reshape: \(-2, 3\) is not a shape",
    ),
    "two sizes of -1": (lambda x: pb.reshape(x, shape=(-1, -1)), ShapeError, r"one may be -1"),
    "sizes that overflow": (
        lambda x: pb.reshape(x, shape=(2**32, 2**32)),
        ShapeError,
        "do not fill",
    ),
    "keepdims in words": (
        lambda x: pb.sum(x, keepdims="no"),
        OptionError,
        "sum: keepdims must be True or False, got 'no'",
    ),
    "an axis that is a truth": (
        lambda x: pb.max(x, axis=True),
        ShapeError,
        "max: axis True is not a whole number",
    ),
    "half an axis": (
        lambda x: pb.mean(x, axis=0.5),
        ShapeError,
        "mean: axis 0.5 is not a whole number",
    ),
    "a huge axis": (lambda x: pb.sum(x, axis=10**5000), ShapeError, "16610 bits is too large"),
    "an axis twice": (
        lambda x: pb.norm(x, axis=(0, -2)),
        ShapeError,
        r"norm: \(0, -2\) names an axis twice",
    ),
    "a step of 0": (
        lambda x: pb.slice(x, index=((None, None, 0),)),
        ShapeError,
        "slice: index: the step must not be 0",
    ),
    "no order of the axes": (
        lambda x: pb.transpose(x, axes=(2, 1)),
        ShapeError,
        "transpose: axis 2 of an array",
    ),
    "no tie": (
        lambda x: pb.maximum(x, 0.0, ties="both"),
        OptionError,
        "maximum: ties must be 'split'",
    ),
    "no dtype": (
        lambda x: pb.cast(x, dtype="float16"),
        OptionError,
        "cast: dtype must be one of float64",
    ),
    "bounds in the wrong order": (
        lambda x: pb.clamp(x, low=2, high=1),
        OptionError,
        "clamp: low=2 is not below",
    ),
    "a bound in words": (
        lambda x: pb.clamp(x, low="0"),
        OptionError,
        "clamp: low must be one real number, got '0'",
    ),
    "complex numbers": (lambda x: pb.add(x, 1j), DtypeError, "an input of add holds complex128"),
    "text": (lambda x: pb.multiply(x, "2"), DtypeError, "an input of multiply holds text"),
    "nothing": (lambda x: pb.matmul(x, None), DtypeError, "an input of matmul holds objects"),
    "a date": (lambda x: pb.add(x, np.datetime64("2020-01-01")), DtypeError, "holds datetime64"),
    "a ragged list": (
        lambda x: pb.add(x, [[1.0, 2.0], [3.0]]),
        DtypeError,
        "an input of add is ragged",
    ),
    "masked numbers": (
        lambda x: pb.add(x, np.ma.masked_array([1.0, 2, 3], [0, 1, 0])),
        DtypeError,
        "masked",
    ),
    "an index beyond": (
        lambda x: pb.pick(x, [0, 3]),
        RangeError,
        "pick: index 3 at 1 lies outside 0..2",
    ),
    "an index that is not a whole number": (
        lambda x: pb.gather(x, [0.5]),
        DtypeError,
        "gather: 'index' is float64",
    ),
    "an array beyond all memory": (
        lambda x: pb.unpick(x, [0, 1, 2], size=10**12),
        ShapeError,
        "would hold",
    ),
    "rows and columns that differ": (
        lambda x: pb.dot(x, x),
        ShapeError,
        r"dot: the last axis of 'a' \(2, 3\)",
    ),
    "options by place": (lambda x: pb.clamp(x, 0, 1), GateError, r"clamp takes 1 \(x\), got 3"),
    "inputs in a list": (
        lambda x: pb.concat([np.ones(2), np.ones(2)], x[0]),
        GateError,
        "concat takes its inputs one by one, not in a list",
    ),
    "a misspelled option": (lambda x: pb.sum(x, axes=0), GateError, "sum has no attribute 'axes'"),
    "a shape left out": (lambda x: pb.reshape(x), GateError, "reshape needs the attribute 'shape'"),
}


@pytest.mark.parametrize(("ask", "kind", "line"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_by_the_gates_name(ask, kind, line):
    with pytest.raises(kind, match=line) as by_numbers:
        ask(X)
    with pytest.raises(kind) as by_wires:
        pb.circuit(ask)(X)
    assert type(by_numbers.value) is kind
    assert by_wires.value.what == by_numbers.value.what


def test_options_given_by_place_are_told_how_they_are_called():
    ask = lambda x: pb.clamp(x, 0, 1.5)  # noqa: E731
    for way in (lambda: ask(X), lambda: ask(pb.Unit(X)), lambda: pb.circuit(ask)(X)):
        with pytest.raises(GateError) as caught:
            way()
        assert caught.value.fix == "clamp(x, low=0, high=1.5)"


TAKEN = {
    "an axis of NumPy": (lambda x: pb.sum(x, axis=np.int64(1)), lambda x: x.sum(axis=1)),
    "an axis in an array": (lambda x: pb.sum(x, axis=np.array(1)), lambda x: x.sum(axis=1)),
    "axes in an array": (lambda x: pb.sum(x, axis=np.array([0, 1])), lambda x: x.sum()),
    "axes in a list": (lambda x: pb.max(x, axis=[0]), lambda x: x.max(axis=0)),
    "keepdims of NumPy": (lambda x: pb.sum(x, keepdims=np.True_), lambda x: x.sum(keepdims=True)),
    "the only size": (lambda x: pb.reshape(x, shape=6), lambda x: x.reshape(6)),
    "sizes of NumPy": (lambda x: pb.reshape(x, shape=np.array([3, 2])), lambda x: x.reshape(3, 2)),
    "no bound": (lambda x: pb.clamp(x, low=1, high=None), lambda x: np.clip(x, 1, None)),
    "a type of Python": (lambda x: pb.cast(x, dtype=int), lambda x: x.astype(int)),
    "a type of NumPy": (lambda x: pb.cast(x, dtype=np.float32), lambda x: x.astype(np.float32)),
    "a slice of Python": (lambda x: pb.slice(x, index=(slice(1), 2)), lambda x: x[:1, 2]),
    "float16": (lambda x: pb.add(x, np.float16(0.5)), lambda x: x + 0.5),
    "whole numbers of 8 bits": (
        lambda x: pb.add(x, np.int8([1, 2, 3])),
        lambda x: x + np.array([1, 2, 3]),
    ),
    "nothing masked": (
        lambda x: pb.add(x, np.ma.masked_array([1.0, 2, 3])),
        lambda x: x + np.array([1, 2, 3]),
    ),
    "product of all": (lambda x: pb.prod(x + 1), lambda x: np.prod(x + 1)),
    "product of two axes, kept": (
        lambda x: pb.prod(x, axis=(0, 1), keepdims=True),
        lambda x: np.prod(x).reshape(1, 1),
    ),
    "place among all": (lambda x: pb.argmax(x), lambda x: np.argmax(x)),
    "place, kept": (
        lambda x: pb.argmax(x, axis=0, keepdims=True),
        lambda x: np.argmax(x, axis=0, keepdims=True),
    ),
    "logarithm of all": (lambda x: pb.logsumexp(x), lambda x: np.log(np.exp(x).sum())),
}


@pytest.mark.parametrize(("ask", "wanted"), TAKEN.values(), ids=TAKEN)
def test_what_means_one_thing_is_taken_as_numpy_takes_it(ask, wanted):
    found = [ask(X), pb.circuit(ask)(X), ask(pb.Unit(X)).value]
    assert all(np.shape(y) == np.shape(wanted(X)) for y in found)
    assert all(np.allclose(y, wanted(X), rtol=1e-14) for y in found)


def test_reductions_take_the_same_options():
    folds = ["sum", "mean", "max", "min", "prod", "norm", "logsumexp", "argmax"]
    assert {tuple(GATES[name].defaults.items()) for name in folds} == {
        (("axis", None), ("keepdims", False))
    }


# --- the product, where factors are 0 ---


@pytest.mark.parametrize("axis", [None, (0, 1), (-1, 0)], ids=str)
@pytest.mark.parametrize(("x", "pulls"), [
    ([[2.0, 3.0], [5.0, 7.0]], [[105.0, 70.0], [42.0, 30.0]]),
    ([[0.0, 3.0], [5.0, 7.0]], [[105.0, 0.0], [0.0, 0.0]]),
    ([[0.0, 3.0], [0.0, 7.0]], [[0.0, 0.0], [0.0, 0.0]]),
], ids=["no zero", "one zero", "two zeros"])  # fmt: skip
def test_the_pulls_of_a_product_over_all_axes(axis, x, pulls):
    assert pb.grad(lambda x: pb.prod(x, axis=axis))(np.array(x)).tolist() == pulls


def test_second_derivatives_of_a_product_with_a_zero():
    found = pb.hessian(lambda x: pb.prod(x))(np.array([[0.0, 2.0, 3.0]]))
    assert found.reshape(3, 3).tolist() == [[0.0, 3.0, 2.0], [3.0, 0.0, 0.0], [2.0, 0.0, 0.0]]


def test_a_product_along_several_axes_of_three():
    x = np.arange(1.0, 9.0).reshape(2, 2, 2)
    found = pb.circuit(lambda x: pb.sum(pb.prod(x, axis=(0, 2)))).grad(x)["x"]
    by_hand = np.prod(x, axis=(0, 2), keepdims=True) / x
    assert np.allclose(found, by_hand, rtol=1e-15)


# --- forces ---


def test_a_force_of_another_shape_is_told_beside_the_outputs():
    ask = pb.circuit(lambda x: x * 2.0)
    for way in (lambda f: ask.run(X, force=f), lambda f: pb.vjp(ask, X)[1](f)):
        with pytest.raises(
            PullbackError, match=r"the force has shape \(2,\), the output has \(2, 3\)"
        ) as caught:
            way(np.ones(2))
        assert caught.value.fix == "one number, or an array of the output's shape"
