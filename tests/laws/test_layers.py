"""What every layer promises, whatever it computes."""

import numpy as np
import pytest
from laws.asking import NUMERIC, forces_for, numeric_pulls, pulls
from laws.made_for_tests import BatchNorm, Dropout, Embedding

import pullback as pb
from pullback.core.shapes import Spec
from pullback.errors import CircuitError, DtypeError, OptionError, ShapeError
from pullback.executors import compile
from pullback.nn import (
    CrossEntropy,
    Layer,
    Linear,
    MeanSquaredError,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    he,
    join,
    lecun,
    xavier,
    zeros,
)
from pullback.nn.context import draw

LAYERS = [
    Linear(3),
    Linear(3, bias=False, init=xavier),
    ReLU(),
    Tanh(),
    Sigmoid(),
    Sequential(),
    Sequential(Linear(5), Tanh(), Linear(2)),
    Sequential(Sequential(Linear(4), Sigmoid()), Sequential(Linear(3), ReLU()), Linear(2)),
    BatchNorm(),
    Dropout(),
    Embedding(),
    Sequential(Embedding(), BatchNorm(), Dropout(0.5), Linear(2)),
]
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=repr)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
both_ways = pytest.mark.parametrize("training", [True, False], ids=["training", "predicting"])


def takes_tokens(layer):
    first = layer.layers[0] if isinstance(layer, Sequential) and layer.layers else layer
    return isinstance(first, Embedding)


def mixes_rows(layer):
    inner = layer.layers if isinstance(layer, Sequential) else ()
    return layer.mixes_rows or any(map(mixes_rows, inner))


def joined(layer, dtype="float64", rows=4, training=False):
    tokens, dtype = takes_tokens(layer), np.dtype(dtype)
    x = Spec((rows, 6), np.dtype("int64") if tokens else dtype)
    net, generator = join(layer, x, dtype, training=training), np.random.default_rng(7)
    drawn = generator.integers(0, 9, x.shape) if tokens else generator.normal(size=x.shape) + 0.1
    values = [drawn.astype(x.dtype), *draw(net.needs, generator).values()]
    shaken = (v + np.asarray(0.1 if v.dtype.kind == "f" else 0, v.dtype) for v in values[1:])
    return net, [values[0], *shaken]


@every_layer
@every_dtype
@both_ways
def test_a_layer_keeps_its_rows_and_its_dtype(layer, dtype, training):
    net, values = joined(layer, dtype, training=training)
    y = compile(net.circuit).run(values)[0]
    assert y.shape[0] == 4
    assert y.dtype == dtype
    assert net.circuit.spec_of(net.circuit.outputs[0]) == Spec(y.shape, y.dtype)


@every_layer
@both_ways
def test_a_row_answers_alike_alone_and_in_company_unless_rows_are_mixed(layer, training):
    net, values = joined(layer, training=training)
    alone, _ = joined(layer, rows=1, training=training)
    together = compile(net.circuit).run(values)[0]
    first = compile(alone.circuit).run([values[0][:1], *values[1:]])[0]
    last = compile(alone.circuit).run([values[0][-1:], *values[1:]])[0]
    alike = np.allclose([first[0], last[0]], [together[0], together[-1]], rtol=1e-14, atol=0)
    assert alike == (not training or not mixes_rows(layer))


@every_layer
@both_ways
def test_every_pull_agrees_with_the_numerical_gradient(layer, training):
    net, values = joined(layer, training=training)
    program, forces = compile(net.circuit), forces_for(net.circuit)
    numerical = numeric_pulls(lambda *v: program.run(v), values, forces)
    for pull, slope in zip(pulls(net.circuit, values, forces), numerical, strict=True):
        if slope is not None:
            slope = slope if pull is not None else 0 * slope
            pull = 0 * slope if pull is None else pull
            np.testing.assert_allclose(pull, slope, rtol=NUMERIC, atol=NUMERIC)


@every_layer
@both_ways
def test_whatever_a_layer_asks_for_is_an_input_with_a_name_and_a_role(layer, training):
    net, _ = joined(layer, training=training)
    names = [need.name for need in net.needs]
    assert net.circuit.input_names == ("x", *names)
    assert net.circuit.roles == ("data", *[need.role for need in net.needs])
    assert len(set(names)) == len(names)
    assert net.learned == tuple(n.name for n in net.needs if n.role == "parameter")


@every_layer
def test_what_a_layer_carries_goes_out_as_it_came_in(layer):
    net, values = joined(layer, training=True)
    states = {need.name for need in net.needs if need.role == "state"}
    assert {*net.carried} == states
    outputs = dict(zip(net.outputs, compile(net.circuit).run(values), strict=True))
    given = dict(zip(net.circuit.input_names, values, strict=True))
    for state, after in net.carried.items():
        assert (np.shape(outputs[after]), outputs[after].dtype) == (
            given[state].shape,
            given[state].dtype,
        )


@every_layer
@both_ways
def test_joining_twice_gives_the_same_circuit_and_weights(layer, training):
    (one, first), (two, second) = (joined(layer, training=training) for _ in range(2))
    assert one.needs == two.needs
    assert one.circuit.names == two.circuit.names
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@every_layer
def test_a_layer_is_a_value(layer):
    assert isinstance(layer, Layer)
    assert layer == type(layer)(*fields(layer))
    assert hash(layer) == hash(type(layer)(*fields(layer)))
    with pytest.raises(AttributeError):
        layer.units = 7


