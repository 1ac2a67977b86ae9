"""What every optimizer promises, on arrays and inside the training-step circuit."""

import dataclasses

import numpy as np
import pytest

from pullback.core.build import Builder
from pullback.core.shapes import Spec, spec_of
from pullback.core.structure import take_apart
from pullback.errors import OptionError
from pullback.executors import compile
from pullback.train import SGD

OPTIMIZERS = [
    SGD(0.1),
    SGD(0.1, momentum=0.9),
    SGD(0.1, momentum=0.9, nesterov=True),
    SGD(0.1, momentum=0.5, weight_decay=0.01),
]
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)

CURVATURE = np.array([1.0, 0.3, 2.0])


def descend(optimizer, weight, steps, gradient=lambda w: CURVATURE * w):
    state = optimizer.start(weight)
    for _ in range(steps):
        weight, state = optimizer.update(weight, gradient(weight), state)
    return weight, state


def compiled(optimizer, weight):
    """The update as a circuit: (weight, grad, *state, learning_rate) -> (weight, *state)."""
    builder = Builder()
    state = {k: builder.input(spec_of(v), k) for k, v in optimizer.start(weight).items()}
    w, grad = builder.input(spec_of(weight), "w"), builder.input(spec_of(weight), "grad")
    rate = builder.input(Spec((), weight.dtype), "rate")
    after, kept = optimizer.at(rate).update(w, grad, state)
    return compile(builder.finish([after, *[kept[k] for k in state]]))


@every_optimizer
def test_it_goes_down_a_quadratic(optimizer):
    weight, _ = descend(optimizer, np.array([3.0, -2.0, 1.0]), steps=300)
    assert np.abs(weight).max() < 1e-3


@every_optimizer
def test_it_rests_where_nothing_pulls_and_nothing_moves(optimizer):
    weight, state = descend(optimizer, np.zeros(3), steps=5)
    assert not weight.any()
    assert not np.concatenate([v.ravel() for v in state.values()]).any()


@every_optimizer
def test_arrays_and_circuit_agree_bit_for_bit(optimizer):
    generator = np.random.default_rng(3)
    weight, grad = generator.normal(size=(2, 4, 3)).astype(np.float32)
    state = {
        k: generator.normal(size=v.shape).astype(v.dtype)
        for k, v in optimizer.start(weight).items()
    }
    after, kept = optimizer.update(weight, grad, state)
    made = compiled(optimizer, weight).run([*state.values(), weight, grad, optimizer.learning_rate])
    expected = [after, *[kept[k] for k in state]]
    assert [a.tobytes() for a in made] == [a.tobytes() for a in expected]


@every_optimizer
def test_it_keeps_shape_and_dtype_of_weight_and_state(optimizer):
    weight = np.ones((2, 3), np.float32)
    after, state = optimizer.update(weight, weight, optimizer.start(weight))
    assert (after.shape, after.dtype) == (weight.shape, weight.dtype)
    started = [spec_of(v) for v in take_apart(optimizer.start(weight))[0]]
    assert [spec_of(v) for v in take_apart(state)[0]] == started


@every_optimizer
def test_a_step_changes_neither_weight_nor_state_in_place(optimizer):
    weight, grad = np.ones(3), np.ones(3)
    state = optimizer.start(weight)
    optimizer.update(weight, grad, state)
    assert weight.tolist() == grad.tolist() == [1.0, 1.0, 1.0]
    assert not any(v.any() for v in state.values())


@every_optimizer
def test_going_on_from_a_kept_state_is_the_same_as_never_having_stopped(optimizer):
    start = np.array([3.0, -2.0, 1.0])
    whole, _ = descend(optimizer, start, steps=7)
    weight, state = descend(optimizer, start, steps=3)
    for _ in range(4):
        weight, state = optimizer.update(weight, CURVATURE * weight, state)
    assert weight.tobytes() == whole.tobytes()


@every_optimizer
def test_its_options_are_its_value(optimizer):
    assert optimizer == dataclasses.replace(optimizer)
    assert optimizer != dataclasses.replace(optimizer, learning_rate=0.2)


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
    with pytest.raises(OptionError, match=r"learning_rate is .*; it is a number above 0"):
        SGD(learning_rate=rate)


@pytest.mark.parametrize("options", [{"momentum": 1.0}, {"momentum": -0.1}, {"weight_decay": -1}])
def test_momentum_and_decay_have_ranges(options):
    with pytest.raises(OptionError, match=next(iter(options))):
        SGD(**options)


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(OptionError, match="momentum is 0"):
        SGD(nesterov=True)
