"""Units and circuits are one thing: the same bits in every value and every pull; plain numbers too."""

import copy
import gc
import math
import operator
import pickle  # noqa: TID251  (what comes from here)
import subprocess
import sys

import numpy as np
import pytest
from laws.asking import same_bits
from laws.random_circuits import ANYTHING, HARD, random_circuit

import pullback as pb
from pullback.core.gate import GATES
from pullback.errors import CircuitError, DtypeError, GateError, PullbackError, ShapeError
from pullback.executors import unit as eager

CIRCUITS = 5_000
CHUNK = 500
DEEP = 30_000  # gates in a row: far beyond any recursion limit

FIRST, *REST = [range(100)] + [range(max(s, 100), s + CHUNK) for s in range(0, CIRCUITS, CHUNK)]
every_chunk = pytest.mark.parametrize(
    "seeds", [FIRST, *(pytest.param(r, marks=pytest.mark.slow) for r in REST)], ids=str
)


@pytest.fixture(autouse=True, params=["native", "plain"])
def kind(request, monkeypatch):
    """Every law is asked of both kinds of Unit: the native type, and plain Python without it."""
    if request.param == "plain":
        monkeypatch.setattr(eager, "native_type", lambda: None)
    return request.param


def asked(seed):
    """The circuit of a seed and its inputs: every other one with NaN, infinities and zeros of both signs."""
    circuit = random_circuit(seed, ANYTHING)
    return circuit, circuit.hard(np.random.default_rng(seed)) if seed % 2 else circuit.values


def by_circuit(function, values):
    """The output and the pull on each input; None where nothing pulls."""
    run = pb.circuit(function).run(*values)
    wires = [*run.circuit.outputs, *(run.view.back.pulls[w] for w in run.circuit.inputs)]
    return [None if w < 0 else run.values[w] for w in wires]


def by_units(function, values):
    units = [pb.Unit(v) for v in values]
    out = function(*units)
    out.backward()
    return [out.value, *(u.grad for u in units)]


@every_chunk
@pytest.mark.parametrize("kind", ["native"], indirect=True)  # and the plain ones beside them
def test_units_circuits_and_plain_numbers_agree_to_the_last_bit(seeds, kind, monkeypatch):
    assert [seed for seed in seeds if not all_agree(*asked(seed), monkeypatch)] == []


def all_agree(function, values, monkeypatch):
    by = by_circuit(function, values)
    found = [by_units(function, values)]
    with monkeypatch.context() as patched:
        patched.setattr(eager, "native_type", lambda: None)
        found.append(by_units(function, values))
    pairs = [pair for units in found for pair in zip(units, by, strict=True)]
    pairs.append((function(*values), by[0]))
    return all((one is other is None) or same_bits(one, other) for one, other in pairs)


def test_the_native_type_is_made_where_llvmlite_is(kind):
    pytest.importorskip("llvmlite")
    assert isinstance(pb.Unit(1.0), eager.PlainUnit) == (kind == "plain")


ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
COMPARISONS = [getattr(operator, name) for name in ("lt", "le", "gt", "ge", "eq", "ne")]
HELD = [np.asarray(v, d)[()] for d in ("f8", "f4", "i8", "?") for v in (0.1, 3, [1, 0])]
HUGE = 10**400
BESIDE = [2, -3, 0.1, True, HUGE, np.float32(0.1), np.float64(0.1), np.int64(3), np.array([2, 5])]


def outcome(function, *values):
    """What comes out, to the last bit, or the kind of refusal."""
    try:
        y = np.asarray(eager.value_of(function(*values)))
    except PullbackError as refused:
        return type(refused)
    return y.dtype, y.shape, y.tobytes()


def both_sides(apply, number):
    """The operator with the number on its right, and on its left."""
    return [lambda x: apply(x, number), lambda x: apply(number, x)]


