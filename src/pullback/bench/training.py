"""A training step of a net of arrays for every library (P5, P10, P11): weights in, weights out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from pullback.bench.measure import library
from pullback.bench.row import Run
from pullback.bench.rules import Rule
from pullback.core.circuit import Circuit
from pullback.executors import compile_steps

Arrays = list[Any]


@dataclass(frozen=True)
class Training:
    """A net, its data and its rule of learning.

    circuit: makes our step (*weights, *state, x, target[, rate]) -> (*weights, *state, ...) and its
    fixed inputs; state: what is carried beside weights. pulls: all pulls by hand, in NumPy. loss: of
    weights and a batch, with the functions f of whoever computes it.
    """

    circuit: Callable[[], tuple[Circuit, list[Any]]]
    start: Arrays
    state: Arrays
    batches: list[tuple[Any, Any]]
    loss: Callable[[Any, Any, Any, Any], Any]
    pulls: Callable[[Arrays, Any, Any], Arrays]
    rule: Rule

    @property
    def moving(self) -> Arrays:
        """What is carried from step to step, at the start."""
        return [*self.start, *self.state]

    def taken(self, steps: int) -> Any:
        """The batches of so many steps, in turn."""
        return (self.batches[i % len(self.batches)] for i in range(steps))


def flat(weights: Arrays) -> Any:
    """All weights in one array."""
    return np.concatenate([np.ravel(np.asarray(w)) for w in weights])


def _steps(work: Training) -> Any:
    circuit, fixed = work.circuit()
    count = len(work.moving)
    return compile_steps(
        circuit, carried={i: i for i in range(count)}, columns=[count, count + 1],
        start=work.moving, fixed=fixed, executor="native",
    )  # fmt: skip


def called(work: Training) -> Run:
    """Our whole step as one function, called with a batch."""
    steps = _steps(work)

    def run(count: int) -> Any:
        steps.carried = work.moving
        for x, target in work.taken(count):
            steps.step(x, target)
        return flat(steps.carried[: len(work.start)])

    return run


def looped(work: Training) -> Run:
    """Our step with the loop inside: rows are taken from all data."""
    steps = _steps(work)
    columns = [np.concatenate(c) for c in zip(*work.batches, strict=True)]
    taken = cache(lambda count: np.arange(count * len(work.batches[0][0])) % len(columns[0]))

    def run(count: int) -> Any:
        steps.carried = work.moving
        steps.run(columns, taken(count))
        return flat(steps.carried[: len(work.start)])

    return run


def by_numpy(work: Training) -> Run:
    """Forward, backward and update written by hand."""

    def run(count: int) -> Any:
        weights = [w.copy() for w in work.start]
        states = [work.rule.start(w) for w in weights]
        for x, target in work.taken(count):
            pulls = work.pulls(weights, x, target)
            for weight, pull, state in zip(weights, pulls, states, strict=True):
                work.rule.move(weight, pull, state)
        return flat(weights)

    return run


def by_jax(work: Training) -> Run:
    """One jitted step that is given its weights to reuse."""
    jax = library("jax")
    pull = jax.grad(lambda w, x, t: work.loss(JaxWords(jax), w, x, t))

    def step(weights: Any, states: Any, x: Any, target: Any) -> Any:
        three = zip(weights, pull(weights, x, target), states, strict=True)
        moved = [work.rule.moved(jax.numpy, w, g, state) for w, g, state in three]
        return [w for w, _ in moved], [state for _, state in moved]

    jitted = jax.jit(step, donate_argnums=(0, 1))
    batches = [(jax.numpy.asarray(x), jax.numpy.asarray(t)) for x, t in work.batches]

    def run(count: int) -> Any:
        weights = [jax.numpy.array(w) for w in work.start]
        states = [work.rule.start(w) for w in weights]
        for i in range(count):
            weights, states = jitted(weights, states, *batches[i % len(batches)])
        return flat(weights)

    return run


class JaxWords:
    """The functions a loss needs, as JAX has them."""

    def __init__(self, jax: Any) -> None:
        self.jax = jax

    def relu(self, x: Any) -> Any:
        return self.jax.nn.relu(x)

    def cross_entropy(self, scores: Any, labels: Any) -> Any:
        rows = self.jax.numpy.arange(len(labels))
        return -self.jax.nn.log_softmax(scores)[rows, labels].mean()


class TorchWords:
    """The functions a loss needs, as torch has them."""

    def __init__(self, torch: Any) -> None:
        self.relu = torch.relu
        self.cross_entropy = torch.nn.functional.cross_entropy


def by_torch(work: Training, wrap: Callable[[Any, Any], Any] = lambda torch, f: f) -> Run:
    """Eager, with its own fused optimizer."""
    torch = library("torch")
    torch.set_num_threads(1)
    words = TorchWords(torch)
    batches = [(torch.as_tensor(x), torch.as_tensor(t)) for x, t in work.batches]
    loss_of = wrap(torch, lambda w, x, t: work.loss(words, w, x, t))

    def run(count: int) -> Any:
        weights = [torch.tensor(w, requires_grad=True) for w in work.start]
        optimizer = work.rule.torch(torch, weights)
        for i in range(count):
            optimizer.zero_grad(set_to_none=True)
            loss_of(weights, *batches[i % len(batches)]).backward()
            optimizer.step()
        return flat([w.detach() for w in weights])

    return run


def by_compiled_torch(work: Training) -> Run:
    """The same with torch.compile around the loss."""
    return by_torch(work, lambda torch, f: torch.compile(f))
