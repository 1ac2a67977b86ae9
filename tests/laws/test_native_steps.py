"""Programs and steps of arrays: the same numbers, nothing given is written to, odd inputs are refused."""

import gc
import itertools
import threading
import weakref

import numpy as np
import pytest
from laws.array_programs import (
    CLOSE,
    STEP,
    VALUES,
    alike,
    answers,
    both_precisions,
    circuit_of,
    native,
    step_circuit,
    step_values,
)
from laws.asking import same_bits

import pullback as pb
from pullback.core.build import Builder
from pullback.core.dtypes import FLOAT64
from pullback.core.shapes import Spec
from pullback.errors import DtypeError, PullbackError, RangeError, ShapeError
from pullback.executors import compile, compile_steps
from pullback.executors.native.arrays import steps as steps_of_arrays
from pullback.executors.native.arrays.steps import NativeSteps

# --- programs ---


def test_a_whole_training_step_means_the_same():
    found, wanted = native(STEP).run(VALUES), compile(STEP).run(VALUES)
    assert all(np.allclose(f, w, 1e-5, 1e-6) for f, w in zip(found, wanted, strict=True))
    assert [type(f) for f in found] == [type(w) for w in wanted]


def test_watching_shows_every_wire_the_reference_shows():
    found, wanted = native(STEP).watch(VALUES), compile(STEP).watch(VALUES)
    assert all(itertools.starmap(alike, zip(found, wanted, strict=True)))
    assert all(itertools.starmap(alike, zip(found[3:-2], wanted[3:-2], strict=True)))


def test_a_watched_run_is_not_changed_by_the_next_one():
    program = native(STEP)
    first = program.watch(VALUES)
    before = [np.copy(value) for value in first]
    program.watch(step_values(STEP, 1))
    assert all(same_bits(np.asarray(a), b) for a, b in zip(first, before, strict=True))


def test_what_was_watched_cannot_be_written_to():
    found = native(STEP).watch(VALUES)
    made = [found[w] for w in range(len(STEP)) if int(STEP.op[w]) > 1]
    assert not any(value.flags.writeable for value in made if isinstance(value, np.ndarray))


def test_watching_refuses_an_index_out_of_range_as_the_reference_does():
    circuit = circuit_of([lambda x, i: pb.exp(pb.gather(x, i))], [(np.ones(3), np.array([0, 2]))])
    with pytest.raises(RangeError, match="5"):
        native(circuit).watch([np.ones(3), np.array([0, 5])])


@pytest.mark.parametrize(
    "made", [lambda: native(STEP), lambda: stepping()], ids=["program", "steps"]
)
def test_the_memory_plan_can_be_read_before_the_run(made):
    said = made().memory
    assert "arena" in said.splitlines()[0]
    assert "'relu1'" in said


def test_nothing_that_is_given_is_written_to():
    before = [np.copy(v) for v in VALUES]
    native(STEP).run(VALUES)
    assert all(same_bits(a, b) for a, b in zip(before, VALUES, strict=True))


UNCHANGED = [
    lambda x: x,
    lambda x: x * 1.0,
    lambda x: x / 1,
    lambda x: pb.negative(pb.negative(x)),
    lambda x: x.T.T,
    lambda x: x[:],
    lambda x: x[1:],
    pb.stop_gradient,
    lambda x: pb.cast(x, dtype="float64"),
    lambda x: pb.reshape(x, shape=x.shape),
    lambda x: pb.broadcast_to(x, shape=x.shape),
    lambda x: pb.sum_to(x, shape=x.shape),
    lambda x: x + 2.0,
]


@pytest.mark.parametrize("shape", [(5,), (3, 4)], ids=str)
def test_what_comes_out_is_the_callers_own(shape):
    x = np.random.default_rng(0).normal(size=shape)
    program = native(circuit_of(UNCHANGED, [(x,)] * len(UNCHANGED)))
    given = [x.copy() for _ in UNCHANGED]
    first, second = program.run(given), program.run(given)
    assert not any(np.shares_memory(y, z) for y in first for z in (*given, *second))
    assert all(same_bits(np.asarray(y), np.asarray(z)) for y, z in zip(first, second, strict=True))


