"""Every executor means what the reference means: gate by gate, backward too, and in random circuits.

PULLBACK_RANDOM_CIRCUITS=20000 asks more of them. A new executor is one row in EXECUTORS.
"""

import dataclasses
import functools
import itertools
import operator
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from laws.asking import forces_for, pull_circuit, real_outputs, same_bits
from laws.gate_cases import ALL_CASES, both_precisions, circuit_of
from laws.random_circuits import EXACT, HARD, SCALARS, TAME, random_circuit

import pullback as pb
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT32
from pullback.core.replay import replay
from pullback.executors import compile
from pullback.executors.native.llvm.lower import CURVES, is_scalar
from pullback.executors.native.scalars.map import Lanes
from pullback.executors.native.tape.program import TapeProgram
from pullback.passes.expand import expand

ULPS = 4  # what exp and its kin may be off, in the last place of the true value
# A few of those, carried through ten well-conditioned gates and their pulls.
# By the bytes of the narrowest real number met.
CLOSE = {8: 1e-10, 4: 1e-5}
ASKED = os.environ.get("PULLBACK_RANDOM_CIRCUITS", "")
CIRCUITS = int(ASKED or "40")  # of single numbers, once tame and once hard, and of arrays
CHUNK = 40


class Question(NamedTuple):
    """A circuit, and the same with the pulls on its inputs as further outputs."""

    circuit: Circuit
    whole: Circuit
    pulled: list[int]

    def rows(self, drawn: list[list[Any]]) -> list[list[Any]]:
        """Inputs with a force for each real output."""
        return [[*row, *forces_for(self.circuit)] for row in drawn]


def question(circuit: Circuit) -> Question:
    asked, pulled = pull_circuit(circuit)
    whole = dataclasses.replace(asked, outputs=(*circuit.outputs, *asked.outputs))
    return Question(circuit, whole, pulled)


def by_program(executor):
    """An executor that `compile` knows by name."""

    def answers(asked, rows):
        program = compile(asked.whole, executor=executor)
        return [program.run(row) for row in rows]

    return answers


def by_watching(executor):
    """Every wire, NaN for one that no output listens to."""

    def answers(asked, rows):
        program = compile(asked.whole, executor=executor)
        seen = [program.watch(row) for row in rows]
        return [[np.nan if value is None else value for value in values] for values in seen]

    return answers


class Executor(NamedTuple):
    """takes: whether it is for such a question; answers: outputs and pulls, for each row of inputs.

    together: so many random circuits stand side by side in one, where building takes long or large
    circuits are what it is for; joined: what their outputs become. wanted: the reference's answers.
    """

    takes: Callable[[Question], bool]
    answers: Callable[[Question, list[list[Any]]], list[list[Any]]]
    together: int = 1
    joined: Callable[[list[Any]], list[Any]] = list
    wanted: Callable[[Question, list[list[Any]]], list[list[Any]]] = by_program("reference")


def by_lanes(asked, rows):
    """All rows at once, each in a lane."""
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    found = Lanes(asked.whole, mapped=range(len(columns))).run(columns)
    return [list(row) for row in zip(*found, strict=True)]


def by_units(asked, rows):
    return [_by_units(asked, row) for row in rows]


def _by_units(asked, row):
    count = len(asked.circuit.inputs)
    inputs = [pb.Unit(x) if np.asarray(x).dtype.kind == "f" else x for x in row[:count]]
    out = replay(asked.circuit, inputs)[0]
    if real_outputs(asked.circuit) and isinstance(out, pb.Unit):
        out.backward(row[count])
    pulls = [inputs[i].grad for i in asked.pulled]
    return [getattr(out, "value", out), *pulls]


def by_tape(asked, rows):
    program = TapeProgram(asked.whole)
    return [program.run(row) for row in rows]


def by_tape_backwards(asked, rows):
    """No backward circuit: the tape itself is walked back."""
    program, count = TapeProgram(asked.circuit), len(asked.circuit.inputs)
    found = []
    for row in rows:
        value, pulls = program.value_and_grad(row[:count], row[count])
        found.append([value, *(pulls[i] for i in asked.pulled)])
    return found


def one_real(asked):
    return all_scalar(asked) and len(asked.circuit.outputs) == len(real_outputs(asked.circuit)) == 1


def all_scalar(asked):
    return bool(asked.circuit.inputs) and is_scalar(asked.whole)


