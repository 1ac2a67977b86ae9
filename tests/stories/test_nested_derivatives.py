"""Derivatives of several outputs and by several inputs: nested as outputs and inputs are, all of them."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import CircuitError, DtypeError, OptionError, ShapeError

X, Y = np.array([1.0, 2.0]), 3.0


def both(x, y):
    return {"product": x * y, "sum": (pb.sum(x) + y, x)}


# --- jacobian and hessian ---


def test_the_jacobian_by_several_inputs_is_a_tuple_one_for_each():
    dx, dy = pb.jacobian(lambda x, y: x * y, wrt=(0, 1))(X, Y)
    assert dx.tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert dy.tolist() == [1.0, 2.0]


def test_the_jacobian_of_several_outputs_is_nested_as_they_are():
    found = pb.jacobian(both, wrt="y")(X, Y)
    assert found["product"].tolist() == [1.0, 2.0]
    assert found["sum"][0] == 1.0
    assert found["sum"][1].tolist() == [0.0, 0.0]


def test_the_jacobian_of_several_outputs_by_several_inputs_has_inputs_inside_outputs():
    (total_dx, total_dy), (same_dx, same_dy) = pb.jacobian(both, wrt=("x", "y"))(X, Y)["sum"]
    assert (total_dx.tolist(), total_dy) == ([1.0, 1.0], 1.0)
    assert (same_dx.tolist(), same_dy.tolist()) == ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])


def test_the_hessian_by_several_inputs_is_a_tuple_of_tuples():
    # f = x^2 y^3 at (2, 3): f_xx = 2 y^3, f_xy = 6 x y^2, f_yy = 6 x^2 y.
    assert pb.hessian(lambda x, y: x * x * y * y * y, wrt=(0, 1))(2.0, 3.0) == (
        (54.0, 108.0),
        (108.0, 72.0),
    )


def test_the_hessian_by_a_nested_input_is_nested_twice():
    found = pb.hessian(lambda d: d["a"] * pb.sum(d["b"] ** 2))({"a": 2.0, "b": X})
    assert found["a"]["a"] == 0.0
    assert found["a"]["b"].tolist() == found["b"]["a"].tolist() == [2.0, 4.0]
    assert found["b"]["b"].tolist() == [[4.0, 0.0], [0.0, 4.0]]


@pytest.mark.parametrize("way", [pb.grad, pb.jacobian, pb.hessian])
def test_derivatives_by_no_input_are_refused(way):
    with pytest.raises(OptionError, match=r"wrt=\(\) names no input"):
        way(lambda x: x, wrt=())


def test_nested_jacobians_can_be_part_of_a_circuit():
    # The sum of dy + dx's diagonal of x^2 y is sum(x^2) + 2 y sum(x).
    def inside(x, y):
        dx, dy = pb.jacobian(lambda x, y: x * x * y, wrt=(0, 1))(x, y)
        return pb.sum(dx) + pb.sum(dy)

    assert pb.circuit(inside)(X, Y) == 5.0 + 18.0
    assert pb.grad(inside, wrt="y")(X, Y) == 6.0


# --- several outputs: a gradient needs one ---


@pytest.mark.parametrize("ask", [pb.grad, pb.value_and_grad, pb.hessian, lambda f: pb.circuit(f).grad,
                                 lambda f: pb.circuit(f).value_and_grad])  # fmt: skip
def test_a_gradient_of_several_outputs_is_refused_and_the_way_out_is_named(ask):
    with pytest.raises(CircuitError, match="f puts out 2 values; a gradient needs one") as caught:
        ask(lambda x: (pb.sum(x), x))(X)
    assert "jacobian" in caught.value.fix
    assert "vjp" in caught.value.fix


def test_one_number_in_a_nest_is_one_number():
    assert pb.value_and_grad(lambda x: {"loss": x * x})(3.0) == ({"loss": 9.0}, 6.0)


# --- vjp: a force for each output ---


def test_several_outputs_are_pulled_by_a_force_each():
    value, pull = pb.vjp(lambda x, y: (x * y, x + y), 2.0, 3.0)
    assert value == (6.0, 5.0)
    assert pull((1.0, 0.0)) == (3.0, 2.0)
    assert pull((0.0, 1.0)) == (1.0, 1.0)
    assert pull((10.0, 1.0)) == (31.0, 21.0)


def test_forces_are_nested_as_outputs_whatever_their_order():
    _, pull = pb.vjp(both, X, Y)
    dx, dy = pull({"sum": (1.0, [0.0, 10.0]), "product": np.array([1.0, 2.0])})
    assert dx.tolist() == [3.0 + 1.0, 6.0 + 1.0 + 10.0]
    assert dy == 1.0 + 4.0 + 1.0


@pytest.mark.parametrize(
    "force", [1.0, (1.0,), (1.0, 2.0, 3.0), {"a": 1.0, "b": 1.0}, np.ones(2), None]
)
def test_forces_nested_otherwise_are_refused(force):
    _, pull = pb.vjp(lambda x, y: (x * y, x + y), 2.0, 3.0)
    with pytest.raises(
        CircuitError, match="a force is nested like the output it pulls: a tuple of 2"
    ):
        pull(force)


def test_a_dict_of_forces_has_the_names_of_the_outputs():
    _, pull = pb.vjp(both, X, Y)
    with pytest.raises(CircuitError, match="a dict of 'product', 'sum', got"):
        pull({"product": 1.0, "summ": (1.0, 1.0)})


@pytest.mark.parametrize(("force", "kind", "said"), [
    (np.ones(3), ShapeError, r"the force has shape \(3,\), the output has \(2,\)"),
    ((1.0, 1.0, 1.0), ShapeError, r"the force has shape \(3,\), the output has \(2,\)"),
    ("up", DtypeError, "the force holds text"),
    (None, DtypeError, "the force holds objects"),
])  # fmt: skip
def test_a_force_that_does_not_fit_says_its_shape_and_the_outputs(force, kind, said):
    _, pull = pb.vjp(lambda x: x * 2.0, X)
    with pytest.raises(kind, match=said):
        pull(force)


def test_a_tuple_pulls_an_only_output_as_the_array_it_is():
    assert pb.vjp(lambda x: x * 2.0, X)[1]((1.0, 10.0))[0].tolist() == [2.0, 20.0]


def test_nothing_pulls_what_is_no_real_number():
    _, pull = pb.vjp(lambda x: (x > 1.0, x * 2.0), X)
    assert pull((None, 1.0))[0].tolist() == [2.0, 2.0]
    with pytest.raises(CircuitError, match="is not a real number; nothing can pull it"):
        pull((1.0, 1.0))


def test_forces_can_be_wires():
    def inside(x, f):
        dx, _ = pb.vjp(lambda x, y: (x * y, pb.sum(x)), x, 3.0)[1]((f, 2.0))
        return pb.sum(dx)

    assert pb.circuit(inside)(X, 5.0) == 2 * 15.0 + 2 * 2.0
    assert pb.grad(inside, wrt="f")(X, 5.0) == 6.0


def test_a_force_for_several_outputs_is_no_force_of_a_run():
    run = pb.circuit(lambda x, y: (x * y, x + y)).run
    assert run(2.0, 3.0, force=2.0).grads == {"x": 6.0, "y": 4.0}
    with pytest.raises(CircuitError, match="run takes a force for the first output only"):
        run(2.0, 3.0, force=(1.0, 1.0))


# --- directions ---


@pytest.mark.parametrize("ways", [(1.0, 1.0), ([1.0], 1.0), ([1.0, 1.0, 1.0], 1.0)], ids=str)
def test_a_direction_has_the_shape_of_its_value(ways):
    with pytest.raises(
        ShapeError, match=r"a direction has shape .*, the value that moves along it \(2,\)"
    ):
        pb.jvp(lambda x, y: x * y, (X, Y), ways)


def test_a_direction_is_nested_like_its_value_by_name():
    value, push = pb.jvp(
        lambda d: d["a"] * d["b"], ({"a": 2.0, "b": 5.0},), ({"b": 1.0, "a": 0.0},)
    )
    assert (value, push) == (10.0, 2.0)
    with pytest.raises(CircuitError, match="a direction is nested like the value"):
        pb.jvp(lambda d: d["a"] * d["b"], ({"a": 2.0, "b": 5.0},), ((1.0, 0.0),))
