"""Call every native entry point with what it does not expect: each answers or refuses by type.

    python native_entries.py CALLS SEED

Entry points are read off the types and programs themselves. The call that is about to be made stands in
the file named by ENTRY_LOG, so that it is known if the process ends. Prints what went wrong, which entry
points keep something, and by how much memory grew.
"""
# ruff: noqa: T201, BLE001 - a command prints, and looks at whatever a call ends with

import contextlib
import copy
import gc
import itertools
import math
import os
import random
import sys
from pathlib import Path

import numpy as np

import pullback as pb
from pullback.compat.micrograd.engine import Value
from pullback.core.gate import Gate
from pullback.executors import compile, compile_map, compile_steps
from pullback.executors.unit import PlainUnit
from pullback.executors.unit_graph import GateUse

ARRAYS = [np.ones((4, 3)), np.ones((3, 5))]
ROUNDS = 4
SET_AGAIN = ("__class__", "__dict__", "data", "value", "grad", "pulled", "name", "anything")
AGAIN = 150  # calls of one entry point, of which half would leave something behind


class Float(float):
    """Not a plain number."""


class Whole(int):
    pass


class Rows(list):
    pass


class Names(dict):
    pass


class Pair(tuple):
    pass


class Mine(pb.Unit):
    pass


class Hostile:
    """Whoever asks for a number, an index or a comparison gets an exception or nonsense."""

    def __float__(self):
        raise RuntimeError("asked")

    def __index__(self):
        return 2**80

    def __eq__(self, other):
        return 1 / 0

    __hash__ = None


def values():
    """One of everything that a call may be given."""
    u, v = pb.Unit(1.5), Value(2.0)
    return [
        None, True, 0, 1, 2, 7, 31, -1, 256, 2**70, -(2**70), 1.0, -0.0, math.nan, math.inf, 1j, "", "a",
        "value", "\0", b"", b"a", (), (1.0,), (1.0, 2.0), (u,), (u, u), (u, v, u), ("a", "b"), [], [1.0],
        [1.0, 2.0], [u, u], [v, 1.0], ["a"], {}, {"a": 1}, {1: 2}, {"ties": "first"}, set(), object(),
        object, type, Ellipsis, NotImplemented, np.float64(1.5), np.float32(1.5), np.int64(3),
        np.bool_(True),
        np.zeros(3), np.zeros((2, 2)), np.zeros((), "f4"), np.array(["a"]), np.array([u, None], object),
        u, u * 2.0, pb.Unit([1.0, 2.0]), v, v * v, Mine(1.0), Value.__new__(Value, 1), type(u), Value,
        PlainUnit,
        object.__new__(PlainUnit), Gate.__new__(Gate), pb.add, pb.tanh, pb.clamp, pb.where, len, lambda *a: a,
        Float(1.5), Whole(1), Rows([1.0]), Names(), Pair((1.0, 2.0)), Hostile(), slice(1), range(2),
        iter([1.0]),
        float, ARRAYS, [x[::-1] for x in ARRAYS], [x.astype("f4") for x in ARRAYS], [x.T for x in ARRAYS],
        [*ARRAYS, 1.0], [np.ma.array(x) for x in ARRAYS], [x.view(np.recarray) for x in ARRAYS],
        [ARRAYS[0], None], [[1.0, 2.0]], [ARRAYS[0]], ARRAYS[0], np.array([0, 1]), np.array([0, 7]), [0, -9],
        GateUse(pb.add, (u, u), {}, u),
        memoryview(b"ab"), bytearray(8),
    ]  # fmt: skip


def programs():
    """What runs as machine code behind builtins, and the functions around it."""
    f = pb.circuit("q = x*y + tanh(x)")
    wide = pb.circuit(lambda x, w: (pb.sum(pb.exp(x @ w)), x @ w))
    step = pb.circuit(lambda w, x: (w - 0.1 * (w * x), w * x))
    deep = pb.circuit(lambda w, x: (w - 0.1 * pb.sum(x @ w), pb.sum(x)))
    x, w = ARRAYS
    steps = {"columns": [1], "start": [1.0], "executor": "native"}
    made = {
        "scalars": compile(f.circuit(), executor="native"),
        "arrays": compile(wide.circuit(x, w), executor="native"),
        "map": compile_map(f.circuit(), mapped=[0], executor="native"),
        "steps": compile_steps(step.circuit(), carried={0: 0}, **steps),
        "steps of arrays": compile_steps(
            deep.circuit(w, x), carried={0: 0}, **steps | {"start": [w]}
        ),
    }
    for name, program in made.items():
        for part in ("run", "call", "value_and_grad", "watch", "step", "carried", "records"):
            if callable(getattr(program, part, None)):
                yield f"{name}.{part}", getattr(program, part)


