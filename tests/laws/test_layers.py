"""What every layer promises, whatever it computes."""

import numpy as np
import pytest
from laws.asking import NUMERIC, forces_for, numeric_pulls, pulls

from pullback.core.shapes import Spec
from pullback.errors import OptionError, ShapeError
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
]
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=repr)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def joined(layer, dtype="float64", rows=4):
    x = Spec((rows, 6), np.dtype(dtype))
    net, generator = join(layer, x), np.random.default_rng(7)
    values = [generator.normal(size=x.shape).astype(dtype), *draw(net.needs, generator).values()]
    return net, [v + np.asarray(0.1, dtype) for v in values]


@every_layer
@every_dtype
def test_a_layer_keeps_its_rows_and_its_dtype(layer, dtype):
    net, values = joined(layer, dtype)
    y = compile(net.circuit).run(values)[0]
    assert y.shape[0] == 4
    assert y.dtype == dtype
    assert net.circuit.spec_of(net.circuit.outputs[0]) == Spec(y.shape, y.dtype)


@every_layer
def test_a_row_answers_alike_alone_and_in_company(layer):
    net, values = joined(layer)
    alone, _ = joined(layer, rows=1)
    together = compile(net.circuit).run(values)[0]
    first = compile(alone.circuit).run([values[0][:1], *values[1:]])[0]
    np.testing.assert_allclose(first, together[:1], rtol=1e-14)


@every_layer
def test_every_pull_agrees_with_the_numerical_gradient(layer):
    net, values = joined(layer)
    program, forces = compile(net.circuit), forces_for(net.circuit)
    numerical = numeric_pulls(lambda *v: program.run(v), values, forces)
    for pull, slope in zip(pulls(net.circuit, values, forces), numerical, strict=True):
        np.testing.assert_allclose(pull, slope, rtol=NUMERIC, atol=NUMERIC)


@every_layer
def test_every_weight_is_a_parameter_with_a_name_of_its_own(layer):
    net, _ = joined(layer)
    names = [need.name for need in net.needs]
    assert net.circuit.input_names == ("x", *names)
    assert net.circuit.roles == ("data", *["parameter"] * len(names))
    assert len(set(names)) == len(names)


@every_layer
def test_joining_twice_gives_the_same_circuit_and_weights(layer):
    (one, first), (two, second) = joined(layer), joined(layer)
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


def test_linear_is_the_matrix_product_plus_bias_worked_by_hand():
    net = join(Linear(2), Spec((1, 2), np.dtype("float64")))
    values = [np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([0.5, -0.5])]
    assert compile(net.circuit).run(values)[0].tolist() == [[13.5, 15.5]]


def test_a_linear_layer_refuses_what_is_no_row():
    with pytest.raises(ShapeError, match=r"rows \(n, d\), not to shape \(6,\)"):
        join(Linear(2), Spec((6,), np.dtype("float64")))


@pytest.mark.parametrize("units", [0, -1, 2.5, True, "64", None])
def test_a_layer_has_a_whole_number_of_units(units):
    with pytest.raises(OptionError, match="units is .*; it is a whole number from 1"):
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
