"""P22: how long until something happens: imports, the command line, the first compilation of P10's step."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np

from pullback.bench import p10_mlp
from pullback.bench.measure import library
from pullback.bench.row import Goal, Make, Row, Run
from pullback.bench.training import JaxWords, Training, called


def children() -> float:
    """Processor time of the processes that this one started and saw end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def python(*words: str, needs: str = "") -> Make:
    """A new Python process with these words."""

    def make(_: Any) -> Run:
        if needs:
            library("importlib.metadata").distribution(needs)

        def run(steps: int) -> None:
            for _ in range(steps):
                subprocess.run([sys.executable, *words], check=True, capture_output=True)

        return run

    return make


def importing(name: str, needs: str = "") -> Make:
    """`import name` in a new process."""
    return python("-c", f"import {name}", needs=needs)


@contextmanager
def cache(folder: str) -> Any:
    """Compiled code is kept there meanwhile, or nowhere ("off")."""
    before = os.environ.get("PULLBACK_CACHE")
    os.environ["PULLBACK_CACHE"] = folder
    try:
        yield
    finally:
        os.environ.pop("PULLBACK_CACHE")
        os.environ.update({} if before is None else {"PULLBACK_CACHE": before})


def compiling(folder: Callable[[], str]) -> Make:
    """Circuit, machine code and the first step of P10."""

    def make(work: Training) -> Run:
        kept = folder()

        def run(steps: int) -> Any:
            with cache(kept):
                for _ in range(steps):
                    found = called(work)(1)
            return found

        return run

    return make


def by_jax(work: Training) -> Run:
    """Trace, compile and one step; what is compiled is forgotten in between."""
    jax = library("jax")

    def step(w: Any, x: Any, t: Any) -> Any:
        grads = jax.grad(lambda w: work.loss(JaxWords(jax), w, x, t))(w)
        return [p - work.rule.rate * g for p, g in zip(w, grads, strict=True)]

    def run(steps: int) -> Any:
        for _ in range(steps):
            jax.clear_caches()
            found = jax.jit(step)([jax.numpy.asarray(w) for w in work.start], *work.batches[0])
        return np.concatenate([np.ravel(w) for w in found])

    return run


def _p10(_: int) -> Training:
    return p10_mlp.prepare(p10_mlp.SMALL, p10_mlp.MOMENTUM, 32)


STARTED: dict[str, Any] = {"unit": "ms", "each": "start", "checked": 1, "turn": 0.1}
ROWS = (
    Row(
        "P22",
        "import in a new process",
        prepare=int,
        ours={"pullback": importing("pullback")},
        peers={
            "numpy": importing("numpy"),
            "JAX": importing("jax", "jax"),
            "torch": importing("torch", "torch"),
            "scikit-learn": importing("sklearn.neural_network", "scikit-learn"),
        },
        limits={"Python itself": python("-c", "pass")},
        goals=(Goal(150),),
        clock=children,
        **STARTED,
    ),
    Row(
        "P22",
        "pullback --help",
        prepare=int,
        ours={"pullback": python("-m", "pullback", "--help")},
        peers={"numpy's f2py --help": python("-m", "numpy.f2py", "-h")},
        limits={"Python itself": python("-c", "pass")},
        goals=(Goal(300),),
        clock=children,
        **STARTED,
    ),
    Row(
        "P22",
        "P10's step from nothing: circuit, compilation, first step",
        prepare=_p10,
        ours={"pullback": compiling(lambda: "off")},
        peers={"JAX": by_jax},
        goals=(Goal(300),),
        tolerance=1e-4,
        **STARTED,
    ),
    Row(
        "P22",
        "P10's step when it was compiled before",
        prepare=_p10,
        ours={"pullback": compiling(lambda: tempfile.mkdtemp(prefix="pullback-bench-"))},
        peers={"JAX": by_jax},
        goals=(Goal(10),),
        note="what was compiled is there within 1 ms; the rest is Python: tracing, rewriting and planning"
        " the step to see what it is.",
        tolerance=1e-4,
        **STARTED,
    ),
)
