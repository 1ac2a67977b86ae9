"""Threads of native code: the same bits for any number, and nobody hangs, crawls or is left behind."""

import contextlib
import ctypes
import itertools
import os
import platform
import signal
import subprocess
import sys
import threading
import time

import llvmlite.binding as llvm
import numpy as np
import pytest
from laws.alarm import Alarm, needs_alarm
from laws.asking import same_bits
from laws.gate_cases import circuit_of
from laws.random_circuits import Vocabulary, random_circuit

import pullback as pb
from pullback.core.dtypes import INT64
from pullback.core.shapes import Spec
from pullback.errors import OptionError, RangeError
from pullback.executors import compile, compile_map, compile_steps
from pullback.executors.native.arrays import rows, split
from pullback.executors.native.llvm import pool
from pullback.executors.native.llvm.code import Code
from pullback.executors.native.llvm.jit import build
from pullback.executors.native.llvm.subnormals import flush_subnormals
from pullback.nn import CrossEntropy, Linear, ReLU, Sequential
from pullback.train import SGD, Examples, Plan, Task, Training
from pullback.train.step import training_step

MANY = (2, 3, 8)
FIRST = [((2, 3), "f4"), ((40, 33), "f4"), ((17, 9), "f8")]
SIZES = [(1, 1), (2, 3), (7, 5), (17, 9), (40, 33), (3, 70), (130, 2)]
REST = [pair for pair in itertools.product(SIZES, ("f4", "f8")) if pair not in FIRST]
every_shape = pytest.mark.parametrize(
    ("shape", "dtype"),
    [*FIRST, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in REST)],
    ids=str,
)
WIDE = Vocabulary(shapes=((), (33,), (1, 33), (37, 1)), dtypes=("float64", "float32"))


@pytest.fixture
def divided(monkeypatch):
    """Whatever can be divided is, however short it is."""
    monkeypatch.setattr(split, "WORTH", 0)
    monkeypatch.setattr(split, "WORTH_A_GROUP", 0)
    monkeypatch.setattr(rows, "LARGE", 0)


def native(circuit, threads):
    return compile(circuit, executor="native", threads=threads)


def differing(circuit, inputs):
    """Numbers of threads that give other bits than one."""
    wanted = native(circuit, 1).run(inputs)
    found = {n: native(circuit, n).run(inputs) for n in MANY}
    return [n for n in MANY if not all(map(same_bits, found[n], wanted))]


# --- the same bits ---


def elementwise(x, index):
    row = pb.sum(x, axis=0)
    return pb.tanh(x) * row, pb.relu(x) - 2.0 * pb.transpose(pb.transpose(x)), x > row


def folds(x, index):
    along = [pb.sum, pb.max, pb.prod, pb.argmax, pb.norm, pb.logsumexp, pb.softmax]
    return *[fold(x, axis=axis) for fold in along for axis in (0, 1)], pb.sum(x), pb.max(x)


def moves(x, index):
    turned = pb.transpose(x)
    flat = pb.reshape(turned, shape=(x.shape[0] * x.shape[1],))
    both = pb.concat(x, -x, axis=1)
    padded = pb.pad(x, widths=((1, 2), (0, 3)), value=0.5)
    rows = pb.gather(x, index)
    back = pb.scatter_add(rows, index, axis=0, size=x.shape[0])
    return flat, both, padded, rows, pb.gather(turned, index, axis=1), back, turned


def products(x, index):
    square, tall, thin = x @ pb.transpose(x), pb.transpose(x) @ x, pb.transpose(x[:, :1])
    batch = pb.broadcast_to(x, shape=(3, *x.shape))
    return square, pb.relu(tall) - 2.0 * tall, thin @ x, pb.transpose(x) @ x[:, :1], batch @ tall


@pytest.mark.usefixtures("divided")
@every_shape
@pytest.mark.parametrize("function", [elementwise, folds, moves, products])
def test_any_number_of_threads_gives_the_same_bits(function, shape, dtype):
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=shape).astype(dtype), rng.integers(0, shape[0], 11)]
    assert differing(circuit_of(function, *inputs), inputs) == []


