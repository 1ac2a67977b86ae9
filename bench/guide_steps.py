"""The guide's three small training steps: as circuits, as plain Python, and as C, the limit (P1 to P4)."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import pullback as pb

POINTS = np.array([[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]])
LABELS = np.array([1.0, -1.0, 1.0, -1.0, -1.0, 1.0])
COLUMNS = [np.ascontiguousarray(POINTS[:, 0]), np.ascontiguousarray(POINTS[:, 1]), LABELS]
RATE = 0.01


def neuron(a, b, c, x, y):
    """The guide's neuron of two inputs."""
    return pb.sigmoid(a * x + b * y + c)


@pb.circuit
def neuron_step(a, b, c, x, y, rate):
    """Forward, backward and a nudge of everything, as the guide does."""
    pulls = pb.grad(neuron, wrt=(0, 1, 2, 3, 4))(a, b, c, x, y)
    moved = [v + rate * d for v, d in zip((a, b, c, x, y), pulls, strict=True)]
    return (*moved, neuron(a, b, c, x, y))


def wish(score, label):
    """The guide's force specification: pull until the margin of 1 is met."""
    up, down = pb.where(score < 1.0, 1.0, 0.0), pb.where(score > -1.0, -1.0, 0.0)
    return pb.where(pb.equal(label, 1.0), up, down)


@pb.circuit
def svm_step(a, b, c, x, y, label, rate):  # noqa: PLR0913
    """One step of stochastic gradient descent, and the score before it."""
    score = a * x + b * y + c
    pull = wish(score, label)
    return a + rate * (x * pull - a), b + rate * (y * pull - b), c + rate * pull, score


def net(a1, b1, c1, a2, b2, c2, a3, b3, c3, a4, b4, c4, d4, x, y):  # noqa: PLR0913
    """Three hidden neurons and one on top: 13 parameters."""
    n1 = pb.relu(a1 * x + b1 * y + c1)
    n2 = pb.relu(a2 * x + b2 * y + c2)
    n3 = pb.relu(a3 * x + b3 * y + c3)
    return a4 * n1 + b4 * n2 + c4 * n3 + d4


BIASES = (2, 5, 8, 12)


@pb.circuit
def net_step(a1, b1, c1, a2, b2, c2, a3, b3, c3, a4, b4, c4, d4, x, y, label, rate):  # noqa: PLR0913
    """One step of stochastic gradient descent, and the score before it."""
    weights = (a1, b1, c1, a2, b2, c2, a3, b3, c3, a4, b4, c4, d4)
    score, pull = pb.vjp(net, *weights, x, y)
    pulls = pull(wish(score, label))
    decayed = [
        d if i in BIASES else d - w for i, (w, d) in enumerate(zip(weights, pulls, strict=False))
    ]
    return (*(w + rate * d for w, d in zip(weights, decayed, strict=True)), score)


@dataclass(frozen=True)
class Workload:
    """A step circuit; its first inputs are carried, then come the columns, then the rate."""

    row: str
    said: str
    step: Any
    start: tuple[float, ...]
    columns: tuple[Any, ...]
    c_name: str

    @property
    def carried(self) -> dict[int, int]:
        return {i: i for i in range(len(self.start))}

    @property
    def positions(self) -> range:
        return range(len(self.start), len(self.start) + len(self.columns))


_WEIGHTS = tuple(np.random.default_rng(0).uniform(-0.5, 0.5, 13).tolist())
WORKLOADS = (
    Workload("P1", "neuron", neuron_step, (1.0, 2.0, -3.0, -1.0, 3.0), (), "neuron"),
    Workload("P2", "svm", svm_step, (1.0, -2.0, -1.0), tuple(COLUMNS), "svm"),
    Workload("P3", "two layers", net_step, _WEIGHTS, tuple(COLUMNS), "net"),
)

