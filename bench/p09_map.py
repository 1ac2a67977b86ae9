"""P9: a 2-16-1 tanh net over 65,536 points, the squared error and the pulls on all 65 parameters.

    python bench/p09_map.py [points]

Rivals: NumPy by hand, and blocked C with gcc -O3 -ffast-math and its vector math library.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import numpy as np
from guide_steps import c_library
from side_by_side import least, table

import pullback as pb
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.shapes import spec_of
from pullback.executors.native.lanes import Lanes
from pullback.passes.backward import backward

HIDDEN = 16
COUNT = 4 * HIDDEN + 1


def net_and_pulls() -> Circuit:
    """(x, y, target, *parameters, force) -> error and the pulls on all parameters, for one point."""
    builder = Builder()
    x, y, target = (builder.input(spec_of(0.0), n) for n in ("x", "y", "target"))
    p = [builder.input(spec_of(0.0), f"p{i}", "parameter") for i in range(COUNT)]
    score = p[-1]
    for j in range(HIDDEN):
        a, b, c, v = p[4 * j : 4 * j + 4]
        score = score + v * pb.tanh(a * x + b * y + c)
    error = score - target
    back = backward(builder.finish([error * error]))
    return back.asking([*back.forward.outputs, *back.input_pulls[3:]])


def by_numpy(x: Any, y: Any, target: Any, parameters: Any) -> Any:
    """The error and all pulls, as one writes them by hand."""
    a, b, c, v = parameters[:-1].reshape(HIDDEN, 4).T
    h = np.tanh(np.outer(x, a) + np.outer(y, b) + c)
    error = h @ v + parameters[-1] - target
    d = 2 * error
    e = np.outer(d, v) * (1 - h * h)
    pulls = np.stack([x @ e, y @ e, e.sum(0), d @ h], axis=1)
    return np.array([error @ error, *pulls.ravel(), d.sum()])


C = """
#include <math.h>
#include <stdint.h>
#define BLOCK 64
typedef const double *restrict column;
void net(column x, column y, column target, column p, double *restrict out, int64_t n) {
  for (int k = 0; k < 66; k++) out[k] = 0;
  for (int64_t i0 = 0; i0 < n; i0 += BLOCK) {
    int m = n - i0 < BLOCK ? n - i0 : BLOCK;
    double h[16][BLOCK], s[BLOCK], d[BLOCK];
    for (int i = 0; i < m; i++) s[i] = p[64];
    for (int j = 0; j < 16; j++)
      for (int i = 0; i < m; i++) {
        double z = tanh(p[4 * j] * x[i0 + i] + p[4 * j + 1] * y[i0 + i] + p[4 * j + 2]);
        h[j][i] = z;
        s[i] += p[4 * j + 3] * z;
      }
    double loss = 0, total = 0;
    for (int i = 0; i < m; i++) {
      double e = s[i] - target[i0 + i];
      loss += e * e; d[i] = 2 * e; total += d[i];
    }
    out[0] += loss; out[65] += total;
    for (int j = 0; j < 16; j++) {
      double da = 0, db = 0, dc = 0, dv = 0;
      for (int i = 0; i < m; i++) {
        double z = h[j][i], q = d[i] * p[4 * j + 3] * (1 - z * z);
        dv += z * d[i]; da += q * x[i0 + i]; db += q * y[i0 + i]; dc += q;
      }
      out[1 + 4 * j] += da; out[2 + 4 * j] += db; out[3 + 4 * j] += dc; out[4 + 4 * j] += dv;
    }
  }
}
"""


def by_c(library: Any, columns: list[Any], parameters: Any) -> Any:
    """The same by the C above."""
    out = np.zeros(COUNT + 1)
    places = [ctypes.c_void_p(a.ctypes.data) for a in (*columns, parameters, out)]
    library.net(*places, ctypes.c_int64(len(columns[0])))
    return out


def main(count: int) -> None:
    """One table."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, count))
    columns, parameters = [x, y, np.sin(x)], rng.normal(size=COUNT) * 0.5
    inputs = [*columns, *parameters, 1.0]
    lanes = Lanes(net_and_pulls(), mapped=[0, 1, 2], summed=range(COUNT + 1))
    library = c_library(C, "-O3 -march=native -ffast-math", "-lmvec -lm")
    runs = {"pullback": lambda: lanes.run(inputs), "NumPy": lambda: by_numpy(*columns, parameters)}
    if library is not None:
        runs["C -O3 -ffast-math"] = lambda: by_c(library, columns, parameters)
    results = [np.array(run()) for run in runs.values()]
    assert all(np.allclose(r, results[0], rtol=1e-9) for r in results), "the rivals disagree"
    table(f"P9 map over {count} points", least(runs), count, what="point")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 65_536)
