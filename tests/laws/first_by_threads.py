"""Ask for one lazily made thing from eight threads at once, in a process where nobody asked before.

    python first_by_threads.py names...

Each thing has a process of its own, forked before anything was made. Prints the names of those that
went wrong, and why.
"""
# ruff: noqa: T201, BLE001 - a command prints, and looks at whatever a thread ends with

import importlib
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import pullback as pb
from pullback.core.once import ASKED
from pullback.train import SGD, Plan

THREADS = 8
ROWS = np.random.default_rng(0).normal(size=(24, 3))
LABELS = (ROWS[:, 0] > 0).astype(int)


def cube_of_unit():
    x = pb.Unit(1.5)
    y = pb.tanh(x * 2.0 + x)
    y.backward()
    return float(y.value), float(x.grad)


class Mine(pb.Unit):
    pass


def subclass_of_unit():
    x = Mine(1.5)
    (x * 2.0 + x).backward()
    return type(x).__mro__[0], float(x.grad)


def value_of_micrograd():
    engine = importlib.import_module("pullback.compat.micrograd.engine")
    x = engine.Value(1.5)
    (x * x).backward()
    return engine.Value, x.grad


def gate_of_ones_own():
    @pb.gate(py="({x} * {x} * {x})")
    def cubed(x):
        """y = x^3."""
        return x * x * x

    @cubed.pulls
    def d_cubed(dy, y, x):
        return 3 * x * x * dy

    return float(cubed(2.0)), pb.circuit("x * x").grad(3.0)


def fit_of_numbers():
    f = pb.circuit("loss = (w*x - y) ** 2", parameters="w")
    data = {"w": 0.0, "x": [1.0, 2.0], "y": [2.0, 4.0]}
    return float(f.fit(data, plan=Plan(batch_size=1, max_epochs=5), optimizer=SGD(0.1))["w"])


def fit_of_a_net():
    model = pb.MLPClassifier((4,), max_epochs=2, random_state=0).fit(ROWS, LABELS)
    return model.predict_proba(ROWS).tobytes()


def file():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.safetensors"
        pb.save(path, pb.circuit("(x+y)*z"))
        return pb.load(path)(1, 2, 3), path.read_bytes()


def native(threads):
    x = np.ones((300, 300))
    f = pb.circuit(lambda x: pb.sum(pb.exp(x @ x * 0.001)))
    program = pb.compile(f.circuit(x), executor="native", threads=threads)
    return [float(number) for number in program.run([x])]


SHARED = pb.circuit("q = x*y + tanh(x)")
FIRST = {
    "a Unit": cube_of_unit,
    "a Unit of an array": lambda: float(pb.sum(pb.Unit([1.0, 2.0]) * 2.0).value),
    "a subclass of Unit": subclass_of_unit,
    "a Value": value_of_micrograd,
    "a parsed expression": lambda: pb.circuit("a*b + exp(c)/2")(1.0, 2.0, 3.0),
    "a call of one circuit function": lambda: SHARED(1.5, 2.5),
    "a gradient of one circuit function": lambda: SHARED.grad(1.5, 2.5),
    "a run of one circuit function": lambda: SHARED.run(1.5, 2.5)["q"].value,
    "a map of one circuit function": lambda: SHARED.map([1.5, 2.0], 2.5).value.tobytes(),
    "a picture": lambda: SHARED.draw(1.5, 2.5).svg,
    "a source": lambda: str(SHARED.backward_source(lang="c")),
    "a check": lambda: SHARED.gradcheck(1.5, 2.5).passed,
    "an explanation": lambda: str(SHARED.explain("x", 1.5, 2.5)),
    "a card": lambda: str(SHARED.card("q", 1.5, 2.5)).partition("cost")[0],
    "a compiled program": lambda: pb.compile(SHARED.circuit(), executor="native").run([1.5, 2.5]),
    "a compiled program of arrays": lambda: native(1),
    "a team of threads": lambda: native(3),
    "a gate by name": lambda: importlib.import_module("pullback.core.gate").find_gate("tanh"),
    "a gate of one's own": gate_of_ones_own,
    "a trained circuit": fit_of_numbers,
    "a trained net": fit_of_a_net,
    "a file": file,
    "a reduction": lambda: pb.grad(lambda x: pb.logsumexp(x, axis=0))(np.ones(3)).tobytes(),
}  # fmt: skip


def load_all():
    """Every module of the library, so that everything that is made once is known."""
    home = Path(pb.__file__).parent
    for path in sorted(home.rglob("*.py")):
        parts = path.relative_to(home).with_suffix("").parts
        if not {"__main__", "__init__", "compat", "bench"} & set(parts):  # some make Units at once
            importlib.import_module(".".join(["pullback", *parts]))


def made_once():
    """What is made once for the whole process, by name."""
    load_all()
    assert [f for f in ASKED if f.cache_info().currsize] == [], "made before anybody asked"
    return {f"{f.__module__}.{f.__qualname__}": f for f in ASKED}


def counted(made):
    """A profiler that lets other threads in wherever one of `made` begins, and counts how often."""
    codes = {f.__wrapped__.__code__: name for name, f in made.items()}
    counts = dict.fromkeys(made, 0)

    def profile(frame, event, _):
        if event == "call" and frame.f_code in codes:
            counts[codes[frame.f_code]] += 1
            time.sleep(0.01)

    return profile, counts


def answers(ask):
    """What each thread was told."""
    start, found = threading.Barrier(THREADS), []

    def work():
        start.wait()
        try:
            found.append(ask())
        except BaseException as error:
            found.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return found


def wrong(ask, made):
    """What differs from one answer for all and from making each thing once; "" for nothing."""
    profile, counts = counted(made)
    threading.setprofile(profile)
    sys.setswitchinterval(1e-5)  # so that threads come between each other's steps
    found = answers(ask)
    threading.setprofile(None)
    again = ask()
    often = [name for name, count in counts.items() if count > 1]
    same = all(one is again for one in found) if ask in made.values() else True
    equal = all(type(one) is type(again) and bool(one == again) for one in found)
    well = len(found) == THREADS and same and equal and not often
    return "" if well else f"made more than once: {often}; {found[:3]}, {again!r}"


def main(names):
    made = made_once()
    things = made | FIRST
    for name in names or things:
        child = os.fork()
        if not child:
            try:
                said = wrong(things[name], made)
            except BaseException as error:
                said = f"{type(error).__name__}: {error}"
            print(f"{name}: {said[:500]}\n" * bool(said), end="", flush=True)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            print(f"{name}: the process ended")
    print(f"asked for {len(names or things)} things")


if __name__ == "__main__":
    main(sys.argv[1:])
