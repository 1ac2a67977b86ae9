"""Plans of circuits of arrays: what runs in one pass, what is written where, and that no number changes."""

import os
from functools import partial

import numpy as np
import pytest
from laws.asking import same_bits
from laws.fold_circuits import Drawn

import pullback as pb
from pullback.core.dtypes import INT64
from pullback.core.gate import GATES, gate
from pullback.errors import GateError, RangeError
from pullback.executors import compile, compile_map, compile_steps
from pullback.executors.native.arrays.kernel import NativeKernel, every_thread
from pullback.executors.native.arrays.kernels import KERNELS
from pullback.executors.native.arrays.program import ArrayProgram
from pullback.executors.native.llvm.lower import RULES, rule
from pullback.executors.native.scalars.program import NativeProgram
from pullback.passes.backward import backward
from pullback.passes.planning.memory import plan_memory
from pullback.passes.planning.plan import plan, prepared
from pullback.passes.planning.views import dense

CIRCUITS = int(os.environ.get("PULLBACK_FOLD_CIRCUITS", "24"))


def planned(function, *values):
    return plan(prepared(pb.circuit(function).circuit(*values)), KERNELS)


def kinds(made):
    return [group.kind for group in made.groups]


def passes_over(made, shape):
    """How many groups go through so many numbers, written or not."""
    return sum(group.shape == shape for group in made.groups)


# --- one pass ---

WIDE = np.random.default_rng(0).normal(size=(130, 140))


def repulsion(x, y):
    """The forces between all pairs of points in the plane, as t-SNE has them."""
    n = x.shape[0]
    dx = pb.reshape(x, shape=(n, 1)) - pb.reshape(x, shape=(1, n))
    dy = pb.reshape(y, shape=(n, 1)) - pb.reshape(y, shape=(1, n))
    q = 1.0 / (1.0 + dx * dx + dy * dy)
    return pb.sum(q), pb.sum(q * q * dx, axis=1), pb.sum(q * q * dy, axis=1)


def test_the_forces_between_all_pairs_take_one_pass_and_no_memory():
    points = np.random.default_rng(0).normal(size=(2, 200))
    made = planned(repulsion, *points)
    slots = {w: n for n, w in enumerate((*made.circuit.inputs, *made.circuit.outputs))}
    assert passes_over(made, (200, 200)) == 1
    assert plan_memory(made, slots).bytes < 10 * points.nbytes


ONE_PASS = {
    "squared error": lambda x, y: pb.sum((x - y) * (x - y)) / 18200.0,
    "hinge": lambda x, y: pb.mean(pb.relu(1.0 - x * y)),
    "moments": lambda x, y: (pb.sum(x, axis=0), pb.sum(x * x, axis=0), pb.max(x, axis=0)),
    "moments of rows": lambda x, y: (pb.sum(x - y, axis=1), pb.sum((x - y) * x, axis=1)),
    "one sum within another": lambda x, y: (pb.sum(x * y), pb.sum(x * y, axis=1)),
    "both of a softmax": lambda x, y: (pb.softmax(x, axis=1), pb.logsumexp(x, axis=1)),
    "logsumexp of a sum": lambda x, y: pb.logsumexp(x + y, axis=0),
    "norm of a difference": lambda x, y: pb.norm(x - y, axis=1),
    "a loop that is kept": lambda x, y: (lambda a: (a, pb.sum(a, axis=1)))(pb.tanh(x) - y),
    "two loops that meet": lambda x, y: (lambda a, b: (a * b, a, b))(x + 1.0, y * 2.0),
}


@pytest.mark.parametrize("name", ONE_PASS)
def test_what_can_share_a_pass_does(name):
    made = planned(ONE_PASS[name], WIDE, WIDE[::-1].copy())
    assert passes_over(made, WIDE.shape) == 1, kinds(made)


APART = {
    "a side of a product, and what is done to it": lambda x: (lambda t: (t @ t) * t)(
        pb.relu(x[:, :130]) - 0.5
    ),
    "the mean comes before what is less the mean": lambda x: pb.sum((x - pb.mean(x)) ** 2),
    "maxima of rows and of columns": lambda x: (pb.max(x, axis=0), pb.max(x, axis=1)),
}


@pytest.mark.parametrize("name", APART)
def test_what_cannot_share_a_pass_does_not(name):
    made = planned(APART[name], WIDE)
    shape = made.groups[0].shape
    assert passes_over(made, shape) == 2, kinds(made)


# --- pieces in place ---


def gates_of_a_cell(x, h):
    """Four parts made side by side, put together, and read as a whole."""
    parts = [pb.tanh(x + h), pb.sigmoid(x * h), x - h, pb.relu(x)]
    return pb.sum(pb.concat(*parts, axis=1) ** 2, axis=1)


def test_what_only_a_concat_reads_is_written_where_it_belongs():
    made = planned(gates_of_a_cell, np.ones((6, 32)), np.ones((6, 32)))
    (concat,) = [g.own[0] for g in made.groups if g.kind == "concat"]
    assert {made.views[i].storage for i in concat.inputs} == {concat.wire}
    assert [made.views[i].offset for i in concat.inputs] == [0, 32, 64, 96]


