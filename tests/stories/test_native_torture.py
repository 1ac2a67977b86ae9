"""Machine code under stress: damaged caches, racing processes, threads, forks, big circuits, odd inputs.

PULLBACK_COMPILATIONS=10000 asks more: that many compilations, damaged entries and racing builds.
"""

import gc
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pullback as pb
from pullback.executors import compile, compile_map
from pullback.executors.native.llvm import cache, jit
from pullback.executors.native.scalars.loop import Loop
from pullback.executors.native.scalars.program import LARGEST, NativeProgram

MANY = int(os.environ.get("PULLBACK_COMPILATIONS", "100"))
LEFT = 1 << 20  # bytes that the allocator may keep, whatever is compiled
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


def not_allowed(*_, **__):
    raise PermissionError(13, "Permission denied")


def test_a_damaged_entry_that_cannot_be_thrown_away_is_built_again(store, monkeypatch):
    twice(3.0)
    entry(store).write_bytes(b"")
    monkeypatch.setattr("pathlib.Path.unlink", not_allowed)
    monkeypatch.setattr("tempfile.mkstemp", not_allowed)
    assert twice(3.0) == 6.0


def linked(path):
    os.replace(path, path.with_name("whole"))
    path.symlink_to("whole")


def piped(path):
    path.unlink()
    os.mkfifo(path)


def folded(path):
    path.unlink()
    path.mkdir()


@pytest.mark.skipif(os.name == "nt", reason="other rules there")
@pytest.mark.parametrize("other", [linked, piped, folded])
def test_what_is_no_plain_file_is_neither_waited_for_nor_run(store, other):
    twice(3.0)
    path, found = entry(store), []
    other(path)
    thread = threading.Thread(target=lambda: found.append(cache.load(path.name)), daemon=True)
    thread.start()
    thread.join(20)
    assert found == [None]
    assert twice(3.0) == 6.0


@pytest.mark.parametrize("home", ["", "nowhere"])
def test_without_a_home_nothing_is_kept(tmp_path, monkeypatch, home):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PULLBACK_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # so without a home
    assert cache.folder() is None
    assert twice(3.0) == 6.0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_named_from_here_stays_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PULLBACK_CACHE", tmp_path.name)
    assert twice(3.0) == 6.0
    monkeypatch.chdir(tmp_path.parent)
    assert cache.folder() == tmp_path / tmp_path.name / "native"


