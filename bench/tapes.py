"""Large circuits of single numbers on the tape, in several orders and sizes, beside the same tape in C.

    python bench/tapes.py [most gates]

C is a switch over 25 bytes a gate too, in the order in which they are written, built with -O3
-march=native. Circuits are written as columns, not traced, so that ten million gates fit. Times are
processor time of one thread, least of several; results must agree to the last bit before a time counts.
"""

from __future__ import annotations

import ctypes
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import pullback.gates  # noqa: F401 - fills the registry
from pullback.bench.machine import c_library, place, stay_on_one_core
from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT64
from pullback.core.gate import GATES
from pullback.core.shapes import Spec
from pullback.core.sites import NOWHERE
from pullback.executors.native.tape.program import TapeProgram
from pullback.passes.rewrite import live

NAMES = ("multiply", "subtract", "relu")
LEAVES = 64
NUMBER = Spec((), FLOAT64)
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)

C = """
#include <stdint.h>
#include <string.h>
void pass(const uint8_t *op, const uint32_t *a, const uint32_t *b, double *v, double *p,
          int64_t s, int64_t n) {
  double *y = v + s, *d = p + s;
  for (int64_t i = 0; i < n; i++) {
    double x = v[a[i]], z = v[b[i]];
    switch (op[i]) {
      case 1: y[i] = x * z; break;
      case 2: y[i] = x - z; break;
      case 3: y[i] = x > 0 || x != x ? x : 0; break;
    }
  }
  for (int64_t i = 0; i < s + n; i++) p[i] = -0.0;
  d[n - 1] = 1;
  for (int64_t i = n - 1; i >= 0; i--) {
    double g = d[i];
    switch (op[i]) {
      case 1: p[a[i]] += v[b[i]] * g; p[b[i]] += v[a[i]] * g; break;
      case 2: p[a[i]] += g; p[b[i]] += -g; break;
      case 3: p[a[i]] += v[a[i]] > 0 ? g : 0; break;
    }
  }
}
"""


def circuit(kind: Any, a: Any, b: Any) -> Circuit:
    """A circuit of so many gates, by number in NAMES, that listen to the wires a and b."""
    gates = len(kind)
    counts = np.concatenate([np.zeros(LEAVES, int), np.where(kind == NAMES.index("relu"), 1, 2)])
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    operands = np.zeros(first[-1], np.int32)
    start, both = first[LEAVES:-1], kind != NAMES.index("relu")
    operands[start], operands[start[both] + 1] = a, b[both]
    op = np.concatenate([np.zeros(LEAVES), kind + 2]).astype(np.int32)
    none = np.zeros(LEAVES + gates, np.int32)
    attribute, label = none.copy(), none - 1
    attribute[:LEAVES] = label[:LEAVES] = np.arange(LEAVES)
    return Circuit(
        gates=(None, None, *(GATES[name] for name in NAMES)), op=op, first=first, operands=operands,
        attribute=attribute, spec=none, site=none, group=none, label=label, specs=(NUMBER,),
        attributes=({},), constants=(), sites=(NOWHERE,), groups=((),),
        labels=tuple(f"x{i}" for i in range(LEAVES)), inputs=tuple(range(LEAVES)),
        roles=("data",) * LEAVES, outputs=(LEAVES + gates - 1,),
    )  # fmt: skip


def drawn(count: int) -> Any:
    """Gates without any order, half of them products."""
    return np.random.default_rng(2).choice([0, 1, 2, 0], count)


def chain(count: int) -> Circuit:
    """x c - c, again and again: nothing can be done ahead."""
    k = np.arange(count)
    return circuit(k % 2, LEAVES + k - 1, k % LEAVES)


def near(count: int) -> Circuit:
    """Each gate listens to the one before and to one of the last sixty."""
    k = np.arange(count)
    back = np.random.default_rng(0).integers(0, 60, count)
    return circuit(np.resize([0, 1, 2, 1], count), LEAVES + k - 1, LEAVES + k - 1 - back)


def far(count: int) -> Circuit:
    """Each gate listens to the one before and to any."""
    k = np.arange(count)
    anywhere = (np.random.default_rng(0).random(count) * (LEAVES + k)).astype(np.int64)
    return circuit(np.resize([0, 1, 2, 1], count), LEAVES + k - 1, anywhere)


def near_drawn(count: int) -> Circuit:
    """Any gate, which listens to two of the last sixty."""
    k, draw = np.arange(count), np.random.default_rng(0)
    a, b = (LEAVES + k - 1 - draw.integers(0, 60, count) for _ in range(2))
    return joined(drawn(count), a, b)


