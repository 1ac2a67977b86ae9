"""How much memory a training takes: python bench/training_memory.py [MILLIONS] [OPTIMIZER]

Trains a net of that many million weights (60 unless given) for some steps of 8 rows and compares the
peak of the process with weights x (2 + optimizer states): the weights, their pulls, what the optimizer
remembers. The exit code is 1 where it is more. Activations, interpreter
and compiler are not taken off.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from pullback.nn import CrossEntropy, Linear, ReLU, Sequential
from pullback.train import SGD, Examples, Plan, Task, Training

# SGD keeps a velocity with and without momentum.
STATES = {"sgd": (SGD(0.01), 1), "momentum": (SGD(0.01, momentum=0.9), 1)}
say = sys.stdout.write


def peak() -> float:
    """MB that this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(millions: float = 60.0, optimizer: str = "momentum", executor: str = "native") -> float:
    """The peak of a training, as a share of what it may take."""
    width = round((millions * 1e6 / 2) ** 0.5)
    chosen, states = STATES[optimizer]
    net = Sequential(Linear(width), ReLU(), Linear(width), ReLU(), Linear(10))
    rng = np.random.default_rng(0)
    rows = Examples(rng.normal(size=(32, width)).astype("f4"), rng.integers(0, 10, 32))
    before = peak()
    began = time.perf_counter()
    training = Training(Task(net, CrossEntropy(), chosen), Plan(8, 2), rows, executor=executor)
    training.run()
    weights = sum(w.nbytes for w in training.weights.values()) / 2**20
    taken, allowed = peak() - before, weights * (2 + states)
    said = f"{optimizer} {executor}: weights {weights:,.0f} MB, peak {taken:,.0f} MB"
    spent = time.perf_counter() - began
    say(f"{said} = {taken / weights:.2f} x weights; allowed {2 + states} x; {spent:.0f} s\n")
    return taken / allowed


if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(main(float(words[0]) if words else 60.0, *words[1:]) > 1)
