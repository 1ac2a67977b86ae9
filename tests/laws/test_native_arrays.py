"""Machine code of arrays: sums and products within their bound, folds of any view, steps, odd inputs.

PULLBACK_ARRAY_SHAPES=2000 asks more shapes of matrix products and folds.
"""

import gc
import itertools
import os
import threading
import weakref

import numpy as np
import pytest
from laws.asking import same_bits

import pullback as pb
from pullback.core.build import Builder
from pullback.core.dtypes import FLOAT32, FLOAT64, INT64
from pullback.core.shapes import Spec, spec_of
from pullback.errors import DtypeError, PullbackError, RangeError, ShapeError
from pullback.executors import compile, compile_steps
from pullback.executors.native.arrays import gemm, nest, text
from pullback.executors.native.arrays import steps as steps_of_arrays
from pullback.executors.native.arrays.program import ArrayProgram
from pullback.executors.native.arrays.steps import NativeSteps
from pullback.nn import CrossEntropy, Linear, ReLU, Sequential
from pullback.train import SGD, Task
from pullback.train.step import training_step

ASKED = int(os.environ.get("PULLBACK_ARRAY_SHAPES", "24"))
TOGETHER = 24  # of these in one circuit: most of the time is compiling
EPS = {FLOAT32: 2.0**-24, FLOAT64: 2.0**-53}
CLOSE = {FLOAT32: 1e-5, FLOAT64: 1e-13}  # a few roundings of exp and its kin
SIZES = [1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 31, 33, 40]
FOLDS = [pb.sum, pb.max, pb.logsumexp, pb.norm, pb.mean, pb.min]

both_precisions = pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
every_chunk = pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(s, s + TOGETHER), marks=[] if s == 0 else pytest.mark.slow)
        for s in range(0, ASKED, TOGETHER)
    ],
    ids=str,
)


def circuit_of(functions, values):
    """One circuit of many functions, each of its own values."""
    builder, outputs = Builder(), []
    for n, (function, own) in enumerate(zip(functions, values, strict=True)):
        wires = [builder.input(spec_of(x), f"x{n}_{i}") for i, x in enumerate(own)]
        outputs.append(function(*wires))
    return builder.finish(outputs)


def native(circuit, **options):
    made = compile(circuit, executor="native", **options)
    assert isinstance(made, ArrayProgram)
    return made


def answers(functions, values):
    """Of each function, what machine code and the reference say."""
    circuit, flat = circuit_of(functions, values), [x for own in values for x in own]
    return native(circuit).run(flat), compile(circuit).run(flat)


# --- matrix products ---


def drawn_product(seed, dtype):
    """A product of two matrices, either of which may be turned, with something done to it or not."""
    rng = np.random.default_rng(seed)
    n, d, k = rng.choice(SIZES, 3)
    first, second, after = rng.integers(0, 2, 3)
    a = rng.normal(size=(d, n) if first else (n, d)).astype(dtype)
    b = rng.normal(size=(k, d) if second else (d, k)).astype(dtype)
    c = rng.normal(size=(k,)).astype(dtype)

    def function(a, b, c):
        y = (a.T if first else a) @ (b.T if second else b)
        return y + c if after else y

    return function, (a, b, c)


# (n, d, k): the sides of these are packed, for they are long, turned, or far apart.
LARGE = [(13, 1100, 20), (1024, 21, 9), (20, 300, 45), (7, 257, 1), (300, 33, 1), (1, 300, 40)]


@both_precisions
@pytest.mark.parametrize(
    "turned", [(0, 0), (1, 0), (0, 1), (1, 1)], ids=["", "left", "right", "both"]
)
def test_a_product_of_long_sides_is_off_by_no_more_than_its_bound(dtype, turned):
    rng = np.random.default_rng(2)
    pairs = [
        (rng.normal(size=(n, d)).astype(dtype), rng.normal(size=(d, k)).astype(dtype))
        for n, d, k in LARGE
    ]
    values = [
        tuple(x.T.copy() if t else x for x, t in zip(pair, turned, strict=True)) for pair in pairs
    ]

    def function(a, b):
        y = (a.T if turned[0] else a) @ (b.T if turned[1] else b)
        return pb.relu(y) - y * 2.0

    found, _ = answers([function] * len(LARGE), values)
    for y, (a, b) in zip(found, pairs, strict=True):
        exact = a.astype(np.longdouble) @ b.astype(np.longdouble)
        size = abs(a).astype(np.longdouble) @ abs(b).astype(np.longdouble)
        wanted = np.maximum(exact, 0) - 2 * exact
        assert (abs(y - wanted) <= 3 * (a.shape[1] + 2) * EPS[dtype] * size).all()


