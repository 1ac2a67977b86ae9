"""What is asked for wrongly is refused by an error of ours that names it and says what to write."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import CircuitError, DtypeError, OptionError, PullbackError, ShapeError
from pullback.executors import compile_steps
from pullback.lens.compiled import compile
from pullback.train import SGD, Plan

every_executor = pytest.mark.parametrize("executor", ["native", "reference"])
LONG = "+".join(f"x*{n}.5" for n in range(1, 200))  # too long for a straight line
FIVE = pb.circuit("a*x + b*y + c")


# --- f.fit ---

LINE = pb.circuit("loss = (w*x - y) ** 2", parameters="w")
DATA = {"w": 0.0, "x": [1.0, 2.0], "y": [2.0, 4.0]}


@pytest.mark.parametrize("wrong", [SGD, "sgd", None, {"learning_rate": 0.1}, 0.1])
def test_what_is_no_optimizer_is_refused(wrong):
    with pytest.raises(OptionError, match=r"optimizer is .*\n.*Try: optimizer=SGD\("):
        LINE.fit(DATA, plan=Plan(), optimizer=wrong)


@pytest.mark.parametrize("wrong", [Plan, {"max_epochs": 3}, None, 32])
def test_what_is_no_plan_is_refused(wrong):
    with pytest.raises(OptionError, match=r"plan is .*\n.*Try: plan=Plan\("):
        LINE.fit(DATA, plan=wrong, optimizer=SGD())


# --- compile ---


@pytest.mark.parametrize("wrong", [None, 3, b"native", ["native"]])
def test_what_names_no_executor_is_refused(wrong):
    with pytest.raises(OptionError, match="executor must be one of"):
        pb.compile(FIVE, executor=wrong)


@pytest.mark.parametrize("wrong", [True, 0, -1, 1.0, "2", None])
def test_what_is_no_number_of_threads_is_refused(wrong):
    with pytest.raises(OptionError, match="threads must be"):
        pb.compile(FIVE, threads=wrong)


@pytest.mark.parametrize("make", [
    lambda: pb.circuit(lambda x, w: pb.relu(x @ w), name="layer"),
    lambda: pb.circuit(lambda x, w: pb.sum(x, axis=1) * w, name="layer"),
    lambda: pb.circuit(lambda x, w: x.reshape((x.shape[0], 1)) * w, name="layer"),
], ids=["matmul", "axis", "shape"])  # fmt: skip
def test_a_function_of_arrays_that_was_never_called_has_no_shapes_yet(make):
    with pytest.raises(CircuitError, match="no shapes") as caught:
        pb.compile(make())
    assert caught.value.fix == "pb.compile(layer.circuit(x, w))"


def test_a_function_that_no_call_can_make_a_circuit_of_says_why():
    with pytest.raises(CircuitError, match="if"):
        pb.compile(lambda_if := pb.circuit(lambda x: x if x > 0 else -x))
    assert not lambda_if.traces._known


# --- the inputs of a program ---


@every_executor
def test_the_inputs_that_a_circuit_has_are_named(executor):
    program = pb.compile(FIVE, executor=executor)
    with pytest.raises(ShapeError, match=r"has 5 inputs, got 2; they are a, x, b, \.\.\.$"):
        program.run([1.0, 2.0])
    with pytest.raises(ShapeError, match="has 5 inputs, got 2; they are a, x, b"):
        program.value_and_grad([1.0, 2.0])
    with pytest.raises(ShapeError, match="has 2 inputs, got 3; they are x, y"):
        pb.compile(pb.circuit("x * y"), executor=executor).run([1.0] * 3)


@every_executor
def test_rows_of_another_number_are_compiled_again(executor):
    f = pb.circuit(lambda x, w: pb.relu(x @ w))
    program = pb.compile(f.circuit(np.ones((32, 2)), np.ones((2, 3))), executor=executor)
    said = r"'x' has shape \(31, 2\), the circuit wants \(32, 2\)"
    with pytest.raises(ShapeError, match=said) as caught:
        program.run([np.ones((31, 2)), np.ones((2, 3))])
    assert "compile" in caught.value.fix


# --- gradients ---


@pytest.mark.parametrize("wrong", [None, 1.0, (0, 1.0), ("x", None), b"x"])
def test_what_is_no_position_or_name_is_refused(wrong):
    with pytest.raises(OptionError, match="wrt must be"):
        pb.grad(lambda x, y: x * y, wrt=wrong)
    with pytest.raises(OptionError, match="wrt must be"):
        pb.jacobian(lambda x, y: x * y, wrt=wrong)(1.0, 2.0)


def test_positions_may_come_from_numpy():
    f = pb.grad(lambda x, y: x * y, wrt=np.arange(2))
    assert f(2.0, 3.0) == (3.0, 2.0)
    assert pb.grad(lambda x, y: x * y, wrt=np.int64(1))(2.0, 3.0) == 2.0


@pytest.mark.parametrize(
    "given", [(2.0, 1.0), ((2.0,), 1.0), (2.0, (1.0,)), (None, None), ("x", "d")]
)
def test_jvp_and_hvp_take_lists(given):
    for way in (pb.jvp, pb.hvp):
        with pytest.raises(
            CircuitError, match=rf"{way.__name__} takes a list(.|\n)*Try: {way.__name__}"
        ):
            way(lambda x: x * x, *given)


def test_a_direction_is_nested_like_its_value():
    with pytest.raises(CircuitError, match="nested"):
        pb.jvp(lambda d: d["a"] * d["b"], ({"a": 1.0, "b": 2.0},), (1.0,))


@every_executor
@pytest.mark.parametrize("f", [pb.circuit("x * 2"), pb.circuit(LONG)], ids=["line", "tape"])
def test_an_output_that_is_not_there_is_refused(executor, f):
    program = pb.compile(f, executor=executor)
    for wrong in (9, 1, -1, None, "y", 0.5):
        with pytest.raises(CircuitError, match=r"no output .*; the circuit has 1"):
            program.value_and_grad([1.0], output=wrong)


@every_executor
@pytest.mark.parametrize("f", [pb.circuit("x * 2"), pb.circuit(LONG)], ids=["line", "tape"])
def test_a_force_has_the_shape_of_the_output(executor, f):
    program = pb.compile(f, executor=executor)
    with pytest.raises(
        ShapeError, match=r"the force has shape \(1,\), the output has \(\)"
    ) as caught:
        program.value_and_grad([1.0], force=[1.0])
    assert "one number" in caught.value.fix
    with pytest.raises(DtypeError, match="force"):
        program.value_and_grad([1.0], force="up")
    value, (pull,) = program.value_and_grad([1.0], force=2)
    assert pull == 2 * value


def test_one_number_forces_every_element():
    program = pb.compile(pb.circuit(lambda x: x * x).circuit(np.ones(3)))
    assert program.value_and_grad([np.ones(3)], force=2.0)[1][0].tolist() == [4.0] * 3
    with pytest.raises(ShapeError, match=r"the force has shape \(2,\), the output has \(3,\)"):
        program.value_and_grad([np.ones(3)], force=[1.0, 2.0])


@pytest.mark.parametrize("length", [4, 600])
def test_nothing_pulls_with_the_precision_of_the_input(length):
    def f(x, y):
        for _ in range(length):
            x = x * 0.5 + 1.0
        return x

    gradient = pb.grad(f, wrt=(0, 1))(1.0, np.float32(2))[1]
    expected = pb.circuit(f).grad(1.0, np.float32(2))["y"]
    assert (type(gradient), gradient) == (type(expected), 0.0)


# --- steps ---

STEP = pb.circuit("w - rate * x")


@every_executor
@pytest.mark.parametrize(
    ("carried", "columns", "said"),
    [
        ({0: 9}, [2], "output 9.*it has 1"),
        ({9: 0}, [2], "input 9.*it has 3: w, rate, x"),
        ({0: 0}, [9], "input 9.*it has 3: w, rate, x"),
        ({0: 0}, [-1], "input -1"),
        ({"w": 0}, [2], "input 'w'"),
        ({0: 0}, [0], "'w' is asked for twice"),
        ({0: 0}, [2, 2], "'x' is asked for twice"),
    ],
)
def test_steps_of_positions_that_are_not_there_are_refused(executor, carried, columns, said):
    with pytest.raises(PullbackError, match=said):
        compile_steps(
            STEP.circuit(), carried=carried, columns=columns, start=[1.0], executor=executor
        )


# --- what is asked of the environment ---


def test_a_misspelled_PULLBACK_BOUNDS_is_refused(monkeypatch):
    f = pb.circuit(lambda x: pb.tanh(x) * 2.0)
    monkeypatch.setenv("PULLBACK_BOUNDS", "chek")
    with pytest.raises(OptionError, match=r"PULLBACK_BOUNDS is 'chek'(.|\n)*PULLBACK_BOUNDS=check"):
        compile(f.circuit(np.ones(3)), executor="native").run([np.ones(3)])
