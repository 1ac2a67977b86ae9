"""A long campaign against the file loader: damaged files, and files that lie under a right checksum.

    python bench/fuzz_files.py --files 10000000
    python bench/fuzz_files.py --files 0 --chain 1000000

Of a thousand files, 900 are damaged and keep their checksum, 70 are damaged and signed again, 2 are as
they were, among them circuits of more numbers than fit into any memory, and 28 lie in their tables or
tensors and are signed. Each must be refused with a FileError, or be the one spelling of a circuit that
can be named, walked through and saved again. `pb.load` is asked as well, and whatever it loads is drawn,
printed in five languages, run and saved; with 3 GiB for all of it, so that nobody makes an array of 2**32
numbers because a file says so.
chain: build, save and load a chain of so many gates; seconds and memory.

The same seed gives the same files, whatever the number of processes. Ends with 1 if anything fails.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import os
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path
from random import Random

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from laws.asking import real_outputs
from laws.forging import SMALL, damaged, lied, signed
from laws.gate_cases import ALL_CASES
from laws.used_files import used

import pullback as pb
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT64
from pullback.core.file import Loaded, from_bytes, to_bytes
from pullback.core.shapes import Spec, spec_of
from pullback.errors import FileError
from pullback.passes.backward import backward

CHUNK = 2_000  # files that share one seed
ROOM = 3 << 30
SCRATCH = Path(tempfile.mkdtemp()) / "file.safetensors"
KIB = 1024 if sys.platform != "darwin" else 1


def good_files() -> list[bytes]:
    """A file of every kind of gate, and a few that hold more."""
    circuits = [case.circuit() for case in ALL_CASES[::5]]
    backs = [backward(c, real_outputs(c)).circuit for c in circuits[::10]]
    return [SMALL] * 10 + [to_bytes(c) for c in (*circuits, *backs, *giants())] + models()


def models() -> list[bytes]:
    """A trained model of each kind, as a file has it."""
    rows, path = np.arange(24.0).reshape(12, 2), SCRATCH.with_suffix(".model")
    found = []
    for model in (pb.MLPClassifier((3,), max_epochs=1), pb.MLPRegressor((3,), max_epochs=1)):
        model.fit(rows, np.arange(12) % 3).save(path)
        found.append(path.read_bytes())
    return found * 5


def giants() -> list[Circuit]:
    """Circuits of more numbers than fit into any memory."""
    made = []
    for shape, function in {
        (2**32,): pb.relu,
        (2**30, 1): pb.sum,
        (2**16, 2**16): lambda x: x @ x,
        (2,): lambda x: pb.sum(pb.broadcast_to(x, shape=(2**35, 2))),
        (3,): lambda x: pb.pad(x, widths=((2**35, 0),)),
    }.items():
        builder = Builder()
        made.append(builder.finish([function(builder.input(Spec(shape, FLOAT64), "x"))]))
    return made


def forged_at_random(random: Random, files: list[bytes]) -> tuple[str, bytes]:
    """One file, and how it was made."""
    data, dice = random.choice(files), random.random()
    if dice < 0.9:
        return "damaged", damaged(random, data)
    if dice < 0.97:
        return "damaged and signed", signed(damaged(random, data))
    if dice > 0.998:
        return "as it was", data
    return "lied and signed", lied(random, data)


def check(kind: str, data: bytes, files: list[bytes]) -> str:
    """What became of the file: refused and why, or loaded."""
    path = SCRATCH.with_suffix(f".{os.getpid()}")
    path.write_bytes(data)
    said = used(path)
    try:
        loaded = from_bytes(data)
    except FileError as error:
        assert said == ["refused: FileError"], f"pb.load says {said}"
        return (
            "refused: " + re.sub(r"(?<=readable: ).*|'.*'|\(.*\)|-?[\d,]+", "..", error.what)[:60]
        )
    assert kind != "damaged" or data in files, "damage was not seen"
    assert to_bytes(*loaded) == data, "the file has another spelling"
    assert not any("FileError" in one for one in said[1:]), f"it can be loaded, but then {said}"
    return walked(loaded)


def walked(loaded: Loaded) -> str:
    """Walk through a loaded circuit as any pass does."""
    circuit = loaded.circuit
    if circuit is None:
        return "loaded without a circuit"
    assert len(circuit.names) == len(circuit) == len(list(circuit.rows()))
    named = [n for n in circuit.names if n]
    assert len(set(named)) == len(named), "two wires have one name"
    assert all(circuit.spec_of(w).shape is not None for w in circuit.outputs)
    return "loaded"


@dataclass
class Tally:
    """What a chunk of files, or all of them, came to. memory: the most bytes a process had."""

    count: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: tuple[float, bytes] = (0.0, b"")
    memory: int = 0

    def add(self, other: Tally) -> None:
        self.count += other.count
        self.outcomes += other.outcomes
        self.failures += other.failures
        self.slowest = max(self.slowest, other.slowest)
        self.memory = max(self.memory, other.memory)


def memory() -> int:
    """The most memory this process has had so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB


