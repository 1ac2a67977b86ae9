"""What every optimizer promises, on arrays and inside the training-step circuit."""

import dataclasses

import numpy as np
import pytest
from laws.made_for_tests import SharedAdam

import pullback as pb
from pullback.core.build import Builder
from pullback.core.shapes import Spec, spec_of
from pullback.errors import OptionError
from pullback.executors import compile
from pullback.train import SGD, Averaged, Clipped, Each, Proximal


def soft(weight, rate):
    """The prox of 0.001 |w|."""
    left = pb.maximum(pb.absolute(weight) - 0.001 * rate, 0.0)
    return pb.where(weight > 0, left, -left)


OPTIMIZERS = {
    "SGD": SGD(0.1),
    "momentum": SGD(0.1, momentum=0.9),
    "nesterov": SGD(0.1, momentum=0.9, nesterov=True),
    "decay": SGD(0.1, momentum=0.5, weight_decay=0.01),
    "Adam of these tests": SharedAdam(0.03),
    "clipped": Clipped(SGD(0.1, momentum=0.5), norm=0.5),
    "averaged": Averaged(SGD(0.1), decay=0.9),
    "proximal": Proximal(SGD(0.1), soft, only="*_W"),
    "each": Each({"*_b": SGD(0.2), "*": SharedAdam(0.03)}),
    "all of them": Averaged(Clipped(Each({"*_b": SharedAdam(0.03), "*": SharedAdam(0.05)})), 0.5),
}
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)

CURVATURES = {"layer_W": np.array([1.0, 0.3, 2.0]), "layer_b": np.array([0.5, 1.5])}
START = {"layer_W": np.array([3.0, -2.0, 1.0]), "layer_b": np.array([0.5, -1.0])}


def pulls(weights):
    return {name: CURVATURES[name] * weight for name, weight in weights.items()}


def descend_all(optimizer, weights, steps, state=None, pull=pulls):
    state = optimizer.begin(weights) if state is None else state
    for _ in range(steps):
        weights, state = optimizer.step(weights, pull(weights), state)
    return weights, state


def flat(state):
    return {(weight, key): v for weight, kept in state.items() for key, v in kept.items()}


def descend(optimizer, weight, steps, gradient=lambda w: CURVATURES["layer_W"] * w):
    """One weight by itself."""
    state = optimizer.start(weight)
    for _ in range(steps):
        weight, state = optimizer.update(weight, gradient(weight), state)
    return weight, state


def compiled(optimizer, weights, state):
    """The step as a circuit: (*state, *weights, *grads, learning_rate) -> (*weights, *state)."""
    builder, numbered = Builder(), enumerate
    kept = {
        place: builder.input(spec_of(v), f"s{n}") for n, (place, v) in numbered(flat(state).items())
    }
    nested = {w: {k: kept[w, k] for k in some} for w, some in state.items()}
    ws = {n: builder.input(spec_of(w), n) for n, w in weights.items()}
    grads = {n: builder.input(spec_of(w), f"{n}_grad") for n, w in weights.items()}
    rate = builder.input(Spec((), next(iter(weights.values())).dtype), "rate")
    after, remembered = optimizer.at(rate).step(ws, grads, nested)
    return compile(builder.finish([*after.values(), *(flat(remembered)[p] for p in kept)]))


@every_optimizer
def test_it_goes_down_a_quadratic(optimizer):
    weights, _ = descend_all(optimizer, START, steps=500)
    assert max(np.abs(w).max() for w in weights.values()) < 2e-2


@every_optimizer
def test_it_rests_where_nothing_pulls_and_nothing_moves(optimizer):
    weights, _ = descend_all(optimizer, {n: 0 * w for n, w in START.items()}, steps=5)
    assert not any(w.any() for w in weights.values())


@every_optimizer
def test_weights_and_state_keep_their_names(optimizer):
    state = optimizer.begin(START)
    weights, after = descend_all(optimizer, START, 1)
    assert [*weights] == [*START]
    assert flat(after).keys() == flat(state).keys()
    assert {weight for weight, _ in flat(state)} <= {*START, ""}


@every_optimizer
def test_arrays_and_circuit_agree_bit_for_bit(optimizer):
    weights = {n: w.astype(np.float32) for n, w in START.items()}
    grads = {n: (w * 0.3 + 0.1).astype(np.float32) for n, w in START.items()}
    _, state = descend_all(optimizer, weights, 3, pull=lambda _: grads)
    rate = np.float32(optimizer.learning_rate)
    after, kept = optimizer.at(rate).step(weights, grads, state)
    program = compiled(optimizer, weights, state)
    made = program.run([*flat(state).values(), *weights.values(), *grads.values(), rate])
    wanted = [*after.values(), *(flat(kept)[place] for place in flat(state))]
    assert [a.tobytes() for a in made] == [a.tobytes() for a in wanted]


@every_optimizer
def test_it_keeps_shape_and_dtype_of_weights_and_state(optimizer):
    weights = {n: w.astype(np.float32) for n, w in START.items()}
    state = optimizer.begin(weights)
    after, kept = optimizer.step(weights, weights, state)
    assert {n: spec_of(w) for n, w in after.items()} == {n: spec_of(w) for n, w in weights.items()}
    assert {p: spec_of(v) for p, v in flat(kept).items()} == {
        p: spec_of(v) for p, v in flat(state).items()
    }


@every_optimizer
def test_a_step_changes_neither_weight_nor_state_in_place(optimizer):
    weights, state = {n: w.copy() for n, w in START.items()}, optimizer.begin(START)
    before = {p: np.array(v) for p, v in flat(state).items()}
    optimizer.step(weights, pulls(weights), state)
    assert all(np.array_equal(w, START[n]) for n, w in weights.items())
    assert all(np.array_equal(v, before[p]) for p, v in flat(state).items())


