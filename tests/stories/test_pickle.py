"""What pools and grid searches send to other processes: gates, circuits, functions, programs and models."""

import copy
import pickle  # noqa: TID251  (what comes from here)
import subprocess
import sys

import numpy as np
import pytest
from laws.asking import same_bits
from laws.gate_cases import ALL_CASES

import pullback as pb
from pullback import errors
from pullback.core.file import circuit_of_bytes, to_bytes
from pullback.core.gate import GATES
from pullback.errors import CircuitError, FileError, GateError, UnknownName
from pullback.executors import compile_map, compile_steps

X = np.random.default_rng(0).normal(size=(60, 3))
LABELS = np.where(X[:, 0] > 0, "up", "down")
GIVEN = [1.5, -2.0]


def again(thing):
    return pickle.loads(pickle.dumps(thing))  # noqa: S301


@pb.gate(py="({x} * {x} * {x})")
def cube_here(x):
    """y = x^3."""
    return x * x * x


@cube_here.pulls
def d_cube_here(dy, y, x):
    return 3 * x * x * dy


@pb.circuit(parameters="w")
def loss_here(w, x):
    q = w * x
    return q * q


def product_here(w, x):
    return w * w * x


def plain_here(a, b):
    return {"sum": a[0] + a[1], "b": b}


WAYS = pytest.mark.parametrize("way", [again, copy.copy, copy.deepcopy])


@WAYS
def test_every_gate_is_itself_again(way):
    ours = [gate for gate in GATES.values() if gate.__module__.startswith("pullback.")]
    assert len(ours) > 40
    assert [gate for gate in (*ours, cube_here) if way(gate) is not gate] == []


def test_a_gate_whose_name_means_another_is_refused():
    def doubled_here(x):
        """y = 2 x."""
        return 2 * x

    first = pb.gate(doubled_here)
    assert again(first) is first
    pb.gate(doubled_here)
    with pytest.raises(GateError, match="'doubled_here' cannot be pickled"):
        pickle.dumps(first)


def test_a_gate_that_was_not_declared_is_unknown():
    data = pickle.dumps(pb.gate(lambda_like())).replace(b"named_here", b"namex_here")
    with pytest.raises(UnknownName, match="namex_here"):
        pickle.loads(data)  # noqa: S301


def lambda_like():
    def named_here(x):
        """y = x."""
        return x

    return named_here


def test_the_circuit_of_every_gate_has_the_same_bytes_again():
    circuits = [case.circuit() for case in ALL_CASES[::4]]
    assert [c for c in circuits if to_bytes(again(c)) != to_bytes(c)] == []
    assert [c for c in circuits if not copy.copy(c) is copy.deepcopy(c) is c] == []