def far_drawn(count: int) -> Circuit:
    """Any gate, which listens to the one before and to any."""
    k = np.arange(count)
    anywhere = (np.random.default_rng(0).random(count) * (LEAVES + k)).astype(np.int64)
    return circuit(drawn(count), LEAVES + k - 1, anywhere)


def two_drawn(count: int) -> Circuit:
    """Any gate, which listens to any two."""
    k, draw = np.arange(count), np.random.default_rng(0)
    a, b = ((draw.random(count) * (LEAVES + k)).astype(np.int64) for _ in range(2))
    return joined(drawn(count), a, b)


def joined(kind: Any, a: Any, b: Any) -> Circuit:
    """The circuit with its loose ends brought together two by two, so that the output listens to all."""
    count = len(kind)
    heard = np.zeros(LEAVES + count, bool)
    heard[a] = heard[b[kind != NAMES.index("relu")]] = True
    loose = LEAVES + np.flatnonzero(~heard[LEAVES:])
    left, right = [a], [b]
    while len(loose) > 1:
        pairs, rest = loose[: len(loose) // 2 * 2].reshape(-1, 2), loose[len(loose) // 2 * 2 :]
        left.append(pairs[:, 0])
        right.append(pairs[:, 1])
        loose = np.concatenate([LEAVES + count + np.arange(len(pairs)), rest])
        count += len(pairs)
    ends = np.full(count - len(kind), NAMES.index("subtract"))
    return circuit(np.concatenate([kind, ends]), np.concatenate(left), np.concatenate(right))


ORDERS: dict[str, Callable[[int], Circuit]] = {
    "each after the other": chain, "near": near, "anywhere": far, "near, any gates": near_drawn,
    "anywhere, any gates": far_drawn, "any two, any gates": two_drawn,
}  # fmt: skip


def least(run: Callable[[], Any], gates: int) -> float:
    """Nanoseconds a gate."""
    times = []
    for _ in range(5 + 10_000_000 // gates):
        began = time.thread_time()
        run()
        times.append(time.thread_time() - began)
    return min(times) / gates * 1e9


def written(whole: Circuit) -> tuple[Any, Any, Any]:
    """The columns of the gates that the output listens to, in the circuit's own order."""
    wanted = np.array(live(whole), bool)
    wanted[:LEAVES] = True
    place = np.cumsum(wanted) - 1
    gates = np.flatnonzero(wanted[LEAVES:]) + LEAVES
    first, last = whole.first[gates], whole.first[gates + 1] - 1
    a, b = (place[whole.operands[at]].astype(np.uint32) for at in (first, last))
    return (whole.op[gates] - 1).astype(np.uint8), a, b


def rows(count: int, library: Any) -> list[dict[str, Any]]:
    """One row an order: id, gates, ours and C in ns a gate, seconds to get ready, bytes a gate."""
    found = []
    for said, made in ORDERS.items():
        began = time.thread_time()
        whole = made(count)
        program = TapeProgram(whole)
        given = np.random.default_rng(1).uniform(-0.5, 0.5, LEAVES).tolist()
        _, pulls = program.value_and_grad(given)
        ready = time.thread_time() - began
        columns = written(whole)
        kinds = columns[0]
        values, theirs = np.zeros(LEAVES + len(kinds)), np.zeros(LEAVES + len(kinds))
        values[:LEAVES] = given
        sizes = (ctypes.c_int64(LEAVES), ctypes.c_int64(len(kinds)))
        places = [place(c) for c in (*columns, values, theirs)]
        gates = len(kinds)  # some may have nobody who listens
        in_c = least(lambda p=places, s=sizes: library["pass"](*p, *s), gates)
        mine = np.array([-0.0 if pull is None else pull for pull in pulls])
        assert theirs[:LEAVES].tobytes() == mine.tobytes(), "C has other pulls"
        ours = least(lambda p=program, g=given: p.value_and_grad(g), gates)
        size = sum(c.nbytes for c in (*columns, values, theirs)) / gates
        found.append({"id": said, "gates": gates, "ours": ours, "peers": {"C": in_c}, "unit": "ns/gate",
                      "ready": ready, "bytes": size})  # fmt: skip
    return found


def main(most: int) -> None:
    """A line a row."""
    stay_on_one_core()
    library = c_library(C, "-O3 -march=native -ffp-contract=off")
    for count in SIZES:
        for row in rows(count, library) if count <= most else ():
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            said = f"{row['gates']:9,} gates, {row['id']:21} {row['ours']:6.2f} ns a gate, "
            said += f"C {row['peers']['C']:6.2f}; ready in {row['ready']:5.2f} s; "
            print(said + f"{row['bytes']:.1f} bytes a gate; peak {peak:,.0f} MB")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