@pytest.mark.usefixtures("divided")
@pytest.mark.parametrize(
    ("n", "d", "k"), [(19, 1101, 45), (1030, 20, 9), (37, 600, 1), (1, 600, 40)]
)
def test_products_of_long_sides_give_the_same_bits(n, d, k):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(n, d)).astype("f4"), rng.normal(size=(d, k)).astype("f4")
    right, left = (lambda a, b: a @ b), (lambda a, b: pb.transpose(a) @ pb.transpose(b))
    assert differing(circuit_of(right, a, b), [a, b]) == []
    assert differing(circuit_of(left, a.T.copy(), b.T.copy()), [a.T.copy(), b.T.copy()]) == []


# A tile or a vector, and one row or column that is left over.
EDGES = list(itertools.product([1, 16, 17, 32, 33, 65], repeat=2))
EDGED = [((17, 33), 3), ((33, 1), 3)]
MORE = [(sides, n) for sides in EDGES for n in range(2, 9) if (sides, n) not in EDGED]


@pytest.mark.usefixtures("divided")
@pytest.mark.parametrize(
    ("sides", "threads"),
    [*EDGED, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in MORE)],
    ids=str,
)
def test_no_part_of_a_product_works_outside_of_its_own_memory(sides, threads, monkeypatch):
    rng = np.random.default_rng(0)
    n, d, k = sides[0], 530, sides[1]  # so many terms are packed, and cut into blocks
    inputs = [rng.normal(size=s).astype("f4") for s in ((n, d), (d, k), (d, n), (k, d))]
    circuit = circuit_of(lambda a, b, c, e: (a @ b, c.T @ e.T), *inputs)
    wanted = native(circuit, 1).run(inputs)
    monkeypatch.setenv("PULLBACK_BOUNDS", "check")
    assert all(map(same_bits, native(circuit, threads).run(inputs), wanted))


@pytest.mark.usefixtures("divided")
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)], ids=str)
def test_nothing_is_divided_too(shape):
    x = np.ones(shape)
    circuit = circuit_of(lambda x: (pb.exp(x), pb.sum(x, axis=0), x @ pb.transpose(x)), x)
    assert differing(circuit, [x]) == []


@pytest.mark.usefixtures("divided")
@pytest.mark.parametrize(
    "seed", [*range(6), *(pytest.param(s, marks=pytest.mark.slow) for s in range(6, 40))]
)
def test_random_circuits_give_the_same_bits(seed):
    function = random_circuit(seed, WIDE)
    assert differing(circuit_of(function, *function.values), function.values) == []


def small_net():
    """A small net whose sizes nothing divides."""
    return Task(Sequential(Linear(37), ReLU(), Linear(5)), CrossEntropy(), SGD(0.1, momentum=0.9))


def training(threads):
    """Its steps."""
    circuit = training_step(small_net(), Spec((13, 21), np.dtype("f4")), Spec((13,), INT64))
    (pairs, columns), circuit = circuit.positions, circuit.circuit
    rng, carried = np.random.default_rng(1), len(pairs)
    start = [rng.normal(size=circuit.spec_of(w).shape) for w in circuit.inputs[:carried]]
    return compile_steps(
        circuit, carried=pairs, columns=columns,
        start=[s.astype("f4") for s in start], fixed=[np.float32(0.05)], executor="native",
        threads=threads,
    )  # fmt: skip


ROWS = np.random.default_rng(2).normal(size=(40, 21)).astype("f4")
LABELS = np.random.default_rng(3).integers(0, 5, 40)
ORDER = np.random.default_rng(4).integers(0, 40, 13 * 9)