def test_a_pickled_circuit_that_was_changed_is_refused_as_a_file_is():
    circuit = pb.circuit("(x+y)*z").circuit()
    data = bytearray(circuit.__reduce__()[1][0])
    data[len(data) // 2] ^= 1
    for wrong in (bytes(data), b"", to_bytes(arrays={"w": np.ones(2)})):
        with pytest.raises(FileError):
            circuit_of_bytes(wrong)


FUNCTIONS = {
    "text": pb.circuit("q = x*y; q + tanh(x)", parameters="x"),
    "a decorated function": loss_here,
    "a function": pb.circuit(product_here, name="other", frozen="x"),
    "a lambda": pb.circuit(lambda x, y: pb.tanh(x) * y, parameters="y"),
    "an expanded function": pb.circuit("sigmoid(x) * y").expand(),
    "a gate of one's own": pb.circuit(lambda x, y: cube_here(x) - y),
}


@WAYS
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_circuit_function_gives_the_same_again(name, way):
    f = FUNCTIONS[name]
    g = way(f)
    assert (g(*GIVEN), g.grad(*GIVEN)) == (f(*GIVEN), f.grad(*GIVEN))
    wanted = {parameter: f.roles.get(parameter, "data") for parameter in f.parameters}
    assert (g.name, {p: g.roles.get(p, "data") for p in g.parameters}) == (f.name, wanted)


def test_a_decorated_function_is_itself_and_knows_every_shape():
    assert again(loss_here) is loss_here
    assert again(FUNCTIONS["a function"])(2.0, np.ones(3)).tolist() == [4.0] * 3


def test_a_function_of_a_module_keeps_nested_inputs_and_results():
    f = again(pb.circuit(plain_here))
    assert f((1.0, 2.0), 3.0) == {"sum": 3.0, "b": 3.0}


def test_a_lambda_is_the_circuit_it_was_last_run_as():
    f = pb.circuit(lambda W, x: W @ x)
    f(np.ones((2, 3)), np.ones(3))
    assert again(f)(np.ones((2, 3)), np.arange(3.0)).tolist() == [3.0, 3.0]
    with pytest.raises(CircuitError, match="one set of shapes"):
        again(f)(np.ones((3, 3)), np.ones(3))


def test_an_opened_element_keeps_its_numbers():
    x = np.arange(6.0).reshape(2, 3)
    opened = pb.circuit(lambda x: pb.sum(x * x, axis=1)).open("f", (1,), x)
    assert again(opened)() == opened() == 50.0


LOST = {
    "not called yet": (lambda: pb.circuit(lambda W, x: W @ x), "was not called yet"),
    "nested inputs": (
        lambda: called(pb.circuit(lambda a: a[0] * a[1]), (X, 2.0)),
        "lists, tuples",
    ),
    "a dict": (lambda: called(pb.circuit(lambda x: {"y": x * x}), 2.0), "lists, tuples and dicts"),
    "a setting": (lambda: pb.circuit(lambda x, *, n=2: x * n), r"its settings"),
}


def called(f, *values):
    f(*values)
    return f


@pytest.mark.parametrize("name", LOST)
def test_a_lambda_that_would_lose_something_is_refused_with_what_to_do(name):
    make, why = LOST[name]
    with pytest.raises(CircuitError, match=why) as told:
        pickle.dumps(make())
    assert "in a module, with @pb.circuit" in str(told.value)


@WAYS
@pytest.mark.parametrize("executor", ["reference", "native"])
def test_a_program_computes_the_same_again(executor, way):
    f = pb.circuit("q = x*y; q + tanh(x)")
    wide = pb.circuit(lambda x, w: pb.tanh(x @ w))
    inputs = [X, np.ones((3, 2))]
    for circuit, given in ((f.circuit(), GIVEN), (wide.circuit(*inputs), inputs)):
        program = pb.compile(circuit, executor=executor)
        made = way(program)
        assert type(made) is type(program)
        assert all(map(same_bits, made.run(given), program.run(given)))


@WAYS
@pytest.mark.parametrize("executor", ["reference", "native"])
def test_maps_and_steps_go_on_where_they_were(executor, way):
    circuit = pb.circuit("w - rate * x").circuit()
    points = way(compile_map(circuit, mapped=[0], executor=executor))
    assert points.run([[1.0, 2.0], 0.5, 1.0])[0].tolist() == [0.5, 1.5]
    how = {"carried": {0: 0}, "columns": [2], "start": [5.0], "fixed": [0.5]}
    steps = compile_steps(circuit, executor=executor, **how)
    steps.step(2.0)
    made = way(steps)
    made.step(2.0), steps.step(2.0)
    assert (type(made), made.carried) == (type(steps), [3.0])


MODELS = [(pb.MLPClassifier, LABELS), (pb.MLPRegressor, X[:, 1])]


@WAYS
@pytest.mark.parametrize(("kind", "y"), MODELS, ids=["MLPClassifier", "MLPRegressor"])
def test_a_trained_model_predicts_the_same_bits_again(kind, y, way):
    model = kind((5,), max_epochs=2).fit(X, y)
    model.note = "mine"
    made = way(model)
    assert (made.predict(X) == model.predict(X)).all()
    assert (made.note, made.options(), repr(way(kind((5,))))) == (
        "mine",
        model.options(),
        repr(model),
    )


SPAWN = """
import multiprocessing
import numpy as np
import pullback as pb

@pb.circuit
def decorated(x, y):
    return pb.tanh(x) * y

def work(job):
    kind, thing, given = job
    if kind == "model":
        return thing.predict(given).tolist()
    if kind == "gate":
        return float(thing(given))
    if kind == "program":
        return float(thing.run(given)[0])
    return float(thing(*given))

if __name__ == "__main__":
    X = np.arange(12.0).reshape(6, 2)
    model = pb.MLPClassifier((3,), max_epochs=2).fit(X, X[:, 0] > 4)
    text, local = pb.circuit("x*y + x"), pb.circuit(lambda x, y: x - y)
    jobs = [("gate", pb.tanh, 0.5), ("text", text, (2.0, 3.0)), ("local", local, (2.0, 3.0)),
            ("decorated", decorated, (2.0, 3.0)), ("program", pb.compile(text), [2.0, 3.0]),
            ("model", model, X)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(work, jobs)
    print(found == [work(job) for job in jobs], len(found))
"""


def test_a_pool_of_new_processes_gets_and_gives_all_of_them(tmp_path):
    script = tmp_path / "pool.py"
    script.write_text(SPAWN)
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=300
    )
    assert (ended.stdout.split(), ended.stderr) == (["True", "6"], "")


@WAYS
def test_every_error_arrives_whole_from_another_process(way):
    kinds = [
        getattr(errors, name) for name in vars(errors) if name.endswith(("Error", "Name", "Extra"))
    ]
    raised = [
        kind("what", where=["w"], why="y", fix="f")
        for kind in kinds
        if kind is not errors.ExpressionError
    ]
    assert len(raised) > 12
    raised.append(errors.ExpressionError("what", text="x *", position=3, why="y", fix="f"))
    for error in raised:
        back = way(error)
        assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))
