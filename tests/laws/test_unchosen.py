"""Below a gate that chooses, what was not chosen pulls with 0, never with NaN; ordinary nets pay nothing."""

import numpy as np
import pytest
from laws.asking import pull_circuit, pulls, run
from laws.gate_cases import both_precisions, circuit_of

import pullback as pb
from pullback.core.gate import GATES as G
from pullback.executors import EXECUTORS
from pullback.executors import unit as eager
from pullback.lens.transforms import jvp
from pullback.passes.backward import backward

# Each puts out a number that is not its steep input, whether that is finite, -infinity or NaN.
CHOOSERS = {
    "relu": lambda y: G["relu"](y - 1.0),
    "clamp from below": lambda y: G["clamp"](y, low=3.0),
    "clamp from above": lambda y: G["clamp"](-y, high=-3.0),
    "maximum": lambda y: G["maximum"](y, 3.0),
    "maximum, first": lambda y: G["maximum"](3.0, y, ties="first"),
    "minimum": lambda y: G["minimum"](-y, -3.0),
    "relu of relu": lambda y: G["relu"](G["relu"](y - 1.0) - 1.0),
    "where": lambda y: G["where"](y > 3.0, y, 3.0),
    "relu, then steep": lambda y: G["exp"](G["relu"](y - 1.0)),
    "relu beside more": lambda y: 2.0 * G["relu"](0.5 * y - 1.0) + 1.0,
    "xlogy of none": lambda y: G["xlogy"](0.0, y + 3.0),
}
ROWS = {
    "max": lambda y: G["max"](_beside(y)),
    "min": lambda y: G["min"](-_beside(y)),
    "max of an axis": lambda y: G["sum"](G["max"](_beside(y), axis=0)),
    "slice": lambda y: _beside(y)[1],
    "gather": lambda y: G["gather"](_beside(y), np.int64(1)),
    "pick": lambda y: G["pick"](_beside(y), np.int64(1)),
}
STEEP = {  # a function and the point where its slope, or its value, has no end
    "log": (lambda x: G["log"](x), 0.0),
    "log below 0": (lambda x: G["log"](x), -1.0),
    "log1p": (lambda x: G["log1p"](x), -1.0),
    "sqrt": (lambda x: G["sqrt"](x), 0.0),
    "sqrt of sqrt": (lambda x: G["sqrt"](G["sqrt"](x)), 0.0),
    "a broken power": (lambda x: x**0.5, 0.0),
    "a negative power": (lambda x: -(x**-2.0), 0.0),
    "a moving power": (lambda x: -(x ** (x - 1.0)), 0.0),
    "a quotient": (lambda x: -1.0 / x, 0.0),
    "0 / 0": (lambda x: x / x, 0.0),
    "exp": (lambda x: -G["exp"](x), 1e4),
    "expm1": (lambda x: -G["expm1"](x), 1e4),
    "x log x": (lambda x: x * G["log"](x), 0.0),
    "a curve of infinity": (lambda x: G["sin"](1.0 / x) - 3.0, 0.0),
    "xlogy": (lambda x: G["xlogy"](1.0, x), 0.0),
    "squares of a log": (lambda x: -(G["log"](x) ** 2.0), 0.0),
    "softplus of log below 0": (lambda x: G["softplus"](G["log"](x)), -1.0),
    "logaddexp": (lambda x: -G["logaddexp"](1.0 / x, 2.0), 0.0),
}
FOLDED = {
    "logsumexp": lambda x: -G["logsumexp"](_beside(1.0 / x)),
    "softmax": lambda x: G["softmax"](_beside(1.0 / x))[1],
    "log_softmax": lambda x: G["log_softmax"](_beside(1.0 / x))[0],
    "norm": lambda x: -G["norm"](_beside(1.0 / x)),
    "prod": lambda x: -G["prod"](_beside(1.0 / x)),
    "mean": lambda x: G["mean"](-_beside(1.0 / x)),
    "dot": lambda x: -G["dot"](_beside(1.0 / x), np.array([1.0, 2.0])),
    "matmul": lambda x: (_beside(-1.0 / x).reshape((1, 2)) @ np.array([[1.0], [2.0]]))[0, 0],
}
every_chooser = pytest.mark.parametrize("choose", [*CHOOSERS.values()], ids=[*CHOOSERS])
every_executor = pytest.mark.parametrize("executor", EXECUTORS)
every_steep = pytest.mark.parametrize(("f", "at"), [*STEEP.values()], ids=[*STEEP])


def _beside(y):
    """[y, 3]"""
    return G["where"](np.array([True, False]), G["broadcast_to"](y, shape=(2,)), 3.0)


def pull(function, at, executor="reference", dtype=np.float64):
    x, one = dtype(at), dtype(1.0)
    return pulls(circuit_of(function, x), [x], [one], executor)[0]


def wrong(asked, choosers):
    """The choosers below which `asked` gives anything but 0."""
    return [name for name, choose in choosers.items() if not np.all(asked(choose) == 0.0)]


