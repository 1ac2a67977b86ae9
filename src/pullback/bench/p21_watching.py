"""P21: every wire of a training step recorded, value and pull: a 2-16-1 net, batch 32, float32."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pullback.bench.measure import library
from pullback.bench.row import Goal, Row, Run
from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT32
from pullback.core.shapes import Spec
from pullback.executors import compile
from pullback.nn import Linear, MeanSquaredError, Sequential, Tanh
from pullback.passes.backward import backward
from pullback.train import SGD, Task, objective


class Watched(NamedTuple):
    """The net with its pulls, the same asked for loss and pulls on the weights alone, and the inputs."""

    everything: Circuit
    blind: Circuit
    inputs: list[Any]


def prepare(batch: int) -> Watched:
    """x, target, W1, b1, W2, b2 at random, and a force of 1."""
    task = Task(Sequential(Linear(16), Tanh(), Linear(1)), MeanSquaredError(), SGD())
    shapes = Spec((batch, 2), FLOAT32), Spec((batch, 1), FLOAT32)
    back = backward(objective(task, *shapes).circuit)
    loss = back.forward.outputs[0]
    rng = np.random.default_rng(0)
    drawn = [back.forward.spec_of(w).shape for w in back.forward.inputs]
    inputs = [*(rng.normal(size=s).astype(FLOAT32) for s in drawn), np.float32(1.0)]
    everything = back.asking([loss, *(p for p in back.pulls if p >= 0)])
    return Watched(everything, back.asking([loss, *back.input_pulls[2:]]), inputs)


def by_watching(work: Watched) -> Run:
    """Every wire's value and pull, as arrays."""
    watch = compile(work.everything, executor="native").watch

    def run(steps: int) -> Any:
        for _ in range(steps):
            values = watch(work.inputs)
        return values[work.everything.outputs[0]]

    return run


def blind(work: Watched) -> Run:
    """The same step that puts out nothing but the loss and the pulls on the weights."""
    program = compile(work.blind, executor="native").run

    def run(steps: int) -> Any:
        for _ in range(steps):
            found = program(work.inputs)
        return found[0]

    return run


def _torch(work: Watched, *, watched: bool) -> Run:
    torch = library("torch")
    torch.set_num_threads(1)
    x, target, *weights = [torch.tensor(a) for a in work.inputs[:-1]]

    def run(steps: int) -> Any:
        for _ in range(steps):
            W, b, V, c = (w.detach().requires_grad_() for w in weights)
            wires = [x @ W]
            wires.append(wires[-1] + b)
            wires.append(torch.tanh(wires[-1]))
            wires.append(wires[-1] @ V)
            wires.append(wires[-1] + c)
            wires.append(wires[-1] - target)
            wires.append(wires[-1] * wires[-1])
            loss = wires[-1].mean()
            if watched:
                for wire in wires:
                    wire.retain_grad()
            loss.backward()
            kept = [(w.detach(), w.grad) for w in wires] if watched else []
        del kept
        return loss.item()

    return run


def by_torch(work: Watched) -> Run:
    """torch, every tensor kept and its grad retained."""
    return _torch(work, watched=True)


def blind_torch(work: Watched) -> Run:
    """torch's own step, nothing kept."""
    return _torch(work, watched=False)


ROWS = (
    Row(
        "P21",
        "every wire's value and pull of a step of a 2-16-1 net, batch 32",
        each="step",
        unit="us",
        prepare=prepare,
        ours={"pullback": by_watching, "pullback, blind": blind},
        peers={"torch": by_torch, "torch, blind": blind_torch},
        goals=(Goal(30), Goal(2, of="pullback, blind")),
        size=32,
        sizes=(32, 128, 512, 2048),
        counted="batch",
        tolerance=1e-5,
    ),
)
