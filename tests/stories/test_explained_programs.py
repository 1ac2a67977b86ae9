"""A compiled circuit says what it runs: its groups or gates in order, and the machine code."""

import numpy as np
import pytest

import pullback as pb
from pullback.executors import compile, compile_steps


def mse(x, w, t):
    error = x @ w - t
    return pb.sum(error * error) / 12.0


VALUES = [np.ones((12, 3)), np.ones((3, 4)), np.zeros((12, 4))]


def long_sum(x):
    for _ in range(400):
        x = x * 1.01 + 0.5
    return x


def test_a_program_of_arrays_lists_its_groups_its_memory_and_its_code():
    text = compile(pb.circuit(mse).circuit(*VALUES), executor="native").explain()
    head, memory, code = text.split("\n\n", 2)
    kinds = [line.split()[3] for line in head.splitlines()[1:]]
    assert kinds == ["product", "fold", "loop"]
    assert "12x4  subtract multiply sum  -> 'sum(error * error)'" in head
    assert "3 groups, arena" in memory
    assert "define i64 @run(" in code


def test_steps_explain_themselves_with_their_loop():
    step = pb.circuit(lambda w, x: w - 0.5 * pb.mean(x, axis=0)).circuit(
        np.ones(3), np.ones((4, 3))
    )
    steps = compile_steps(step, carried={0: 0}, columns=[1], start=[np.ones(3)], executor="native")
    assert "define void @steps(" in steps.explain()


NATIVE = {
    "arrays": (mse, VALUES),
    "single numbers": (lambda x, y: pb.tanh(x) * y, [1.0, 2.0]),
    "thousands of them": (long_sum, [1.0]),
}


@pytest.mark.parametrize("name", NATIVE)
def test_the_text_is_what_llvm_takes(name):
    llvm = pytest.importorskip("llvmlite.binding")
    function, values = NATIVE[name]
    program = compile(pb.circuit(function).circuit(*values), executor="native")
    lines = program.explain().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(("declare", "define", "@")))
    llvm.parse_assembly("\n".join(lines[start:])).verify()


def test_the_reference_lists_its_gates():
    text = compile(pb.circuit(mse).circuit(*VALUES)).explain()
    assert text.splitlines()[0] == "5 gates in NumPy, one after the other:"
    assert "  'error'  (12, 4) float64 = subtract('x @ w' at " in text