@both_precisions
@every_chunk
def test_a_product_of_matrices_is_off_by_no_more_than_its_bound(dtype, seeds):
    pairs = [drawn_product(seed, dtype) for seed in seeds]
    functions, values = zip(*pairs, strict=True)
    found, _ = answers(functions, values)
    for function, y, own in zip(functions, found, values, strict=True):
        exact = function(*(x.astype(np.longdouble) for x in own))
        sizes = function(*(abs(x).astype(np.longdouble) for x in own))
        # Each product is rounded at most once, each of d additions once.
        assert (abs(y - exact) <= (max(own[0].shape) + 2) * EPS[dtype] * sizes).all()


@pytest.mark.parametrize(("deep", "wide"), [(1 << 9, 1 << 12), (1 << 10, 1 << 30)])
def test_how_a_product_is_cut_into_blocks_changes_no_bit(deep, wide, monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE", "off")  # what is kept there was cut in the usual way
    functions, values = zip(*[drawn_product(seed, FLOAT32) for seed in range(12)], strict=True)
    whole, _ = answers(functions, values)
    monkeypatch.setattr(gemm, "DEEP", deep)
    monkeypatch.setattr(gemm, "WIDE", wide)
    cut, _ = answers(functions, values)
    assert all(same_bits(a, b) for a, b in zip(whole, cut, strict=True))


def test_a_product_over_nothing_is_zero():
    (found,), (wanted,) = answers([pb.matmul], [(np.ones((3, 0)), np.ones((0, 5)))])
    assert same_bits(found, wanted)


def test_a_batch_of_products_repeats_the_side_that_has_no_batch():
    rng = np.random.default_rng(0)
    shapes = [
        ((4, 3, 5), (5, 7)),
        ((2, 1, 3, 4), (6, 4, 9)),
        ((3, 0, 2), (3, 2, 5)),
        ((3, 0), (0, 4)),
    ]
    values = [[rng.normal(size=s) for s in pair] for pair in shapes]
    found, wanted = answers([lambda a, b: a @ b] * 4, values)
    assert all(np.allclose(f, w, 1e-13, 1e-13) for f, w in zip(found, wanted, strict=True))


def test_a_product_of_integers_is_exact():
    rng = np.random.default_rng(0)
    a, b = rng.integers(-(2**40), 2**40, (13, 9)), rng.integers(-(2**20), 2**20, (9, 18))
    found, wanted = answers([lambda a, b: a @ b], [(a, b)])
    assert same_bits(found[0], wanted[0])


# --- folds ---


def looks(x):
    """Ways to look at an array without moving it."""
    turned = (*range(1, len(x.shape)), 0)
    return [
        x,
        pb.transpose(x, axes=turned),
        x[::-1],
        pb.broadcast_to(x[:1], shape=x.shape),
        pb.slice(x, index=((None, None, 2),)),
    ]


def drawn_fold(seed, dtype):
    rng = np.random.default_rng(seed)
    shape = tuple(int(s) for s in rng.choice(SIZES[:10], rng.integers(1, 4)))
    axes = [None, *range(len(shape)), tuple(range(len(shape)))]
    axis, look = axes[rng.integers(len(axes))], rng.integers(5)
    gate, keepdims = FOLDS[seed % len(FOLDS)], bool(rng.integers(2))
    return lambda x: gate(looks(x)[look], axis=axis, keepdims=keepdims), (
        rng.normal(size=shape).astype(dtype),
    )


@both_precisions
@every_chunk
def test_a_fold_means_the_same_along_any_axes_of_any_view(dtype, seeds):
    functions, values = zip(*[drawn_fold(seed, dtype) for seed in seeds], strict=True)
    found, wanted = answers(functions, values)
    for seed, f, w in zip(seeds, found, wanted, strict=True):
        assert f.shape == w.shape
        assert np.allclose(f, w, CLOSE[dtype], CLOSE[dtype]), seed


@both_precisions
def test_a_sum_of_many_is_off_by_no_more_than_its_bound(dtype):
    rng = np.random.default_rng(3)
    values = [(rng.normal(size=s).astype(dtype),) for s in ((1000,), (37, 29), (29, 37))]
    found, _ = answers([pb.sum, lambda x: pb.sum(x, axis=0), lambda x: pb.sum(x, axis=1)], values)
    exact = [
        np.sum(x[0].astype(np.longdouble), axis=a)
        for x, a in zip(values, (None, 0, 1), strict=True)
    ]
    sizes = [np.sum(abs(x[0]), axis=a) for x, a in zip(values, (None, 0, 1), strict=True)]
    for y, wanted, size in zip(found, exact, sizes, strict=True):
        assert (abs(y - wanted) <= 1000 * EPS[dtype] * size).all()


def test_choosing_and_moving_folds_give_the_same_bits():
    rng = np.random.default_rng(5)
    x = rng.integers(-3, 3, (9, 11)).astype(float)
    x[2, 3], x[4, 4:6], x[5], x[6, 0] = np.nan, np.inf, -0.0, -np.inf
    gates = [
        pb.max,
        pb.min,
        lambda x, axis: pb.argmax(x, axis=axis),
        lambda x, axis: pb.prod(x, axis=axis),
    ]
    functions = [lambda x, g=g, a=a: g(x, axis=a) for g, a in itertools.product(gates, (0, 1, -1))]
    functions += [lambda x: pb.sum(x, axis=0), lambda x: pb.sum(x[6:] * 0.1, axis=0)]
    functions += [lambda x: pb.sum(x[6:, :7] * 0.1, axis=1)]  # fewer than eight: one by one
    found, wanted = answers(functions, [(x,)] * len(functions))
    assert all(same_bits(f, w) for f, w in zip(found, wanted, strict=True))


@pytest.mark.parametrize("dtype", ["bool", "int64", "float32", "float64"])
def test_the_largest_of_any_kind_is_found_along_any_axis(dtype):
    rng = np.random.default_rng(6)
    pairs = itertools.product([(3, 16), (16, 3), (5, 33), (2, 8, 9)], (0, 1))
    drawn = [(rng.integers(0, 2, shape).astype(dtype), axis) for shape, axis in pairs]
    functions = [lambda x, axis=axis: pb.argmax(x, axis=axis) for _, axis in drawn]
    found, wanted = answers(functions, [(x,) for x, _ in drawn])
    assert all(same_bits(f, w) for f, w in zip(found, wanted, strict=True))


def test_softmax_and_logsumexp_of_one_array_share_their_work_and_stay_right():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(19, 10)) * 30
    x[3], x[4, 2], x[5, 1], x[6, 7] = -np.inf, np.inf, np.nan, -np.inf
    both = [
        lambda x, a=a: pb.softmax(x, axis=a) * pb.logsumexp(x, axis=a, keepdims=True)
        for a in (0, 1)
    ]
    both.append(lambda x: pb.logsumexp(x) - pb.softmax(x)[:, 0] * pb.logsumexp(x))
    found, wanted = answers(both, [(x,), (x.T.copy(),), (x,)])
    assert all(
        np.allclose(f, w, 1e-13, 1e-13, equal_nan=True) for f, w in zip(found, wanted, strict=True)
    )


