"""Our transforms beside torch's, to 1e-9: an implementation that shares nothing with ours."""

import numpy as np
import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="torch is not installed: python3 start.py outside")

pytestmark = pytest.mark.filterwarnings(
    "ignore:.torch.jit.script.:DeprecationWarning"
)  # torch's own
TOLERANCE = 1e-9
X = np.array([[0.3, -0.7, 1.1], [0.9, 0.2, -1.3]])
W = np.array([[0.5, -0.2], [0.1, 0.8], [-0.6, 0.4]])
V = np.array([[1.0, -0.5, 0.2], [0.3, 0.7, -1.0]])

# Each function twice: with our gates and with torch's.
PAIRS = {
    "two layers": (
        lambda x: pb.sum(pb.tanh(x @ W) ** 2),
        lambda x: (torch.tanh(x @ torch.tensor(W)) ** 2).sum(),
    ),
    "sigmoids": (
        lambda x: pb.sum(pb.sigmoid(x) * pb.exp(-x * x)),
        lambda x: (torch.sigmoid(x) * torch.exp(-x * x)).sum(),
    ),
    "softmax": (
        lambda x: pb.sum(pb.log_softmax(x @ W) * pb.softmax(x @ W)),
        lambda x: (torch.log_softmax(x @ torch.tensor(W), -1) * torch.softmax(x @ torch.tensor(W), -1)).sum(),
    ),
    "logsumexp": (
        lambda x: pb.sum(pb.logsumexp(x * 3.0, axis=0) ** 2),
        lambda x: (torch.logsumexp(x * 3.0, 0) ** 2).sum(),
    ),
    "softplus and roots": (
        lambda x: pb.sum(pb.sqrt(pb.softplus(x)) / (1.0 + x * x)),
        lambda x: (torch.sqrt(torch.nn.functional.softplus(x)) / (1.0 + x * x)).sum(),
    ),
    "kinks away from their corner": (
        lambda x: pb.sum(pb.relu(x) * pb.absolute(x) + pb.maximum(x * x, 0.3)),
        lambda x: (torch.relu(x) * x.abs() + torch.maximum(x * x, torch.full_like(x, 0.3))).sum(),
    ),
    "powers": (
        lambda x: pb.sum((x * x + 0.5) ** 1.7),
        lambda x: ((x * x + 0.5) ** 1.7).sum(),
    ),
    "slices and shapes": (
        lambda x: pb.sum(x[0] * x[1, ::-1]) + pb.sum(pb.transpose(x) @ x),
        lambda x: (x[0] * x[1].flip(0)).sum() + (x.T @ x).sum(),
    ),
}  # fmt: skip
every_pair = pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)


@every_pair
def test_the_gradient_agrees_with_torch(ours, theirs):
    expected = torch.func.grad(theirs)(torch.tensor(X)).numpy()
    assert pb.grad(ours)(X) == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)


@every_pair
def test_the_hessian_agrees_with_torch(ours, theirs):
    expected = torch.autograd.functional.hessian(theirs, torch.tensor(X)).numpy()
    assert pb.hessian(ours)(X) == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)


@every_pair
def test_the_hessian_times_a_direction_agrees_with_torch(ours, theirs):
    expected = torch.func.jvp(torch.func.grad(theirs), (torch.tensor(X),), (torch.tensor(V),))[1]
    assert pb.hvp(ours, (X,), (V,))[0] == pytest.approx(
        expected.numpy(), rel=TOLERANCE, abs=TOLERANCE
    )


@every_pair
def test_pushing_along_a_direction_agrees_with_torch(ours, theirs):
    value, push = torch.func.jvp(theirs, (torch.tensor(X),), (torch.tensor(V),))
    assert pb.jvp(ours, (X,), (V,)) == pytest.approx((value.item(), push.item()), rel=TOLERANCE)


@every_pair
def test_third_derivatives_along_a_direction_agree_with_torch(ours, theirs):
    def thrice(t):
        return torch.func.grad(torch.func.grad(torch.func.grad(t)))

    expected = thrice(lambda s: theirs(torch.tensor(X) + s * torch.tensor(V)))(
        torch.tensor(0.0, dtype=torch.float64)
    )
    found = pb.grad(pb.grad(pb.grad(lambda s: ours(X + s * V))))(0.0)
    assert found == pytest.approx(expected.item(), rel=TOLERANCE, abs=TOLERANCE)


def test_the_jacobian_of_a_layer_agrees_with_torch():
    expected = torch.func.jacrev(lambda x: torch.softmax(x @ torch.tensor(W), -1))(torch.tensor(X))
    assert pb.jacobian(lambda x: pb.softmax(x @ W))(X) == pytest.approx(
        expected.numpy(), rel=TOLERANCE
    )
