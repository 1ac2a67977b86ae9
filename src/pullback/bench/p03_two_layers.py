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
        note="the goal was set on a machine where C by hand takes 6.2 ns; here C takes longer"
        " than we do.",
    ),
)