def run_chunk(job: tuple[int, int, int]) -> Tally:
    """Make and check the files of one chunk; runs in a process of its own."""
    seed, chunk, count = job
    random, tally, files = Random(f"{seed} {chunk}"), Tally(count), FILES
    for _ in range(count):
        kind, data = forged_at_random(random, files)
        started = time.process_time()  # what else the machine does is not our slowness
        try:
            tally.outcomes[f"{kind}: {check(kind, data, files)}"] += 1
        except Exception as error:  # noqa: BLE001 - whatever escapes is what we look for
            tally.failures.append(
                f"{kind}, {type(error).__name__}: {error}\n      {data.hex()[:2000]}"
            )
        tally.slowest = max(tally.slowest, (time.process_time() - started, data))
    tally.memory = memory()
    return tally


def limit() -> None:
    """So much address space for a process that makes and checks files."""
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))


def jobs(seed: int, count: int) -> Iterator[tuple[int, int, int]]:
    """The chunks of a campaign: the seed, the chunk's number and its size."""
    for chunk, start in enumerate(range(0, count, CHUNK)):
        yield seed, chunk, min(CHUNK, count - start)


def report(tally: Tally, seconds: float) -> None:
    """Print what the campaign came to."""
    print(f"{tally.count:,} files in {seconds:.0f} s, {tally.count / seconds:,.0f} a second")
    for outcome, count in tally.outcomes.most_common(60):
        print(f"  {count:>12,}  {outcome}")
    slow, data = tally.slowest
    print(f"  slowest: {slow * 1e3:.1f} ms, again: {best_time(data) * 1e3:.1f} ms")
    print(
        f"  most memory: {START / 2**20:.0f} MiB at the start, {tally.memory / 2**20:.0f} MiB at the end"
    )
    print(f"  untyped exceptions and broken promises: {len(tally.failures)}")
    for failure in tally.failures[:10]:
        print(f"    {failure}")


def best_time(data: bytes) -> float:
    """Processor seconds to load or refuse one file, best of five."""
    times = []
    for _ in range(5):
        started = time.process_time()
        with suppress(FileError):
            from_bytes(data)
        times.append(time.process_time() - started)
    return min(times)


def fuzz(files: int, seed: int, processes: int) -> int:
    """Run the campaign and report it; how many files failed."""
    sizes = sorted(map(len, FILES))
    print(
        f"seed {seed}, {processes} processes, from {len(FILES)} files of {sizes[0]:,} to {sizes[-1]:,} bytes"
    )
    total, started = Tally(), time.perf_counter()
    with Pool(processes, limit) as pool:
        for tally in pool.imap_unordered(run_chunk, jobs(seed, files)):
            total.add(tally)
    report(total, time.perf_counter() - started)
    return len(total.failures)


def chain(gates: int) -> None:
    """Build, save and load h <- h * x + 0.25 again and again, and print what each step costs."""
    builder = Builder()
    h = x = builder.input(spec_of(0.0), "x")
    steps = {}
    started = time.perf_counter()
    for _ in range(gates // 2):
        h = h * x + 0.25
    circuit = builder.finish([h])
    steps["build"] = time.perf_counter() - started
    started = time.perf_counter()
    data = to_bytes(circuit)
    steps["save"] = time.perf_counter() - started
    del builder, circuit, h, x
    started = time.perf_counter()
    from_bytes(data)
    steps["load"] = time.perf_counter() - started
    spent = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in steps.items())
    print(
        f"chain of {gates:,} gates: {spent}; file {len(data) / 1e6:.1f} MB, peak {memory() / 1e9:.2f} GB"
    )


FILES = good_files()
START = memory()


def main() -> int:
    """Run what is asked for, and return 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--chain", type=int, default=0)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    failed = fuzz(asked.files, asked.seed, asked.processes) if asked.files else 0
    if asked.chain:
        chain(asked.chain)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
