"""The law of conventions: every executor gives the documented answer at kinks, ties, NaN and signed zeros."""

import numpy as np
import pytest
from laws.asking import pull_circuit, pulls, run, watched
from laws.gate_cases import both_precisions, circuit_of

from pullback.core.gate import GATES
from pullback.errors import OptionError
from pullback.executors import EXECUTORS
from pullback.executors.unit import Unit
from pullback.lens.conventions import CONVENTIONS

every_convention = pytest.mark.parametrize("row", CONVENTIONS, ids=lambda row: row.case)
every_executor = pytest.mark.parametrize("executor", EXECUTORS)


def same(found, wanted, tolerance=1e-15):
    """Equal numbers, NaN for NaN, and a value of zero has the sign that was promised."""
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    close = np.allclose(found, wanted, rtol=tolerance, atol=0, equal_nan=True)
    return close and found.shape == wanted.shape


def wrong_pulls(found, row, tolerance):
    """The pulls that differ from the promised ones in size or in the sign of a zero."""
    both = zip(found, row.pulls, strict=True)
    return [(f, w) for f, w in both if not same(f, w, tolerance) or signs(f) != signs(w)]


def signs(x):
    return np.signbit(np.where(np.isnan(x), 1.0, x)).tolist()


@every_convention
@every_executor
@both_precisions
def test_a_circuit_gives_the_documented_value(row, executor, dtype):
    inputs = [np.asarray(x, dtype)[()] for x in row.inputs]
    (value,) = run(circuit_of(row.function, *inputs), inputs, executor)
    assert same(value, row.value, 4 * np.finfo(dtype).eps)
    assert signs(value) == signs(row.value)


@every_convention
@every_executor
@both_precisions
def test_a_circuit_gives_the_documented_pulls(row, executor, dtype):
    inputs = [np.asarray(x, dtype)[()] for x in row.inputs]
    force = np.ones(np.shape(row.value), dtype)[()]
    found = pulls(circuit_of(row.function, *inputs), inputs, [force], executor)
    assert wrong_pulls(found, row, 4 * np.finfo(dtype).eps) == []


@every_convention
def test_units_give_the_documented_answer(row):
    units = [Unit(x) for x in row.inputs]
    y = row.function(*units)
    y.backward()
    assert same(y.value, row.value)
    assert signs(y.value) == signs(row.value)
    assert wrong_pulls([u.grad for u in units], row, 1e-15) == []


@every_convention
def test_the_expression_of_a_row_names_its_gates(row):
    inputs = [np.asarray(x)[()] for x in row.inputs]
    used = {g.name for g in circuit_of(row.function, *inputs).gates if g}
    spelled = {"absolute": "abs", "divide": "/", "power": "**", "greater": ">", "not_equal": "!="}
    spelled["negative"] = "-"
    assert [n for n in used if spelled.get(n, n) not in row.expression] == []


# --- finite, and right, where a plain formula overflows or loses its digits ---

BIG = 1e308
LIMITS = [  # gate, input, value, pull for a force of 1
    ("exp", -np.inf, 0.0, 0.0),
    ("exp", 1e3, np.inf, np.inf),
    ("exp", -1e3, 0.0, 0.0),
    ("log", np.inf, np.inf, 0.0),
    ("log1p", 1e-20, 1e-20, 1.0),
    ("log1p", -1.0, -np.inf, np.inf),
    ("tanh", np.inf, 1.0, 0.0),
    ("tanh", -np.inf, -1.0, 0.0),
    ("tanh", -1e-300, -1e-300, 1.0),
    ("sigmoid", np.inf, 1.0, 0.0),
    ("sigmoid", -np.inf, 0.0, 0.0),
    ("sigmoid", 1e4, 1.0, 0.0),
    ("sigmoid", -1e4, 0.0, 0.0),
    ("sigmoid", -0.0, 0.5, 0.25),
    ("softplus", np.inf, np.inf, 1.0),
    ("softplus", -np.inf, 0.0, 0.0),
    ("softplus", 1e4, 1e4, 1.0),
    ("softplus", -1e4, 0.0, 0.0),
    ("softplus", BIG, BIG, 1.0),
    ("relu", np.inf, np.inf, 1.0),
    ("relu", -np.inf, 0.0, 0.0),
    ("sqrt", np.inf, np.inf, 0.0),
    ("sqrt", 1e-300, 1e-150, 5e149),
    ("absolute", -np.inf, np.inf, -1.0),
    ("negative", 0.0, -0.0, -1.0),
]