@every_steep
def test_what_was_not_chosen_pulls_with_0(f, at):
    assert wrong(lambda choose: pull(lambda x: choose(f(x)), at), CHOOSERS | ROWS) == []


@every_steep
def test_the_native_executor_pulls_it_with_0_too(f, at):
    circuit = circuit_of(lambda x: tuple(c(f(x)) for c in (CHOOSERS | ROWS).values()), at)
    back = backward(circuit, range(len(circuit.outputs)))
    branches = back.branches[circuit.inputs[0]]
    asked = back.asking([b.pull for b in branches])
    forces = [np.float64(1.0) for _ in back.forces]
    assert not np.any(run(asked, [np.float64(at), *forces], "native"))


@pytest.mark.parametrize("f", [*FOLDED.values()], ids=[*FOLDED])
def test_a_row_that_was_not_chosen_pulls_with_0(f):
    assert wrong(lambda choose: pull(lambda x: choose(f(x)), 0.0), CHOOSERS) == []


@every_chooser
@both_precisions
@every_executor
def test_arrays_of_both_precisions_keep_what_is_chosen(choose, dtype, executor):
    x = np.array([0.0, 40.0], dtype)
    circuit = circuit_of(lambda x: choose(G["sqrt"](x)), x)
    (found,) = pulls(circuit, [x], [np.ones(2, dtype)], executor)
    alone = pull(lambda x: choose(G["sqrt"](x)), 40.0)
    assert found[0] == 0.0
    assert float(found[1]) == pytest.approx(alone, rel=float(16 * np.finfo(dtype).eps))


@every_steep
@pytest.mark.parametrize("native", [True, False])
def test_units_pull_as_circuits_do(f, at, native, monkeypatch):
    if not native:
        monkeypatch.setattr(eager, "native_type", lambda: None)
    assert wrong(lambda choose: unit_pull(lambda x: choose(f(x)), at), CHOOSERS) == []


def unit_pull(function, at):
    x = pb.Unit(at)
    function(x).backward()
    return x.grad


@every_steep
def test_second_pulls_and_movements_of_what_was_not_chosen_are_0(f, at):
    assert wrong(lambda choose: second_pull(lambda x: choose(f(x)), at), CHOOSERS) == []
    assert wrong(lambda choose: jvp(lambda x: choose(f(x)), (at,), (1.0,))[1], CHOOSERS) == []


def second_pull(function, at):
    first, _ = pull_circuit(circuit_of(function, at))
    return pulls(first, [at, 1.0], [np.float64(1.0)])[0]


@pytest.mark.parametrize("choose", [G["relu"], lambda y: G["maximum"](y, -5.0)])
def test_what_was_chosen_keeps_its_infinite_slope(choose):
    assert pull(lambda x: choose(G["sqrt"](x) + 1.0), 0.0) == np.inf


@pytest.mark.parametrize("after", [lambda y: y, G["exp"], lambda y: G["absolute"](y - 7.0)])
def test_a_force_of_0_that_no_choice_made_is_still_multiplied(after):
    # 0 * infinity of a person's own force: nothing was chosen, so nothing is known.
    assert np.isnan(pull(lambda x: G["sqrt"](x) * 0.0 * after(x), 0.0))


def user_gate_below_a_choice():
    @pb.gate
    def steep_of_a_test(x):
        return np.sqrt(x)

    @steep_of_a_test.pulls
    def d_steep_of_a_test(dy, y, x):
        return 0.5 * dy / y

    return steep_of_a_test


def user_recipe_that_chooses():
    @pb.recipe
    def floor_of_a_test(x):
        return G["maximum"](G["log"](x), -10.0)

    return floor_of_a_test


def test_gates_and_recipes_of_a_user_are_guarded_without_a_word():
    steep, recipe = user_gate_below_a_choice(), user_recipe_that_chooses()
    try:
        assert pull(lambda x: G["relu"](steep(x) - 1.0), 0.0) == 0.0
        assert pull(recipe, 0.0) == 0.0
        assert pull(lambda x: recipe(G["sqrt"](x)), 0.0) == 0.0
        unit = pb.Unit(0.0)
        recipe(unit).backward()
        assert unit.grad == 0.0
    finally:
        del G["steep_of_a_test"], G["floor_of_a_test"]


def net(x, W, V):
    hidden = G["relu"](x @ W + 1.0)
    scores = G["clamp"](G["maximum"](hidden @ V, -5.0), low=-9.0)
    squares = G["tanh"](scores * scores) + scores**2.0 / 3.0
    return G["relu"](1.0 - squares * x[0, 0]).mean()


def test_an_ordinary_net_has_no_guard():
    shapes = [np.ones((4, 3)), np.ones((3, 5)), np.ones((5, 3))]
    back = backward(circuit_of(net, *shapes))
    rows = [back.circuit.row(w) for w in range(len(back.forward), len(back.circuit))]
    # A guard asks whether a pull is NaN: whether it differs from itself.
    assert [r for r in rows if r.gate and r.gate.name == "equal" and len({*r.inputs}) == 1] == []
