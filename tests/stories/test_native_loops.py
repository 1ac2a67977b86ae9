"""Training loops and maps as machine code, beside the same steps made one by one."""

import signal
import threading

import numpy as np
import pytest
from laws.asking import same_bits

import pullback as pb
from pullback.errors import CircuitError, OptionError, PullbackError, RangeError, ShapeError
from pullback.executors import compile, compile_map, compile_steps
from pullback.executors.native import choose
from pullback.executors.native.scalars.loop import Loop
from pullback.executors.native.scalars.map import SMALLEST, SPLITS, Lanes
from pullback.executors.reference.program import Program
from pullback.train import SGD, Plan

POINTS = np.array([[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]])
LABELS = np.array([1.0, -1.0, 1.0, -1.0, -1.0, 1.0])
COLUMNS = [POINTS[:, 0], POINTS[:, 1], LABELS]
CARRIED = {0: 0, 1: 1, 2: 2}


@pb.circuit
def svm_step(a, b, c, x, y, label, rate):
    """One step of the guide's support vector machine, and the score before it."""
    score = a * x + b * y + c
    pull = pb.where(
        pb.equal(label, 1.0), pb.where(score < 1.0, 1.0, 0.0), pb.where(score > -1.0, -1.0, 0.0)
    )
    return a + rate * (x * pull - a), b + rate * (y * pull - b), c + rate * pull, score


def svm_loop(**options):
    return Loop(svm_step.circuit(), carried=CARRIED, columns=[3, 4, 5], **options)


def one_by_one(order, start=(1.0, -2.0, -1.0), rate=0.01):
    program, weights, scores = compile(svm_step.circuit(), executor="reference"), list(start), []
    for row in order:
        *weights, score = program.run([*weights, *(c[row] for c in COLUMNS), rate])
        scores.append(score)
    return weights, scores


def test_a_loop_makes_the_same_steps_as_the_reference_one_by_one():
    order = np.random.default_rng(0).integers(0, 6, 400)
    looped = svm_loop(recorded=[3]).run([1, -2, -1], fixed=[0.01], columns=COLUMNS, order=order)
    weights, scores = one_by_one(order)
    assert looped.carried == weights
    assert same_bits(looped.records[0], np.array(scores))
    assert (looped.shown, looped.steps) == ([scores[-1]], 400)


def test_a_loop_without_an_order_goes_through_the_rows_again_and_again():
    looped = svm_loop(recorded=[3]).run([1, -2, -1], fixed=[0.01], columns=COLUMNS, steps=15)
    weights, scores = one_by_one([i % 6 for i in range(15)])
    assert looped.carried == weights
    assert looped.records[0].tolist() == scores


def test_a_loop_of_no_steps_changes_nothing():
    looped = svm_loop().run([1, -2, -1], fixed=[0.01], columns=COLUMNS, steps=0)
    assert (looped.carried, looped.steps) == ([1.0, -2.0, -1.0], 0)


@pytest.mark.parametrize("order", [[6], [-1], [0, 1, 99]])
def test_a_row_that_is_not_there_is_refused(order):
    with pytest.raises(RangeError, match="rows 0 to 5"):
        svm_loop().run([1, -2, -1], fixed=[0.01], columns=COLUMNS, order=order)


def test_columns_of_different_lengths_are_refused_by_name():
    with pytest.raises(ShapeError, match="'label'"):
        svm_loop().run([1, -2, -1], fixed=[0.01], columns=[*COLUMNS[:2], LABELS[:3]])


def test_what_is_carried_must_come_out_as_it_went_in():
    step = pb.circuit(lambda x: x > 0.0, name="step").circuit()
    with pytest.raises(CircuitError, match="'x' is carried"):
        Loop(step, carried={0: 0})


