"""Machine code under stress: damaged caches, racing processes, threads, forks, and many compilations."""

import gc
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pullback as pb
from pullback.executors import compile
from pullback.executors.native import cache, jit

TWICE = "define double @twice(double %x) nounwind {\n %y = fadd double %x, %x\n ret double %y\n}"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A cache folder of this test's own."""
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    return tmp_path / "native"


def twice(x, text=TWICE):
    from ctypes import c_double

    return jit.build(text, ["twice"], level=0).function("twice", c_double, c_double)(x)


def entry(store):
    return next(p for p in store.iterdir() if not p.name.startswith("new-"))


# --- the cache ---


def test_what_was_built_once_is_loaded_again(store, monkeypatch):
    assert twice(3.0) == 6.0
    monkeypatch.setattr(jit, "_assembled", None)  # building again would fail
    assert twice(4.0) == 8.0


DAMAGE = {
    "cut short": lambda data: data[:-7],
    "empty": lambda data: b"",
    "longer": lambda data: data + b"x",
    "of another kind": lambda data: b"something else\n" + data[15:],
    "all zeros": lambda data: bytes(len(data)),
    "one bit changed in the code": lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
    "one bit changed in the digest": lambda data: data[:30] + bytes([data[30] ^ 1]) + data[31:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_entry_is_never_run_but_built_again(store, damage):
    twice(3.0)
    path = entry(store)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert cache.load(path.name) is None
    assert twice(3.0) == 6.0
    assert path.read_bytes() == whole


def test_an_entry_under_another_key_is_not_run(store):
    twice(3.0)
    path = entry(store)
    os.replace(path, store / ("0" * 64))
    assert cache.load("0" * 64) is None


@pytest.mark.skipif(os.name == "nt", reason="other rules there")
def test_an_entry_that_others_may_write_is_not_run(store):
    twice(3.0)
    entry(store).chmod(0o666)
    assert cache.load(entry(store).name) is None


@pytest.mark.skipif(os.name == "nt", reason="other rules there")
def test_a_folder_that_others_may_write_is_not_used(store):
    twice(3.0)
    store.chmod(0o777)
    assert cache.folder() is None
    assert twice(3.0) == 6.0


def test_another_version_of_us_builds_its_own(store, monkeypatch):
    twice(3.0)
    monkeypatch.setattr(pb, "__version__", "0.0.0")
    twice(3.0)
    assert len(list(store.iterdir())) == 2


def test_the_cache_can_be_switched_off(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE", "off")
    assert twice(3.0) == 6.0
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_costs_nothing_but_speed(store, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)
    assert twice(3.0) == 6.0


RACER = """
import sys
import pullback as pb
from pullback.executors import compile
total = 0.0
for n in range(int(sys.argv[1])):
    total += compile(pb.circuit(f"x * {n}.5 + y").circuit(), executor="native").call(2.0, 1.0)
print(total)
"""


@pytest.mark.parametrize("each", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_eight_processes_on_one_cache_agree_and_leave_no_rubbish(store, each):
    command = [sys.executable, "-c", RACER, str(each)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    said = [racer.communicate()[0] for racer in racers]
    assert said == [f"{sum(2 * (n + 0.5) + 1 for n in range(each))}\n"] * 8
    assert [p.name for p in store.iterdir() if p.name.startswith("new-")] == []


# --- threads and forks ---


def test_eight_threads_share_one_program():
    program = compile(pb.circuit("sigmoid(x) * y").circuit(), executor="native")
    wanted = [program.call(n / 7.0, 2.0) for n in range(1000)]

    def work(_):
        return [program.call(n / 7.0, 2.0) for n in range(1000)], program.run([1, 2.0])

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(32)))
    assert all(calls == wanted and run == found[0][1] for calls, run in found)


def test_eight_threads_compile_at_once():
    circuits = [pb.circuit(f"x * {n}.25").circuit() for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        programs = list(pool.map(lambda c: compile(c, executor="native"), circuits))
    assert [p.call(4.0) for p in programs] == [4.0 * n + 1 for n in range(24)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_runs_and_compiles():
    program = compile(pb.circuit("x + 1").circuit(), executor="native")
    child = os.fork()
    if child == 0:
        fresh = compile(pb.circuit("x * 3").circuit(), executor="native")
        os._exit(0 if program.call(1.0) == 2.0 and fresh.call(2.0) == 6.0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# --- lifetime ---


def test_a_builtin_outlives_its_program():
    call = compile(pb.circuit("x * 7").circuit(), executor="native").call
    gc.collect()
    assert call(6.0) == 42.0
    with pytest.raises(pb.PullbackError):
        call("six")


def test_calling_leaks_no_object():
    program = compile(pb.circuit("x * y + x / y").circuit(), executor="native")
    x, given = 1.5, [1.5, 2.5]
    before = sys.getrefcount(x), sys.getrefcount(given), sys.getrefcount(np.float64)
    for _ in range(1000):
        program.call(x, 2.5), program.run(given), program.run([x, 3])
    after = sys.getrefcount(x), sys.getrefcount(given), sys.getrefcount(np.float64)
    assert after == before


def test_an_error_inside_a_call_leaks_no_object():
    program = compile(pb.circuit("x * y").circuit(), executor="native")
    text = "no number"
    before = sys.getrefcount(text)
    for _ in range(100):
        with pytest.raises(pb.PullbackError):
            program.call(text, 2.0)
    assert sys.getrefcount(text) - before <= 1


def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is not told here")
@pytest.mark.parametrize(("cached", "rounds"), [(True, 100), (False, 20)], ids=["loaded", "built"])
def test_ten_thousand_compilations_leave_nothing(store, monkeypatch, cached, rounds):
    # LLVM itself keeps some 300 bytes of what it builds, and nothing of what is loaded.
    if not cached:
        monkeypatch.setenv("PULLBACK_CACHE", "off")
    circuits = [pb.circuit(f"x * {n}.5 + tanh(y)").circuit() for n in range(100)]
    compile_all(circuits, 5)
    before = resident()
    compile_all(circuits, rounds)
    assert resident() - before < 2 << 20


def compile_all(circuits, rounds):
    for _ in range(rounds):
        for circuit in circuits:
            compile(circuit, executor="native").call(1.0, 2.0)


@pytest.mark.parametrize("bad", ["nonsense", "define double @twice(double %x) { ret i1 true }"])
def test_text_that_is_no_llvm_is_our_own_mistake_and_says_so(store, bad):
    with pytest.raises(pb.PullbackError, match="Please report"):
        twice(1.0, bad)


def test_programs_may_be_made_and_dropped_while_others_run():
    stop = threading.Event()
    steady = compile(pb.circuit("x + 0.5").circuit(), executor="native")
    wrong = []

    def run():
        while not stop.is_set():
            if steady.call(1.0) != 1.5:
                wrong.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    for n in range(30):
        assert compile(pb.circuit(f"x * {n}.5").circuit(), executor="native").call(2.0) == 2 * n + 1
    stop.set()
    thread.join()
    assert wrong == []
