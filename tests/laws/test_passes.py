"""Laws of the other passes: tidy, share and expand never change a bit; forward mode is backward's mirror."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.asking import forces_for, pull_circuit, pulls, real_outputs, run, same_bits, watched
from laws.gate_cases import SMOOTH_CASES, circuit_of, every_sloped_case, every_smooth_case
from laws.plans import moved, plans

from pullback.core.build import Builder
from pullback.core.gate import GATES as G
from pullback.core.replay import replay
from pullback.core.shapes import spec_of
from pullback.core.sites import scope
from pullback.core.structure import LEAF
from pullback.core.trace import trace
from pullback.errors import GateError
from pullback.passes.backward import backward
from pullback.passes.expand import expand
from pullback.passes.forward_mode import forward_mode
from pullback.passes.rewrite import live
from pullback.passes.share import share
from pullback.passes.tidy import tidy

ROUNDING = 1e-12  # two exact ways to the same number; measured: 2e-15
SPECIAL = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 1.0, -1.0, 0.05, 0.1]

few = settings(max_examples=30)
every_pass = pytest.mark.parametrize("rewritten", [tidy, share, expand], ids=lambda p: p.__name__)
specials = st.integers(0, 2**32 - 1)


def hard_inputs(plan, seed):
    rng = np.random.default_rng(seed)
    return [rng.choice([*SPECIAL, *rng.normal(size=6)], s)[()] for s in plan.shapes]


def differing(found, wanted):
    return [i for i, (f, w) in enumerate(zip(found, wanted, strict=True)) if not same_bits(f, w)]


# --- never a bit ---


@every_pass
@few
@given(plan=plans(), seed=specials)
def test_a_pass_never_changes_a_bit_of_an_output(rewritten, plan, seed):
    circuit, inputs = plan.circuit(), hard_inputs(plan, seed)
    assert differing(run(rewritten(circuit), inputs), run(circuit, inputs)) == []


@every_pass
@few
@given(plan=plans(most=30), seed=specials)
def test_a_pass_never_changes_a_bit_of_a_pull(rewritten, plan, seed):
    circuit, inputs = plan.circuit(), hard_inputs(plan, seed)
    asked, _ = pull_circuit(circuit)
    inputs += forces_for(circuit)
    assert differing(run(rewritten(asked), inputs), run(asked, inputs)) == []


@every_pass
@every_smooth_case
def test_a_pass_keeps_every_gate_and_its_pull(rewritten, case):
    circuit = case.circuit()
    asked, _ = pull_circuit(circuit)
    inputs = [*case.inputs, *forces_for(circuit)]
    assert differing(run(rewritten(circuit), case.inputs), run(circuit, case.inputs)) == []
    assert differing(run(rewritten(asked), inputs), run(asked, inputs)) == []


@every_pass
@few
@given(plan=plans())
def test_a_pass_keeps_inputs_names_and_what_outputs_carry(rewritten, plan):
    circuit = plan.circuit()
    again = rewritten(circuit)
    assert again.input_names == circuit.input_names
    assert again.roles == circuit.roles
    assert [again.spec_of(o) for o in again.outputs] == [
        circuit.spec_of(o) for o in circuit.outputs
    ]


@every_pass
@few
@given(plan=plans())
def test_a_pass_done_twice_changes_nothing_more(rewritten, plan):
    once = rewritten(plan.circuit())
    assert [r[2:] for r in rewritten(once).rows()] == [r[2:] for r in once.rows()]


@every_pass
@few
@given(plan=plans())
def test_nobody_is_left_to_whom_nobody_listens(rewritten, plan):
    assert all(live(rewritten(plan.circuit())))


@every_pass
def test_a_pass_keeps_names_scopes_and_lines(rewritten):
    def f(x):
        with scope("layer"):
            h = G["tanh"](x * 0.5)
        return h * h

    circuit = circuit_of(f, 1.0)
    again = rewritten(circuit)
    before, after = circuit.find("h"), again.find("h")
    assert again.groups[again.group[after]] == ("layer",)
    assert again.sites[again.site[after]] == circuit.sites[circuit.site[before]]


# --- what each is for ---


def gates_of(circuit):
    return [r.gate.name for r in circuit.rows() if r.gate]


@pytest.mark.parametrize(
    ("f", "left"),
    [
        (lambda x: x * 1.0, []),
        (lambda x: 1.0 * x, []),
        (lambda x: x / 1.0, []),
        (lambda x: x**1.0, []),
        (lambda x: x - 0.0, []),
        (lambda x: G["negative"](-x), []),
        (lambda x: G["reshape"](x, shape=(3,)), []),
        (lambda x: G["cast"](x, dtype="float64"), []),
        (lambda x: G["where"](np.True_, x, 0.0), []),
        (lambda x: G["where"](np.False_, 0.0, x), []),
        # Not these: -0 + 0 is +0, 0 - x is not -x, x * 0 is NaN at infinity, 1 / x is not x.
        (lambda x: x + 0.0, ["add"]),
        (lambda x: 0.0 - x, ["subtract"]),
        (lambda x: x - np.float64(-0.0), ["subtract"]),
        (lambda x: x * 0.0, ["multiply"]),
        (lambda x: 1.0 / x, ["divide"]),
        (lambda x: 1.0**x, ["power"]),
        # A neutral number that is broadcast changes the shape, and one of another precision the dtype.
        (lambda x: x * np.ones((2, 1)), ["multiply"]),
        (lambda x: G["where"](np.True_, x, np.ones((2, 1))), ["where"]),
        (lambda x: G["cast"](x, dtype="float32"), ["cast"]),
        (lambda x: G["reshape"](x, shape=(1, 3)), ["reshape"]),
    ],
)
def test_tidy_leaves_out_what_changes_no_bit_and_only_that(f, left):
    circuit = tidy(circuit_of(f, np.ones(3)))
    assert gates_of(circuit) == left


def test_tidy_folds_constants():
    circuit = tidy(circuit_of(lambda x: x + G["exp"](x.builder.constant(0.0) * 2.0), 1.0))
    assert gates_of(circuit) == ["add"]
    assert run(circuit, [1.0]) == [2.0]


@pytest.mark.parametrize(("size", "left"), [(64, ["multiply"]), (65, ["broadcast_to", "multiply"])])
def test_tidy_keeps_no_constant_that_costs_more_to_keep_than_to_compute(size, left):
    def f(x):
        return x * G["broadcast_to"](x.builder.constant(2.0), shape=(64, size))

    assert gates_of(tidy(circuit_of(f, 1.0))) == left


def test_tidy_drops_what_nobody_listens_to_but_no_input():
    def f(x, y):
        G["exp"](y)
        return x * 2.0

    circuit = tidy(circuit_of(f, 1.0, 2.0))
    assert gates_of(circuit) == ["multiply"]
    assert circuit.input_names == ("x0", "x1")


def test_share_computes_equal_things_once():
    circuit = circuit_of(lambda x, y: G["tanh"](x + y) * G["tanh"](x + y), 1.0, 2.0)
    assert gates_of(share(circuit)) == ["add", "tanh", "multiply"]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.sum(axis=0) + x.sum(axis=1),
        lambda x: x.sum(axis=0) + x.sum(axis=0, keepdims=True),
        lambda x: G["maximum"](x, 1.0) + G["maximum"](x, 1.0, ties="first"),
        lambda x: (x - 1.0) * (1.0 - x),
        lambda x: x * 0.0 + x * -0.0,
        lambda x: G["clamp"](x, low=0) + G["clamp"](x, low=0.0),
    ],
)
def test_share_keeps_apart_what_is_different(f):
    circuit = circuit_of(f, np.ones((2, 2)))
    assert len(gates_of(share(circuit))) == len(gates_of(circuit))


def test_expand_opens_every_recipe_and_only_those_asked_for():
    circuit = circuit_of(lambda x: G["softplus"](x) + G["mean"](G["log_softmax"](x)), np.ones(3))
    everything, some = expand(circuit), expand(circuit, only=("softplus",))
    assert not any(g.recipe for g in everything.gates if g)
    assert {g.name for g in some.gates if g and g.recipe} == {"mean", "log_softmax"}


RECIPES = [c for c in SMOOTH_CASES if c.gate.recipe]
RECIPE_ROUNDING = 1e-11  # a derived pull may lose a few digits that the rule keeps


@pytest.mark.parametrize("case", RECIPES, ids=str)
def test_the_rule_of_a_recipe_is_the_pull_that_its_gates_derive(case):
    circuit = case.circuit()
    forces = forces_for(circuit)
    pairs = zip(
        pulls(circuit, case.inputs, forces),
        pulls(expand(circuit), case.inputs, forces),
        strict=True,
    )
    assert all(np.allclose(a, b, rtol=RECIPE_ROUNDING, atol=RECIPE_ROUNDING) for a, b in pairs)


# --- forward mode ---


@few
@given(plans(most=30))
def test_forward_mode_is_the_movement_worked_out_by_hand(plan):
    circuit, inputs = plan.circuit(), plan.inputs()
    rng = np.random.default_rng(3)
    directions = [np.asarray(rng.uniform(0.5, 1.5, s))[()] for s in plan.shapes]
    found = run(forward_mode(circuit), [*inputs, *directions])
    moves = moved(
        circuit, watched(circuit, inputs), dict(zip(circuit.inputs, directions, strict=True))
    )
    wanted = [*run(circuit, inputs), *(moves[o] for o in circuit.outputs)]
    off = [
        np.max(np.abs(f - w) / np.maximum(1.0, np.max(np.abs(w))))
        for f, w in zip(found, wanted, strict=True)
    ]
    assert [d for d in off if not d < 1e3 * ROUNDING] == []


@every_sloped_case
def test_force_times_movement_is_pull_times_direction(case):
    circuit = case.circuit()
    forces, rng = forces_for(circuit), np.random.default_rng(4)
    directions = [
        np.asarray(rng.uniform(0.5, 1.5, np.shape(case.inputs[i])))[()] for i in case.real
    ]
    *_, movement = run(forward_mode(circuit), [*case.inputs, *directions])
    found = pulls(circuit, case.inputs, forces)
    left = [
        np.sum(found[i] * d)
        for i, d in zip(case.real, directions, strict=True)
        if found[i] is not None
    ]
    assert sum(left) == pytest.approx(np.sum(forces[0] * movement), rel=1e-12, abs=1e-12)


def test_an_input_that_is_not_moved_stands_still():
    circuit = circuit_of(lambda x, y: x * y, 2.0, 3.0)
    along = forward_mode(circuit, moved=[1])
    assert along.input_names == ("x0", "x1", "vx1")
    assert run(along, [2.0, 3.0, 10.0]) == [6.0, 20.0]


def test_an_output_that_cannot_move_gives_zero_and_a_truth_none():
    circuit = circuit_of(lambda x: (G["stop_gradient"](x), x > 0.0, x), 2.0)
    assert run(forward_mode(circuit), [2.0, 10.0]) == [2.0, True, 2.0, 0.0, 10.0]


def test_forward_mode_leaves_no_row_that_nobody_listens_to():
    assert all(live(forward_mode(circuit_of(lambda x: G["tanh"](x * 2.0), 1.0))))


def test_without_inputs_nothing_moves():
    builder = Builder()
    assert run(forward_mode(builder.finish([builder.constant(2.0)])), []) == [2.0, 0.0]


def test_an_input_that_nobody_listens_to_moves_nothing():
    circuit = circuit_of(lambda x, y: x * 2.0, 2.0, 3.0)
    assert run(forward_mode(circuit), [2.0, 3.0, 10.0, 100.0]) == [4.0, 20.0]


def test_what_is_pulled_by_hand_alone_does_not_move_the_output():
    circuit = circuit_of(lambda x: G["force"](x * 2.0, 5.0), 2.0)
    assert run(forward_mode(circuit), [2.0, 10.0]) == [4.0, 0.0]


def test_a_direction_finds_a_name_beside_one_that_is_taken():
    builder = Builder()
    v, x = builder.input(spec_of(1.0), "vx"), builder.input(spec_of(1.0), "x")
    along = forward_mode(builder.finish([x * v]))
    assert len(set(along.input_names)) == 4
    assert run(along, [2.0, 3.0, 10.0, 100.0]) == [6.0, 230.0]


# --- circuits within circuits ---


def pulled_inside(f, x):
    """d f / d x on wires of a circuit that is still being traced."""
    inner = trace(f, [("x", LEAF)], [x.spec])
    back = backward(inner.circuit)
    assert len(back.input_pulls) == 1 + len(inner.captured)
    one = G["broadcast_to"](1.0, shape=inner.circuit.spec_of(inner.circuit.outputs[0]).shape)
    return replay(back.asking([back.input_pulls[0]]), [x, *inner.captured, one])[0]


def test_a_pull_within_a_circuit_is_part_of_it():
    # f(x) = d/dz (z^3 x) at z = x is 3 x^3; it is pulled with 9 x^2.
    circuit = circuit_of(lambda x: pulled_inside(lambda z: z * z * z * x, x), 2.0)
    assert run(circuit, [2.0]) == [24.0]
    assert pulls(circuit, [2.0], [np.float64(1.0)]) == [36.0]


def test_a_wire_captured_twice_comes_in_once():
    def f(x, w):
        return pulled_inside(lambda z: (z + w) * (z * w), x)

    circuit = circuit_of(f, 2.0, 5.0)
    assert run(circuit, [2.0, 5.0]) == [2 * 2.0 * 5.0 + 25.0]


def capturing(f):
    """The circuit of f(captured0), which may take in a wire w and one without a name."""
    outer = Builder()
    w = outer.input(spec_of(1.0), "w")
    with outer.nowhere():
        unnamed = -w
    return trace(lambda z: f(z, w, unnamed), [("captured0", LEAF)], [spec_of(1.0)]).circuit


def test_a_captured_wire_is_called_what_it_is_called_outside():
    assert capturing(lambda z, w, _: z * w).input_names == ("captured0", "w")
    assert capturing(lambda z, _, unnamed: z * unnamed).input_names == ("captured0", "captured")


def test_a_captured_wire_takes_no_name_that_was_given():
    circuit = capturing(lambda z, w, unnamed: ((z * w).named("w") * unnamed).named("captured"))
    assert circuit.input_names == ("captured0", "w_2", "captured_2")
    assert circuit.find("captured") == circuit.outputs[0]


def test_three_pulls_inside_one_another():
    def third(x):
        return pulled_inside(
            lambda a: pulled_inside(lambda b: pulled_inside(lambda c: c**4.0, b), a), x
        )

    assert run(circuit_of(third, 2.0), [2.0]) == [48.0]


def test_a_recipe_that_returns_an_array_for_a_number_has_its_shape_found():
    circuit = circuit_of(lambda x: G["mean"](x, axis=0, keepdims=True), np.ones((2, 3)))
    assert circuit.spec_of(circuit.outputs[0]).shape == (1, 3)
    assert real_outputs(circuit) == [0]


def test_a_gate_of_too_many_inputs_is_refused():
    with pytest.raises(GateError, match=r"add takes 2 \(a, b\), got 3"):
        circuit_of(lambda x: G["add"](x, x, x), 1.0)
