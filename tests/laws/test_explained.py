"""explain names the gate that made a pull 0, its paths add up also to NaN, and no path stands there twice."""

import math
import random

import numpy as np
import pytest

import pullback as pb

SEEDS = range(60)
# a and b stand for earlier wires, z is 0. Of the shut ones the slope is 0 whatever a is.
SHUT = (
    "relu(-1 - {a}*{a})", "z*{a}", "clamp({a}, low=5, high=6)", "minimum({a}, -9)", "maximum(9, {a})",
)  # fmt: skip
OPEN = ("tanh({a})", "{a} + {b}", "{a}*{b}", "{a} - 0.5*{b}", "exp(-{a}*{a})", "2*{a} + y")
STEEP = ("sqrt(z*z*{a}*{a})", "sqrt({a} - {a})*{b}", "log({b} - {b})", "{a}/z", "z*sqrt(z*{a}*{a})",
         "where({a}*{a} > -1, {b}, sqrt(z)*{a})", "relu(z*{a})*{b}")  # fmt: skip


def random_text(seed, odd, share):
    """A circuit of named wires; a `share` of the gates are of the odd kind."""
    rng = random.Random(seed)
    wires, lines = ["x"], []
    for i in range(rng.randint(3, 7)):
        form = rng.choice(odd) if rng.random() < share else rng.choice(OPEN)
        lines.append(f"w{i} = {form.format(a=wires[-1], b=rng.choice(wires))}")
        wires.append(f"w{i}")
    return "\n".join(lines) + f"\nf = {wires[-1]} + {rng.choice(['y', wires[-2] + '*z'])}"


def run_of(text):
    f = pb.circuit(text)
    values = {"x": 0.7, "y": -0.4, "z": 0.0}
    return f, {n: values[n] for n in f.circuit().input_names}


def steps_on(circuit, wire, goal):
    """All ways from a wire to the output as lists of gates with the positions that are taken."""
    if wire == goal:
        yield []
    for row in circuit.rows():
        positions = [i for i, one in enumerate(row.inputs) if one == wire]
        if positions:
            yield from (
                [(row.wire, positions), *rest] for rest in steps_on(circuit, row.wire, goal)
            )


def local_slope(run, wire, positions):
    """By a complex step, or by a difference of the values: exactly 0 where the gate does not move."""
    row = run.circuit.row(wire)
    wide = row.gate.holomorphic

    def at(step):
        inputs = [complex(run.values[i]) if wide else float(run.values[i]) for i in row.inputs]
        for position in positions:
            inputs[position] += step
        return row.gate.body(*inputs, **row.attributes)

    return np.imag(at(1e-30j)) / 1e-30 if wide else float(at(1e-3) - at(-1e-3)) / 2e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_a_gate_that_is_named_has_slope_0_and_all_gates_behind_it_do_not(seed):
    f, values = run_of(random_text(seed, SHUT, share=0.4))
    run, told = f.run(values), f.explain("x", values)
    goal = run.circuit.outputs[0]
    for cause in told.causes:
        gate = run[cause.wire].id
        ways = [w for w in steps_on(run.circuit, run["x"].id, goal) if gate in dict(w)]
        ends = [w[[g for g, _ in w].index(gate) :] for w in ways]
        slopes = [[local_slope(run, *step) for step in end] for end in ends]
        assert run[cause.wire].gate == cause.gate
        assert any(end[0] == 0.0 and all(end[1:]) for end in slopes), (cause, slopes)


@pytest.mark.parametrize("seed", SEEDS)
def test_of_a_pull_that_is_0_every_path_goes_through_a_gate_that_is_named(seed):
    f, values = run_of(random_text(seed, SHUT, share=0.6))
    run, told = f.run(values), f.explain("x", values)
    named = {run[cause.wire].id for cause in told.causes}
    ways = list(steps_on(run.circuit, run["x"].id, run.circuit.outputs[0]))
    assert told.pull != 0.0 or all(named & set(dict(way)) for way in ways)


def test_the_laws_above_see_many_shut_gates():
    told = [
        f.explain("x", values) for f, values in (run_of(random_text(s, SHUT, 0.6)) for s in SEEDS)
    ]
    assert sum(one.pull == 0.0 for one in told) > 50
    assert {c.gate for one in told for c in one.causes} >= {
        "relu", "multiply", "clamp", "minimum", "maximum",
    }  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("paths", [1, 50])
def test_paths_and_remainder_agree_with_the_pull_also_where_it_is_no_number(seed, paths):
    f, values = run_of(random_text(seed, STEEP, share=0.5))
    told = f.explain("x", values, paths=paths)
    total = sum(path.product for path in told.paths) + told.remainder
    assert np.isclose(total, told.pull, rtol=1e-9, atol=1e-12, equal_nan=True), str(told)