EXECUTORS = {
    "Unit": Executor(lambda asked: len(asked.circuit.outputs) == 1, by_units),
    "native": Executor(lambda asked: True, by_program("native")),
    "lanes": Executor(all_scalar, by_lanes),
    "tape": Executor(all_scalar, by_tape, CHUNK),
    "tape backwards": Executor(
        one_real,
        by_tape_backwards,
        CHUNK,
        lambda outputs: [functools.reduce(operator.add, outputs)],
    ),
}
WATCHED = Executor(
    lambda asked: not all_scalar(asked), by_watching("native"), wanted=by_watching("reference")
)
every_executor = pytest.mark.parametrize("executor", EXECUTORS.values(), ids=EXECUTORS)
ARRAYS_TOO = {name: row for name, row in EXECUTORS.items() if name in ("Unit", "native")}
array_executor = pytest.mark.parametrize("executor", ARRAYS_TOO.values(), ids=ARRAYS_TOO)


def is_exact(circuit):
    """Whether every machine rounds these gates alike."""
    ops = set(expand(circuit).ops)
    return not (CURVES | {"power", "sqrt", "prod", "norm"}) & ops


def is_near(found, wanted, ulps):
    """Within so many last places of the wanted number, and of its sign; bits where nothing may be off."""
    f, w = np.asarray(found), np.asarray(wanted)
    if ulps == 0 or f.dtype != w.dtype or f.shape != w.shape or w.dtype.kind != "f":
        return same_bits(f, w)
    with np.errstate(all="ignore"):
        off = np.abs(f - w) <= ulps * np.spacing(np.abs(w))
    same = (np.isnan(f) & np.isnan(w)) | (f == w) | off
    return bool(np.all(same & (np.isnan(w) | (np.signbit(f) == np.signbit(w)))))


def differing(executor, asked, rows, agree):
    """The rows for which an executor and the reference disagree."""
    wanted = executor.wanted(asked, rows)
    found = executor.answers(asked, rows)
    pairs = zip(rows, found, wanted, strict=True)
    return [
        (row, f, w)
        for row, f, w in pairs
        if not all(agree(one, other) for one, other in zip(f, w, strict=True))
    ]


# --- gate by gate ---


def asked_of(case):
    return question(circuit_of(lambda *x: case.gate(*x, **case.attributes), *case.inputs))


def slack(asked):
    return 0 if is_exact(asked.whole) else 2 * ULPS  # the reference may be off as well


def rows_of(case):
    """The case's own numbers, those with one hard number among them, and rows of hard numbers alone."""
    single = [_with(case.inputs, i, number) for i in case.real for number in HARD]
    rng = np.random.default_rng(1)
    several = [[_hard(x, rng) for x in case.inputs] for _ in range(10)]
    return [list(case.inputs), *single, *several]


def _with(inputs, position, number):
    with np.errstate(over="ignore"):
        return [_like(number, x) if i == position else x for i, x in enumerate(inputs)]


def _hard(value, rng):
    with np.errstate(over="ignore"):
        return _like(rng.choice(HARD), value) if np.asarray(value).dtype.kind == "f" else value


def _like(number, value):
    return np.asarray(number, np.asarray(value).dtype)[()]


SCALAR_CASES = [case for case in ALL_CASES if all_scalar(asked_of(case))]
ASKED_CASES = [
    (name, case)
    for name, row in EXECUTORS.items()
    for case in SCALAR_CASES
    if row.takes(asked_of(case))
]
ARRAY_CASES = [case for case in ALL_CASES if not all_scalar(asked_of(case))]
WAYS = len(ARRAY_CASES) if ASKED else 1  # of using each gate on arrays


def few(cases):
    """The first ways of using each gate."""
    by_gate = itertools.groupby(cases, lambda case: case.gate.name)
    return [case for _, some in by_gate for case in itertools.islice(some, WAYS)]


@pytest.mark.parametrize(("name", "case"), ASKED_CASES, ids=str)
@both_precisions
def test_a_gate_and_its_pulls_mean_the_same_for_every_number(name, case, dtype):
    executor = EXECUTORS[name]
    case = case.as_dtype(dtype)
    asked = asked_of(case)
    ulps, rows = slack(asked), asked.rows(rows_of(case))
    assert differing(executor, asked, rows, lambda f, w: is_near(f, w, ulps)) == []