def odd_forms(x):
    """The same numbers as other people bring them."""
    padded = np.zeros((x.shape[0], 2 * x.shape[1]), x.dtype)
    padded[:, ::2] = x
    raw = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:]
    frozen = x.copy()
    frozen.flags.writeable = False
    return [
        np.asfortranarray(x), padded[:, ::2], x[::-1].copy()[::-1], x.astype(">f4"), x.tolist(), frozen,
        raw.view(x.dtype).reshape(x.shape), x.view(np.recarray), x.astype(np.float64),
    ]  # fmt: skip


@pytest.mark.parametrize("way", range(9))
def test_numbers_may_lie_any_way_they_like(way):
    program, x = native(STEP), VALUES[-3]
    wanted = program.run(VALUES)
    odd = [*VALUES[:-3], odd_forms(x)[way], *VALUES[-2:]]
    assert all(same_bits(f, w) for f, w in zip(program.run(odd), wanted, strict=True))
    assert same_bits(program.watch(odd)[STEP.outputs[0]], program.watch(VALUES)[STEP.outputs[0]])


@pytest.mark.parametrize("limit", [0.0, -0.0, 0.5, -0.5])
def test_a_limit_beside_a_relu_is_asked_of_the_number_itself(limit):
    x = np.array([-1.0, -0.25, -0.0, 0.0, 0.25, 1.0, np.nan, np.inf])
    functions = [
        lambda x: pb.where(pb.relu(x) > -1.0, x > limit, x < x),
        lambda x: pb.where(x > limit, pb.relu(x), x),
    ]
    found, wanted = answers(functions, [(x,), (x,)])
    assert all(same_bits(f, w) for f, w in zip(found, wanted, strict=True))


def test_a_bool_from_anywhere_is_true_where_any_bit_is_set():
    odd = np.array([0, 1, 2, 128], np.uint8).view(bool)
    found, _ = answers([lambda c, a: pb.where(c, a, -a)], [(odd, np.ones(4))])
    assert found[0].tolist() == [-1.0, 1.0, 1.0, 1.0]


def test_fast_numbers_are_near():
    found, wanted = native(STEP, fast=True).run(VALUES), compile(STEP).run(VALUES)
    assert all(np.allclose(f, w, 1e-5, 1e-6) for f, w in zip(found, wanted, strict=True))


WRONG = [
    (0, np.zeros((5, 15), np.float32), ShapeError),
    (0, np.zeros((5, 16), complex), DtypeError),
    (0, [[1.0], [2.0, 3.0]], DtypeError),
    (0, "weights", DtypeError),
    (0, None, DtypeError),
    (-2, np.full(8, 3), RangeError),
    (-2, np.full(8, -1), RangeError),
    (-2, np.zeros(8), DtypeError),
    (-1, np.zeros(2, np.float32), ShapeError),
]


@pytest.mark.parametrize(("at", "value", "error"), WRONG, ids=[str(i) for i in range(len(WRONG))])
def test_a_wrong_input_is_refused_in_the_references_words(at, value, error):
    values = list(VALUES)
    values[at] = value
    with pytest.raises(error) as found:
        native(STEP).run(values)
    with pytest.raises(error) as wanted:
        compile(STEP).run(values)
    assert str(found.value) == str(wanted.value)


@pytest.mark.parametrize("count", [0, 1, len(VALUES) - 1, len(VALUES) + 1])
def test_a_wrong_number_of_inputs_is_refused(count):
    with pytest.raises(ShapeError, match="inputs, got"):
        native(STEP).run([*VALUES, 1.0][:count])


def test_two_threads_may_run_one_program():
    program, found = native(STEP), {}
    others = step_values(STEP, seed=1)
    wanted = [program.run(VALUES), program.run(others)]

    def work(n):
        found[n] = [program.run((VALUES, others)[n % 2]) for _ in range(100)]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    every = [(one, wanted[n % 2]) for n, runs in found.items() for one in runs]
    assert all(same_bits(f, w) for one, two in every for f, w in zip(one, two, strict=True))


def used_program():
    program = native(STEP)
    program.run(VALUES)
    return program


def used_steps():
    steps = stepping()
    steps.step(*VALUES[-3:-1])
    return steps


@pytest.mark.parametrize("used", [used_program, used_steps])
def test_what_nobody_holds_is_gone_at_once(used):
    held = used()
    gone = weakref.ref(held)
    gc.disable()
    try:
        del held
        assert gone() is None
    finally:
        gc.enable()


# --- steps ---


