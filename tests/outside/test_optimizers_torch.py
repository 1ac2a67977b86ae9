"""SGD, and the training step that it ends, against torch's own, step by step."""

import numpy as np
import pytest

from pullback.core.shapes import spec_of
from pullback.executors import compile
from pullback.nn import CrossEntropy, Linear, ReLU, Sequential
from pullback.train import SGD, Averaged, Clipped, Task, training_step

torch = pytest.importorskip("torch", reason="torch is not installed")

OPTIONS = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "nesterov": True},
    {"weight_decay": 0.01},
    {"momentum": 0.5, "weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.01, "nesterov": True},
]
# Both do the same few operations in another order: rounding, carried on for a hundred steps.
ROUNDING = 1e-12


def torch_path(start, grads, rate, options):
    weight = torch.nn.Parameter(torch.tensor(start))
    optimizer = torch.optim.SGD([weight], lr=rate, **options)
    path = []
    for grad in grads:
        weight.grad = torch.tensor(grad)
        optimizer.step()
        path.append(weight.detach().numpy().copy())
    return path


def our_path(start, grads, rate, options):
    sgd, weight, path = SGD(rate, **options), start, []
    state = sgd.start(weight)
    for grad in grads:
        weight, state = sgd.update(weight, grad, state)
        path.append(weight)
    return path


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_hundred_steps_go_where_torch_goes(options):
    generator = np.random.default_rng(11)
    start, grads = generator.normal(size=(5, 3)), generator.normal(size=(100, 5, 3))
    ours, theirs = our_path(start, grads, 0.05, options), torch_path(start, grads, 0.05, options)
    np.testing.assert_allclose(ours, theirs, rtol=ROUNDING, atol=ROUNDING)


def torch_net(weights):
    linear = [torch.nn.Linear(W.shape[0], W.shape[1]).double() for W in weights[::2]]
    for layer, W, b in zip(linear, weights[::2], weights[1::2], strict=True):
        layer.weight.data, layer.bias.data = torch.tensor(W.T.copy()), torch.tensor(b)
    return torch.nn.Sequential(linear[0], torch.nn.ReLU(), linear[1])


def torch_losses(weights, x, y, rate, options, steps):
    net, losses = torch_net(weights), []
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, **options)
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(net(torch.tensor(x)), torch.tensor(y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def our_losses(weights, x, y, rate, options, steps):
    task = Task(
        Sequential(Linear(8), ReLU(), Linear(3)), CrossEntropy(), SGD(rate, **options), "float64"
    )
    program = compile(training_step(task, spec_of(x), spec_of(y)).circuit)
    moving, losses = [*weights, *map(np.zeros_like, weights)], []
    for _ in range(steps):
        *moving, loss, _ = program.run([*moving, x, y, rate])
        losses.append(loss)
    return losses


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_whole_training_step_goes_where_torch_goes(options):
    generator = np.random.default_rng(5)
    weights = [generator.normal(size=s) for s in [(4, 8), (8,), (8, 3), (3,)]]
    x, y = generator.normal(size=(16, 4)), generator.integers(0, 3, 16)
    ours = our_losses(weights, x, y, 0.1, options, steps=50)
    theirs = torch_losses(weights, x, y, 0.1, options, steps=50)
    assert ours[-1] < ours[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_clipping_by_the_global_norm_goes_where_torch_goes():
    generator = np.random.default_rng(3)
    shapes = {"W": (5, 3), "b": (3,)}
    weights = {n: generator.normal(size=s) for n, s in shapes.items()}
    theirs = [torch.nn.Parameter(torch.tensor(w)) for w in weights.values()]
    optimizer = torch.optim.SGD(theirs, lr=0.1, momentum=0.9)
    ours = Clipped(SGD(0.1, momentum=0.9), norm=2.0)
    state = ours.begin(weights)
    for _ in range(50):
        grads = {
            n: generator.normal(size=s) * generator.choice([0.1, 3.0]) for n, s in shapes.items()
        }
        weights, state = ours.step(weights, grads, state)
        for one, grad in zip(theirs, grads.values(), strict=True):
            one.grad = torch.tensor(grad)
        torch.nn.utils.clip_grad_norm_(theirs, 2.0)
        optimizer.step()
    for one, other in zip(weights.values(), theirs, strict=True):
        # torch divides by the norm plus 1e-6
        np.testing.assert_allclose(one, other.detach().numpy(), rtol=1e-5)


def test_averages_go_where_torch_goes():
    generator = np.random.default_rng(4)
    weight = generator.normal(size=(4, 2))
    module = torch.nn.Linear(2, 4, bias=False).double()
    module.weight.data = torch.tensor(weight)
    ema = torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)
    averaged_model = torch.optim.swa_utils.AveragedModel(module, multi_avg_fn=ema)
    averaged_model.update_parameters(module)  # the first one copies
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    ours = Averaged(SGD(0.1), decay=0.9)
    state, weights = ours.begin({"W": weight}), {"W": weight}
    for _ in range(30):
        grad = generator.normal(size=weight.shape)
        weights, state = ours.step(weights, {"W": grad}, state)
        module.weight.grad = torch.tensor(grad)
        optimizer.step()
        averaged_model.update_parameters(module)
    theirs = averaged_model.module.weight.detach().numpy()
    np.testing.assert_allclose(state["W"]["average"], theirs, rtol=1e-10)
