"""Machine code of arrays: sums and products within their bound, folds of any view, other registers.

PULLBACK_ARRAY_SHAPES=2000 asks more shapes of matrix products and folds.
"""

import itertools
import os

import numpy as np
import pytest
from laws.array_programs import (
    CLOSE,
    EPS,
    STEP,
    VALUES,
    answers,
    both_precisions,
    circuit_of,
    native,
)
from laws.asking import same_bits

import pullback as pb
from pullback.core.dtypes import FLOAT32
from pullback.errors import PullbackError
from pullback.executors import compile
from pullback.executors.native.arrays import gemm, nest, text

ASKED = int(os.environ.get("PULLBACK_ARRAY_SHAPES", "24"))
TOGETHER = 24  # of these in one circuit: most of the time is compiling
SIZES = [1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 31, 33, 40]
FOLDS = [pb.sum, pb.max, pb.logsumexp, pb.norm, pb.mean, pb.min]

every_chunk = pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(s, s + TOGETHER), marks=[] if s == 0 else pytest.mark.slow)
        for s in range(0, ASKED, TOGETHER)
    ],
    ids=str,
)


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