NOT_IN_PLACE = {
    "it is put out": lambda x: (lambda t: (t, pb.concat(t, x)))(pb.tanh(x)),
    "it is read elsewhere": lambda x: (lambda t: pb.concat(t, x) + pb.sum(t))(pb.tanh(x)),
    "it stands there twice": lambda x: (lambda t: pb.concat(t, t))(pb.tanh(x)),
    "its rows are too short": lambda x: pb.concat(pb.tanh(x), x, axis=1),
}


@pytest.mark.parametrize("name", NOT_IN_PLACE)
def test_other_wires_have_memory_of_their_own(name):
    made = planned(NOT_IN_PLACE[name], np.ones((5, 3)))
    moved = [
        made.views[row.wire] != dense(made.circuit, row.wire)
        for group in made.groups
        for row in group.rows
    ]
    assert not any(moved)


# --- the same numbers ---


@pytest.mark.parametrize("first", range(0, CIRCUITS, 8))
def test_random_folds_give_the_numbers_of_the_reference_on_any_number_of_threads(first):
    for seed in range(first, min(first + 8, CIRCUITS)):
        drawn = Drawn(seed)
        circuit = pb.circuit(drawn, name="drawn").circuit(*drawn.values)
        program, wanted = compile(circuit, executor="native"), compile(circuit).run(drawn.values)
        assert isinstance(program, ArrayProgram), seed
        found = program.run(drawn.values)
        assert all(map(partial(np.allclose, rtol=1e-9, atol=1e-10), found, wanted)), seed
        shared = compile(circuit, executor="native", threads=3).run(drawn.values)
        assert all(map(same_bits, shared, found)), seed


def test_random_folds_can_be_watched():
    for seed in range(4):
        drawn = Drawn(seed)
        circuit = pb.circuit(drawn, name="drawn").circuit(*drawn.values)
        found = compile(circuit, executor="native").watch(drawn.values)
        for value, wanted in zip(found, compile(circuit).watch(drawn.values), strict=True):
            assert wanted is None or np.allclose(value, wanted, rtol=1e-9, atol=1e-10), seed


# --- a kernel is one record ---


@pytest.fixture
def registered(monkeypatch):
    """Registers gates and kernels for as long as a test takes."""
    made = []

    def register(kernel):
        KERNELS.register(kernel)
        made.append(kernel)
        return kernel

    before = dict(GATES)
    yield register
    for kernel in made:
        KERNELS.remove(kernel)
    for name in [*GATES]:
        if name not in before:
            del GATES[name]


def running_total(factor):
    """A gate that adds up rows as they come, `factor` times each; and a kernel for it."""

    @gate
    def total(x):
        """y[i] = factor (x[0] + ... + x[i])"""
        return np.cumsum(x * factor, axis=0)

    def write(w):
        (row,) = w.group.rows
        x, y, body = w.wire(row.inputs[0]), w.writes[row.wire], w.body
        rows, columns = y.view.shape
        with body.shared(columns) as j:
            sum_so_far = body.slot(y.kind)
            body.store(body.constant(0, y.kind), sum_so_far)
            with body.loop(rows) as i:
                more = body.load(body.pointer(x, [i, j]), x.kind) * factor
                body.store(body.load(sum_so_far, y.kind) + more, sum_so_far)
                body.store(body.load(sum_so_far, y.kind), body.pointer(y, [i, j]))

    kernel = NativeKernel(
        name="total",
        gates=frozenset({"total"}),
        cost=lambda plan, group: 1e6,
        parts=every_thread,
        anywhere=True,
        write=write,
    )
    return total, kernel


def test_a_new_kernel_is_one_record_that_compiles_plans_splits_and_watches(registered):
    total, kernel = running_total(1.0)
    circuit = pb.circuit(lambda x: pb.tanh(total(x * 2.0)) + 1.0).circuit(WIDE)
    assert not isinstance(compile(circuit, executor="native"), ArrayProgram)
    registered(kernel)
    program, wanted = compile(circuit, executor="native"), compile(circuit)
    assert kinds(program._compiled.plan) == ["loop", "total", "loop"]
    assert np.allclose(program.run([WIDE])[0], wanted.run([WIDE])[0], rtol=1e-12)
    shared = compile(circuit, executor="native", threads=3)
    assert (program.threads, shared.threads) == (1, 3)
    assert same_bits(shared.run([WIDE])[0], program.run([WIDE])[0])
    values = zip(program.watch([WIDE]), wanted.watch([WIDE]), strict=True)
    assert all(np.allclose(a, b, rtol=1e-12) for a, b in values)


def test_kernels_from_elsewhere_that_differ_in_one_number_never_share_code(registered):
    found = []
    for factor in (1.0, 3.0):
        total, kernel = running_total(factor)
        registered(kernel)
        circuit = pb.circuit(lambda x: total(x)).circuit(WIDE)  # noqa: B023
        found.append(compile(circuit, executor="native").run([WIDE])[0])
        KERNELS.remove(kernel)
        del GATES["total"]
    assert np.allclose(3.0 * found[0], found[1])


