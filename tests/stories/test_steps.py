"""Steps as their maker uses them: what they carry is their own, and what they recorded ends with them."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import RangeError
from pullback.executors import compile_steps

every_executor = pytest.mark.parametrize("executor", ["reference", "native"])


def moving(executor, start, rate):
    """w goes on by x rate in each step, which shows w before and after."""
    f = pb.circuit(lambda w, rate, x: (w + x * rate, w + x * rate, w))
    circuit = f.circuit(start, rate, start)
    plan = {"carried": {0: 0}, "columns": [2], "start": [start], "fixed": [rate]}
    return compile_steps(circuit, executor=executor, **plan)


@every_executor
def test_what_the_caller_does_with_his_arrays_moves_nothing(executor):
    start, rate, x = np.array([1.0, 2.0]), np.array([1.0, 10.0]), np.ones(2)
    steps = moving(executor, start, rate)
    start[:] = rate[:] = 99.0
    steps.carried[0][:] = steps.fixed[0][:] = 77.0
    after, before = steps.step(x)
    assert (before.tolist(), after.tolist()) == ([1.0, 2.0], [2.0, 12.0])
    after[:] = before[:] = x[:] = 55.0
    assert steps.carried[0].tolist() == [2.0, 12.0]
    assert steps.fixed[0].tolist() == [1.0, 10.0]


@every_executor
def test_a_batch_that_is_carried_on_may_be_filled_anew(executor):
    circuit = pb.circuit(lambda w, x: (x, w + x)).circuit(np.ones(2), np.ones(2))
    steps = compile_steps(
        circuit, carried={0: 0}, columns=[1], start=[np.zeros(2)], executor=executor
    )
    x = np.array([1.0, 2.0])
    steps.step(x)
    x[:] = 5.0
    assert steps.carried[0].tolist() == [1.0, 2.0]


@every_executor
def test_records_end_with_the_last_step_that_was_made(executor):
    def step(w, table, row):
        chosen = pb.gather(table, row)
        return w + chosen.sum(), w.sum()

    w, table, rows = np.zeros(1), np.ones((3, 1)), np.array([0, 1, 2, 1, 9, 0])
    circuit = pb.circuit(step).circuit(w, table, rows[:1])
    steps = compile_steps(
        circuit, carried={0: 0}, columns=[2], start=[w], fixed=[table], executor=executor
    )
    with pytest.raises(RangeError):
        steps.run([rows], np.arange(6))
    assert (steps.done, steps.carried[0].tolist()) == (4, [4.0])
    assert [record.tolist() for record in steps.records] == [[0.0, 1.0, 2.0, 3.0]]