def test_the_law_above_sees_every_kind_of_pull():
    told = [
        f.explain("x", values) for f, values in (run_of(random_text(s, STEEP, 0.5)) for s in SEEDS)
    ]
    assert sum(math.isnan(one.pull) for one in told) > 20
    assert sum(math.isfinite(one.pull) for one in told) > 10


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("odd", [SHUT, STEEP], ids=["shut", "steep"])
def test_no_path_stands_there_twice(seed, odd):
    f, values = run_of(random_text(seed, odd, share=0.3))
    told = f.explain("x", values, paths=50)
    assert len({path.wires for path in told.paths}) == len(told.paths)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_wire_can_be_asked_for_by_the_name_that_the_table_prints(seed):
    rng = random.Random(seed)
    text = "x"
    for _ in range(rng.randint(2, 6)):
        text = rng.choice(["tanh({})", "({} + y)", "({} * 2)", "({} * x)"]).format(text)
    run = pb.circuit(text + " + y").run(x=0.3, y=0.5)
    names = [line.split()[0] for line in repr(run).splitlines()[1:]]
    assert [run[name].id for name in names] == [wire.id for wire in run]


# --- in words: circuit, values, what is said of x ---

SAID = [
    ("relu(x)", {"x": -7.0}, "0 because relu is flat at -7"),
    ("relu(x)*b", {"x": 2.0, "b": 0.0}, "0 because b is 0"),
    ("x*x", {"x": 0.0}, "0 because x is 0"),
    ("0*x", {"x": 3.0}, "0 because x is multiplied by 0"),
    ("a/x", {"x": 3.0, "a": 0.0}, "0 because a is 0"),
    ("x**2", {"x": 0.0}, "0 because x is 0"),
    ("x**b", {"x": 3.0, "b": 0.0}, "0 because b is 0"),
    ("clamp(x, low=0, high=1)", {"x": 5.0}, "0 because clamp is flat at 5"),
    ("abs(x)", {"x": 0.0}, "0 because absolute has its corner at 0"),
    ("maximum(x, y)", {"x": 1.0, "y": 2.0}, "0 because maximum took y, not x"),
    ("min(x, y)", {"x": 3.0, "y": 2.0}, "0 because minimum took y, not x"),
    ("where(y > 0, x, y)", {"x": 3.0, "y": -2.0}, "0 because where took y, not x"),
    ("q = 2*x; stop_gradient(q) + y + 0*x", {"x": 3.0, "y": 1.0}, "0 because x is multiplied by 0"),
    ("sigmoid(x)", {"x": -800.0}, "0 because sigmoid is flat at -800"),
    ("exp(x)", {"x": -800.0}, "0 because exp is flat at -800"),
    ("sqrt(x)", {"x": 0.0}, "inf because the slope of sqrt at 0 is not finite, times 1"),
    (
        "sqrt(x)*y",
        {"x": 0.0, "y": 0.0},
        "nan because the slope of sqrt at 0 is not finite, times 0",
    ),
    ("1/x", {"x": 0.0}, "-inf because the slope of divide at 1, 0 is not finite, times 1"),
    ("sum(relu(x))", {"x": -np.ones(3)}, "0 because relu is flat at all 3 numbers"),
    ("sum(x @ w)", {"x": np.ones((2, 3)), "w": np.zeros((3, 2))}, "0 because w is 0"),
]


@pytest.mark.parametrize(("text", "values", "said"), SAID, ids=[row[0] for row in SAID])
def test_the_reason_is_said_in_words(text, values, said):
    told = pb.circuit(text).explain("x", **values)
    assert said in [str(cause) for cause in told.causes]
    assert f"  {said}" in repr(told).splitlines()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("floor(x)*2 + y", "x = 2.5 has no grad: floor(x) passes no gradient on."),
        ("y*(x > 0)", "x = 2.5 has no grad: x > 0 passes no gradient on."),
        ("q = x*3; floor(q) + y", "x = 2.5 has no grad: floor(q) passes no gradient on."),
        ("dead = x*2; y*3", "x = 2.5 has no grad: no path leads from it to the output."),
    ],
)
def test_a_gate_that_lets_nothing_through_is_named(text, said):
    assert repr(pb.circuit(text).explain("x", x=2.5, y=1.0)) == said


def test_a_gate_that_takes_a_wire_twice_is_on_one_path():
    told = pb.circuit("a = x*y; b = a + x; b*b").explain("x", x=2.0, y=3.0)
    assert [(p.wires, p.product) for p in told.paths] == [
        (("x", "a", "b", "f"), 48.0),
        (("x", "b", "f"), 16.0),
    ]


def test_two_wires_that_read_the_same_are_told_apart():
    told = pb.circuit("exp(x)*exp(x)*y").explain("x", x=1.0, y=2.0)
    assert [p.wires[1] for p in told.paths] == ["exp(x) (t2)", "exp(x) (t1)"]


def test_a_branch_that_a_choice_left_out_adds_0_not_nan():
    told = pb.circuit("where(x > 0, sqrt(x), x)").explain("x", x=0.0)
    assert [p.product for p in told.paths] == [1.0, 0.0]
    assert told.pull == 1.0
