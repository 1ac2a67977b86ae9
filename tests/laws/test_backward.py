"""Laws of backward on random circuits: right on every wire, summed in order, twice over, never poisoned."""

import numpy as np
import pytest
from hypothesis import given, settings
from laws.asking import (
    NUMERIC,
    distance,
    forces_for,
    numeric_pulls,
    pull_circuit,
    pulls,
    real_outputs,
    run,
    same_bits,
    watched,
)
from laws.forging_gates import broken, listed
from laws.gate_cases import circuit_of
from laws.plans import SMOOTH_STEPS, moved, plans

from pullback.core.build import Builder
from pullback.core.gate import GATES as G
from pullback.core.shapes import spec_of
from pullback.core.sites import scope
from pullback.errors import CircuitError
from pullback.passes.backward import backward

# Two exact ways to the same number; the terms that cancel set the scale. Measured: 2e-15.
ROUNDING = 1e-12

few = settings(max_examples=30)


# --- the pulls are right ---


@few
@given(plans())
def test_pulls_agree_with_movements_worked_out_by_hand(plan):
    circuit, inputs = plan.circuit(), plan.inputs()
    forces = forces_for(circuit)
    found = dict(zip(circuit.inputs, pulls(circuit, inputs, forces), strict=True))
    assert imbalance(circuit, inputs, forces, found, circuit.inputs) < ROUNDING


