"""Laws of every gate's value: what it carries, the same bits for numbers and wires, calm at the extremes."""

import doctest
import itertools
import sys
import warnings

import numpy as np
import pytest
from laws.asking import forces_for, pulls, same_bits
from laws.gate_cases import (
    ALL_CASES,
    ALL_GATES,
    both_precisions,
    circuit_of,
    every_case,
    every_gate,
    uses,
)

from pullback.core.dtypes import FLOAT32, INT64
from pullback.core.gate import GATES
from pullback.core.shapes import spec_of
from pullback.errors import OptionError, ShapeError
from pullback.executors import compile
from pullback.gates.choose import clamp
from pullback.gates.reduce import folded_axes

EXTREMES = [0.0, -0.0, 5e-324, 1e-300, -1e-300, 1e3, -1e3, 1e308, -1e308, np.inf, -np.inf, np.nan]
MODERATE = [0.0, -0.0, 1e-300, -1e-300, 1e3, -1e3]  # no sum or product of a few overflows

# Where the real function itself has no value, beyond what a gate's `domain` says.
UNDEFINED = {
    "divide": lambda a, b: (a == 0) & (b == 0),
    "power": lambda a, b: a < 0,
    "xlogy": lambda x, y: y < 0,
}

ELEMENTWISE = [g for g in ALL_GATES if g.elementwise]
SHAPED = [case for case in ALL_CASES if not case.gate.elementwise and case.real]
NO_EMPTY = [c for c in SHAPED if all(np.size(x) for x in c.inputs)]
every_elementwise_gate = pytest.mark.parametrize("gate", ELEMENTWISE, ids=lambda g: g.name)


@every_gate
def test_every_gate_has_a_case(gate):
    assert uses(gate)


@every_gate
def test_the_docstring_says_what_the_gate_is_in_one_line_and_shows_it(gate):
    first = gate.__doc__.splitlines()[0]
    names = vars(sys.modules[gate.__module__])
    shown = doctest.DocTestParser().get_doctest(gate.__doc__, dict(names), gate.name, None, 0)
    said = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(shown, out=said.append)
    assert first.strip().endswith(".")
    assert shown.examples
    assert said == []


@pytest.mark.parametrize("gate", ELEMENTWISE, ids=lambda g: g.name)
def test_a_gate_without_a_shape_is_elementwise(gate):
    x = np.full((2, 3), 0.5)
    inputs = [x.astype(gate.kinds.get(n, float)) for n in gate.inputs]
    assert np.shape(gate(*inputs, **uses(gate)[0].attributes)) == (2, 3)


@every_case
@both_precisions
def test_the_value_is_what_the_circuit_says_it_carries(case, dtype):
    case = case.as_dtype(dtype)
    circuit = case.circuit()
    (y,) = compile(circuit).run(case.inputs)
    assert spec_of(np.asarray(y)[()]) == circuit.spec_of(circuit.outputs[0])


@every_case
@both_precisions
def test_numbers_and_circuits_agree_to_the_bit(case, dtype):
    case = case.as_dtype(dtype)
    assert same_bits(case.output, compile(case.circuit()).run(case.inputs)[0])


@every_case
@pytest.mark.parametrize("kind", ["int64", "bool"])
def test_whole_numbers_and_truths_mean_the_same_to_numbers_and_circuits(case, kind):
    inputs = [_whole(x, kind) for x in case.inputs]
    circuit = circuit_of(lambda *x: case.gate(*x, **case.attributes), *inputs)
    (y,) = compile(circuit).run(inputs)
    assert spec_of(np.asarray(y)[()]) == circuit.spec_of(circuit.outputs[0])
    assert same_bits(case.gate(*inputs, **case.attributes), y)


def _whole(x, kind):
    return np.rint(np.multiply(x, 3)).astype(kind)[()] if np.asarray(x).dtype.kind == "f" else x