@pytest.mark.usefixtures("divided")
@pytest.mark.parametrize("threads", MANY)
def test_training_gives_the_same_bits(threads):
    one, many = training(1), training(threads)
    for steps in (one, many):
        steps.run([ROWS, LABELS], ORDER)
        steps.step(ROWS[:13], LABELS[:13])
    assert many.threads == threads
    assert all(map(same_bits, many.carried, one.carried))
    assert all(map(same_bits, many.records, one.records))


def test_short_work_stays_on_one_thread_and_long_work_does_not():
    x, long = np.ones((8, 8)), np.ones((400, 400))
    made = [native(circuit_of(lambda x: x @ x, value), 2) for value in (x, long)]
    assert [program.threads for program in made] == [1, 2]


@pytest.mark.usefixtures("divided")
def test_a_whole_training_gives_the_same_weights():
    rows, plan = Examples(ROWS, LABELS), Plan(batch_size=13, max_epochs=3)
    made = [Training(small_net(), plan, rows, executor="native", threads=n) for n in (1, 3)]
    [one.run() for one in made]
    assert all(map(same_bits, *(one.weights.values() for one in made)))
    assert [{made.steps.threads for made in one.loop._all.values()} for one in made] == [{1}, {3}]


@pytest.mark.parametrize("threads", [0, -1, 2.0, "2", None])
def test_what_is_no_number_of_threads_is_refused(threads):
    circuit = circuit_of(lambda x: x + 1.0, 1.0)
    with pytest.raises(OptionError, match="threads must be"):
        compile(circuit, threads=threads)
    with pytest.raises(OptionError, match="threads must be"):
        compile_map(circuit, mapped=[0], threads=threads)
    with pytest.raises(OptionError, match="threads must be"):
        compile_steps(circuit, carried={0: 0}, columns=[], start=[1.0], threads=threads)


# --- nobody is left behind ---


@pytest.mark.usefixtures("divided")
def test_an_index_out_of_range_is_found_before_anything_is_written():
    steps, wrong = training(3), LABELS[:13].copy()
    before, wrong[5] = steps.carried, 5
    with pytest.raises(RangeError, match="index 5 at 5"):
        steps.step(ROWS[:13], wrong)
    assert all(map(same_bits, steps.carried, before))
    steps.step(ROWS[:13], LABELS[:13])
    assert not any(map(same_bits, steps.carried, before))


X = np.random.default_rng(0).normal(size=(61, 47))
PRODUCT = circuit_of(lambda x: (pb.exp(x @ pb.transpose(x)), pb.sum(x, axis=0)), X)


@pytest.mark.usefixtures("divided")
def test_every_wire_has_the_same_bits():
    one, many = (native(PRODUCT, n).watch([X]) for n in (1, 3))
    assert all(map(same_bits, many, one))