def stepping(executor="native", circuit=STEP, values=VALUES):
    names = list(circuit.input_names)
    columns, n = [names.index("x"), names.index("target")], names.index("x")
    return compile_steps(
        circuit, carried={i: i for i in range(n)}, columns=columns, start=values[:n], fixed=values[-1:],
        executor=executor,
    )  # fmt: skip


def test_steps_in_place_are_the_programs_own_to_the_bit():
    steps, program, values = stepping(), native(STEP), list(VALUES)
    assert isinstance(steps, NativeSteps)
    for _ in range(3):
        shown = steps.step(*values[-3:-1])
        found = program.run(values)
        values[:-3] = found[: len(values) - 3]
        assert shown == tuple(x.item() for x in found[-2:])
    assert all(same_bits(a, b) for a, b in zip(steps.carried, values, strict=False))


def test_a_loop_over_rows_is_step_after_step():
    rng = np.random.default_rng(4)
    x, labels = rng.normal(size=(50, 5)).astype(np.float32), rng.integers(0, 3, 50)
    order = rng.permutation(50)[:48]
    one, other = stepping(), stepping()
    made = one.run([x, labels], order)
    losses = [other.step(x[rows], labels[rows])[0] for rows in order.reshape(-1, 8)]
    assert made == one.done == 6
    assert one.records[0].tolist() == losses
    assert all(same_bits(a, b) for a, b in zip(one.carried, other.carried, strict=True))


@pytest.mark.parametrize("executor", ["reference", "native"])
def test_steps_of_an_earlier_run_are_forgotten(executor):
    x, labels = np.zeros((16, 5), np.float32), np.zeros(16, int)
    steps = stepping(executor)
    steps.run([x, labels], np.arange(16))
    assert (steps.done, len(steps.records[0])) == (2, 2)
    steps.carried = steps.carried
    assert (steps.done, steps.records) == (0, [])
    steps.run([x, labels], np.arange(16))
    with pytest.raises(ShapeError):
        steps.run([x], np.arange(16))
    assert (steps.done, steps.records) == (0, [])


@both_precisions
def test_a_loop_means_what_the_reference_means(dtype):
    circuit = step_circuit(dtype=str(dtype), weight_decay=0.01, nesterov=True)
    rng, values = np.random.default_rng(4), step_values(circuit)
    data = rng.normal(size=(40, 5)).astype(dtype), rng.integers(0, 3, 40)
    ran = [stepping(executor, circuit, values) for executor in ("native", "reference")]
    for steps in ran:
        steps.run(data, np.arange(40))
    pairs = zip(*(s.carried for s in ran), strict=True)
    assert all(np.allclose(a, b, 100 * CLOSE[dtype], 100 * CLOSE[dtype]) for a, b in pairs)
    assert np.array_equal(ran[0].records[1], ran[1].records[1])


@pytest.mark.parametrize("executor", ["native", "reference"])
def test_a_label_out_of_range_is_refused_and_nothing_has_moved(executor):
    steps = stepping(executor)
    x, labels = np.ones((16, 5), np.float32), np.zeros(16, np.int64)
    steps.run([x, labels], np.arange(8))
    before, labels[9] = steps.carried, 3
    with pytest.raises(RangeError, match=r"index 3 at 1 lies outside 0\.\.2"):
        steps.run([x, labels], np.arange(8, 16))
    assert steps.done == 0
    assert all(same_bits(a, b) for a, b in zip(steps.carried, before, strict=True))


@pytest.mark.parametrize("executor", ["native", "reference"])
@pytest.mark.parametrize(
    ("columns", "order", "words"),
    [
        ([np.ones((8, 5), "f4")], range(8), "takes 2 columns"),
        ([np.ones((8, 4), "f4"), np.zeros(8, int)], range(8), "rows of 'x'"),
        ([np.ones((8, 5), "f4"), np.zeros(8)], range(8), "column 'target' is float64"),
        ([np.ones((8, 5), "f4"), np.zeros(8, int)], range(7), "steps of 8"),
        ([np.ones((8, 5), "f4"), np.zeros(8, int)], range(1, 9), "asks for row 8"),
        ([np.ones((8, 5), "f4"), np.zeros(7, int)], range(8), "asks for row 7"),
        ([np.ones((8, 5), "f4"), np.zeros(8, int)], np.arange(8.0), "order holds float64"),
    ],
)
def test_a_loop_over_odd_rows_is_refused(executor, columns, order, words):
    with pytest.raises(PullbackError, match=words):
        stepping(executor).run(columns, list(order))