@pytest.fixture
def listening():
    """Ctrl-C is heard, even where a shell in the background switched it off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
def test_ctrl_c_leaves_the_values_of_the_last_full_step():
    loop = svm_loop()
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        loop.run([1, -2, -1], fixed=[1e-9], columns=COLUMNS, steps=4_000_000_000)
    again = svm_loop().run([1, -2, -1], fixed=[1e-9], columns=COLUMNS, steps=loop.stopped.steps)
    assert loop.stopped.steps > 0
    assert again.carried == loop.stopped.carried


def test_a_decayed_weight_does_not_slow_the_loop_and_the_mode_is_restored():
    decay = pb.circuit(lambda w: w * 0.5, name="decay").circuit()
    assert Loop(decay, carried={0: 0}).run([1.0], steps=2_000).carried == [0.0]
    assert Loop(decay, carried={0: 0}).run([1.0], steps=1_030).carried == [0.0]
    # By its digits: where subnormals count as 0, they also equal it.
    found = compile(decay, executor="native").run([2.0**-1060])[0]
    assert float(found).hex() == (2.0**-1061).hex() != "0x0.0p+0"


def stepping(executor="native", start=(1, -2, -1), **options):
    return compile_steps(
        svm_step.circuit(), carried=CARRIED, columns=[3, 4, 5], start=start, fixed=[0.01],
        executor=executor, **options,
    )  # fmt: skip


def test_steps_are_the_same_call_by_call():
    steps, order = stepping(), [0, 3, 5, 1, 1, 2]
    scores = [steps.step(*(float(c[row]) for c in COLUMNS)) for row in order]
    weights, wanted = one_by_one(order)
    assert (steps.carried, scores) == (weights, wanted)


def test_fast_steps_are_close_looped_and_called():
    steps, order = stepping(fast=True), np.random.default_rng(0).integers(0, 6, 400)
    steps.run(COLUMNS, order[:-1])
    steps.step(*(float(c[order[-1]]) for c in COLUMNS))
    assert steps.carried == pytest.approx(one_by_one(order)[0], rel=1e-12)


def test_two_of_them_keep_their_own_weights():
    first, second = (stepping(start=[w, w, w]) for w in (1.0, 2.0))
    first.step(1.2, 0.7, 1.0)
    assert second.carried == [2.0, 2.0, 2.0]


def test_calls_loops_and_settings_take_turns_as_with_the_reference():
    ours, theirs = (stepping(executor) for executor in ("native", "reference"))
    for steps in (ours, theirs):
        steps.run(COLUMNS, [0, 1])
        steps.step(1.2, 0.7, 1.0)
        steps.fixed = [0.5]
        steps.step(-0.3, -0.5, -1.0)
        steps.run(COLUMNS, [2, 3])
        steps.carried = [w + 1.0 for w in steps.carried]
        steps.step(1.2, 0.7, 1.0)
    assert (ours.carried, ours.fixed) == (theirs.carried, theirs.fixed)
    with pytest.raises(PullbackError):
        ours.step("x", 1.0, 1.0)


HALF = pb.circuit(lambda w: (w * 0.5, w), name="half")


@pytest.mark.parametrize("executor", ["native", "reference"])
@pytest.mark.parametrize("start", [8.0, np.array([8.0, 16.0])], ids=["number", "array"])
def test_steps_that_read_no_data_are_counted_by_their_order(executor, start):
    circuit = HALF.circuit(start)
    steps = compile_steps(circuit, carried={0: 0}, columns=[], start=[start], executor=executor)
    assert steps.run([], np.arange(3)) == 3
    assert steps.carried[0] == pytest.approx(start / 8)
    steps.step()
    assert steps.carried[0] == pytest.approx(start / 16)


# --- maps over points ---


def neuron(x, y, a, b, c):
    return pb.tanh(a * x + b * y + c)


@pb.circuit
def neuron_and_pulls(x, y, a, b, c):
    return pb.value_and_grad(neuron, wrt=(2, 3, 4))(x, y, a, b, c)


def clouds(count):
    return list(np.random.default_rng(2).normal(size=(2, count)))


@pytest.mark.parametrize("count", [1, 3, 4, 5, 31, 32, 1000])
def test_a_map_gives_each_point_the_bits_it_gets_alone(count):
    circuit, points = neuron_and_pulls.circuit(), clouds(count)
    found = Lanes(circuit, mapped=[0, 1]).run([*points, 0.5, -1.0, 0.1])
    program = compile(circuit, executor="native")
    wanted = [program.run([x, y, 0.5, -1.0, 0.1]) for x, y in zip(*points, strict=True)]
    assert all(
        same_bits(f, np.array(w)) for f, w in zip(found, zip(*wanted, strict=True), strict=True)
    )


def test_a_far_angle_does_not_change_its_neighbours():
    angles = np.random.default_rng(3).uniform(-9, 9, 4000) * np.where(np.arange(4000) % 4, 1.0, 1e9)
    f = pb.circuit("sin(x)").circuit()
    single = compile(f, executor="native")
    alone = [single.run([x])[0] for x in angles]
    assert same_bits(Lanes(f, mapped=[0]).run([angles])[0], np.array(alone))


@pytest.mark.parametrize("count", [1, 5, 1000, 3 * SMALLEST + 7])
def test_a_summed_output_is_the_sum_over_the_points(count):
    circuit, points = neuron_and_pulls.circuit(), clouds(count)
    summed = Lanes(circuit, mapped=[0, 1], summed=[1, 2, 3]).run([*points, 0.5, -1.0, 0.1])
    apart = Lanes(circuit, mapped=[0, 1]).run([*points, 0.5, -1.0, 0.1])
    assert np.allclose(summed[1:], [np.sum(a) for a in apart[1:]], rtol=1e-12, atol=1e-12)
    assert same_bits(summed[0], apart[0])


def test_sums_have_the_same_bits_with_any_number_of_threads():
    circuit, points = neuron_and_pulls.circuit(), clouds(SMALLEST * SPLITS // 8 + 3)
    sums = [
        Lanes(circuit, mapped=[0, 1], summed=range(4), threads=t).run([*points, 0.5, -1.0, 0.1])
        for t in (1, 2, 5)
    ]
    assert sums[0] == sums[1] == sums[2]


def test_a_map_over_no_points_is_empty_and_sums_to_nothing():
    circuit = neuron_and_pulls.circuit()
    found = Lanes(circuit, mapped=[0, 1], summed=[1]).run([[], [], 0.5, -1.0, 0.1])
    assert (len(found[0]), found[1]) == (0, 0.0)


def test_points_of_different_lengths_are_refused_by_name():
    with pytest.raises(ShapeError, match="'y'"):
        Lanes(neuron_and_pulls.circuit(), mapped=[0, 1]).run([[1.0], [1.0, 2.0], 1, 1, 1])


def test_a_map_keeps_conditions_and_integers():
    step = pb.circuit(lambda x: (x > 0.0, pb.cast(x, dtype="int64")), name="step").circuit()
    positive, whole = Lanes(step, mapped=[0], summed=[1]).run(
        [np.array([-1.5, 2.7, 9.9, 0.0, 4.2])]
    )
    assert positive.tolist() == [False, True, True, False, True]
    assert whole == -1 + 2 + 9 + 0 + 4


@pytest.mark.parametrize("summed", [(), (1, 2, 3)])
def test_a_map_means_what_the_reference_does_point_by_point(summed):
    circuit, inputs = neuron_and_pulls.circuit(), [*clouds(37), 0.5, -1.0, 0.1]
    options = {"mapped": [0, 1], "summed": summed}
    found = compile_map(circuit, executor="native", **options).run(inputs)
    wanted = compile_map(circuit, executor="reference", **options).run(inputs)
    assert all(np.allclose(f, w, rtol=1e-13) for f, w in zip(found, wanted, strict=True))


def test_without_llvmlite_everything_runs_on_the_reference_and_says_so_once(monkeypatch):
    why = "llvmlite is not installed. Try: pip install llvmlite"
    monkeypatch.setattr("pullback.executors.native.llvm.jit.lacking", lambda: why)
    monkeypatch.setattr("pullback.executors._warned", {})
    circuit = pb.circuit("x * y").circuit()
    with pytest.warns(RuntimeWarning, match="pip install llvmlite"):
        assert compile(circuit, executor="native").run([2.0, 3.0]) == [6.0]
    assert compile_map(circuit, mapped=[0]).run([[1.0, 2.0], 3.0])[0].tolist() == [3.0, 6.0]


def test_an_unknown_executor_is_refused_with_the_nearest_one():
    with pytest.raises(OptionError, match="did you mean 'native'"):
        compile(pb.circuit("x").circuit(), executor="natve")


def pendulum(steps):
    """A damped pendulum after so many steps, nine gates each."""

    def angle(a, speed, k, c):
        for _ in range(steps):
            speed = speed + 0.01 * (-k * pb.sin(a) - c * speed)
            a = a + 0.01 * speed
        return a * a

    return angle


def test_a_long_circuit_is_mapped_point_by_point_or_for_many_points_in_lanes(monkeypatch):
    """Who runs it is told by how many points there are alone; the numbers are the same."""
    f, made = pb.circuit(pendulum(160)), []
    monkeypatch.setattr(choose, "Lanes", lambda *a, **k: made.append(Lanes(*a, **k)) or made[-1])
    starts, others = np.linspace(-1.0, 1.0, 6000), {"speed": 0.5, "k": 1.0, "c": 0.1}
    few = f.map(a=starts[:20], **others).grads
    wanted = [f.grad(a=a, **others) for a in starts[:20].tolist()]
    assert np.allclose(few["a"], [pulls["a"] for pulls in wanted], rtol=1e-12)
    assert few["k"] == pytest.approx(sum(pulls["k"] for pulls in wanted), rel=1e-12)
    assert made == []
    many = f.map(a=starts, **others).grads
    assert [choose.SHORT_MAP < lanes.circuit.gate_count < len(starts) for lanes in made] == [True]
    assert np.allclose(many["a"][:20], few["a"], rtol=1e-12)


def test_batches_of_a_long_circuit_of_numbers_are_trained_by_machine_code(monkeypatch):
    def loss(a, k, goal):
        return (pendulum(90)(a, 0.5, k, 0.1) - goal) ** 2

    f, plan, found = pb.circuit(loss, parameters="k"), Plan(batch_size=8, max_epochs=1), {}
    data = {"a": np.linspace(-1.0, 1.0, 24), "k": 1.0, "goal": np.linspace(0.2, 1.2, 24)}
    for executor in ("reference", "auto"):
        if executor == "auto":
            monkeypatch.delattr(Program, "run")  # the reference is not asked
        found[executor] = f.fit(data, plan=plan, optimizer=SGD(0.1), executor=executor)
    assert found["auto"]["k"] == pytest.approx(found["reference"]["k"], rel=1e-12)
    assert found["auto"].steps == 3