def test_rules_from_elsewhere_run_everywhere_and_never_share_code(registered):
    """An elementwise gate of a test: in a loop, on a straight line, at many points, in a long circuit."""
    found = []
    for factor in (1.0, 3.0):

        @gate
        def times(x):
            return x * factor  # noqa: B023

        rule("times")(lambda x: x * factor)  # noqa: B023
        arrays = pb.circuit(lambda x: pb.sum(times(x)))
        single = pb.circuit(lambda x: times(x) + 1.0).circuit(2.0)
        program = compile(single, executor="native")
        assert isinstance(program, NativeProgram)
        points = compile_map(single, mapped=[0], executor="native").run([[2.0, 3.0]])[0]
        folded = compile(arrays.circuit(WIDE), executor="native").run([WIDE])[0]
        found.append((folded, program.run([2.0])[0], *points))
        del GATES["times"], RULES["times"]
    assert np.allclose(found[0], (WIDE.sum(), 3.0, 3.0, 4.0))
    assert np.allclose(found[1], (3 * WIDE.sum(), 7.0, 7.0, 10.0))


def test_a_gate_has_one_kernel(registered):
    again = NativeKernel(
        name="again", gates=frozenset({"matmul"}), cost=lambda *_: 1.0, write=lambda w: None
    )
    with pytest.raises(GateError, match="a kernel for 'matmul' already"):
        KERNELS.register(again)


@gate(shape=lambda table, index, row: table, takes="any", kinds={"index": INT64})
def put_row(table, index, row):
    """The table with one row put in the place of another."""
    y = np.array(table)
    y[index[0]] = row[0]
    return y


def _put(w):
    (row,) = w.group.rows
    table, index, new = (w.wire(i) for i in row.inputs)
    y, body = w.writes[row.wire], w.body
    if w.group.scratch:
        raise AssertionError("nobody asked for scratch")
    if not w.is_over(row.wire, row.inputs[0]):
        with body.loop(y.view.shape[0]) as i, body.loop(y.view.shape[1]) as j:
            body.store(body.load(body.pointer(table, [i, j]), y.kind), body.pointer(y, [i, j]))
    at = body.load(body.pointer(index, [0]), "i64").text
    with body.loop(y.view.shape[1]) as j:
        body.store(body.load(body.pointer(new, [0, j]), y.kind), body.pointer(y, [at, j]))


PUT = NativeKernel(
    name="put_row",
    gates=frozenset({"put_row"}),
    cost=lambda plan, group: 10.0,
    checks=lambda circuit, row: [(row.inputs[1], circuit.spec_of(row.inputs[0]).shape[0])],
    over=lambda plan, group, wire, storage: plan.views[group.rows[0].inputs[0]].storage == storage,
    write=_put,
)


@pytest.fixture
def putting(registered):
    GATES["put_row"] = put_row
    registered(PUT)
    return put_row


def test_a_kernel_that_writes_over_its_input_changes_a_carried_table_in_place(putting):
    def step(table, index, row):
        return putting(table, index, row * 2.0)

    table, row = np.zeros((1000, 8)), np.arange(8.0)[None]
    circuit = pb.circuit(step).circuit(table, np.array([3]), row)
    steps = compile_steps(circuit, carried={0: 0}, columns=[1, 2], start=[table], executor="native")
    assert len(steps._plan.over) == 1
    for index in (3, 999, 3):
        steps.step(np.array([index]), row + index)
    wanted = table.copy()
    wanted[999], wanted[3] = 2.0 * (row + 999), 2.0 * (row + 3)
    assert same_bits(steps.carried[0], wanted)


def row(index):
    return np.array([index]), np.zeros((1, 2))


def test_the_indices_of_a_kernel_are_looked_at_before_anything_is_written(putting):
    circuit = pb.circuit(lambda t, i, r: putting(t, i, r)).circuit(np.ones((5, 2)), *row(1))
    program = compile(circuit, executor="native")
    assert kinds(program._compiled.plan) == ["check", "put_row"]
    assert program.run([np.ones((5, 2)), *row(1)])[0].sum() == 8.0
    with pytest.raises((RangeError, IndexError)):
        program.run([np.ones((5, 2)), *row(5)])


def test_what_a_sum_only_looks_at_is_left_in_memory():
    # sum_to (1, 3) -> (3,) moves no number: it is a view, and nothing can run in its turns.
    circuit = pb.circuit(lambda a, b: pb.sum(b / a) + pb.sum(b.T)).circuit(
        np.ones((1, 3)), np.ones(3)
    )
    pulls = backward(circuit)
    asked = pulls.asking([p for p in pulls.input_pulls if p >= 0])
    found = compile(asked, executor="native").run([np.full((1, 3), 2.0), np.ones(3), 1.0])
    assert [f.tolist() for f in found] == [[[-0.25] * 3], [1.5] * 3]