@pytest.mark.parametrize("gate", [g for g in ELEMENTWISE if len(g.inputs) == 2], ids=str)
@pytest.mark.parametrize("beside", [2, np.int64(2), np.float64(2), 2.0])
def test_mixed_numbers_mean_the_same_to_numbers_and_circuits(gate, beside):
    x = np.float32(1.5)
    circuit = circuit_of(lambda a, b: gate(a, b), x, beside)
    spread = [x, circuit.spec_of(circuit.inputs[1]).dtype.type(beside)]
    assert same_bits(gate(*spread), compile(circuit).run(spread)[0])


@pytest.mark.parametrize("gate", [g for g in ELEMENTWISE if len(g.inputs) == 2], ids=str)
def test_a_whole_number_never_doubles_the_size_of_a_float32(gate):
    found = {gate(np.float32(1.5), beside).dtype for beside in (2, 2.0, np.int64(2), np.True_)}
    assert found <= {FLOAT32, gate.result}


BOUNDS = [
    {},
    {"low": 1},
    {"high": 2},
    {"low": -1e300, "high": 1e300},
    {"low": -(2**70), "high": 2**70},
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
@pytest.mark.parametrize("executor", ["reference", "native"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_a_bound_left_out_or_beyond_the_dtype_holds_nothing(executor, dtype, bounds):
    numbers = np.array([-7, 1, 2, 9], dtype)
    least, most = bounds.get("low", -np.inf), bounds.get("high", np.inf)
    wanted = np.array([min(max(x, least), most) for x in numbers.tolist()], dtype)
    program = compile(circuit_of(lambda x: clamp(x, **bounds), numbers), executor=executor)
    single = compile(circuit_of(lambda x: clamp(x, **bounds), numbers[0]), executor=executor)
    assert same_bits(program.run([numbers])[0], wanted)
    assert all(same_bits(single.run([x])[0], y) for x, y in zip(numbers, wanted, strict=True))


DOTS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 1, 3), (4, 3, 2)), ((), (2,)),
    ((2,), ()), ((2, 0), (0, 3)), ((3,), (2, 3, 4)), ((0, 2), (2,)), ((), ()), ((2,), (2, 3, 2, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), DOTS, ids=str)
def test_dot_is_what_numpy_calls_dot(a, b):
    rng = np.random.default_rng(3)
    a, b = np.asarray(rng.normal(size=a))[()], np.asarray(rng.normal(size=b))[()]
    wanted, dot = np.dot(a, b), GATES["dot"]
    found = [dot(a, b), compile(circuit_of(dot, a, b)).run([a, b])[0]]
    assert [np.shape(y) for y in found] == [np.shape(wanted)] * 2
    assert all(np.allclose(y, wanted, rtol=1e-14) for y in found)


# --- what does not fit ---

ALONG = [c for c in ALL_CASES if type(c.attributes.get("axis")) is int and c.attributes["axis"] < 3]
MISFITS = [  # a gate, inputs that do not fit it, attributes, what is said about them
    ("gather", (1.0, [0]), {}, r"gather: axis 0 of an array with 0 axes.*\n  x0  \(\) float64"),
    ("scatter_add", (1.0, [0]), {"size": 3}, r"\(\) has not the shape of its index, \(1,\)"),
    ("scatter_add", (1.0, [[0]]), {"size": 3}, r"\(\) has not the shape of its index, \(1, 1\)"),
    ("scatter_add", ([1.0, 2.0], [0]), {"size": 3}, r"\(2,\) has not the shape of its index"),
    ("concat", (1.0, 2.0), {}, "concat: axis 0 of an array with 0 axes"),
    ("concat", ([1.0], 2.0), {}, r"\(1,\) and \(\) do not join along axis 0"),
    ("concat", ([[1.0]], [[2.0, 3.0]]), {}, r"\(1, 1\) and \(1, 2\) do not join along axis 0"),
    ("sum_to", ([1.0, 2.0],), {"shape": (3,)}, r"\(2,\) and 'shape' \(3,\) do not broadcast"),
    ("sum_to", (1.0,), {"shape": (3,)}, r"\(\) is not what \(3,\) broadcasts to"),
]


@pytest.mark.parametrize("case", ALONG, ids=str)
@pytest.mark.parametrize("axis", [3, -4])
def test_an_axis_that_is_not_there_is_refused_before_anything_runs(case, axis):
    attributes = {**case.attributes, "axis": axis}
    with pytest.raises(ShapeError, match=f"axis {axis} of an array with [0-3] axes"):
        circuit_of(lambda *x: case.gate(*x, **attributes), *case.inputs)


@pytest.mark.parametrize("case", ALONG, ids=str)
@pytest.mark.parametrize("axis", [True, 0.0, "0", (0.0,), (True,)], ids=repr)
def test_an_axis_that_is_no_whole_number_is_refused_before_anything_runs(case, axis):
    attributes = {**case.attributes, "axis": axis}
    with pytest.raises(ShapeError, match="is not a whole number|along one axis"):
        circuit_of(lambda *x: case.gate(*x, **attributes), *case.inputs)


FOLDING = ["sum", "mean", "max", "min", "logsumexp", "softmax", "log_softmax", "norm", "prod"]


@pytest.mark.parametrize("name", FOLDING)
@pytest.mark.parametrize("axis", [(0, 0), (1, 0, -1), (-2, 0)], ids=str)
def test_an_axis_that_is_named_twice_is_refused_before_anything_runs(name, axis):
    with pytest.raises(ShapeError, match="names an axis twice"):
        circuit_of(lambda x: GATES[name](x, axis=axis), np.ones((2, 3)))


@pytest.mark.parametrize("name", ["max", "min", "argmax"])
@pytest.mark.parametrize("shape", [(0,), (2, 0)], ids=str)
def test_the_largest_of_nothing_is_refused_before_anything_runs(name, shape):
    with pytest.raises(ShapeError, match="has no element along axis -1"):
        circuit_of(lambda x: GATES[name](x, axis=-1), np.ones(shape))


@pytest.mark.parametrize("axis", [(0,), (0, 1), ()], ids=str)
def test_a_place_is_looked_for_along_one_axis(axis):
    with pytest.raises(ShapeError, match="along one axis"):
        circuit_of(lambda x: GATES["argmax"](x, axis=axis), np.ones((2, 3)))


@pytest.mark.parametrize("executor", ["reference", "native"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e19])
def test_a_border_of_whole_numbers_is_made_of_whole_numbers(executor, value):
    x = np.arange(3)
    circuit = circuit_of(lambda x: GATES["pad"](x, widths=((1, 1),), value=value), x)
    with pytest.raises(OptionError, match="no int64"):
        compile(circuit, executor=executor).run([x])


def test_axes_are_told_from_the_front_in_order():
    assert folded_axes(3, (-1, 0)) == (0, 2)
    assert folded_axes(9, (8, 0)) == (0, 8)
    assert folded_axes(2, None) == (0, 1)


@pytest.mark.parametrize(("name", "inputs", "attributes", "words"), MISFITS)
def test_what_does_not_fit_is_refused_in_words(name, inputs, attributes, words):
    inputs = [np.asarray(x)[()] for x in inputs]
    with pytest.raises(ShapeError, match=words):
        circuit_of(lambda *x: GATES[name](*x, **attributes), *inputs)


@pytest.mark.parametrize(("shape", "fix"), [((2, 3), "an axis from -2 to 1"), ((), "")])
def test_an_axis_that_is_not_there_is_told_which_ones_are(shape, fix):
    with pytest.raises(ShapeError) as error:
        circuit_of(lambda x: x.sum(axis=2), np.ones(shape))
    assert error.value.fix == fix


@pytest.mark.parametrize("gate", ["gather", "scatter_add"])
def test_a_number_without_rows_is_refused_by_the_gate_itself(gate):
    with pytest.raises(ShapeError):
        GATES[gate](1.0, np.array([0]), **({"size": 2} if gate == "scatter_add" else {}))


# --- extremes ---


def extreme_inputs(gate, dtype, extremes=EXTREMES):
    """Every combination of extremes, as one long row an input; both truths for a condition."""
    kinds = [gate.kinds.get(n) for n in gate.input_names(len(gate.inputs))]
    each = [extremes if k is None else [0, 1, 2] if k == INT64 else [False, True] for k in kinds]
    rows = zip(*itertools.product(*each), strict=True)
    with np.errstate(over="ignore"):  # 1e308 is infinite in float32
        return [np.array(row, kind or dtype) for row, kind in zip(rows, kinds, strict=True)]


def answers(gate, inputs, attributes):
    """The value and the pulls on the inputs for a force of 1."""
    circuit = circuit_of(lambda *x: gate(*x, **attributes), *inputs)
    value = compile(circuit).run(inputs)
    forces = [np.ones_like(f) for f in forces_for(circuit)]
    return [*value, *(pulls(circuit, inputs, forces) if forces else [])]


def variants(gate):
    return [u.attributes for u in uses(gate)[:3]]


@every_elementwise_gate
@both_precisions
def test_extremes_raise_no_alarm(gate, dtype):
    inputs = extreme_inputs(gate, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [answers(gate, inputs, gate.bind(v)) for v in variants(gate)]
        assert len(gate(*inputs, **variants(gate)[0])) == len(inputs[0])


@pytest.mark.parametrize("case", SHAPED, ids=str)
@both_precisions
def test_extremes_in_arrays_raise_no_alarm(case, dtype):
    rng = np.random.default_rng(0)
    with np.errstate(over="ignore"):
        drawn = [rng.choice(EXTREMES, np.shape(x)).astype(dtype)[()] for x in case.inputs]
    inputs = [
        d if i in case.real else x for i, (x, d) in enumerate(zip(case.inputs, drawn, strict=True))
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert answers(case.gate, inputs, case.attributes)


@every_elementwise_gate
def test_finite_numbers_never_make_nan_where_the_function_is_defined(gate):
    finite = [x for x in EXTREMES if np.isfinite(x)]
    inputs = extreme_inputs(gate, np.float64, finite)
    defined = ~_undefined(gate, inputs)
    found = [a for a in answers(gate, inputs, gate.bind(variants(gate)[0])) if a is not None]
    assert not any(np.isnan(a[defined]).any() for a in found if a.dtype.kind == "f")


def _undefined(gate, inputs):
    if gate.name in UNDEFINED:
        return UNDEFINED[gate.name](*inputs)
    low, high = gate.domain
    outside = [(x < low) | (x > high) for x in inputs if x.dtype.kind == "f"]
    return np.any(outside, axis=0)


@pytest.mark.parametrize("case", NO_EMPTY, ids=str)
def test_finite_numbers_in_arrays_never_make_nan(case):
    rng = np.random.default_rng(1)
    drawn = [rng.choice(MODERATE, np.shape(x))[()] for x in case.inputs]
    inputs = [
        d if i in case.real else x for i, (x, d) in enumerate(zip(case.inputs, drawn, strict=True))
    ]
    found = [a for a in answers(case.gate, inputs, case.attributes) if a is not None]
    assert not any(np.isnan(a).any() for a in found if np.asarray(a).dtype.kind == "f")


# A comparison with NaN is false, a choice may be for the other side, an exponent 0 or a base 1 wins.
SWALLOWS = ("where", "power", "xlogy")


@pytest.mark.parametrize(
    "gate",
    [g for g in ELEMENTWISE if g.name not in (*SWALLOWS, "cast", "force")],
    ids=lambda g: g.name,
)
def test_nan_is_never_swallowed(gate):
    inputs = extreme_inputs(gate, np.float64)
    bad = np.any([np.isnan(x) for x in inputs], axis=0)
    y = gate(*inputs)
    assert y.dtype.kind != "f" or np.isnan(y[bad]).all()