@every_optimizer
def test_going_on_from_a_kept_state_is_the_same_as_never_having_stopped(optimizer):
    whole, _ = descend_all(optimizer, START, steps=7)
    half = descend_all(optimizer, START, steps=3)
    rest, _ = descend_all(optimizer, half[0], 4, half[1])
    assert all(rest[n].tobytes() == w.tobytes() for n, w in whole.items())


@every_optimizer
def test_its_options_are_its_value(optimizer):
    assert optimizer == dataclasses.replace(optimizer)
    assert optimizer != optimizer.at(0.7)
    assert optimizer.at(0.7).learning_rate == 0.7


def test_plain_sgd_leaves_a_weight_that_nothing_pulls():
    weight = np.array([0.1, -0.0, 1e-40])
    after, _ = descend(SGD(0.5), weight, steps=3, gradient=np.zeros_like)
    assert after.tobytes() == weight.tobytes()


def test_momentum_by_hand():
    # velocity 1, 1.5, 1.75; the weight falls by 0.1 of each
    weight, state = descend(SGD(0.1, momentum=0.5), np.array([1.0]), 3, gradient=np.ones_like)
    assert weight[0] == pytest.approx(1.0 - 0.1 * (1 + 1.5 + 1.75), rel=1e-15)
    assert state["velocity"][0] == 1.75


def test_nesterov_by_hand():
    # velocity 1, 1.5; the step looks half a velocity ahead: 1 + 0.5, 1 + 0.75
    sgd = SGD(0.1, momentum=0.5, nesterov=True)
    weight, _ = descend(sgd, np.array([1.0]), 2, gradient=np.ones_like)
    assert weight[0] == pytest.approx(1.0 - 0.1 * (1.5 + 1.75), rel=1e-15)


def test_weight_decay_pulls_towards_zero_by_hand():
    weight, _ = descend(SGD(0.5, weight_decay=0.2), np.array([10.0]), 2, gradient=np.zeros_like)
    assert weight[0] == pytest.approx(10 * 0.9 * 0.9, rel=1e-15)


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), 0.0, -0.1, "0.1", None, True])
def test_a_learning_rate_is_a_finite_number_above_zero(rate):
    with pytest.raises(OptionError, match=r"learning_rate must be a number above 0, got "):
        SGD(learning_rate=rate)


@pytest.mark.parametrize("options", [{"momentum": 1.0}, {"momentum": -0.1}, {"weight_decay": -1}])
def test_momentum_and_decay_have_ranges(options):
    with pytest.raises(OptionError, match=next(iter(options))):
        SGD(**options)


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(OptionError, match="momentum is 0"):
        SGD(nesterov=True)


def test_clipping_shortens_all_pulls_together_by_hand():
    # (3, 4) and 12 are 13 long; to a length of 1.3 each is a tenth
    clipped = Clipped(SGD(1.0), norm=1.3)
    weights = {"a": np.zeros(2), "b": np.zeros(1)}
    grads = {"a": np.array([3.0, 4.0]), "b": np.array([12.0])}
    after, _ = clipped.step(weights, grads, clipped.begin(weights))
    np.testing.assert_allclose(after["a"], [-0.3, -0.4], rtol=1e-12)
    np.testing.assert_allclose(after["b"], [-1.2], rtol=1e-12)


def test_short_pulls_are_not_clipped():
    clipped, weights = Clipped(SGD(1.0), norm=1.3), {"a": np.zeros(1)}
    after, _ = clipped.step(weights, {"a": np.array([0.5])}, clipped.begin(weights))
    assert after["a"].tolist() == [-0.5]


def test_an_average_by_hand():
    # weight 2, 1, 0; average 2, 0.5 * 2 + 0.5 * 1 = 1.5, 0.5 * 1.5 + 0 = 0.75
    averaged, weights = Averaged(SGD(1.0), decay=0.5), {"a": np.array([2.0])}
    _, state = descend_all(averaged, weights, 2, pull=lambda _: {"a": np.ones(1)})
    assert state["a"]["average"].tolist() == [0.75]


def test_a_penalty_with_a_corner_makes_exact_zeros_of_the_weights_it_names():
    sparse = Proximal(SGD(1.0), lambda w, rate: w * (np.abs(w) > rate), only="*_W")
    weights = {"a_W": np.array([2.0, 0.5]), "a_b": np.array([0.5])}
    still = {n: 0 * w for n, w in weights.items()}
    after, _ = sparse.step(weights, still, sparse.begin(weights))
    assert [after["a_W"].tolist(), after["a_b"].tolist()] == [[2.0, 0.0], [0.5]]


def test_each_group_has_its_own_optimizer_and_keeps_its_ratio_to_the_first():
    each = Each({"*_b": SGD(0.1), "*": SGD(0.2)}).at(1.0)
    weights = {"a_W": np.zeros(1), "a_b": np.zeros(1)}
    pulled = {n: np.ones(1) for n in weights}
    after, _ = each.step(weights, pulled, each.begin(weights))
    assert [after["a_W"].item(), after["a_b"].item()] == [-2.0, -1.0]


def test_a_weight_that_no_group_fits_is_named():
    with pytest.raises(OptionError, match=r"no group fits the weight 'b'; there are 'a', 'c\*'"):
        Each({"a": SGD(), "c*": SGD()}).begin({"a": np.zeros(1), "b": np.zeros(1)})


@pytest.mark.parametrize("make", [lambda: Clipped(SGD(), norm=0.0), lambda: Averaged(SGD(), 1.0)])
def test_wrappers_have_ranges(make):
    with pytest.raises(OptionError):
        make()