C = r"""
#include <math.h>
#include <stdint.h>
typedef const double *restrict column;
void neuron(double *s, column X, column Y, column L, const int64_t *order, int64_t n, double rate) {
  double a = s[0], b = s[1], c = s[2], x = s[3], y = s[4];
  for (int64_t i = 0; i < n; i++) {
    double v = 1 / (1 + exp(-(a * x + b * y + c))), d = v * (1 - v);
    double da = x * d, db = y * d, dx = a * d, dy = b * d;
    a += rate * da; b += rate * db; c += rate * d; x += rate * dx; y += rate * dy;
  }
  s[0] = a; s[1] = b; s[2] = c; s[3] = x; s[4] = y;
}
static double wish(double score, double label) {
  if (label == 1) return score < 1 ? 1 : 0;
  return score > -1 ? -1 : 0;
}
void svm(double *s, column X, column Y, column L, const int64_t *order, int64_t n, double rate) {
  double a = s[0], b = s[1], c = s[2];
  for (int64_t i = 0; i < n; i++) {
    double x = X[order[i]], y = Y[order[i]], pull = wish(a * x + b * y + c, L[order[i]]);
    a += rate * (x * pull - a); b += rate * (y * pull - b); c += rate * pull;
  }
  s[0] = a; s[1] = b; s[2] = c;
}
void net(double *s, column X, column Y, column L, const int64_t *order, int64_t n, double rate) {
  double a1 = s[0], b1 = s[1], c1 = s[2], a2 = s[3], b2 = s[4], c2 = s[5], a3 = s[6], b3 = s[7],
         c3 = s[8], a4 = s[9], b4 = s[10], c4 = s[11], d4 = s[12];
  for (int64_t i = 0; i < n; i++) {
    double x = X[order[i]], y = Y[order[i]];
    double n1 = fmax(0, a1 * x + b1 * y + c1), n2 = fmax(0, a2 * x + b2 * y + c2),
           n3 = fmax(0, a3 * x + b3 * y + c3);
    double p = wish(a4 * n1 + b4 * n2 + c4 * n3 + d4, L[order[i]]);
    double e1 = n1 > 0 ? p * a4 : 0, e2 = n2 > 0 ? p * b4 : 0, e3 = n3 > 0 ? p * c4 : 0;
    a4 += rate * (p * n1 - a4); b4 += rate * (p * n2 - b4); c4 += rate * (p * n3 - c4); d4 += rate * p;
    a1 += rate * (e1 * x - a1); b1 += rate * (e1 * y - b1); c1 += rate * e1;
    a2 += rate * (e2 * x - a2); b2 += rate * (e2 * y - b2); c2 += rate * e2;
    a3 += rate * (e3 * x - a3); b3 += rate * (e3 * y - b3); c3 += rate * e3;
  }
  s[0] = a1; s[1] = b1; s[2] = c1; s[3] = a2; s[4] = b2; s[5] = c2; s[6] = a3; s[7] = b3; s[8] = c3;
  s[9] = a4; s[10] = b4; s[11] = c4; s[12] = d4;
}
"""


def c_library(text: str = C, options: str = "-O3 -march=native", libraries: str = "-lm") -> Any:
    """`text` compiled by the C compiler of this machine, or None where there is none."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="pullback-bench-"))
    (folder / "limit.c").write_text(text)
    command = [compiler, *options.split(), "-shared", "-fPIC", "limit.c", "-o", "limit.so"]
    subprocess.run([*command, *libraries.split()], cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "limit.so"))


def c_steps(library: Any, work: Workload, order: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """All steps of `order` in C: the weights after them."""
    state = np.array(work.start)
    columns = [ctypes.c_void_p(c.ctypes.data) for c in COLUMNS]
    place, rows = ctypes.c_void_p(state.ctypes.data), ctypes.c_void_p(order.ctypes.data)
    getattr(library, work.c_name)(
        place, *columns, rows, ctypes.c_int64(len(order)), ctypes.c_double(RATE)
    )
    return state
