"""Choices made late: the same numbers, to the bit, and nothing but a choice waits for a score."""

import numpy as np
import pytest
from laws.asking import forces_for, pull_circuit, run, same_bits
from laws.random_circuits import EXACT, random_circuit

import pullback as pb
from pullback.core.build import Builder
from pullback.core.dtypes import BOOL
from pullback.core.shapes import spec_of
from pullback.executors.native.scalars.loop import Loop
from pullback.executors.native.scalars.speculate import quickest, speculated


def step_circuits(seed):
    """A random circuit of arithmetic and choices, and that of its pulls, with rows of hard numbers."""
    drawn, rng = random_circuit(seed, EXACT), np.random.default_rng(seed)
    circuit = pb.circuit(drawn, name="drawn").circuit(*drawn.values)
    rows = [drawn.values, *(drawn.hard(rng) for _ in range(8))]
    yield circuit, rows
    asked, pulled = pull_circuit(circuit)
    if pulled:
        yield asked, [[*row, *forces_for(circuit)] for row in rows]


@pytest.mark.parametrize("first", range(0, 60, 15))
def test_speculated_change_no_bit_of_any_number(first):
    moved = 0
    for seed in range(first, first + 15):
        for circuit, rows in step_circuits(seed):
            late = speculated(circuit, range(len(circuit.inputs)))
            moved += len(late) != len(circuit)
            assert [r for r in rows if not _same(run(late, r), run(circuit, r))] == [], seed
    assert moved


def _same(found, wanted):
    return all(same_bits(f, w) for f, w in zip(found, wanted, strict=True))


@pb.circuit
def svm_step(a, b, x, y, label):
    score = a * x + b * y
    far = pb.where(score < 1.0, 1.0, 0.0), pb.where(score > -1.0, -1.0, 0.0)
    pull = pb.where(pb.equal(label, 1.0), *far)
    return a + 0.01 * (x * pull - a), b + 0.01 * (y * pull - b)


def test_only_a_choice_waits_for_the_score():
    late, _ = quickest(svm_step.circuit(), {0: 0, 1: 1})
    ends = [late.row(o) for o in late.outputs]
    assert [row.gate.name for row in ends] == ["where", "where"]
    assert len({row.inputs[0] for row in ends}) == 1
    assert late.spec_of(ends[0].inputs[0]).dtype == BOOL


def test_a_step_that_would_do_more_work_than_it_waits_is_left_alone():
    builder = Builder()
    weights = [builder.input(spec_of(0.0), f"w{i}") for i in range(40)]
    hit = pb.where(weights[0] > 1.0, 1.0, 0.0)
    step = builder.finish([w + hit * (0.1 * i) for i, w in enumerate(weights)])
    assert quickest(step, {i: i for i in range(40)})[0] is step


@pytest.mark.parametrize("start", [True, False])
def test_a_loop_carries_conditions_beside_numbers(start):
    step = pb.circuit(
        lambda seen, w, x: (pb.where(seen, w < 2.0, x > w), w + pb.where(seen, x, -x)), name="step"
    ).circuit(True, 1.0, 1.0)
    column, state = np.random.default_rng(0).normal(size=50), [start, 1.0]
    found = Loop(step, carried={0: 0, 1: 1}, columns=[2]).run(state, columns=[column])
    for x in column:
        state = run(step, [*state, x])
    assert (found.carried, found.steps) == (state, 50)


def test_choices_that_may_be_jumps_stay_where_they_are():
    step = svm_step.circuit(*np.ones(5, np.float32))
    assert quickest(step, {0: 0, 1: 1})[0] is step