@pytest.mark.parametrize("apply", ARITHMETIC + COMPARISONS)
def test_an_operator_on_a_unit_of_any_dtype_gives_what_the_circuit_gives(apply):
    every = (
        apply in ARITHMETIC
    )  # comparing with HUGE is a law of its own; a bool wire takes 2 for True
    beside = [n for n in BESIDE if every or n is not HUGE]
    numbers = [held for held in HELD if every or held.dtype != bool]
    asked = [(side, held) for n in beside for side in both_sides(apply, n) for held in numbers]
    found = [outcome(side, pb.Unit(held)) for side, held in asked]
    assert found == [outcome(pb.circuit(side), held) for side, held in asked]


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("huge", [HUGE, -HUGE], ids=["HUGE", "-HUGE"])
def test_a_unit_beside_an_integer_beyond_floats_compares_as_in_python(compare, huge):
    numbers = [*HELD, *map(np.float64, (math.nan, math.inf, -math.inf))]
    found = [np.ravel(compare(pb.Unit(number), huge)).tolist() for number in numbers]
    assert found == [[compare(x, huge) for x in number.ravel().tolist()] for number in numbers]


TWO_NUMBERS = [g for g in GATES.values() if len(g.inputs) == 2 and g.elementwise and not g.kinds]


@pytest.mark.parametrize("held", [1.0, [1.0]], ids=repr)
@pytest.mark.parametrize("gate", TWO_NUMBERS, ids=str)
def test_an_integer_beyond_floats_beside_a_unit_is_refused(gate, held):
    with pytest.raises(DtypeError, match="too large for float64"):
        gate(pb.Unit(held), HUGE)


def test_the_circuits_of_these_laws_meet_every_hard_number_and_both_precisions():
    values = [np.asarray(v) for s in range(1, CHUNK, 2) for v in asked(s)[1]]
    met = {str(x) for v in values if v.dtype == np.float64 for x in v.flat}
    assert {str(np.float64(x)) for x in HARD} <= met
    assert {v.dtype.name for v in values} == {"float64", "float32"}


def test_the_circuits_of_these_laws_use_every_gate_they_can():
    used = {step.gate.name for s in range(CHUNK) for step in asked(s)[0].steps}
    other_gates_pulls = {"unpick", "scatter_add", "unslice"}
    ours = {name for name, g in GATES.items() if g.__module__.startswith("pullback.gates")}
    assert ours - used == other_gates_pulls


def test_backward_twice_gives_the_same_grads():
    x = pb.Unit(3.0)
    y = x * x
    y.backward()
    y.backward()
    assert x.grad == 6.0


def test_backward_can_accumulate():
    x = pb.Unit(3.0)
    y = x * x
    y.backward()
    y.backward(accumulate=True)
    assert x.grad == 12.0


def test_a_grad_is_none_before_anything_pulls():
    x, y = pb.Unit(3.0), pb.Unit(2.0)
    (x * 1.0).backward()
    assert (x.grad, y.grad) == (1.0, None)


def test_stepping_a_gate_that_nothing_pulls_is_refused():
    y = pb.Unit(3.0) * pb.Unit(2.0)
    with pytest.raises(CircuitError, match="nothing pulls on the output of this multiply gate yet"):
        y.gate.backward()


def test_stepping_every_gate_in_reverse_is_the_whole_backward_pass():
    x, y = pb.Unit(0.7), pb.Unit(-0.4)
    q = x * y
    s = pb.sigmoid(q)
    f = s + q * x
    stepped = [f, f.gate.inputs[1], s, q]
    f.grad = 1.0
    for unit in stepped:
        unit.gate.backward()
    by_hand = [x.grad, y.grad]
    f.backward()
    assert [x.grad, y.grad] == by_hand


def test_a_force_of_an_array_pulls_element_by_element():
    x = pb.Unit([1.0, 2.0, 3.0])
    (x * x).backward(force=np.array([1.0, 0.0, -1.0]))
    assert x.grad.tolist() == [2.0, 0.0, -6.0]


