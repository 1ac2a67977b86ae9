"""micrograd's names beside torch: the same expressions, values and gradients, relu's corner among them."""

import operator
import random

import pytest

from pullback.compat.micrograd.engine import Value

torch = pytest.importorskip("torch")

CLOSE = 1e-12
CHANGES = [operator.add, operator.sub, operator.mul, lambda a, b: a / (b * b + 0.5)]


def expression(number, seed):
    """Forty operations on three numbers: the numbers and what came out."""
    draw = random.Random(seed)
    leaves = [number(x) for x in (draw.uniform(-2.0, 2.0), 0.0, draw.uniform(0.5, 1.5))]
    made = list(leaves)
    for _ in range(40):
        a, b = draw.choice(made), draw.choice([*made, draw.uniform(-2.0, 2.0)])
        y = draw.choice(CHANGES)(a, b)
        made.append(draw.choice([y.tanh(), a.relu() - b, -y * 0.5, (a * a + 0.1) ** -1.5 * 0.1]))
    return leaves, sum(made[3:])


@pytest.mark.parametrize("seed", range(50))
def test_values_have_torchs_numbers(seed):
    ours, y = expression(Value, seed)
    theirs, z = expression(lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True), seed)
    y.backward()
    z.backward()
    wanted = [z.item(), *(0.0 if t.grad is None else t.grad.item() for t in theirs)]
    scale = max(1.0, *map(abs, wanted))
    found = [y.data, *(x.grad for x in ours)]
    assert found == pytest.approx(wanted, rel=0, abs=CLOSE * scale)