def fields(layer):
    return layer.layers if isinstance(layer, Sequential) else vars(layer).values()


def test_layers_of_a_net_are_counted_by_kind_and_scoped():
    net, _ = joined(Sequential(Linear(5), ReLU(), Linear(2)))
    assert net.circuit.input_names == ("x", "layer1_W", "layer1_b", "layer2_W", "layer2_b")
    outputs = [net.circuit.find(name) for name in ("layer1", "relu1", "layer2")]
    groups = [net.circuit.groups[net.circuit.group[wire]] for wire in outputs]
    assert groups == [("layer1",), ("relu1",), ("layer2",)]


def test_wires_of_nested_blocks_carry_the_whole_path():
    net, _ = joined(Sequential(Sequential(Linear(4)), Sequential(Linear(3))))
    assert {"block1_layer1_y", "block1", "block2_layer1_W", "block2"} <= set(net.circuit.names)


class Twice(Layer):
    def join(self, x, context):
        return context("W", (6,)) * x + context("W", (6,))


class Odd(Layer):
    def __init__(self, after):
        self.after = after

    def join(self, x, context):
        state = context.state("kept", (6,))
        context.becomes(state, self.after(x, state))
        return x


X = Spec((4, 6), np.dtype("float64"))


def test_two_weights_of_one_name_are_refused():
    with pytest.raises(CircuitError, match="two weights are called 'W'"):
        join(Twice(), X)


@pytest.mark.parametrize(
    ("after", "error", "said"),
    [
        (lambda x, s: x, ShapeError, r"state 'kept' of shape \(6,\) becomes one of \(4, 6\)"),
        (lambda x, s: pb.cast(s, dtype="float32"), DtypeError, "'kept' is float64, and becomes"),
    ],
)
def test_a_state_stays_what_it_is(after, error, said):
    with pytest.raises(error, match=said):
        join(Odd(after), X, training=True)


def test_a_weight_becomes_nothing():
    class Wrong(Layer):
        def join(self, x, context):
            W = context("W", (6,))
            context.becomes(W, W * 2.0)
            return x

    with pytest.raises(CircuitError, match="'W' is not a state"):
        join(Wrong(), X, training=True)


def test_a_term_is_one_number():
    class Wrong(Layer):
        def join(self, x, context):
            context.term("size", x)
            return x

    with pytest.raises(ShapeError, match=r"term 'size' has shape \(4, 6\)"):
        join(Wrong(), X)


def test_linear_is_the_matrix_product_plus_bias_worked_by_hand():
    net = join(Linear(2), Spec((1, 2), np.dtype("float64")))
    values = [np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([0.5, -0.5])]
    assert compile(net.circuit).run(values)[0].tolist() == [[13.5, 15.5]]


def test_a_linear_layer_refuses_what_is_no_row():
    with pytest.raises(ShapeError, match=r"rows \(n, d\), not shape \(6,\)"):
        join(Linear(2), Spec((6,), np.dtype("float64")))


@pytest.mark.parametrize("units", [0, -1, 2.5, True, "64", None])
def test_a_layer_has_a_whole_number_of_units(units):
    with pytest.raises(OptionError, match="units must be a whole number from 1, got "):
        Linear(units)


# (inputs, outputs) 2000 and 500; xavier's uniform has the variance limit^2 / 3
@pytest.mark.parametrize(
    ("init", "spread"), [(he, (2 / 2000) ** 0.5), (lecun, 2000**-0.5), (xavier, (2 / 2500) ** 0.5)]
)
def test_starting_weights_have_the_spread_of_their_paper(init, spread):
    W = init(np.random.default_rng(0), (2000, 500), np.dtype("float64"))
    assert abs(W.mean()) < 4 * spread / 1000  # four standard errors of a million draws
    assert W.std() == pytest.approx(spread, rel=4e-3)


@pytest.mark.parametrize("init", [he, lecun, xavier])
def test_a_window_counts_among_the_inputs(init):
    generator = np.random.default_rng(0)
    wide = init(generator, (3, 3, 200, 50), np.dtype("float64"))
    flat = init(generator, (9 * 200, 9 * 50 if init is xavier else 50), np.dtype("float64"))
    assert wide.std() == pytest.approx(flat.std(), rel=0.02)


@pytest.mark.parametrize("init", [he, lecun, xavier, zeros])
def test_float32_starts_where_float64_starts_rounded_once(init):
    double = init(np.random.default_rng(5), (30, 20), np.dtype("float64"))
    single = init(np.random.default_rng(5), (30, 20), np.dtype("float32"))
    assert np.array_equal(double.astype(np.float32), single)


def test_cross_entropy_by_hand():
    scores = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])) + 5.0  # softmax forgets the 5
    expected = -(np.log(0.2) + np.log(0.8)) / 2
    assert CrossEntropy()(scores, np.array([1, 1])) == pytest.approx(expected, rel=1e-12)


def test_cross_entropy_of_a_hopeless_score_is_finite():
    assert CrossEntropy()(np.array([[0.0, 1e4]]), np.array([0])) == 1e4


def test_squared_error_never_compares_every_row_with_every_other():
    with pytest.raises(ShapeError, match="differ in shape"):
        MeanSquaredError()(np.zeros((3, 1)), np.zeros(3))