@array_executor
@pytest.mark.parametrize("case", few(ARRAY_CASES), ids=str)
def test_a_gate_on_arrays_means_the_same_and_nan_stands_where_it_must(executor, case):
    asked = asked_of(case)
    rows = asked.rows([list(case.inputs), [_with_nan(x) for x in case.inputs]])
    assert differing(executor, asked, rows, is_close) == []


def _with_nan(value):
    x = np.array(value)
    if x.dtype.kind == "f" and x.size:
        x.flat[x.size // 2] = np.nan
    return x[()]


# --- random circuits ---

FIRST, *REST = [range(s, s + CHUNK) for s in range(0, CIRCUITS, CHUNK)]
every_chunk = pytest.mark.parametrize(
    "seeds", [FIRST, *(pytest.param(r, marks=pytest.mark.slow) for r in REST)], ids=str
)
TAME_NUMBERS = dataclasses.replace(SCALARS, tame=True)


def of_seeds(executor, seeds, words, agree, hard=False):
    """The seeds whose circuit, or whose pulls, an executor has otherwise than the reference.

    agree: says for a circuit when two numbers agree.
    """
    drawn = [
        one for one in (draw(seed, words, hard) for seed in seeds) if executor.takes(one.asked)
    ]
    differ = []
    for group in groups(drawn, executor.together):
        asked = group[0].asked if len(group) == 1 else side_by_side(group, executor.joined)
        rows = asked.rows([[value for one in group for value in one.values]])
        if differing(executor, asked, rows, agree(asked)):
            differ += [one.seed for one in group]
    return differ


class Drawn(NamedTuple):
    """A random circuit, and numbers for its inputs."""

    seed: int
    asked: Question
    values: list[Any]

    @property
    def is_narrow(self) -> bool:
        return any(spec.dtype == FLOAT32 for spec in self.asked.whole.specs)


def draw(seed, words, hard):
    function = random_circuit(seed, words)
    asked = question(pb.circuit(function).circuit(*function.values))
    values = function.hard(np.random.default_rng(seed)) if hard else function.values
    return Drawn(seed, asked, values)


def groups(drawn, many):
    """So many at a time; those that pass through float32 apart, since they agree less closely."""
    for narrow in (False, True):
        some = [one for one in drawn if one.is_narrow == narrow]
        yield from (some[start : start + many] for start in range(0, len(some), many))


def side_by_side(group, joined):
    """One circuit that holds them all, and nothing between them but `joined`."""
    builder, outputs = Builder(), []
    for one in group:
        circuit = one.asked.circuit
        names = [f"x{one.seed}_{i}" for i, _ in enumerate(circuit.inputs)]
        specs = map(circuit.spec_of, circuit.inputs)
        wires = [builder.input(spec, name) for spec, name in zip(specs, names, strict=True)]
        outputs += replay(circuit, wires)
    return question(builder.finish(joined(outputs)))


def is_close(found, wanted, slack=CLOSE[8]):
    return np.shape(found) == np.shape(wanted) and np.allclose(
        found, wanted, slack, slack, equal_nan=True
    )


def close_in(asked):
    """As close as the narrowest real numbers of a circuit let its outputs be."""
    slack = max(CLOSE[s.dtype.itemsize] for s in asked.whole.specs if s.dtype.kind == "f")
    return functools.partial(is_close, slack=slack)


@every_executor
@every_chunk
def test_exact_gates_give_the_same_bits_in_random_circuits_of_hard_numbers(executor, seeds):
    assert of_seeds(executor, seeds, EXACT, lambda _: same_bits, hard=True) == []


@every_executor
@every_chunk
def test_random_circuits_of_all_gates_agree_with_their_pulls(executor, seeds):
    assert of_seeds(executor, seeds, TAME_NUMBERS, close_in) == []


@array_executor
@every_chunk
def test_random_circuits_of_arrays_agree_with_their_pulls(executor, seeds):
    assert of_seeds(executor, seeds[:: 1 if ASKED else 2], TAME, close_in) == []


@every_chunk
def test_watching_random_circuits_of_arrays_shows_what_the_reference_shows(seeds):
    assert of_seeds(WATCHED, seeds[:: 1 if ASKED else 4], TAME, close_in) == []


def test_random_circuits_meet_every_exact_gate():
    met = {step.gate.name for seed in FIRST for step in random_circuit(seed, EXACT).steps}
    assert set(EXACT.only) <= met
