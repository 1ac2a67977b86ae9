"""grad, value_and_grad, vjp, jvp, hvp, jacobian, hessian: against hand calculations, nested, by name."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import CircuitError, OptionError, UnknownName

CLOSE = 1e-14


def rosenbrock(x, y):
    return (1.0 - x) ** 2 + 100.0 * (y - x * x) ** 2


def rosenbrock_grad(x, y):
    return -2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)


def rosenbrock_hessian(x, y):
    return np.array([[2 - 400 * y + 1200 * x * x, -400 * x], [-400 * x, 200.0]])


POINT = (-1.2, 1.0)

# --- grad and value_and_grad ---


def test_grad_by_position_by_name_and_of_several():
    dx, dy = rosenbrock_grad(*POINT)
    assert pb.grad(rosenbrock)(*POINT) == pytest.approx(dx, rel=CLOSE)
    assert pb.grad(rosenbrock, wrt=1)(*POINT) == pytest.approx(dy, rel=CLOSE)
    assert pb.grad(rosenbrock, wrt=-1)(*POINT) == pytest.approx(dy, rel=CLOSE)
    assert pb.grad(rosenbrock, wrt="y")(*POINT) == pytest.approx(dy, rel=CLOSE)
    assert pb.grad(rosenbrock, wrt=("y", 0))(*POINT) == pytest.approx((dy, dx), rel=CLOSE)


def test_inputs_may_be_given_by_name():
    assert pb.grad(rosenbrock, wrt="x")(y=1.0, x=-1.2) == pb.grad(rosenbrock)(*POINT)


def test_value_and_grad_gives_both():
    value, grads = pb.value_and_grad(rosenbrock, wrt=(0, 1))(*POINT)
    assert value == pytest.approx(24.2, rel=CLOSE)
    assert grads == pytest.approx(rosenbrock_grad(*POINT), rel=CLOSE)


def test_an_input_that_nothing_depends_on_has_gradient_zero():
    assert pb.grad(lambda x, y: x * 2.0, wrt=(0, 1))(3.0, 5.0) == (2.0, 0.0)
    assert pb.grad(lambda x, y: x * 2.0, wrt="y")(3.0, np.ones(2)).tolist() == [0.0, 0.0]


def test_gradients_are_nested_like_their_inputs():
    def loss(net, x):
        return pb.sum(net["layers"][0] * x) + net["b"] * net["layers"][1]

    net = {"layers": (np.array([1.0, 2.0]), 3.0), "b": 5.0}
    grads = pb.grad(loss)(net, np.array([7.0, 11.0]))
    assert grads["layers"][0].tolist() == [7.0, 11.0]
    assert (grads["layers"][1], grads["b"]) == (5.0, 3.0)
    assert type(grads["layers"]) is tuple


def test_float32_stays_float32():
    grad = pb.grad(lambda x: pb.sum(x * x))(np.array([1.0, 2.0], np.float32))
    assert grad.dtype == np.float32


# --- derivatives of derivatives ---


@pytest.mark.parametrize(
    ("times", "expected"), [(1, 32.0), (2, 48.0), (3, 48.0), (4, 24.0), (5, 0.0)]
)
def test_grad_of_grad_of_x_to_the_fourth(times, expected):
    function = lambda x: x * x * x * x  # noqa: E731
    for _ in range(times):
        function = pb.grad(function)
    assert function(2.0) == expected


@pytest.mark.parametrize("x", [-20.0, -1.0, 0.0, 0.3, 20.0])
def test_second_derivatives_of_curves_are_never_falsely_zero(x):
    slope2 = pb.grad(pb.grad(pb.sigmoid))(x)
    s, t = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))
    assert slope2 == pytest.approx(s * t * (t - s), rel=1e-13)
    assert (slope2 != 0.0) == (x != 0.0)


def test_a_gradient_inside_a_gradient_may_use_outer_wires():
    def outer(x, y):
        inner = pb.grad(lambda t: t * t * x + y)(x)  # 2 x * x, at t = x
        return inner * y

    assert pb.circuit(outer)(3.0, 5.0) == 90.0  # 2 x^2 y
    assert pb.grad(outer, wrt=("x", "y"))(3.0, 5.0) == (60.0, 18.0)  # 4 x y, 2 x^2


def test_three_levels_deep_each_with_the_wires_of_all_the_others():
    def first(x):
        def second(y):
            return pb.grad(lambda z: x * x * y * y * z * z)(y * x)  # 2 x^2 y^2 (x y) = 2 x^3 y^3

        return pb.grad(second)(x)  # 6 x^3 y^2 at y = x: 6 x^5

    assert pb.circuit(first)(2.0) == 192.0
    assert pb.grad(first)(2.0) == 480.0  # 30 x^4


def test_the_innermost_circuit_takes_the_wires_of_the_outer_ones_in():
    def outer(x):
        return pb.grad(lambda y: pb.grad(lambda t: t * t * y)(x) * y)(x)  # d/dy (2 x y^2) = 4 x y

    assert pb.circuit(outer)(3.0) == 36.0
    assert pb.grad(outer)(3.0) == 24.0


def test_perturbation_confusion_does_not_happen():
    # Siskind and Pearlmutter 2008: d/dx (x * d/dy (x + y)) is 1, confused tools say 2.
    assert pb.grad(lambda x: x * pb.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    push = pb.jvp(lambda x: x * pb.jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1]
    assert push == 1.0


def test_a_gradient_step_can_be_part_of_a_circuit():
    @pb.circuit
    def after_one_step(w, rate):
        return rosenbrock(w - rate * pb.grad(rosenbrock)(w, 1.0), 1.0)

    numeric = pb.gradcheck(after_one_step, -1.2, 1e-4)
    assert numeric.passed
    assert numeric.worst < 1e-9


def test_gradients_of_a_gradients_norm():
    penalty = pb.circuit(lambda x: pb.sum(pb.grad(lambda t: pb.sum(pb.exp(t)))(x) ** 2))
    x = np.array([0.1, -0.3])
    assert penalty.grad(x)["x"] == pytest.approx(2 * np.exp(2 * x), rel=CLOSE)


# --- jacobian and hessian ---


def test_the_hessian_of_rosenbrocks_valley_entry_by_entry():
    blocks = [
        [pb.jacobian(pb.grad(rosenbrock, wrt=i), wrt=j)(*POINT) for j in (0, 1)] for i in (0, 1)
    ]
    assert np.array(blocks) == pytest.approx(rosenbrock_hessian(*POINT), rel=CLOSE)


def test_the_hessian_of_a_quadratic_is_its_matrix():
    A = np.array([[2.0, -1.0, 0.5], [-1.0, 3.0, 0.0], [0.5, 0.0, 1.0]])
    hessian = pb.hessian(lambda x: 0.5 * pb.sum(x * (A @ x)))(np.array([0.3, -1.0, 2.0]))
    assert hessian == pytest.approx(A, rel=CLOSE)


def test_the_jacobian_has_the_outputs_shape_then_the_inputs():
    x = np.arange(6.0).reshape(2, 3)
    jacobian = pb.jacobian(lambda x: pb.sum(x * x, axis=0))(x)
    assert jacobian.shape == (3, 2, 3)
    expected = np.zeros((3, 2, 3))
    for column in range(3):
        expected[column, :, column] = 2 * x[:, column]
    assert np.array_equal(jacobian, expected)


def test_the_jacobian_of_softmax():
    x = np.array([0.2, -0.5, 1.0])
    s = np.exp(x) / np.exp(x).sum()
    assert pb.jacobian(lambda x: pb.softmax(x))(x) == pytest.approx(
        np.diag(s) - np.outer(s, s), rel=1e-13
    )


def test_the_jacobian_by_name_and_of_a_single_number():
    assert pb.jacobian(rosenbrock, wrt="y")(*POINT) == pytest.approx(rosenbrock_grad(*POINT)[1])


def test_jacobians_of_nested_inputs_are_nested():
    found = pb.jacobian(lambda d: d["a"] * d["b"])({"a": 2.0, "b": np.array([3.0, 5.0])})
    assert found["a"].tolist() == [3.0, 5.0]
    assert found["b"].tolist() == [[2.0, 0.0], [0.0, 2.0]]


def test_jacobians_and_hessians_can_be_part_of_a_circuit():
    x = np.array([1.0, 2.0])
    inside = pb.grad(lambda x: pb.sum(pb.jacobian(lambda t: t * t * t)(x)))  # sum of 3 x^2
    assert inside(x).tolist() == [6.0, 12.0]
    inside = pb.grad(
        lambda a: pb.sum(pb.hessian(lambda t: pb.sum(t * t * t * a))(x))
    )  # sum of 6 x a
    assert inside(3.0) == 18.0


# --- products with the jacobian ---


def test_vjp_pulls_an_array_back_through_a_matrix():
    W, x, force = np.arange(6.0).reshape(2, 3), np.array([1.0, -1.0, 2.0]), np.array([10.0, 1.0])
    value, pull = pb.vjp(lambda W, x: W @ x, W, x)
    dW, dx = pull(force)
    assert value.tolist() == [3.0, 9.0]
    assert dW.tolist() == np.outer(force, x).tolist()
    assert dx.tolist() == (W.T @ force).tolist()


def test_pullback_is_another_name_of_vjp():
    assert pb.pullback is pb.vjp


def test_jvp_pushes_along_a_direction():
    W, x, v = np.arange(6.0).reshape(2, 3), np.array([1.0, -1.0, 2.0]), np.array([0.5, 1.0, 0.0])
    value, push = pb.jvp(lambda x: pb.tanh(W @ x), (x,), (v,))
    assert value == pytest.approx(np.tanh(W @ x))
    assert push == pytest.approx((1 - np.tanh(W @ x) ** 2) * (W @ v), rel=1e-12)


def test_an_output_that_cannot_move_has_none_in_the_push():
    assert pb.jvp(lambda x: (x > 0.0, x * 2.0), (1.0,), (3.0,)) == ((True, 2.0), (None, 6.0))


def test_an_array_times_a_wire_is_a_matrix_product_on_either_side():
    W, x = np.arange(6.0).reshape(2, 3), np.array([1.0, -1.0, 2.0])
    assert pb.circuit(lambda x: W @ x)(x).tolist() == (W @ x).tolist()
    assert pb.circuit(lambda x: x @ W.T)(x).tolist() == (x @ W.T).tolist()
    assert (W @ pb.Unit(x)).value.tolist() == (W @ x).tolist()


def test_vjp_and_jvp_are_each_others_transpose():
    def f(x):
        return pb.log_softmax(pb.tanh(x) * 3.0)

    rng = np.random.default_rng(5)
    x, v, u = rng.normal(size=(3, 4))
    push, pull = pb.jvp(f, (x,), (v,))[1], pb.vjp(f, x)[1](u)[0]
    assert u @ push == pytest.approx(pull @ v, rel=1e-12)


def test_hvp_is_the_hessian_times_a_direction():
    found = pb.hvp(rosenbrock, POINT, (0.3, -0.7))
    assert found == pytest.approx(tuple(rosenbrock_hessian(*POINT) @ [0.3, -0.7]), rel=1e-13)


def test_hvp_of_an_array():
    A = np.array([[2.0, 1.0], [1.0, 5.0]])
    found = pb.hvp(
        lambda x: 0.5 * pb.sum(x * (A @ x)), (np.array([1.0, 1.0]),), (np.array([1.0, -2.0]),)
    )
    assert found[0] == pytest.approx([0.0, -9.0])


def test_transforms_take_circuits_and_typed_text():
    f = pb.circuit("(x + y) * z")
    assert pb.grad(f, wrt="z")(-2.0, 5.0, -4.0) == 3.0
    assert pb.hvp(f, (-2.0, 5.0, -4.0), (1.0, 0.0, 0.0)) == (0.0, 0.0, 1.0)


def test_the_jacobian_of_nothing_is_empty():
    assert pb.jacobian(lambda x: x[0:0])(np.ones(2)).shape == (0, 2)


# --- refusals ---


def test_a_gradient_needs_one_number_and_the_error_says_what_to_do():
    with pytest.raises(CircuitError) as caught:
        pb.grad(lambda x: x * x)(np.ones(3))
    first, fix = str(caught.value).splitlines()
    assert "puts out an array of shape (3,); a gradient needs one number to pull on." in first
    assert fix == "  Try: return y.sum(), return y[0], or vjp(f, x) and give the pull yourself"


def test_an_unknown_input_is_named_with_its_nearest():
    with pytest.raises(UnknownName, match="has no input 'weigth'") as caught:
        pb.grad(lambda weight: weight * 2.0, wrt="weigth")(1.0)
    assert "did you mean 'weight'?" in str(caught.value)


def test_a_position_beyond_the_inputs_is_refused():
    with pytest.raises(OptionError, match="wrt=2, but rosenbrock has 2 inputs"):
        pb.grad(rosenbrock, wrt=2)


def test_a_direction_for_each_value():
    with pytest.raises(CircuitError, match="jvp got 2 values and 1 directions"):
        pb.jvp(rosenbrock, POINT, (1.0,))


def test_a_unit_is_no_number_to_ask_a_circuit_about():
    with pytest.raises(
        CircuitError, match="f runs as a circuit, which takes numbers; an input is a Unit"
    ):
        pb.grad(lambda x: x * x)(pb.Unit(3.0))


def test_a_yes_or_no_cannot_be_pulled():
    with pytest.raises(CircuitError, match="carries bool; only real numbers are pulled"):
        pb.grad(lambda x: x > 0.0)(1.0)
