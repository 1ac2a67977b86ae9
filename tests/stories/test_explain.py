"""explain: branches and paths add up to the pull; the strongest paths against trying them all."""

import math
import random
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

import pullback as pb
from pullback.errors import OptionError, UnknownName
from pullback.lens.explain import adding_up

ULPS = 8  # of the sum of sizes: what summing in another order may round
NUMBERS = some.floats(-1e12, 1e12, allow_subnormal=False)
SEEDS = range(60)


def random_ladder(seed):
    """A circuit of named wires, every one of a few kinds of gate over two earlier wires, and its values."""
    rng = random.Random(seed)
    wires, lines = ["x", "y", "w"], ["w = x * y"]
    for i in range(rng.randint(3, 7)):
        a, b = wires[-1], rng.choice(wires)
        wires.append(f"w{i}")
        lines.append(
            f"w{i} = {rng.choice(['{} + {}', '{} * {}', '{} - 0.5 * {}', 'tanh({} + {})'])}".format(
                a, b
            )
        )
    return "\n".join(lines), {"x": rng.uniform(-1.5, 1.5), "y": rng.uniform(-1.5, 1.5)}


def every_path(circuit, wire, goal):
    """All ways from a wire to the output, as lists of (gate, positions), by going each of them."""
    if wire == goal:
        yield []
    for row in circuit.rows():
        positions = [i for i, one in enumerate(row.inputs) if one == wire]
        if positions:
            yield from (
                [(row.wire, positions), *rest] for rest in every_path(circuit, row.wire, goal)
            )


def product(run, path):
    """The product of a path's slopes, each by a tiny complex step through the gate's own body."""
    result = 1.0
    for gate, positions in path:
        row = run.circuit.row(gate)
        inputs = [complex(run.values[i]) for i in row.inputs]
        for position in positions:
            inputs[position] += 1e-30j
        result *= np.imag(row.gate.body(*inputs)) / 1e-30
    return result


