"""`f.map`: many points at once, and at each of them what the function says of it alone."""

import functools

import numpy as np
import pytest
from laws.asking import same_bits

import pullback as pb
from pullback.errors import CircuitError, DtypeError, ShapeError, UnknownName

GENERATOR = np.random.default_rng(7)
X, Y = GENERATOR.normal(size=(2, 37))


@pb.circuit
def neuron(a, b, c, x, y):
    return pb.tanh(a * x + b * y + c)


@pytest.fixture
def seen():
    return neuron.map(0.5, -1.5, 0.25, X, Y)


@pytest.fixture
def alone():
    """Every point by itself, by the reference executor."""
    return [neuron.run(0.5, -1.5, 0.25, x, y) for x, y in zip(X, Y, strict=True)]


def test_every_point_has_the_value_that_it_has_alone(seen, alone):
    assert seen.value == pytest.approx([run.value for run in alone], rel=1e-14)
    assert seen.points == 37


@pytest.mark.parametrize("name", ["x", "y"])
def test_what_differs_from_point_to_point_is_pulled_at_each(seen, alone, name):
    assert seen.grads[name] == pytest.approx([run.grads[name] for run in alone], rel=1e-13)


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_what_all_points_share_is_pulled_by_them_together(seen, alone, name):
    assert seen.grads[name] == pytest.approx(sum(run.grads[name] for run in alone), rel=1e-12)
    assert np.ndim(seen.grads[name]) == 0


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_any_number_of_threads_gives_the_same_bits(threads):
    x = GENERATOR.normal(size=20_000)
    one, many = (neuron.map(0.5, -1.5, 0.25, x, x[::-1], threads=n) for n in (1, threads))
    assert one.value.tobytes() == many.value.tobytes()
    assert [np.asarray(g).tobytes() for g in one.grads.values()] == [
        np.asarray(g).tobytes() for g in many.grads.values()
    ]


def test_what_goes_in_and_comes_out_may_nest():
    f = pb.circuit(lambda w, x: {"score": w["a"] * x + w["b"], "double": 2.0 * x}, name="f")
    seen = f.map({"w": {"a": 3.0, "b": 1.0}, "x": [1.0, 2.0]})
    assert {k: v.tolist() for k, v in seen.value.items()} == {"score": [4, 7], "double": [2, 4]}
    assert seen.grads["w"] == {"a": 3.0, "b": 2.0}
    assert seen.grads["x"].tolist() == [3.0, 3.0]


def test_a_column_that_nothing_pulls_is_pulled_by_zero_everywhere():
    grads = pb.circuit("x * 2 + 0 * (y > 0)", name="f").map([1.0, 2.0, 3.0], [1.0, -1.0, 0.0]).grads
    assert grads["y"].tolist() == [0.0, 0.0, 0.0]


def test_columns_may_be_views_of_any_kind():
    wide = np.arange(12.0).reshape(4, 3)
    wide.flags.writeable = False
    swapped = wide[:, 1].astype(">f8")
    seen = pb.circuit("x * y", name="f").map(wide[::-1, 0], swapped)
    assert seen.value.tolist() == [9.0 * 1, 6.0 * 4, 3.0 * 7, 0.0 * 10]


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({"x": 1.0, "y": 2.0}, CircuitError, "every input is a single number"),
        ({"x": [1.0, 2.0], "y": [1.0]}, ShapeError, "'x' has 2 points, but 'y' has 1"),
        ({"x": [[1.0, 2.0]], "y": 1.0}, ShapeError, "points are flat arrays"),
        ({"x": [1.0], "z": 1.0}, UnknownName, "no input 'z'"),
    ],
)
def test_points_that_do_not_fit_are_refused_by_name(values, error, said):
    f = pb.circuit("x * y", name="f")
    with pytest.raises(error, match=said):
        f.map(**values)


def test_a_program_is_made_once():
    f = pb.circuit("x * y", name="f")
    first = f.map([1.0, 2.0], 3.0)
    assert first.value.tolist() == [3.0, 6.0]
    made = dict(first.view.maps)
    assert f.map([5.0], 2.0).value.tolist() == [10.0]
    assert first.view.maps == made


def test_a_circuit_too_long_for_lanes_is_mapped_point_by_point_with_the_same_numbers():
    f = pb.circuit(lambda x, w: functools.reduce(lambda y, _: y * w + x, range(1600), x))
    x = np.array([0.5, -0.25, np.nan, 1e300])
    seen = f.map(x=x, w=0.5)
    points = [f.run(x=one, w=0.5) for one in x]
    assert same_bits(seen.value, np.array([p.value for p in points]))
    assert same_bits(seen.grads["x"], np.array([p.grads["x"] for p in points]))
    assert same_bits(seen.grads["w"], np.sum([p.grads["w"] for p in points]))


NO_NUMBERS = {
    "text": [1.0, "2"],
    "nothing": [1.0, None],
    "complex": [1.0, 1j],
    "ragged": [[1.0], [1.0, 2.0]],
    "too large": [1.0, 10**400],
    "a dict": [1.0, {}],
}


@pytest.mark.parametrize("given", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_a_list_that_holds_more_than_numbers_is_refused_by_name(given):
    f = pb.circuit("x * y")
    for ask in (f, f.value_and_grad, f.map):
        with pytest.raises(DtypeError, match="^'x' (holds|is ragged)"):
            ask(x=given, y=1.0)


@pytest.mark.parametrize(
    "given", [[1, 2], (1.0, 2), [np.float32(1), 2.0], [np.int64(1), 2.0], [True, 2]], ids=str
)
def test_a_list_of_numbers_is_an_array_of_real_numbers(given):
    found = pb.circuit("x * y")(x=given, y=1.0)
    assert (found.dtype, found.tolist()) == (np.float64, [1.0, 2.0])


@pytest.mark.parametrize("made", [lambda x: x > 0.0, lambda x: pb.cast(x, dtype="int64")])
def test_what_cannot_be_pulled_can_be_mapped(made):
    f = pb.circuit(made)
    assert f.map(x=[1.0, -1.0]).value.tolist() == [f(1.0), f(-1.0)]
    with pytest.raises(CircuitError, match="only real numbers are pulled"):
        _ = f.map(x=[1.0, -1.0]).grads


def test_a_map_is_of_its_points_as_they_were_given():
    x = np.array([1.0, 2.0])
    mapped = pb.circuit("x * w").map(x=x, w=3.0)
    x[:] = 0.0
    assert (mapped.value.tolist(), mapped.grads["w"]) == ([3.0, 6.0], 3.0)


def test_a_map_of_no_points_is_empty():
    mapped = pb.circuit("x * w").map(x=[], w=3.0)
    assert (mapped.value.tolist(), mapped.grads["w"]) == ([], 0.0)


def test_a_function_without_inputs_has_no_points():
    with pytest.raises(CircuitError, match="every input is a single number"):
        pb.circuit(lambda: 3.0).map()