# --- elementwise ---


@both_precisions
def test_arithmetic_on_broadcast_arrays_gives_the_same_bits_at_any_length(dtype):
    rng = np.random.default_rng(7)

    def function(a, b, c):
        y = pb.where(a > c, a * b - c, pb.relu(b) / a)
        return pb.maximum(-y, pb.absolute(c) + y.T.T)

    shapes = [((n, m), (m,), (n, 1)) for n, m in ((1, 1), (3, 5), (4, 8), (5, 9), (2, 17), (7, 33))]
    values = [[rng.normal(size=s).astype(dtype) for s in three] for three in shapes]
    found, wanted = answers([function] * len(values), values)
    assert all(same_bits(f, w) for f, w in zip(found, wanted, strict=True))


@both_precisions
@pytest.mark.parametrize("power", [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("shape", [(), (8,)], ids=["a number", "an array"])
def test_a_fixed_power_means_the_same_at_all_limits(power, dtype, shape):
    for special in (np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0, -1.0, 4.0):
        x = np.full(shape, special, dtype)[()]
        circuit = circuit_of([lambda x: x**power], [(x,)])
        found, wanted = (compile(circuit, executor=e).run([x])[0] for e in ("native", "reference"))
        assert same_bits(np.asarray(found), np.asarray(wanted)), special


BESIDE = [
    lambda x, i: pb.unpick(x, i, size=3) + x,
    lambda x, i: x * pb.unpick(x, i, size=3) - pb.relu(x),
    lambda x, i: pb.unpick(x, i, size=3) * pb.cast(i, dtype="float64"),
    lambda x, i: pb.unpick(i, i, size=3) + i,
    lambda x, i: pb.unpick(x, i, size=3) + pb.unpick(x * 2.0, i, size=3) * x,
    lambda x, i: pb.where(pb.unpick(x, i, size=3) > x, x, -1.0),
]


@pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 3), (1, 3, 3), (3, 1)], ids=str)
def test_a_wire_read_along_the_rows_and_along_the_columns_of_one_loop_is_both(shape):
    rng = np.random.default_rng(8)
    values = rng.normal(size=shape), rng.integers(0, 3, shape)
    found, wanted = answers(BESIDE, [values] * len(BESIDE))
    assert all(same_bits(f, w) for f, w in zip(found, wanted, strict=True))