@pytest.mark.parametrize("seed", SEEDS)
def test_the_strongest_paths_are_those_found_by_trying_all(seed):
    text, values = random_ladder(seed)
    run = pb.circuit(text).run(values)
    circuit = run.circuit
    found = [product(run, p) for p in every_path(circuit, circuit.find("x"), circuit.outputs[0])]
    strongest = sorted((abs(p) for p in found), reverse=True)[:4]
    told = pb.circuit(text).explain("x", values, paths=4)
    assert [abs(p.product) for p in told.paths] == pytest.approx(strongest, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("seed", SEEDS)
def test_branches_add_up_to_the_gradient_and_so_do_paths_and_remainder(seed):
    text, values = random_ladder(seed)
    told = pb.circuit(text).explain("x", values, paths=3)
    by_branch = [b.contribution for b in told.branches]
    by_path = [*(p.product for p in told.paths), told.remainder]
    room = ULPS * np.finfo(float).eps * sum(map(abs, [*by_branch, *by_path]))
    assert abs(math.fsum(by_branch) - told.pull) <= room
    assert abs(math.fsum(by_path) - told.pull) <= room


@pytest.mark.parametrize("seed", SEEDS)
def test_a_branch_is_its_slope_times_the_pull_above(seed):
    text, values = random_ladder(seed)
    branches = pb.circuit(text).explain("x", values).branches
    assert [b.slope * b.upstream for b in branches] == pytest.approx(
        [b.contribution for b in branches], rel=1e-14
    )


def test_the_remainder_is_exactly_what_the_listed_paths_leave():
    told = pb.circuit("a = x*0.1; b = x*0.2; c = x*0.3; a + b + c").explain("x", 1.0, paths=2)
    assert told.remainder == math.fsum([told.pull, *(-p.product for p in told.paths)])
    assert told.remainder == pytest.approx(0.1)


def test_when_every_path_is_listed_nothing_remains():
    # 0.1 + 0.2 + 0.3 rounds: that is no path.
    text = "a = x*0.1; b = x*0.2; c = x*0.3; a + b + c"
    assert pb.circuit(text).explain("x", 1.0, paths=3).remainder == 0.0


def test_S15_local_times_upstream_summed_over_branches():
    told = pb.circuit("q = x + y; f = q * z").explain("x", -2, 5, -4)
    assert [(b.slope, b.upstream, b.contribution, b.into) for b in told.branches] == [
        (1.0, -4.0, -4.0, "q")
    ]


def test_S31_a_wire_used_twice_by_one_gate_has_two_branches():
    told = pb.circuit("a * a").explain("a", 1.5)
    assert [b.contribution for b in told.branches] == [1.5, 1.5]
    assert told.pull == 3.0


def test_a_wire_without_a_path_and_the_output_say_so():
    f = pb.circuit("dead = y * 2; f = x * 3")
    assert (
        repr(f.explain("y", 5.0, 1.0)) == "y = 5 has no grad: no path leads from it to the output."
    )
    assert "f = 3 is the output" in repr(f.explain("f", 5.0, 1.0))


def test_arrays_are_told_by_branch_without_paths():
    told = pb.circuit("sum((X + 1) * X)").explain("X", np.ones(3))
    assert (
        sum(b.contribution for b in told.branches).tolist() == told.pull.tolist() == [3.0, 3.0, 3.0]
    )
    assert told.paths == ()
    assert "through X + 1" in repr(told)


def test_wires_without_a_name_are_called_by_what_makes_them():
    told = pb.circuit("(x + y) * z").explain("x", -2, 5, -4)
    assert [p.wires for p in told.paths] == [("x", "x + y", "f")]


def test_more_paths_than_atoms_are_counted_without_walking_them():
    text = "\n".join(["a0 = x * 1", *(f"a{i} = a{i - 1} + a{i - 1} * 0.5" for i in range(1, 400))])
    told = pb.circuit(text).explain("x", 1.0, paths=2)
    assert told.pull == pytest.approx(1.5**399)
    assert told.remainder / told.pull == pytest.approx(1.0)


def test_a_deep_circuit_is_explained_and_its_paths_are_cut_in_the_middle():
    text = "\n".join(
        ["a0 = x * 1", *(f"a{i} = a{i - 1} * 1" for i in range(1, 3000)), "f = a2999 + x"]
    )
    told = pb.circuit(text).explain("x", 1.0)
    assert [len(p.wires) for p in told.paths] in ([2, 3002], [3002, 2])
    assert "2990 more" in repr(told)


def test_explain_refuses_what_is_not_there():
    with pytest.raises(UnknownName):
        pb.circuit("x * y").explain("z", 1, 2)
    with pytest.raises(OptionError):
        pb.circuit("x * y").explain("x", 1, 2, paths=-1)


@given(some.lists(NUMBERS, min_size=1, max_size=12))
def test_printed_parts_add_up_to_the_printed_total_exactly(parts):
    texts, total = adding_up(parts, math.fsum(parts))
    assert sum(map(Decimal, texts)) == Decimal(total)


@given(some.lists(NUMBERS, min_size=1, max_size=12), some.integers(-290, 290))
def test_no_printed_part_is_further_off_than_its_last_digit(parts, power):
    parts = [p * 10.0**power for p in parts if abs(p) > 1e-6]
    parts = [p for p in parts if math.isfinite(p)] or [1.0]
    texts, _ = adding_up(parts, math.fsum(parts))
    unit = min(Decimal(10) ** Decimal(t).as_tuple().exponent for t in texts)
    assert all(abs(Decimal(t) - Decimal(p)) <= unit for t, p in zip(texts, parts, strict=True))


def test_digits_before_the_point_are_all_printed():
    assert adding_up([100010.0, 0.25], 100010.25) == (["100010", "0"], "100010")


def test_infinite_parts_are_printed_as_they_are():
    assert adding_up([math.inf, 1.0], math.inf) == (["inf", "1"], "inf")