@pytest.mark.parametrize("seed", range(max(MANY // 20, 10)))
def test_an_entry_damaged_anywhere_is_built_again(store, seed):
    rng = np.random.default_rng(seed)
    twice(3.0)
    path = entry(store)
    whole = bytearray(path.read_bytes())
    at, cut = rng.integers(0, len(whole), 2)
    whole[at] ^= 1 << rng.integers(0, 8)
    path.write_bytes(whole[:cut] if seed % 3 == 0 else whole)
    assert cache.load(path.name) is None
    assert twice(3.0) == 6.0


def test_a_cache_that_grows_too_large_loses_what_was_used_longest_ago(store, monkeypatch):
    keys = [f"{n:064x}" for n in range(30)]
    monkeypatch.setattr(cache, "LARGEST", 12_000)
    monkeypatch.setattr(cache, "LOOKED_AFTER", 1)
    for n, key in enumerate(keys):
        cache.store(key, bytes(range(200)) * 5)
        os.utime(store / key, ns=(n, n))  # the clock may be coarser than this loop
        assert cache.load(keys[0])
    kept = [key for key in keys if (store / key).exists()]
    assert kept == [keys[0], *keys[-len(kept) + 1 :]]
    assert sum(path.stat().st_size for path in store.iterdir()) <= 12_000


def in_child(work):
    """The process number of a child that does this work and says how it went by its exit code."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:  # noqa: BLE001 - whatever it was, the parent hears of it
        os._exit(1)
    os._exit(0)


def all_well(children):
    return all(os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) == 0 for c in children)


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_eight_processes_on_one_cache_agree_and_leave_no_rubbish(store):
    def race():
        for n in range(MANY // 20):
            program = compile(pb.circuit(f"x * {n}.5 + y").circuit(), executor="native")
            assert program.call(2.0, 1.0) == 2 * (n + 0.5) + 1

    assert all_well([in_child(race) for _ in range(8)])
    assert [p.name for p in store.iterdir() if p.name.startswith("new-")] == []
    assert len(list(store.iterdir())) >= MANY // 20


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


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_runs_and_compiles():
    program = compile(pb.circuit("x + 1").circuit(), executor="native")

    def work():
        assert program.call(1.0) == 2.0
        assert compile(pb.circuit("x * 3").circuit(), executor="native").call(2.0) == 6.0

    assert all_well([in_child(work)])
    assert program.call(2.0) == 3.0


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
@pytest.mark.parametrize("cached", [True, False], ids=["loaded", "built"])
def test_many_compilations_leave_nothing(store, monkeypatch, cached):
    # LLVM itself keeps some 300 bytes of what it builds, and nothing of what is loaded.
    if not cached:
        monkeypatch.setenv("PULLBACK_CACHE", "off")
    circuits = [pb.circuit(f"x * {n}.5 + tanh(y)").circuit() for n in range(10)]
    compile_all(circuits, 2)
    before = resident()
    compile_all(circuits, MANY // 10)
    assert resident() - before < LEFT + 300 * MANY


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


# --- big circuits ---


def chain(gates):
    """x -> tanh(x + k) -> ..., and the pull on x."""

    def f(x, k):
        for _ in range(gates // 2):
            x = pb.tanh(x + k)
        return x

    return pb.circuit(f, name="chain").circuit(0.5, 0.1)


@pytest.mark.parametrize("gates", [300, 1000, 3000])
def test_a_circuit_too_long_for_one_straight_line_runs_in_another_way(gates):
    circuit = chain(gates)
    program = compile(circuit, executor="native")
    wanted = compile(circuit, executor="reference").run([0.5, 0.1])
    assert isinstance(program, NativeProgram) is (gates <= LARGEST)
    assert np.allclose(program.run([0.5, 0.1]), wanted, rtol=1e-13)


# --- odd inputs ---

GRID = np.arange(12.0).reshape(3, 4) / 7
ODD = {
    "not contiguous": GRID.repeat(2, 1)[:, ::2],
    "transposed in memory": np.asfortranarray(GRID),
    "backwards": GRID[::-1, ::-1].copy()[::-1, ::-1],
    "repeated": np.broadcast_to(np.float64(0.5), (3, 4)),
    "not aligned": np.frombuffer(b"x" + GRID.tobytes(), offset=1).reshape(3, 4),
    "big-endian": GRID.astype(">f8"),
    "float16": GRID.astype(np.float16),
    "float32": GRID.astype(np.float32),
    "longdouble": GRID.astype(np.longdouble),
    "integers": np.arange(12).reshape(3, 4),
    "uint8": np.arange(12, dtype=np.uint8).reshape(3, 4),
    "yes and no": GRID > 0.5,
    "complex": GRID + 1j,
    "a list": GRID.tolist(),
    "ragged": [[1.0], [1.0, 2.0]],
    "texts": np.full((3, 4), "a"),
    "objects": np.full((3, 4), None),
    "another shape": GRID.T,
    "one number": 1.5,
    "too deep": GRID[None],
    "empty": GRID[:0],
    "None": None,
}
every_odd = pytest.mark.parametrize("odd", ODD.values(), ids=ODD)


def answered(run):
    """What comes out, or the class of the refusal and its text. Any other exception is a mistake."""
    try:
        return [np.asarray(y).tolist() for y in run()]
    except pb.PullbackError as error:
        return type(error), str(error)


@every_odd
def test_odd_arrays_are_computed_or_refused_as_the_reference_does(odd):
    circuit = pb.circuit(lambda x, w: pb.relu(x @ w) - 1.0, name="f").circuit(GRID, GRID.T)
    found, wanted = (compile(circuit, executor=e) for e in ("native", "reference"))
    assert answered(lambda: found.run([odd, GRID.T])) == answered(lambda: wanted.run([odd, GRID.T]))
    again = [found.run([GRID, GRID.T])[0], wanted.run([GRID, GRID.T])[0]]
    assert np.allclose(*again, rtol=1e-14)  # and what came before leaves no trace


@every_odd
def test_odd_points_are_computed_or_refused_as_the_reference_does(odd):
    points = odd[0] if isinstance(odd, list | np.ndarray) and len(odd) else odd
    circuit = pb.circuit("x * w - relu(x)").circuit()
    found, wanted = (compile_map(circuit, mapped=[0], executor=e) for e in ("native", "reference"))
    assert answered(lambda: found.run([points, 2.0])) == answered(lambda: wanted.run([points, 2.0]))


@pytest.mark.parametrize("name", ["complex", "texts", "objects", "yes and no", "ragged"])
def test_odd_columns_of_a_loop_are_refused_by_name(name):
    loop = Loop(pb.circuit(lambda w, x: w + x, name="step").circuit(), carried={0: 0}, columns=[1])
    with pytest.raises(pb.PullbackError, match="'x'"):
        loop.run([0.5], columns=[ODD[name][0] if name != "ragged" else ODD[name]])


@pytest.mark.parametrize(
    "name", ["not contiguous", "big-endian", "integers", "not aligned", "float16"]
)
def test_odd_columns_of_a_loop_are_read_as_numbers(name):
    loop = Loop(pb.circuit(lambda w, x: w + x, name="step").circuit(), carried={0: 0}, columns=[1])
    found = loop.run([0.5], columns=[ODD[name][1]]).carried
    assert found == [pytest.approx(0.5 + sum(ODD[name][1].tolist()), rel=1e-15)]


def test_what_may_only_be_read_is_read_and_never_written():
    held = GRID.copy()
    held.flags.writeable = False
    circuit = pb.circuit(lambda x: pb.exp(x) * 2.0, name="f").circuit(GRID)
    compile(circuit, executor="native").run([held])
    assert np.array_equal(held, GRID)
