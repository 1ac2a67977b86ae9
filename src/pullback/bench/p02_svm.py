"""P2: the guide's support vector machine, one step of stochastic gradient descent, the loop inside."""

from __future__ import annotations

from typing import Any

from pullback.bench.row import Goal, Row
from pullback.bench.workload import LIMITS, LOOPED, LOOPED_PEERS, Workload


def score(f: Any, w: Any, x: Any, y: Any) -> Any:
    """a x + b y + c."""
    return w[0] * x + w[1] * y + w[2]


def plain(  # noqa: PLR0913
    a: float, b: float, c: float, x: float, y: float, label: float, rate: float
) -> tuple[float, ...]:
    """The step by hand."""
    s = a * x + b * y + c
    pull = (1.0 if s < 1.0 else 0.0) if label == 1.0 else (-1.0 if s > -1.0 else 0.0)
    return a + rate * (x * pull - a), b + rate * (y * pull - b), c + rate * pull


# In both lanes of a register, so that the choice is no jump, and made as late as can be.
C = """
  typedef double two __attribute__((vector_size(16)));
  typedef int64_t bits __attribute__((vector_size(16)));
#define BOTH(x) (two){x, x}
#define PICK(far, p, q) (two)(((bits)(p) & far) | ((bits)(q) & ~far))
  two a = BOTH(s[0]), b = BOTH(s[1]), c = BOTH(s[2]), r = BOTH(rate), one = BOTH(1);
  for (int64_t i = 0; i < n; i++) {
    two x = BOTH(X[order[i]]), y = BOTH(Y[order[i]]), l = BOTH(L[order[i]]);
    bits far = l * (a * x + b * y + c) < one;
    two a1 = a + r * (x * l - a), b1 = b + r * (y * l - b), c1 = c + r * l;
    a = PICK(far, a1, a - r * a); b = PICK(far, b1, b - r * b); c = PICK(far, c1, c);
  }
  s[0] = a[0]; s[1] = b[0]; s[2] = c[0];
}
"""

SVM = Workload(score, plain, (1.0, -2.0, -1.0), (True, True, False), True, C)
ROWS = (
    Row(
        "P2",
        "the guide's support vector machine, one step of SGD, loop inside",
        each="step",
        unit="ns",
        prepare=lambda size: SVM,
        ours=LOOPED,
        peers=LOOPED_PEERS,
        limits=LIMITS,
        goals=(Goal(8),),
        checked=50,
        turn=0.02,  # so that no turn has more steps than there are rows in order
    ),
)
