"""A chain of gates, as long as you like: built, pulled back, saved, loaded, run. Seconds and memory.

python bench/chain.py --gates 1000000
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import pullback as pb
from pullback.core.file import read_file, to_bytes
from pullback.executors import compile
from pullback.lens.function import CircuitFunction
from pullback.passes.backward import backward


def main() -> None:
    """One chain, all the way."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--gates", type=int, default=1_000_000)
    gates = asked.parse_args().gates

    def chain(x):
        for _ in range(gates):
            x = x * 1.0000001
        return x

    function: CircuitFunction = pb.circuit(chain)
    circuit = timed("build", gates, lambda: function.circuit(1.0))
    back = timed("backward", gates, lambda: backward(circuit))
    program = timed("compile", gates, lambda: compile(back.asking([back.pulls[0]])))
    (pull,) = timed("run forward and backward", gates, lambda: program.run([1.0, 1.0]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chain.safetensors"
        timed("save", gates, lambda: path.write_bytes(to_bytes(circuit)))
        loaded = timed("load and check", gates, lambda: read_file(path).circuit)
        size = path.stat().st_size
    assert len(loaded) == len(circuit)
    want = 1.0000001**gates
    say(f"pull on x {float(pull):.12g}, exactly {want:.12g}; file {size / 1e6:.1f} MB")
    say(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def say(line):
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def timed(what, gates, action):
    """Do it and say how long it took."""
    start = time.perf_counter()
    result = action()
    seconds = time.perf_counter() - start
    say(f"{what:26} {seconds:8.2f} s   {seconds / gates * 1e6:6.2f} us a gate")
    return result


if __name__ == "__main__":
    main()