@pytest.mark.usefixtures("divided")
def test_several_python_threads_may_run_one_program():
    program, found = native(PRODUCT, 3), {}
    wanted = [program.run([k * X]) for k in range(4)]

    def work(k):
        found[k] = [program.run([k * X]) for _ in range(100)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert all(all(map(same_bits, run, wanted[k])) for k in range(4) for run in found[k])


@pytest.mark.usefixtures("divided")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own():
    program = native(PRODUCT, 3)
    wanted = program.run([X])
    child = os.fork()
    if not child:
        signal.alarm(60)
        well = all(map(same_bits, program.run([X]), wanted)) and met(3)
        os._exit(0 if well else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert all(map(same_bits, program.run([X]), wanted))


@needs_alarm
@pytest.mark.usefixtures("divided")
@pytest.mark.parametrize("moment", [20, 45])
def test_ctrl_c_ends_a_long_run_after_a_full_step_and_leaves_all_usable(moment):
    steps, other = training(3), training(1)
    with contextlib.suppress(KeyboardInterrupt), Alarm(moment):
        steps.run([ROWS, LABELS], np.zeros(13 * 300_000, int))
        pytest.fail("so many steps were made in no time")
    other.run([ROWS, LABELS], np.zeros(13 * steps.done, int))
    assert all(map(same_bits, steps.carried, other.carried))
    steps.step(ROWS[:13], LABELS[:13]), other.step(ROWS[:13], LABELS[:13])
    assert all(map(same_bits, steps.carried, other.carried))


@pytest.mark.usefixtures("divided")
def test_other_python_threads_run_meanwhile():
    program, seen, go = native(PRODUCT, 2), [], threading.Event()
    thread = threading.Thread(target=lambda: (go.wait(), seen.append(1)))
    thread.start()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # nobody is made to let others run
    try:
        go.set()
        for _ in range(2000):
            program.run([X])
        noticed = list(seen)
    finally:
        sys.setswitchinterval(before)
    thread.join()
    assert noticed


@pytest.mark.parametrize("wait", ["", "time.sleep(0.05)"], ids=["awake", "asleep"])
def test_a_process_with_threads_ends_as_it_should(wait):
    text = f"from pullback.executors.native.llvm import pool; import time; pool.team(4); {wait}"
    assert subprocess.run([sys.executable, "-c", text], timeout=60, check=False).returncode == 0


# --- shares of any function ---


def shared(parts, inside=lambda part: None):
    """The parts that were done, by a function that Python runs."""
    seen = []
    function = callback(lambda part: (inside(part), seen.append(part)))
    pool.share(ctypes.cast(function, ctypes.c_void_p).value, 0, parts)
    return sorted(seen)


def callback(work):
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(lambda _, part: work(part))


@pytest.mark.parametrize("parts", [1, 2, 3, 8, 20])
def test_each_part_is_done_once(parts):
    assert [shared(parts) for _ in range(20)] == [list(range(parts))] * 20


def test_work_may_be_shared_while_the_threads_are_busy():
    inner = []
    assert shared(3, lambda part: inner.append(shared(4))) == [0, 1, 2]
    assert inner == [[0, 1, 2, 3]] * 3


def met(parts):
    """Whether the parts run at one time: each waits for all others."""
    gate = threading.Barrier(parts)
    return shared(parts, lambda part: gate.wait(20)) == list(range(parts))


def test_parts_run_at_one_time():
    assert met(3)


def test_threads_that_fell_asleep_are_woken():
    met(3)
    time.sleep(0.1)
    assert met(3)


FLUSHED = (
    "define void @flushed(ptr %share, ptr %team, ptr %function) nounwind {{\n{}\n  ret void\n}}"
)


def test_each_part_runs_in_the_arithmetic_of_its_caller():
    code, gate, tiny, seen = Code(), threading.Barrier(2), 2.0**-1060, []
    restore = flush_subnormals(code)
    code.line("call void %share(ptr %team, ptr %function, ptr null, i64 2)")
    restore()
    text = "\n".join([code.module(), FLUSHED.format("\n".join(code.lines))])
    library = build(text, ["flushed"], level=0)
    work = callback(lambda _: (gate.wait(20), seen.append((tiny * 0.5).hex())))
    run = library.function("flushed", None, *[ctypes.c_void_p] * 3)
    run(pool._library().address("share"), pool.team(2), ctypes.cast(work, ctypes.c_void_p))
    assert seen == ["0x0.0p+0"] * 2
    shared(2, lambda _: seen.append((tiny * 0.5).hex()))
    assert seen[2:] == [(2.0**-1061).hex()] * 2


@pytest.mark.parametrize("machine", ["x86_64", "arm64", "riscv64"])
def test_what_threads_run_is_valid_for_every_processor(machine, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    llvm.parse_assembly(pool._text()).verify()


def test_where_no_thread_can_be_had_the_caller_does_all(monkeypatch):
    monkeypatch.setattr(pool._Team, "_start", lambda *_: False)
    monkeypatch.setattr(pool, "_team", None)
    callers = []
    assert shared(5, lambda part: callers.append(threading.get_ident())) == [0, 1, 2, 3, 4]
    assert set(callers) == {threading.get_ident()}
