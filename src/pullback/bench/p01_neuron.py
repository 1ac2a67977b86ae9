"""P1: the guide's neuron of two inputs; forward, backward and a nudge of everything, the loop inside."""

from __future__ import annotations

import math
from typing import Any

from pullback.bench.row import Goal, Row
from pullback.bench.workload import LIMITS, LOOPED, LOOPED_PEERS, Workload


def score(f: Any, v: Any, x: Any, y: Any) -> Any:
    """sigmoid(a x + b y + c), where x and y move too."""
    return f.sigmoid(v[0] * v[3] + v[1] * v[4] + v[2])


def plain(a: float, b: float, c: float, x: float, y: float, rate: float) -> tuple[float, ...]:
    """The step by hand."""
    s = 1 / (1 + math.exp(-(a * x + b * y + c)))
    d = rate * s * (1 - s)
    return a + x * d, b + y * d, c + d, x + a * d, y + b * d


C = """
  double a = s[0], b = s[1], c = s[2], x = s[3], y = s[4];
  for (int64_t i = 0; i < n; i++) {
    double v = 1 / (1 + exp(-(a * x + b * y + c))), d = v * (1 - v);
    double da = x * d, db = y * d, dx = a * d, dy = b * d;
    a += rate * da; b += rate * db; c += rate * d; x += rate * dx; y += rate * dy;
  }
  s[0] = a; s[1] = b; s[2] = c; s[3] = x; s[4] = y;
}
"""

NEURON = Workload(score, plain, (1.0, 2.0, -3.0, -1.0, 3.0), (False,) * 5, False, C)
ROWS = (
    Row(
        "P1",
        "the guide's neuron, forward, backward and nudge, loop inside",
        each="step",
        unit="ns",
        prepare=lambda size: NEURON,
        ours=LOOPED,
        peers=LOOPED_PEERS,
        limits=LIMITS,
        goals=(Goal(20),),
        checked=50,
        note="a step is one chain of dependent operations through exp, which limits every library:"
        " numba, C and we take about as long.",
    ),
)