def entries():
    """Every native entry point, by name: functions that take whatever they are given."""
    u, v = pb.Unit(1.5), Value(2.0)
    for kind, held in ((type(u), u * 2.0), (Value, v * v)):
        said = "Unit" if kind is not Value else "Value"
        for name in sorted(set(vars(kind)) | {"__reduce__", "__init_subclass__"}):
            if callable(getattr(held, name, None)):
                yield f"{said}().{name}", getattr(held, name)
            if callable(getattr(kind, name, None)):
                yield f"{said}.{name}", getattr(kind, name)
            yield f"setattr {said} {name}", lambda x=None, *_, n=name, k=kind: setattr(k(1.0), n, x)
            yield f"getattr {said} {name}", lambda *_, n=name, own=held, **__: getattr(own, n)
            yield f"delattr {said} {name}", lambda *_, n=name, k=kind: delattr(k(1.0), n)
        for name in SET_AGAIN:
            own = kind(2.0)
            yield f"set {said} {name} again", lambda x=None, *_, n=name, o=own: setattr(o, n, x)
        yield said, kind
        yield f"copy {said}", lambda *_, own=held, **__: copy.copy(own)
        yield f"derive from {said}", lambda *bases, k=kind: type("D", (k, *bases), {})
        yield f"pow {said}", lambda *a, own=held, **_: pow(own, *a)
        yield f"rpow {said}", lambda a=1, *_, own=held, **__: pow(a, own)
    for gate in (pb.add, pb.tanh, pb.maximum, pb.power, pb.clamp):
        yield f"call {gate.name}", gate
        yield f"Gate.__call__ {gate.name}", lambda *a, g=gate, **k: Gate.__call__(g, *a, **k)
        yield f"{gate.name} beside a Unit", lambda *a, g=gate, **k: g(u, *a, **k)
    yield "Gate.__call__", Gate.__call__
    yield from programs()


ALLOWED = (TypeError, AttributeError, pb.PullbackError)
ASKED = (RuntimeError, ZeroDivisionError)  # by Hostile, who is let through
AMBIGUOUS = "truth value of an array"  # an array where a yes or no is asked for: NumPy's own words


def is_whole():
    """Whether Units still compute."""
    x = pb.Unit(1.5)
    (x * 2.0 + x).backward()
    z = Value(2.0)
    (z * z).backward()
    return x.grad == 3.0 and z.grad == 4.0


def one_round(calls, seed, log):
    """Make `calls` calls; the kinds of exceptions that were not allowed, each with a call."""
    draw, wrong, asked = random.Random(seed), {}, list(entries())
    for at in range(calls):
        if at % 1000 == 0:
            pool = values()
        name, entry = asked[at % len(asked)]
        given = [draw.choice(pool) for _ in range(draw.choice([0, 1, 1, 2, 2, 3, 4, 5]))]
        named = {"x": draw.choice(pool)} if draw.random() < 0.1 else {}
        os.pwrite(
            log,
            f"{name} of {[type(x).__name__ for x in given]} {list(named)}".encode().ljust(300),
            0,
        )
        try:
            entry(*given, **named)
        except (*ALLOWED, *ASKED):
            pass
        except BaseException as error:
            if AMBIGUOUS in str(error):
                continue
            key = f"{name} {type(error).__name__}"
            wrong.setdefault(
                key, f"{[type(x).__name__ for x in given]} {list(named)}: {error}"[:300]
            )
        if at % 500 == 0 and not is_whole():
            wrong.setdefault("wrong numbers", name)
    return wrong


def memory():
    """Bytes that this process holds."""
    said = Path("/proc/self/statm")
    return int(said.read_text().split()[1]) * os.sysconf("SC_PAGESIZE") if said.exists() else 0


def left_behind(name, entry, pool, seed):
    """References and blocks of memory that are there after AGAIN calls, and were not before."""

    def calls():
        draw = random.Random(f"{name} {seed}")
        for _ in range(AGAIN):
            given = [draw.choice(pool) for _ in range(draw.choice([0, 1, 1, 2, 2, 3, 4]))]
            with contextlib.suppress(BaseException):
                entry(*given)

    def held():
        return sum(map(sys.getrefcount, pool)), sys.getallocatedblocks()

    counts = []
    for _ in range(3):
        calls()
        gc.collect()  # and what Python keeps to use again
        counts.append(held())
    return [min(b - a, c - b) for a, b, c in zip(*counts, strict=True)]


def keeping(seed):
    """Entry points that keep what they are given or make, call by call."""
    pool = values()
    gc.collect()
    gc.freeze()
    for name, entry in entries():
        references, blocks = left_behind(name, entry, pool, seed)
        if max(references, blocks) > AGAIN // 2:
            yield f"{name} keeps {references} references, {blocks} blocks"


def main(calls, seed):
    log = os.open(os.environ.get("ENTRY_LOG", os.devnull), os.O_RDWR | os.O_CREAT)
    np.seterr(all="ignore")
    held, wrong = [memory()], {}
    for round_ in range(ROUNDS):
        wrong |= one_round(calls, seed + round_, log)
        held.append(memory())
    for key, said in wrong.items():
        print(f"{key}: {said}")
    for said in keeping(seed):
        print(said)
    grown = min(after - before for before, after in itertools.pairwise(held))
    print(
        f"{len(list(entries()))} entry points, {calls * ROUNDS} calls, memory grew by {grown} bytes a round"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