@pytest.mark.parametrize(("name", "x", "value", "pull"), LIMITS)
def test_a_curve_reaches_its_limit(name, x, value, pull):
    circuit, x = circuit_of(GATES[name], x), np.float64(x)
    (found,) = run(circuit, [x])
    assert same(found, value, 1e-14)
    assert signs(found) == signs(value)
    assert same(pulls(circuit, [x], [np.float64(1.0)])[0], pull, 1e-14)


ROWS = [  # gate, row, value, pull for a force of 1 on every element
    ("logsumexp", (1e3, 1e3), 1e3 + np.log(2.0), (0.5, 0.5)),
    ("logsumexp", (-1e3, -1e3), -1e3 + np.log(2.0), (0.5, 0.5)),
    ("logsumexp", (BIG, -BIG), BIG, (1.0, 0.0)),
    ("logsumexp", (1e38, 1e38), 1e38, (0.5, 0.5)),
    ("logsumexp", (-np.inf, 3.0), 3.0, (0.0, 1.0)),
    ("softmax", (BIG, -BIG), (1.0, 0.0), (0.0, 0.0)),
    ("softmax", (1e3, 1e3), (0.5, 0.5), (0.0, 0.0)),
    ("softmax", (-np.inf, 0.0), (0.0, 1.0), (0.0, 0.0)),
    ("log_softmax", (0.0, -1e3), (0.0, -1e3), (-1.0, 1.0)),
    ("log_softmax", (1e4, 1e4), (-np.log(2.0), -np.log(2.0)), (0.0, 0.0)),
    ("mean", (BIG / 2, BIG / 2), BIG / 2, (0.5, 0.5)),
]


@pytest.mark.parametrize(("name", "row", "value", "pull"), ROWS)
def test_a_row_of_extremes_has_a_finite_answer(name, row, value, pull):
    circuit, row = circuit_of(GATES[name], row), np.array(row)
    assert same(run(circuit, [row])[0], value, 1e-14)
    found = pulls(circuit, [row], [np.ones(np.shape(value))[()]])[0]
    assert np.allclose(found, pull, rtol=1e-14, atol=1e-300)


# --- what a choice inside a rule must not hide ---


def test_the_length_of_nothing_is_pulled_once_and_twice_with_0_and_makes_no_nan_on_the_way():
    first, _ = pull_circuit(circuit_of(GATES["norm"], np.zeros(2)))
    inputs = [np.zeros(2), np.float64(1.0)]
    assert not any(np.isnan(value).any() for value in watched(first, inputs))
    assert pulls(first, inputs, [np.ones(2)])[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "a", "b"), [("power", -2.0, 0.5), ("xlogy", np.nan, 2.0), ("xlogy", 2.0, np.nan)]
)
def test_where_the_value_is_nan_so_is_the_pull(name, a, b):
    found = pulls(circuit_of(GATES[name], a, b), [a, b], [np.float64(1.0)])
    assert np.isnan(found).any()


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_a_tie_is_shared_in_one_of_three_ways_and_in_no_fourth(name):
    with pytest.raises(OptionError, match="ties must be 'split', 'first' or 'all', got 'both'"):
        circuit_of(lambda a, b: GATES[name](a, b, ties="both"), 1.0, 1.0)