def test_a_gate_that_is_called_in_any_way_gives_the_same():
    x = pb.Unit(-0.75)
    found = [pb.maximum(x, 0.5), pb.maximum(0.5, x), pb.maximum(np.float64(0.5), x)]
    found += [pb.maximum(x, 0.5, ties="first"), pb.maximum(*[pb.Unit(0.5), x]), pb.maximum(x, 0.5)]
    assert {float(unit.value) for unit in found} == {0.5}
    assert pb.relu(-0.75) == 0.0
    with pytest.raises(GateError, match="relu takes 1 "):
        pb.relu(x, x)


class Mine(pb.Unit):
    def __init__(self, value, colour="red"):
        super().__init__(value)
        self.colour = colour

    def twice(self):
        return self + self


def test_a_subclass_of_your_own_computes_and_its_results_are_units():
    x, y = Mine(3.0), pb.Unit(2.0)
    z = pb.relu(x.twice() * y - x / 2.0 + pb.tanh(0.0 * x))
    z.backward()
    assert (z.value, x.grad, y.grad) == (10.5, 3.5, 6.0)
    assert (type(x).__name__, x.colour, isinstance(x, Mine)) == ("Mine", "red", True)
    assert (isinstance(z, pb.Unit), isinstance(z, Mine)) == (True, False)


def test_a_deep_chain_of_units_needs_no_recursion():
    x = pb.Unit(1.0)
    y = x
    for _ in range(DEEP):
        y = y + 1.0
    y.backward()
    assert (y.value, x.grad) == (1.0 + DEEP, 1.0)


def test_a_graph_that_nobody_holds_any_more_is_freed():
    gc.collect()
    x = pb.Unit(0.5)
    pb.tanh(x * x + 1.0).backward()
    before = sys.getrefcount(type(x)), len(gc.get_objects())
    for _ in range(20):
        y = chain(x, 50)
        y.backward(accumulate=True)
    del y
    x.grad = None
    assert sys.getrefcount(type(x)) <= before[0] + 2
    assert len(gc.get_objects()) <= before[1] + 100


@pytest.mark.slow
def test_memory_does_not_grow_with_the_steps_of_a_training(kind):
    resource = pytest.importorskip("resource")
    x, peaks = pb.Unit(0.5), []
    for _ in range(30):
        chain(x, 20_000 if kind == "native" else 500).backward()
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert peaks[-1] <= peaks[4] * 1.02


def chain(x, length):
    """A chain that branches: every number is used twice."""
    for _ in range(length):
        x = x * 0.5 + x * x
    return x


GARBAGE = """
import gc
import pullback as pb
units = [pb.Unit(float(i)) for i in range(2000)]
cycle = {i: [u, u * u] for i, u in enumerate(units)}
cycle["self"] = cycle
for _ in range(5):
    gc.collect()
del cycle
gc.collect()
print(sum(u.value for u in units))
"""


def test_units_in_containers_are_safe_from_the_garbage_collector():
    ended = subprocess.run([sys.executable, "-c", GARBAGE], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout.split()) == (0, ["1999000.0"])


WITHOUT = """
import sys
sys.modules["llvmlite"] = None
import pullback as pb
x = pb.Unit(2.0)
y = x * x
y.backward()
print(type(x).__name__, x.grad)
"""


def test_without_llvmlite_units_are_held_by_python_and_nothing_is_said():
    command = [sys.executable, "-W", "error", "-c", WITHOUT]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.stdout.split(), ended.stderr) == (["PlainUnit", "4.0"], "")


