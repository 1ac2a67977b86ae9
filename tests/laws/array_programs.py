"""Circuits of arrays that several laws ask, as machine code and by the reference."""

import numpy as np
import pytest

from pullback.core.build import Builder
from pullback.core.dtypes import FLOAT32, FLOAT64, INT64
from pullback.core.shapes import Spec, spec_of
from pullback.executors import compile
from pullback.executors.native.arrays.program import ArrayProgram
from pullback.nn import CrossEntropy, Linear, ReLU, Sequential
from pullback.train import SGD, Task
from pullback.train.step import training_step

EPS = {FLOAT32: 2.0**-24, FLOAT64: 2.0**-53}
CLOSE = {FLOAT32: 1e-5, FLOAT64: 1e-13}  # a few roundings of exp and its kin
both_precisions = pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)


def circuit_of(functions, values):
    """One circuit of many functions, each of its own values."""
    builder, outputs = Builder(), []
    for n, (function, own) in enumerate(zip(functions, values, strict=True)):
        wires = [builder.input(spec_of(x), f"x{n}_{i}") for i, x in enumerate(own)]
        outputs.append(function(*wires))
    return builder.finish(outputs)


def native(circuit, **options):
    made = compile(circuit, executor="native", **options)
    assert isinstance(made, ArrayProgram)
    return made


def answers(functions, values):
    """Of each function, what machine code and the reference say."""
    circuit, flat = circuit_of(functions, values), [x for own in values for x in own]
    return native(circuit).run(flat), compile(circuit).run(flat)


def step_circuit(batch=8, sizes=(5, 16, 3), dtype="float32", **options):
    hidden = [layer for units in sizes[1:-1] for layer in (Linear(units), ReLU())]
    task = Task(
        Sequential(*hidden, Linear(sizes[-1])),
        CrossEntropy(),
        SGD(0.1, momentum=0.9, **options),
        dtype,
    )
    return training_step(
        task, Spec((batch, sizes[0]), np.dtype(dtype)), Spec((batch,), INT64)
    ).circuit


def step_values(circuit, seed=0):
    """Numbers for all inputs of a training step."""
    rng, specs = np.random.default_rng(seed), [circuit.spec_of(w) for w in circuit.inputs]
    drawn = [rng.normal(size=s.shape).astype(s.dtype)[()] for s in specs[:-2]]
    return [*drawn, rng.integers(0, 3, specs[-2].shape), np.float32(0.05)]


STEP = step_circuit()
VALUES = step_values(STEP)


def alike(found, wanted):
    return type(found) is type(wanted) and np.allclose(found, wanted, 1e-5, 1e-6)