# --- programs ---


def step_circuit(batch=8, sizes=(5, 16, 3), dtype="float32", **options):
    hidden = [layer for units in sizes[1:-1] for layer in (Linear(units), ReLU())]
    task = Task(
        Sequential(*hidden, Linear(sizes[-1])),
        CrossEntropy(),
        SGD(0.1, momentum=0.9, **options),
        dtype,
    )
    return training_step(
        task, Spec((batch, sizes[0]), np.dtype(dtype)), Spec((batch,), INT64)
    ).circuit


def step_values(circuit, seed=0):
    """Numbers for all inputs of a training step."""
    rng, specs = np.random.default_rng(seed), [circuit.spec_of(w) for w in circuit.inputs]
    drawn = [rng.normal(size=s.shape).astype(s.dtype)[()] for s in specs[:-2]]
    return [*drawn, rng.integers(0, 3, specs[-2].shape), np.float32(0.05)]


STEP = step_circuit()
VALUES = step_values(STEP)


def test_a_whole_training_step_means_the_same():
    found, wanted = native(STEP).run(VALUES), compile(STEP).run(VALUES)
    assert all(np.allclose(f, w, 1e-5, 1e-6) for f, w in zip(found, wanted, strict=True))
    assert [type(f) for f in found] == [type(w) for w in wanted]


def alike(found, wanted):
    return type(found) is type(wanted) and np.allclose(found, wanted, 1e-5, 1e-6)


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


# --- other machines ---


@pytest.mark.parametrize(
    ("bits", "is_arm", "has_fma"),
    [(128, False, False), (128, True, True), (512, False, True)],
    ids=["SSE2", "Arm", "AVX-512"],
)
def test_other_registers_mean_the_same(bits, is_arm, has_fma, monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE", "off")  # what is kept there is for this machine
    for file in (nest, gemm):
        monkeypatch.setattr(file, "vector_bits", lambda: bits)
    monkeypatch.setattr(gemm, "is_arm", lambda: is_arm)
    monkeypatch.setattr(gemm, "has_fma", lambda: has_fma)
    pairs = [drawn_product(seed, FLOAT32) for seed in range(12)]
    pairs += [drawn_fold(seed, FLOAT32) for seed in range(12)]
    found, wanted = answers(*zip(*pairs, strict=True))
    assert all(np.allclose(f, w, 1e-4, 1e-4) for f, w in zip(found, wanted, strict=True))
    steps = native(STEP).run(VALUES), compile(STEP).run(VALUES)
    assert all(np.allclose(f, w, 1e-5, 1e-6) for f, w in zip(*steps, strict=True))


# --- a build that checks bounds: PULLBACK_BOUNDS=check asks it of everything above ---


@pytest.fixture
def checked(monkeypatch):
    monkeypatch.setenv("PULLBACK_BOUNDS", "check")


def test_a_checked_build_gives_the_same_bits(checked, monkeypatch):
    found = native(STEP).run(VALUES)
    monkeypatch.delenv("PULLBACK_BOUNDS")
    assert all(same_bits(f, w) for f, w in zip(found, native(STEP).run(VALUES), strict=True))


def shortened(monkeypatch, cut):
    """STEP, run as if some storage held a byte less than it does; which storages it has."""
    whole, met = text.Module._bytes, []

    def told(self, storage, group):
        met.append(storage)
        return whole(self, storage, group) - (storage == cut)

    with monkeypatch.context() as patch:
        patch.setattr(text.Module, "_bytes", told)
        native(STEP).run(VALUES)
    return sorted({*met} - {-1})  # room to pack in may be more than is needed


@pytest.mark.slow
def test_a_checked_build_finds_an_array_that_is_a_byte_shorter_than_was_thought(
    checked, monkeypatch
):
    monkeypatch.setenv("PULLBACK_CACHE", "off")
    storages = shortened(monkeypatch, None)
    assert len(storages) > 8
    for storage in storages[::4]:
        with pytest.raises(PullbackError, match=r"outside of its arrays(.|\n)*PULLBACK_BOUNDS"):
            shortened(monkeypatch, storage)