@few
@given(plans())
def test_the_pull_on_every_wire_on_the_way_is_right_too(plan):
    circuit, inputs = plan.circuit(), plan.inputs()
    forces = forces_for(circuit)
    back = backward(circuit, (0, 1))
    pulled = [w for w, p in enumerate(back.pulls) if p >= 0][:: max(1, len(circuit) // 5)]
    values = run(back.asking([back.pulls[w] for w in pulled]), [*inputs, *forces])
    found = dict(zip(pulled, values, strict=True))
    assert [w for w in pulled if imbalance(circuit, inputs, forces, found, [w]) > ROUNDING] == []


@few
@given(plans(SMOOTH_STEPS, most=8))
def test_pulls_are_the_numerical_slope(plan):
    circuit, inputs = plan.circuit(), plan.inputs()
    forces = forces_for(circuit)
    wanted = numeric_pulls(lambda *x: run(circuit, x), inputs, forces)
    assert distance(pulls(circuit, inputs, forces), wanted) < 10 * NUMERIC


@few
@given(plans(most=20))
def test_pulls_of_pulls_agree_with_movements_worked_out_by_hand(plan):
    circuit = plan.circuit()
    first, _ = pull_circuit(circuit)
    inputs = [*plan.inputs(), *forces_for(circuit)]
    forces = forces_for(first, seed=1)
    found = dict(zip(first.inputs, pulls(first, inputs, forces), strict=True))
    assert imbalance(first, inputs, forces, found, first.inputs) < ROUNDING


def imbalance(circuit, inputs, forces, found, wires):
    """How far pulls . movement of `wires` and forces . movement of the outputs are apart, relative."""
    rng = np.random.default_rng(3)
    start = {w: rng.uniform(0.5, 1.5, circuit.spec_of(w).shape) for w in wires}
    moves = moved(circuit, watched(circuit, inputs), start)
    ends = [circuit.outputs[o] for o in real_outputs(circuit)]
    left = [np.sum(found[w] * d) for w, d in start.items() if found[w] is not None]
    right = [np.sum(f * moves[o]) for f, o in zip(forces, ends, strict=True)]
    scale = max([1.0, *(np.sum(np.abs(f * moves[o])) for f, o in zip(forces, ends, strict=True))])
    off = abs(sum(left) - sum(right)) / max(scale, *(abs(x) for x in left), 1.0)
    return off if off == off else np.inf


# --- the sum over branches ---


@few
@given(plans())
def test_a_pull_is_its_branches_added_in_order_to_the_bit(plan):
    circuit = plan.circuit()
    back = backward(circuit, (0, 1))
    values = watched(back.circuit, [*plan.inputs(), *forces_for(circuit)])
    wrong = []
    for wire, branches in back.branches.items():
        total = values[branches[0].pull]
        for branch in branches[1:]:
            total = total + values[branch.pull]
        wrong += [] if same_bits(values[back.pulls[wire]], total) else [wire]
    assert wrong == []
    assert set(back.branches) == {w for w, p in enumerate(back.pulls) if p >= 0}


@few
@given(plans())
def test_branches_come_from_the_last_user_to_the_first(plan):
    circuit = plan.circuit()
    back = backward(circuit, (0, 1))
    for wire, branches in back.branches.items():
        uses = [(-b.gate, b.position) for b in branches if b.gate >= 0]
        listened = [circuit.row(b.gate).inputs[b.position] for b in branches if b.gate >= 0]
        assert uses == sorted(set(uses))
        assert set(listened) <= {wire}
        assert sum(b.gate < 0 for b in branches) == circuit.outputs.count(wire)


def test_three_branches_are_added_in_reverse_order_of_use():
    # 0.1 + 0.2 + 0.3 is another number in another order.
    circuit = circuit_of(lambda x: x * 0.3 + x * 0.2 + x * 0.1, 1.0)
    assert pulls(circuit, [1.0], [np.float64(1.0)]) == [(0.1 + 0.2) + 0.3]
    assert (0.1 + 0.2) + 0.3 != (0.3 + 0.2) + 0.1


def test_a_sum_starts_with_its_first_branch_so_that_minus_zero_survives():
    circuit = circuit_of(lambda x: x * -0.0, 1.0)
    (pull,) = pulls(circuit, [np.float64(1.0)], [np.float64(1.0)])
    assert np.signbit(pull)


def test_an_output_that_is_also_used_on_the_way_is_pulled_by_both():
    circuit = circuit_of(lambda x: (3.0 * x, (3.0 * x) * 5.0), 1.0)
    twice = circuit_of(lambda x: _both(3.0 * x), 1.0)
    forces = [np.float64(2.0), np.float64(7.0)]
    assert pulls(circuit, [1.0], forces) == pulls(twice, [1.0], forces) == [3.0 * (2.0 + 5.0 * 7.0)]


def _both(q):
    return q, q * 5.0


def test_one_output_pulled_twice_is_pulled_with_the_sum():
    circuit = circuit_of(lambda x: x * x, 3.0)
    back = backward(circuit, (0, 0))
    (pull,) = run(back.asking(back.input_pulls), [3.0, 1.0, 10.0])
    assert pull == 66.0
    assert back.branches[circuit.outputs[0]] == [(-1, 0, f) for f in back.forces]
    assert len(back.origin) == len(back.circuit)


# --- what stays, what is named ---


@few
@given(plans())
def test_forward_wires_keep_their_ids(plan):
    circuit = plan.circuit()
    back = backward(circuit, (0, 1))
    n = len(circuit)
    assert [tuple(r[:1]) + r[2:] for r in back.circuit.rows()][:n] == [
        r[:1] + r[2:] for r in circuit.rows()
    ]
    assert back.circuit.names[:n] == circuit.names
    assert back.circuit.outputs == circuit.outputs
    assert back.circuit.inputs == (*circuit.inputs, *back.forces)
    assert back.circuit.roles == (*circuit.roles, "data", "data")
    assert all(p >= n for p in back.pulls if p >= 0)


@few
@given(plans())
def test_every_new_row_knows_the_wire_it_belongs_to(plan):
    circuit = plan.circuit()
    back = backward(circuit, (0, 1))
    n = len(circuit)
    assert len(back.origin) == len(back.circuit)
    assert back.origin[:n] == tuple(range(n))
    born = [
        (b.gate, back.origin[b.pull]) for bs in back.branches.values() for b in bs if b.gate >= 0
    ]
    # A gate may hand its own pull on; then the row is older than the branch.
    assert all(origin == gate or circuit.row(gate).wire <= origin for gate, origin in born)
    assert [back.origin[f] for f in back.forces] == [circuit.outputs[0], circuit.outputs[1]]


@few
@given(plans())
def test_a_pull_carries_what_its_wire_carries(plan):
    back = backward(plan.circuit(), (0, 1))
    carried = [
        (back.circuit.spec_of(w), back.circuit.spec_of(p))
        for w, p in enumerate(back.pulls)
        if p >= 0
    ]
    assert [pair for pair in carried if pair[0] != pair[1]] == []


def test_the_pull_on_q_is_called_dq():
    def f(x, y):
        q = x * y
        return q * q + x

    names = backward(circuit_of(f, 1.0, 2.0)).circuit.by_name
    assert {"dq", "dx0", "dx1"} <= set(names)


def test_a_wire_that_is_called_dq_already_keeps_its_name():
    def f(x, y):
        q = x * y
        dq = q * y
        return q * dq

    circuit = circuit_of(f, 1.0, 2.0)
    back = backward(circuit)
    assert back.circuit.find("dq") == circuit.find("dq")
    assert back.circuit.names[back.pulls[circuit.find("q")]] == "dq_2"
    assert back.circuit.names[back.pulls[circuit.find("dq")]] == "ddq"


def test_the_force_on_an_output_without_a_name_is_called_force():
    circuit = circuit_of(lambda x, y: x * y, 1.0, 2.0)
    assert backward(circuit).circuit.input_names == ("x0", "x1", "force")


def test_a_wire_that_is_called_as_a_force_would_be_keeps_its_name():
    circuit = circuit_of(lambda x: (x * x).named("force") * x, 1.0)
    back = backward(circuit)
    assert back.circuit.find("force") == circuit.find("force")
    assert back.circuit.names[back.forces[0]] == "force_2"


def test_two_forces_on_one_output_leave_every_wire_its_name():
    circuit = circuit_of(lambda x: ((x * x).named("dq_2") * x).named("q"), 1.0)
    back = backward(circuit, (0, 0))
    assert back.circuit.find("dq_2") == circuit.find("dq_2")
    assert [back.circuit.names[f] for f in back.forces] == ["dq", "dq_3"]


def test_a_circuit_keeps_the_outputs_that_were_asked_for():
    back = backward(circuit_of(lambda x: x * x, 1.0))
    asked = list(back.input_pulls)
    circuit = back.asking(asked)
    asked.clear()
    assert len(run(circuit, [3.0, 1.0])) == 1


def test_what_has_no_name_gives_its_pull_none():
    circuit = circuit_of(lambda x: G["tanh"](G["exp"](x * x)), 1.0)
    made = backward(circuit).circuit.names[len(circuit) :]
    assert set(made) - {""} == {"force", "dx0"}


def test_a_wire_that_pulls_another_is_not_renamed_for_it():
    circuit = circuit_of(lambda x, f: G["force"](x, -f), 1.0, 1.0)
    back = backward(circuit)
    assert circuit.names[back.input_pulls[0]] == ""
    assert back.circuit.names[: len(circuit)] == circuit.names


def test_a_shared_pull_keeps_its_first_name():
    back = backward(circuit_of(lambda x, y: (x + y).named("s"), 1.0, 2.0))
    assert back.input_pulls == (back.forces[0], back.forces[0])
    assert back.circuit.names[back.forces[0]] == "ds"


def test_a_pull_belongs_to_the_scope_and_line_of_its_gate():
    def f(x):
        with scope("layer"):
            h = G["tanh"](x)
        return h * 2.0

    circuit = circuit_of(f, 1.0)
    back = backward(circuit)
    pull = back.input_pulls[0]
    h = circuit.find("h")
    assert back.circuit.groups[back.circuit.group[pull]] == ("layer",)
    assert back.circuit.sites[back.circuit.site[pull]] == circuit.sites[circuit.site[h]]


# --- what is not pulled ---


def test_nothing_pulls_what_the_output_does_not_listen_to():
    back = backward(circuit_of(lambda x, y: x * 2.0, 1.0, 2.0))
    assert back.input_pulls == (max(back.pulls), -1)


def test_a_gate_above_constants_alone_needs_no_rule():
    builder = Builder()
    x, c = builder.input(spec_of(1.0), "x"), builder.constant(2.0)
    with listed(broken(None)) as gate:
        back = backward(builder.finish([gate(c), x]), (0, 1))
    assert back.input_pulls == (back.forces[1],)


def test_constants_and_whole_numbers_are_not_pulled():
    index, x = np.array([1, 0]), np.array([2.0, 3.0])
    back = backward(circuit_of(lambda x, i: G["sum"](G["gather"](x, i) * 2.0), x, index))
    assert [p >= 0 for p in back.input_pulls] == [True, False]
    assert [w for w, p in enumerate(back.pulls) if p >= 0 and back.forward.is_constant(w)] == []


def test_stop_gradient_stops():
    circuit = circuit_of(lambda x: x * G["stop_gradient"](x), 3.0)
    assert pulls(circuit, [3.0], [np.float64(1.0)]) == [3.0]


def test_a_force_by_hand_replaces_what_pulls():
    circuit = circuit_of(lambda x, f: G["force"](x * 2.0, f) * 100.0, 3.0, 1.0)
    assert pulls(circuit, [3.0, 7.0], [np.float64(1.0)]) == [14.0, None]


def test_an_output_that_is_an_input_passes_the_force_on():
    circuit = circuit_of(lambda x: x, 3.0)
    assert pulls(circuit, [3.0], [np.float64(5.0)]) == [5.0]


def test_a_comparison_cannot_be_pulled_and_says_who_it_is():
    circuit = circuit_of(lambda x: (x > 1.0).named("bigger"), 1.0)
    with pytest.raises(CircuitError, match="'bigger' carries bool; only real numbers are pulled"):
        backward(circuit)


# --- the side of a `where` that is not chosen ---


def masked(f, *inputs):
    """The pulls on the inputs of where(x0 > 0, f(...), x0) for a force of 1."""
    circuit = circuit_of(lambda *x: G["where"](x[0] > 0.0, f(*x), x[0]), *inputs)
    shape = circuit.spec_of(circuit.outputs[0]).shape
    return pulls(circuit, [np.asarray(x)[()] for x in inputs], [np.ones(shape)[()]])


MASKED = {
    "a curve with an infinite slope": (lambda x: G["sqrt"](x), 1.0),
    "a logarithm": (lambda x: G["log"](x), 1.0),
    "a quotient": (lambda x: 1.0 / x, 1.0),
    "a power": (lambda x: x**0.5, 1.0),
    "two steep gates": (lambda x: G["sqrt"](G["sqrt"](x)), 1.0),
    "steep below a sum": (lambda x: G["sqrt"](x) + G["log"](x), 1.0),
    "steep below a choice": (lambda x: G["maximum"](G["sqrt"](x), -1.0), 1.0),
    "a recipe with a rule": (lambda x: G["xlogy"](1.0, x), 1.0),
    "a product with infinity": (lambda x: x * G["log"](x), 1.0),
    "an overflowing exp": (lambda x: G["exp"](1000.0 - x), 1.0),
}


@pytest.mark.parametrize(("f", "wanted"), MASKED.values(), ids=MASKED)
def test_what_is_not_chosen_never_poisons(f, wanted):
    assert masked(f, 0.0) == [wanted]


@pytest.mark.parametrize(("f", "wanted"), MASKED.values(), ids=MASKED)
def test_what_is_not_chosen_never_poisons_forward_and_second_pulls(f, wanted):
    circuit = circuit_of(lambda x: G["where"](x > 0.0, f(x), x * x * x), 0.0)
    first, _ = pull_circuit(circuit)
    assert pulls(first, [0.0, 1.0], [np.float64(1.0)]) == [0.0, 0.0]


def test_a_broadcast_input_below_a_where_is_poisoned_by_no_row():
    x, b = np.array([[1.0, 0.0], [4.0, 0.0]]), np.array([2.0, 3.0])
    dx, db = masked(lambda x, b: G["log"](x) * b, x, b)
    assert np.array_equal(dx, [[2.0, 1.0], [0.5, 1.0]])
    assert np.allclose(db, [np.log(4.0), 0.0], rtol=1e-15)


def test_a_masked_element_is_still_pulled_through_the_sum_of_its_row():
    x = np.array([1.0, 2.0, -3.0])
    weights = np.exp(x) / np.exp(x).sum()
    circuit = circuit_of(lambda x: G["where"](x > 0.0, G["log_softmax"](x), 0.0), x)
    (found,) = pulls(circuit, [x], [np.ones(3)])
    assert np.allclose(found, [1.0, 1.0, 0.0] - 2.0 * weights, rtol=1e-14)


def test_a_recipe_without_a_rule_is_guarded_inside():
    a, b = np.array([0.0, 1.0]), np.array([np.inf, 1.0])
    circuit = circuit_of(lambda a, b: G["where"](G["dot"](a, b) > 0.0, G["dot"](a, b), 0.0), a, b)
    da, db = pulls(circuit, [a, b], [np.float64(1.0)])
    assert np.array_equal(da, [0.0, 0.0])
    assert np.array_equal(db, [0.0, 0.0])


def test_the_slope_of_a_zero_pull_is_not_lost_below_a_where():
    # w = 0 pulls x with 0, yet d2/dw dx is exp(x).
    circuit = circuit_of(lambda w, x: w * G["where"](x > 0.0, G["exp"](x), x), 0.0, 1.0)
    first, _ = pull_circuit(circuit)
    found = pulls(first, [0.0, 1.0, 1.0], [np.float64(0.0), np.float64(1.0)])
    assert found[0] == pytest.approx(np.e, rel=1e-15)


def test_a_nan_that_is_chosen_spoils_its_whole_row_as_it_must():
    x, chosen = np.array([1.0, np.nan]), np.array([True, False])
    circuit = circuit_of(lambda x: G["where"](chosen, G["softmax"](x), 0.0), x)
    assert np.isnan(pulls(circuit, [x], [np.ones(2)])[0]).all()


EXCUSED = {  # 0 * infinity, of a force of 0 and a slope or number without end
    "at once": lambda x: G["sqrt"](x),
    "further on": lambda x: G["sqrt"](x) * 1.0,
    "in a recipe": lambda x: G["dot"](G["reshape"](x, shape=(1,)), np.array([np.inf])),
}


@pytest.mark.parametrize("f", EXCUSED.values(), ids=EXCUSED)
def test_only_a_where_excuses_0_times_infinity(f):
    assert np.isnan(pulls(circuit_of(f, 0.0), [0.0], [np.float64(0.0)])).all()


@pytest.mark.parametrize("gate", ["add", "subtract", "maximum", "minimum"])
def test_what_only_hands_pulls_on_is_not_guarded(gate):
    f = G[gate]
    below = circuit_of(lambda x, y: G["where"](x > 0.0, f(x, y), 0.0), 1.0, 2.0)
    free = circuit_of(lambda x, y: f(x, y), 1.0, 2.0)
    rows = [len(backward(c).circuit) - len(c) for c in (below, free)]
    # The choice itself, and the constant 0 that it needs.
    assert rows[0] - rows[1] <= 2