def test_units_may_outlive_everything_else():
    code = "import pullback as pb; x = pb.Unit(2.0); import sys; sys.keep = x * x + x"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_gates_that_lie_far_apart_in_time_are_pulled_in_their_order():
    x = pb.Unit(1.5)
    made = [x]
    for i in range(6):
        made.append(made[-1] * x + made[i // 2])
        for _ in range(9_000):
            x + 1.0  # births between
    y = made[-1] * made[2]
    y.backward()
    once = float(x.grad)
    y.backward(accumulate=True)
    slope = pb.grad(history)(1.5)
    assert (once, float(x.grad)) == (slope, 2 * slope)


def history(x):
    made = [x]
    for i in range(6):
        made.append(made[-1] * x + made[i // 2])
    return made[-1] * made[2]


def test_native_units_arrays_and_other_precisions_make_one_graph():
    x, w = pb.Unit(2.0), pb.Unit([1.0, 3.0])
    h = x * x
    y = pb.sum(w * h + pb.Unit(np.float32(0.5)))
    y.backward()
    assert (float(y.value), float(x.grad), w.grad.tolist()) == (17.0, 16.0, [4.0, 4.0])


def test_a_rule_changed_afterwards_is_the_one_that_pulls(monkeypatch):
    x = pb.Unit(2.0)
    y = pb.tanh(x)
    monkeypatch.setattr(pb.tanh, "rule", lambda dy, y, x: 100.0 * dy)
    y.backward()
    assert x.grad == 100.0


@pytest.mark.parametrize("broken", ["text", None, [1.0, 2.0]])
def test_a_native_value_stays_a_number(broken, kind):
    x = pb.Unit(1.0)
    if kind == "plain":
        pytest.skip("Python holds anything")
    with pytest.raises(TypeError):
        x.value = broken
    assert x.value == 1.0


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_same_number_without_its_history(way):
    x = pb.Unit(3.0, name="x")
    y = x * x
    y.backward()
    again = way(x)
    again.value = 5.0
    assert (x.value, again.grad, again.name, way(y).gate) == (3.0, 6.0, "x", None)


def pickled(x):
    return pickle.loads(pickle.dumps(x))  # noqa: S301


@pytest.mark.parametrize("held", HELD, ids=repr)
@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickled])
def test_a_unit_is_copied_and_pickled_with_number_grad_and_name_alone(way, held):
    x = pb.Unit(held, name="x") * 1
    x.grad, x.name = held, "y"
    again = way(x)
    assert (type(again), again.gate, again.name) == (type(x), None, "y")
    assert same_bits(again.value, x.value)
    assert same_bits(again.grad, x.grad)
    assert again.order > x.order  # as for any Unit that is new: what comes of it pulls it later


class Costly(pb.Unit):
    def __init__(self, value, price):
        super().__init__(value)
        self.price = price


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_subclass_keeps_what_else_it_has(way):
    x = Costly(2.0, [5])
    x.itself = x
    again = way(x)
    assert (type(again), again.value, again.price) == (type(x), 2.0, [5])
    assert (again.price is x.price, again.itself is x) == ((way is copy.copy,) * 2)


@pytest.mark.parametrize("force", [[[1.0]], [[1.0, 2.0]], [1.0, 2.0, 3.0], []], ids=str)
@pytest.mark.parametrize("held", [2.0, [2.0, 3.0], np.float32(2.0)], ids=repr)
def test_a_force_of_another_shape_is_refused_as_by_circuits(held, force):
    with pytest.raises(CircuitError) as told:
        pb.circuit(lambda x: x * 2.0).run(pb.Unit(held).value, force=force)
    with pytest.raises(ShapeError) as told_by_unit:
        (pb.Unit(held) * 2.0).backward(force)
    assert str(told_by_unit.value) == str(told.value)


def test_a_power_with_a_modulus_is_refused():
    with pytest.raises(TypeError):
        pow(pb.Unit(2.0), 3, 5)


def test_pythons_own_if_works_on_units():
    x = pb.Unit(-2.0)
    y = x if x > 0 else -x
    y.backward()
    assert (y.value, x.grad) == (2.0, -1.0)
