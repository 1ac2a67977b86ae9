"""P5, P10, P11: whole training steps of small nets, beside NumPy by hand, torch and JAX.

    python bench/p05_p10_p11_arrays.py [P5 P10 P11]

Everybody starts from the same weights and data, and the weights must agree before a time counts.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

from pullback.bench.machine import ONE_THREAD

os.environ.update({k: os.environ.get(k, v) for k, v in ONE_THREAD.items()})

import numpy as np

from pullback.bench.measure import library, measure
from pullback.bench.row import SCALES, Goal, Row, Run
from pullback.core.shapes import spec_of
from pullback.executors import compile_steps
from pullback.gates.curves import sqrt
from pullback.nn import CrossEntropy, Linear, ReLU, Sequential
from pullback.nn.losses import Hinge
from pullback.train import SGD, Task
from pullback.train.optimizers import Optimizer, State
from pullback.train.step import training_step

Array = np.ndarray[Any, Any]
RATE, MOMENTUM, FIRST, SECOND, TINY = 0.01, 0.9, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015), with the powers of its two rates kept as state."""

    learning_rate: float = RATE

    def start(self, weight: Any) -> State:
        """Means of nothing yet."""
        one, nothing = np.ones((), weight.dtype), np.zeros_like(weight)
        return {"mean": nothing, "square": nothing, "first": one, "second": one}

    def update(self, weight: Any, grad: Any, state: State) -> tuple[Any, State]:
        """One step."""
        first, second = FIRST * state["first"], SECOND * state["second"]
        mean = FIRST * state["mean"] + (1 - FIRST) * grad
        square = SECOND * state["square"] + (1 - SECOND) * (grad * grad)
        scale, size = self.learning_rate / (1 - first), 1 / sqrt(1 - second)
        step = scale * mean / (sqrt(square) * size + TINY)
        kept = {"mean": mean, "square": square, "first": first, "second": second}
        return weight - step, kept