def adding_steps(executor):
    """Rows are added to what is carried, and single numbers of each kind are shown."""
    builder = Builder()
    w, x = builder.input(Spec((3,), FLOAT64), "w"), builder.input(Spec((2, 3), FLOAT64), "x")
    total = pb.sum(w + pb.sum(x, axis=0))
    shown = [total, pb.cast(total, dtype="float32"), pb.argmax(w), total > 0.0, x * 2.0]
    circuit = builder.finish([w + pb.sum(x, axis=0), *shown])
    return compile_steps(
        circuit, carried={0: 0}, columns=[1], start=[np.zeros(3)], executor=executor
    )


@pytest.mark.parametrize("piece", [1, 3, 100])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e300])
def test_a_loop_ends_with_the_step_that_shows_a_number_that_is_not_finite(odd, piece, monkeypatch):
    def in_pieces(total, work, first):
        for start in range(0, total, piece):
            work(start, min(start + piece, total))

    monkeypatch.setattr(steps_of_arrays, "in_pieces", in_pieces)
    ran = [adding_steps(executor) for executor in ("native", "reference")]
    assert isinstance(ran[0], NativeSteps)
    for wrong in (0, 1, 4, 6, None):
        x = np.arange(42.0).reshape(14, 3)
        if wrong is not None:
            x[2 * wrong + 1, 2] = odd  # 1e300 is not finite as a float32 only
        for steps in ran:
            steps.carried = [np.zeros(3)]
            steps.run([x], np.arange(14))
        found, wanted = [[s.done, *s.carried, *s.records] for s in ran]
        assert found[0] == (7 if wrong is None else wrong + 1)
        assert all(
            same_bits(np.asarray(f), np.asarray(w)) for f, w in zip(found, wanted, strict=True)
        )


@pytest.mark.parametrize("executor", ["native", "reference"])
def test_a_loop_that_has_ended_looks_at_no_row_behind_it(executor):
    steps = stepping(executor)
    x, labels = np.ones((40, 5), np.float32), np.zeros(40, np.int64)
    x[8], labels[16] = np.inf, 3  # a label that there is not, one step later
    assert steps.run([x, labels], np.arange(40)) == 2


def test_subnormal_numbers_count_as_zero_in_loops_alone():
    function = pb.circuit(lambda w, x: w + x * 1e-310)
    circuit = function.circuit(np.zeros(3), np.zeros(3))
    steps = compile_steps(
        circuit, carried={0: 0}, columns=[1], start=[np.zeros(3)], executor="native"
    )
    steps.run([np.ones((3,))], np.arange(3))
    assert steps.carried[0].tolist() == [0.0] * 3
    steps.step(np.ones(3))
    assert steps.carried[0].tolist() == [1e-310] * 3
    assert np.float64(1e-310) * 1.0 != 0.0  # the mode is as it was


def test_values_may_change_places():
    ran = [
        compile_steps(
            swap_circuit(),
            carried={0: 0, 1: 1},
            columns=[2],
            start=[np.ones(3), np.arange(3.0)],
            executor=e,
        )
        for e in ("native", "reference")
    ]
    for steps in ran:
        [steps.step(np.full(3, 0.5)) for _ in range(3)]
    assert all(same_bits(a, b) for a, b in zip(*(s.carried for s in ran), strict=True))


def swap_circuit():
    """(a, b, x) -> (b, 2 a + x)"""
    builder = Builder()
    a, b, x = (builder.input(Spec((3,), FLOAT64), name) for name in "abx")
    return builder.finish([b, a * 2.0 + x])


READERS = {"alone": lambda a, after: pb.sum(a), "beside": lambda a, after: pb.sum(a @ after)}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_what_is_carried_is_not_overwritten_before_everybody_has_read_it(reader):
    builder, start = Builder(), np.eye(3) + 1
    a = builder.input(Spec((3, 3), FLOAT64), "a")
    after = a * 2.0
    circuit = builder.finish([after, reader(a, after)])
    steps = compile_steps(circuit, carried={0: 0}, columns=[], start=[start], executor="native")
    assert steps.step() == float(reader(start, 2 * start))
    assert steps.carried[0].tolist() == (2 * start).tolist()
