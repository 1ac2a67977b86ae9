"""`pullback.compile` as a person uses it: a circuit in, lists in and out, and mistakes said plainly."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import CircuitError, DtypeError, ShapeError
from pullback.executors.native.scalars.program import NativeProgram
from pullback.train import SGD, Plan

every_executor = pytest.mark.parametrize("executor", ["auto", "native", "reference"])
LONG = "+".join(f"x*{n}.5" for n in range(1, 200))  # too long for a straight line


def small():
    return pb.circuit("x * y")


def wide():
    f = pb.circuit(lambda x, w: pb.relu(x @ w))
    f(np.ones((2, 3)), np.ones((3, 4)))
    return f


@every_executor
def test_a_function_is_compiled_for_single_numbers_or_for_its_latest_call(executor):
    assert pb.compile(small(), executor=executor).run([3.0, 4.0]) == [12.0]
    (y,) = pb.compile(wide(), executor=executor).run([np.ones((2, 3)), np.eye(3, 4)])
    assert y.tolist() == [[1.0, 1.0, 1.0, 0.0]] * 2


@every_executor
@pytest.mark.parametrize("f", [small(), wide(), pb.circuit(LONG)], ids=["one", "array", "tape"])
@pytest.mark.parametrize("given", [2.0, {"x": 1.0}, None], ids=["number", "dict", "nothing"])
def test_what_is_no_list_is_refused_with_the_list_to_give(executor, f, given):
    program = pb.compile(f, executor=executor)
    with pytest.raises(CircuitError, match=r"takes a list.*\n.*program\.run\(\[x"):
        program.run(given)


@every_executor
@pytest.mark.parametrize("f", [small(), wide()], ids=["one", "array"])
def test_too_few_or_too_many_inputs_are_counted(executor, f):
    program = pb.compile(f, executor=executor)
    for count in (0, 1, 3):
        with pytest.raises(ShapeError, match=f"has 2 inputs, got {count}"):
            program.run([1.0] * count)


@every_executor
@pytest.mark.parametrize("f", [pb.circuit("x * 2"), pb.circuit(LONG)], ids=["one", "tape"])
def test_a_whole_number_too_large_is_refused_by_name(executor, f):
    program = pb.compile(f, executor=executor)
    with pytest.raises(DtypeError, match="'x' is an integer too large for float64"):
        program.run([10**400])


def test_what_is_no_circuit_is_refused_with_the_way_to_one():
    with pytest.raises(CircuitError, match=r"got function(.|\n)*pb\.circuit"):
        pb.compile(lambda x: x)


@every_executor
def test_a_program_says_what_it_runs(executor):
    said = repr(pb.compile(wide(), executor=executor))
    assert said.endswith("Program for <Circuit of 2 gates: x (2, 3) float64, w (3, 4) float64>>")


@pytest.mark.parametrize("k", [1.0, 2.0])
def test_a_recipe_that_was_written_anew_is_compiled_anew(k, tmp_path_factory, monkeypatch):
    """The second time there is machine code of another recipe with this name on disk."""
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path_factory.getbasetemp() / "recipes"))

    @pb.recipe
    def squared_times(x):
        return x * x * k

    f = pb.circuit(lambda w, x: squared_times(w) * x, parameters="w")
    mapped = f.map(w=3.0, x=[1.0, 2.0])
    assert (mapped.value.tolist(), mapped.grads["w"]) == ([9.0 * k, 18.0 * k], 18.0 * k)
    plan = Plan(batch_size=1, max_epochs=1)
    made = f.fit({"w": 1.0, "x": np.ones(1)}, plan=plan, optimizer=SGD(0.125))
    assert (made.losses, made["w"]) == ([k], 1.0 - 0.25 * k)


@pytest.mark.parametrize(("inputs", "outputs"), [(12_000, 1), (1, 6_000)])
def test_many_inputs_or_outputs_make_no_straight_line_however_few_gates_there_are(inputs, outputs):
    """Compiling a straight line takes the square of them: half a minute here."""
    names = [f"x{i}" for i in range(inputs)]
    f = pb.circuit(lambda x: [x[names[0]] * x[names[-1]]] * outputs)
    program = pb.compile(f.circuit(dict.fromkeys(names, 1.5)))
    assert not isinstance(program, NativeProgram)
    assert program.run([1.5] * inputs) == [2.25] * outputs


def asked_in_turn(f):
    """Ways to ask for one shape and then another one, back and forth."""
    yield lambda x: f(x)
    yield lambda x: f.run(x)
    yield lambda x: f.value_and_grad(x)
    yield lambda x: f.grad(x)
    yield lambda x: f.circuit(x)
    yield lambda x: f.draw(x)
    yield lambda x: f.explain("y", x)
    yield lambda x: f.gradcheck(x)
    yield lambda x: pb.grad(f)(x)
    yield lambda x: pb.vjp(f, x)


WAYS = range(10)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sizes", [(3, 4), (3, 4, 3), (4, 3, 3, 4, 3)])
def test_the_latest_call_is_what_is_compiled_saved_and_drawn(way, sizes, tmp_path):
    f = pb.circuit(lambda x: pb.sum(x * x).named("y"), name="f")
    ask = list(asked_in_turn(f))[way]
    for size in sizes:
        ask(np.ones(size))
    wanted = sizes[-1]
    assert float(pb.compile(f).run([np.ones(wanted)])[0]) == wanted
    pb.save(tmp_path / "f.safetensors", f)
    assert float(pb.load(tmp_path / "f.safetensors")(np.ones(wanted))) == wanted
    assert f.latest().circuit.specs[0].shape == (wanted,)


def test_the_latest_call_has_its_settings():
    def power(x, *, times=1):
        y = x
        for _ in range(times):
            y = y * x
        return pb.sum(y)

    f = pb.circuit(power)
    f(np.ones(3), times=2)
    f(np.full(4, 2.0), times=3)
    assert float(pb.compile(f).run([np.full(4, 2.0)])[0]) == 4 * 2.0**4
    f.grad(np.ones(3))
    assert pb.compile(f).run([np.full(3, 2.0)])[0] == 3 * 2.0**2


def test_a_training_is_a_call_of_a_full_batch():
    f = pb.circuit("loss = (w*x - y) ** 2", parameters="w")
    f(1.0, 2.0, 3.0)
    data = {"w": 0.0, "x": np.ones(10), "y": np.ones(10)}
    f.fit(data, plan=Plan(batch_size=4, max_epochs=1), optimizer=SGD(0.1))
    assert f.latest().circuit.spec_of(1).shape == (4,)
    f.training_source("numpy", data, plan=Plan(batch_size=3), optimizer=SGD(0.1))
    assert f.latest().circuit.spec_of(1).shape == (3,)