@dataclass(frozen=True)
class Work:
    """Sizes of the layers, rows a step, how the weights move, hinge or cross-entropy."""

    sizes: tuple[int, ...]
    batch: int
    adam: bool = False
    hinge: bool = False
    decay: float = 0.0

    @property
    def momentum(self) -> float:
        """The hinge row moves plainly, as micrograd's demo does."""
        return 0.0 if self.hinge else MOMENTUM

    def data(self) -> tuple[Array, Array]:
        """x and targets, float64 for the hinge row."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.batch, self.sizes[0]))
        if self.hinge:
            return x, np.where(rng.random((self.batch, 1)) < 0.5, -1.0, 1.0)
        return x.astype(np.float32), rng.integers(0, self.sizes[-1], self.batch)

    def start(self) -> list[Array]:
        """W, b, W, b ..."""
        rng = np.random.default_rng(1)
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        made = [(rng.standard_normal((d, k)) * (2 / d) ** 0.5, np.zeros(k)) for d, k in pairs]
        return [w.astype(np.float64 if self.hinge else np.float32) for pair in made for w in pair]


def flat(weights: Any) -> Array:
    """All weights in one row."""
    return np.concatenate([np.asarray(w).ravel() for w in weights])


def _steps(work: Work, executor: str) -> tuple[Any, list[Array]]:
    hidden = [layer for units in work.sizes[1:-1] for layer in (Linear(units), ReLU())]
    moves = Adam() if work.adam else SGD(RATE, work.momentum, weight_decay=work.decay)
    net = Sequential(*hidden, Linear(work.sizes[-1]))
    task = Task(net, Hinge() if work.hinge else CrossEntropy(), moves)
    circuit = training_step(task, *map(spec_of, work.data()))
    n = len(circuit.inputs) - 3
    start = [*work.start(), *(v for w in work.start() for v in moves.start(w).values())]
    steps = compile_steps(
        circuit, carried={i: i for i in range(n)}, columns=[n, n + 1], start=start, fixed=[RATE],
        executor=executor,
    )  # fmt: skip
    return steps, start


def by_call(work: Work) -> Run:
    """Weights stay in machine memory, a call brings a batch."""
    (steps, start), (x, target), n = _steps(work, "native"), work.data(), len(work.start())

    def run(count: int) -> Any:
        steps.carried = start
        for _ in range(count):
            steps.step(x, target)
        return flat(steps.carried[:n])

    return run


def by_loop(work: Work) -> Run:
    """The loop inside, each batch gathered row by row."""
    (steps, start), data, n = _steps(work, "native"), work.data(), len(work.start())

    def run(count: int) -> Any:
        steps.carried = start
        steps.run(data, np.tile(np.arange(work.batch), count))
        return flat(steps.carried[:n])

    return run


def by_reference(work: Work) -> Run:
    """Our reference executor, for the distance."""
    (steps, start), (x, target), n = _steps(work, "reference"), work.data(), len(work.start())

    def run(count: int) -> Any:
        steps.carried = start
        for _ in range(count):
            steps.step(x, target)
        return flat(steps.carried[:n])

    return run


class ByHand:
    """NumPy as one writes it by hand, in place where that is natural."""

    def __init__(self, work: Work) -> None:
        self.work, (self.x, self.target) = work, work.data()
        self.weights = work.start()
        self.means, self.squares = ([np.zeros_like(w) for w in self.weights] for _ in range(2))
        self.rows, self.first, self.second = np.arange(work.batch), 1.0, 1.0

    def step(self) -> float:
        """One step; the loss before it."""
        weights, h = self.weights, [self.x]
        layers = len(weights) // 2
        for i in range(layers):
            z = h[-1] @ weights[2 * i]
            z += weights[2 * i + 1]
            h.append(np.maximum(z, 0, out=z) if i < layers - 1 else z)
        loss, d = self.hinge(h[-1]) if self.work.hinge else self.cross_entropy(h[-1])
        self.first, self.second = self.first * FIRST, self.second * SECOND
        for i in reversed(range(layers)):
            dw, db = h[i].T @ d, d.sum(axis=0)
            if i:
                d = d @ weights[2 * i].T
                d *= h[i] > 0
            self.move(2 * i, dw)
            self.move(2 * i + 1, db)
        return loss

    def hinge(self, scores: Array) -> tuple[float, Array]:
        """The loss, and the pull on the scores."""
        short = np.maximum(1 - self.target * scores, 0)
        return float(short.mean()), np.where(short > 0, -self.target, 0.0) / self.work.batch

    def cross_entropy(self, scores: Array) -> tuple[float, Array]:
        """The loss, and the pull on the scores."""
        top = scores - scores.max(axis=1, keepdims=True)
        e = np.exp(top)
        total = e.sum(axis=1, keepdims=True)
        loss = float((np.log(total[:, 0]) - top[self.rows, self.target]).mean())
        e /= total
        e[self.rows, self.target] -= 1
        e /= np.float32(self.work.batch)
        return loss, e

    def move(self, i: int, grad: Array) -> None:
        """Weight i, and what is remembered of it."""
        w, mean, square = self.weights[i], self.means[i], self.squares[i]
        if self.work.adam:
            mean *= FIRST
            mean += (1 - FIRST) * grad
            square *= SECOND
            square += (1 - SECOND) * grad * grad
            scale = RATE / (1 - self.first)
            w -= scale * mean / (np.sqrt(square / (1 - self.second)) + TINY)
            return
        grad = grad + self.work.decay * w if self.work.decay else grad
        if self.work.momentum:
            mean *= self.work.momentum
            mean += grad
            grad = mean
        w -= RATE * grad


def by_hand(work: Work) -> Run:
    """NumPy by hand."""

    def run(count: int) -> Any:
        made = ByHand(work)
        for _ in range(count):
            made.step()
        return flat(made.weights)

    return run


def by_torch(work: Work) -> Run:
    """torch, eager, with its fused optimizer."""
    torch = library("torch")
    torch.set_num_threads(1)
    layers = [torch.nn.Linear(d, k) for d, k in zip(work.sizes, work.sizes[1:], strict=False)]
    modules = [m for layer in layers for m in (layer, torch.nn.ReLU())][:-1]
    net = torch.nn.Sequential(*modules).to(torch.float64 if work.hinge else torch.float32)
    x, target = (torch.tensor(v) for v in work.data())

    def loss() -> Any:
        scores = net(x)
        if work.hinge:
            return torch.relu(1 - target * scores).mean()
        return torch.nn.functional.cross_entropy(scores, target)

    def run(count: int) -> Any:
        start = [torch.tensor(w) for w in work.start()]
        with torch.no_grad():
            for layer, w, b in zip(layers, start[::2], start[1::2], strict=True):
                layer.weight.copy_(w.T)
                layer.bias.copy_(b)
        options: dict[str, Any] = {"lr": RATE, "fused": True}
        sgd = {"momentum": work.momentum, "weight_decay": work.decay}
        moves = torch.optim.Adam if work.adam else torch.optim.SGD
        made = moves(net.parameters(), **options, **({} if work.adam else sgd))
        for _ in range(count):
            made.zero_grad(set_to_none=True)
            loss().backward()
            made.step()
        found = [p for layer in layers for p in (layer.weight.T, layer.bias)]
        return flat([p.detach().numpy() for p in found])

    return run


def by_jax(work: Work) -> Run:
    """One jitted step, its state given away each time."""
    jax = library("jax")
    jax.config.update("jax_enable_x64", work.hinge)
    jnp = jax.numpy
    x, target = (jnp.asarray(v) for v in work.data())

    def loss_of(weights: Any) -> Any:
        h = x
        for i in range(0, len(weights), 2):
            h = h @ weights[i] + weights[i + 1]
            h = jax.nn.relu(h) if i < len(weights) - 2 else h
        if work.hinge:
            return jax.nn.relu(1 - target * h).mean()
        return (jax.nn.logsumexp(h, axis=1) - h[jnp.arange(work.batch), target]).mean()

    def update(w: Any, g: Any, m: Any, v: Any, powers: Any) -> Any:
        if work.adam:
            m, v = FIRST * m + (1 - FIRST) * g, SECOND * v + (1 - SECOND) * g * g
            step = RATE / (1 - powers[0]) * m / (jnp.sqrt(v / (1 - powers[1])) + TINY)
            return w - step, m, v
        m = work.momentum * m + g + work.decay * w
        return w - RATE * m, m, v

    def one(state: Any) -> Any:
        weights, means, squares, powers = state
        loss, grads = jax.value_and_grad(loss_of)(weights)
        powers = powers * jnp.asarray([FIRST, SECOND], powers.dtype)
        moved = [update(*t, powers) for t in zip(weights, grads, means, squares, strict=True)]
        return (*(list(t) for t in zip(*moved, strict=True)), powers), loss

    jitted = jax.jit(one, donate_argnums=0)

    def run(count: int) -> Any:
        weights = [jnp.asarray(w) for w in work.start()]
        zeros = [[jnp.zeros_like(w) for w in weights] for _ in range(2)]
        state = (weights, *zeros, jnp.ones(2, weights[0].dtype))
        for _ in range(count):
            state, _ = jitted(state)
        jax.block_until_ready(state)
        return flat(state[0])

    return run


def _row(key: str, work: Work, goal: float, *, unit: str = "us") -> Row:
    sizes = "-".join(map(str, work.sizes))
    moves = "Adam" if work.adam else "SGD"
    return Row(
        key,
        f"net {sizes}, batch {work.batch}, {moves}, whole step",
        each="step",
        unit=unit,
        prepare=lambda size: work,
        ours={
            "pullback": by_call,
            "pullback, loop inside": by_loop,
            "pullback reference": by_reference,
        },
        peers={"NumPy by hand": by_hand, "JAX": by_jax, "torch": by_torch},
        goals=(Goal(goal), Goal(1.0, of="JAX")),
        checked=20,
        tolerance=1e-9 if work.hinge else 5e-2 if work.adam else 1e-4,
    )


ROWS = (
    _row("P5", Work((2, 16, 16, 1), 100, hinge=True, decay=2e-4), 6),
    _row("P10", Work((64, 128, 10), 32), 16),
    _row("P10", Work((64, 128, 10), 32, adam=True), 17),
    _row("P11", Work((784, 256, 128, 10), 128), 0.98, unit="ms"),
    _row("P11", Work((784, 256, 128, 10), 128, adam=True), 1.02, unit="ms"),
)


def main(wanted: list[str]) -> None:
    """Every row that is wanted, all runners in turn."""
    for row in ROWS:
        if wanted and row.key not in wanted:
            continue
        sys.stdout.write(f"{row.key} {row.title}\n")
        found = measure(row, row.size, row.runners)
        ours = found["pullback"].time
        for name, timed in found.items():
            said = timed.said
            if not said:
                scaled = timed.time * SCALES[row.unit]
                times = f"{timed.time / ours:7.2f} x ours, ready in {timed.ready:.2f} s"
                said = f"{scaled:9.2f} {row.unit}  {times}"
            sys.stdout.write(f"  {name:24}{said}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
