"""P3: the guide's two-layer net of 13 parameters, one step of SGD, the loop inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.bench.row import Goal, Row
from pullback.bench.workload import LIMITS, LOOPED, LOOPED_PEERS, Workload


def score(f: Any, w: Any, x: Any, y: Any) -> Any:
    """Three hidden neurons and one on top."""
    n1 = f.relu(w[0] * x + w[1] * y + w[2])
    n2 = f.relu(w[3] * x + w[4] * y + w[5])
    n3 = f.relu(w[6] * x + w[7] * y + w[8])
    return w[9] * n1 + w[10] * n2 + w[11] * n3 + w[12]


def plain(  # noqa: PLR0913
    a1: float, b1: float, c1: float, a2: float, b2: float, c2: float, a3: float, b3: float, c3: float,
    a4: float, b4: float, c4: float, d4: float, x: float, y: float, label: float, rate: float,
) -> tuple[float, ...]:  # fmt: skip
    """The step by hand."""
    n1 = max(0.0, a1 * x + b1 * y + c1)
    n2 = max(0.0, a2 * x + b2 * y + c2)
    n3 = max(0.0, a3 * x + b3 * y + c3)
    s = a4 * n1 + b4 * n2 + c4 * n3 + d4
    p = (1.0 if s < 1.0 else 0.0) if label == 1.0 else (-1.0 if s > -1.0 else 0.0)
    e1 = p * a4 if n1 > 0.0 else 0.0
    e2 = p * b4 if n2 > 0.0 else 0.0
    e3 = p * c4 if n3 > 0.0 else 0.0
    return (
        a1 + rate * (e1 * x - a1), b1 + rate * (e1 * y - b1), c1 + rate * e1,
        a2 + rate * (e2 * x - a2), b2 + rate * (e2 * y - b2), c2 + rate * e2,
        a3 + rate * (e3 * x - a3), b3 + rate * (e3 * y - b3), c3 + rate * e3,
        a4 + rate * (p * n1 - a4), b4 + rate * (p * n2 - b4), c4 + rate * (p * n3 - c4), d4 + rate * p,
    )  # fmt: skip


C = """
  double a[4] = {s[0], s[3], s[6]}, b[4] = {s[1], s[4], s[7]}, c[4] = {s[2], s[5], s[8]},
         v[4] = {s[9], s[10], s[11]}, d = s[12];
  for (int64_t i = 0; i < n; i++) {
    double x = X[order[i]], y = Y[order[i]], h[4], e[4];
    for (int j = 0; j < 4; j++) { h[j] = a[j] * x + b[j] * y + c[j]; h[j] = h[j] > 0 ? h[j] : 0; }
    double p = wish(v[0] * h[0] + v[1] * h[1] + v[2] * h[2] + d, L[order[i]]);
    for (int j = 0; j < 4; j++) {
      e[j] = h[j] > 0 ? p * v[j] : 0;
      v[j] += rate * (p * h[j] - v[j]);
      a[j] += rate * (e[j] * x - a[j]); b[j] += rate * (e[j] * y - b[j]); c[j] += rate * e[j];
    }
    d += rate * p;
  }
  for (int j = 0; j < 3; j++) {
    s[3 * j] = a[j]; s[3 * j + 1] = b[j]; s[3 * j + 2] = c[j]; s[9 + j] = v[j];
  }
  s[12] = d;
}
"""

START = tuple(np.random.default_rng(0).uniform(-0.5, 0.5, 13).tolist())
TWO_LAYERS = Workload(
    score, plain, START, tuple(i not in (2, 5, 8, 12) for i in range(13)), True, C
)
ROWS = (
    Row(
        "P3",
        "the guide's two-layer net, 13 parameters, one step of SGD, loop inside",
        each="step",
        unit="ns",
        prepare=lambda size: TWO_LAYERS,
        ours=LOOPED,
        peers=LOOPED_PEERS,
        limits=LIMITS,
        goals=(Goal(12),),
        checked=50,
        turn=0.02,  # so that no turn has more steps than there are rows in order
        note="the goal was set on a machine where C by hand takes 6.2 ns; here it takes as long as we do.",
    ),
)
