"""Circuits to draw, and what a person sees of a drawing: boxes, labels and wires as rectangles."""

import random

import numpy as np

import pullback as pb
from pullback.core.build import Builder
from pullback.core.gate import GATES
from pullback.core.shapes import Spec
from pullback.core.sites import scope
from pullback.emit.layout.labels import text_width
from pullback.emit.picture.look import Numbers
from pullback.executors import compile
from pullback.passes.backward import backward

SCALAR = Spec((), np.dtype("float64"))
OPS = ("add", "multiply", "subtract", "tanh", "relu", "maximum", "divide", "exp", "negative")
assert pb.add  # the first gate asked for registers them all


def random_circuit(seed, size=None, scoped=False):
    """A circuit of 1..200 gates with forks, dead ends, constants and several outputs."""
    draw = random.Random(seed)
    size = size or draw.randint(1, 200)
    builder = Builder()
    roles = ("data", "parameter")
    wires = [builder.input(SCALAR, f"x{i}", draw.choice(roles)) for i in range(draw.randint(1, 8))]
    near = draw.choice((3, 10, 10_000))
    path = []
    for _ in range(size):
        if scoped and draw.random() < 0.2:
            path = [f"{'abcd'[i]}{draw.randint(0, 2)}" for i in range(draw.randint(0, 3))]
        gate = GATES[draw.choice(OPS)]
        pool = wires[-near:] if draw.random() < 0.8 else wires
        inputs = [draw.choice(pool) if draw.random() < 0.95 else 2.5 for _ in gate.inputs]
        if not any(hasattr(x, "builder") for x in inputs):
            inputs[0] = wires[-1]
        wires.append(in_scopes(path, gate, inputs))
    return builder.finish([*draw.sample(wires, min(len(wires), draw.randint(0, 2))), wires[-1]])


def in_scopes(path, gate, inputs):
    if not path:
        return gate(*inputs)
    with scope(path[0]):
        return in_scopes(path[1:], gate, inputs)


def random_tree(seed):
    """A circuit in which every wire is used once."""
    draw = random.Random(seed)
    builder = Builder()
    wires = [builder.input(SCALAR, f"x{i}") for i in range(draw.randint(1, 40))]
    while len(wires) > 1 or draw.random() < 0.5:
        gate = GATES[draw.choice([op for op in OPS if len(GATES[op].inputs) <= len(wires)])]
        at = draw.randint(0, len(wires) - len(gate.inputs))
        taken = wires[at : at + len(gate.inputs)]
        wires[at : at + len(gate.inputs)] = [gate(*taken)]
    return builder.finish(wires)


def numbers_of(circuit, inputs=None, force=1.0):
    """One run of a circuit, as a picture wants it."""
    back = backward(circuit)
    given = [0.5 + 0.25 * i for i in range(len(circuit.inputs))] if inputs is None else inputs
    asked = [*range(len(circuit)), *(p for p in back.pulls if p >= 0)]
    values = compile(back.asking(asked)).watch([*given, force])
    return Numbers(
        values[: len(circuit)],
        [None if p < 0 else values[p] for p in back.pulls],
        {
            w: [(b.gate, b.position, values[b.pull]) for b in some]
            for w, some in back.branches.items()
        },
    )


def mlp(sizes):
    """A net of scalars, with a scope for each layer and neuron; relu in the hidden layers."""
    draw = random.Random(0)

    def layer(hidden, number, count, last):
        for j in range(count):
            with scope(f"n{j}"):
                s = builder.input(SCALAR, f"b{number}_{j}", "parameter")
                for i, h in enumerate(hidden):
                    s = s + builder.input(SCALAR, f"w{number}_{j}_{i}", "parameter") * h
                yield s if last else GATES["relu"](s)

    builder = Builder()
    hidden = [builder.input(SCALAR, f"x{i}") for i in range(sizes[0])]
    for number, count in enumerate(sizes[1:], start=1):
        with scope(f"layer{number}"):
            hidden = list(layer(hidden, number, count, number == len(sizes) - 1))
    circuit = builder.finish(hidden)
    return circuit, numbers_of(circuit, [draw.gauss(0, 1) for _ in circuit.inputs])


# What is seen, as rows of (left, top, right, bottom)


def boxes(drawing):
    return np.array([(b.x, b.y, b.x + b.width, b.y + b.height) for b in drawing.boxes])


def solid_boxes(drawing):
    """Boxes with an edge: wires may touch them, not enter them."""
    some = [b for b in drawing.boxes if b.kind in ("gate", "closed")]
    return np.array([(b.x, b.y, b.x + b.width, b.y + b.height) for b in some]).reshape(-1, 4)


def free_labels(drawing):
    """Labels that stand outside of boxes."""
    labels = [k for wire in drawing.wires for k in wire.labels]
    labels += [k for frame in drawing.frames for k in frame.labels]
    return np.array([label_box(k) for k in labels]).reshape(-1, 4)


def label_box(label):
    width = text_width(label.text, label.size)
    if label.turned:  # read from above: what was up is right
        return label.x - 0.22 * label.size, label.y, label.x + 0.75 * label.size, label.y + width
    left = label.x - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
    return left, label.y - 0.75 * label.size, left + width, label.y + 0.22 * label.size


def segments(drawing):
    """Every straight piece of every wire, as (left, top, right, bottom) and the number of its wire."""
    rows, owners = [], []
    for number, wire in enumerate(drawing.wires):
        for branch in wire.branches:
            for (x0, y0), (x1, y1) in zip(branch.points, branch.points[1:], strict=False):
                rows.append((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
                owners.append(number)
    return np.array(rows).reshape(-1, 4), np.array(owners)


def overlaps(a, b, room=0.3):
    """Pairs (i, j) of rectangles that share more than `room` in both directions."""
    wide = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    high = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    return np.argwhere((wide > room) & (high > room))


def grown(rectangles, by):
    """Lines get a thickness, so that they can overlap something."""
    return rectangles + np.array([-by, -by, by, by])


def merged(drawing):
    """How often two different wires lie over each other for a stretch."""
    lines, owner = segments(drawing)
    flat = lines[:, 3] - lines[:, 1] < 0.01
    total = 0
    for some, (x, y) in ((flat, (-0.5, 1.2)), (~flat, (1.2, -0.5))):
        thick = lines[some] + np.array([-x, -y, x, y])
        pairs = overlaps(thick, thick, room=0.0)
        total += int((owner[some][pairs[:, 0]] < owner[some][pairs[:, 1]]).sum())
    return total


def crossings(drawing):
    """How often two different wires cross."""
    lines, owner = segments(drawing)
    flat = lines[:, 3] - lines[:, 1] < 0.01
    shorter = np.array([0.1, 0.1, -0.1, -0.1])  # ends that only touch do not cross
    across, along = lines[flat], lines[~flat]
    across = across + shorter * [1, 0, 1, 0]
    along = along + shorter * [0, 1, 0, 1]
    pairs = overlaps(across, along, room=-1e-9)
    return int((owner[flat][pairs[:, 0]] != owner[~flat][pairs[:, 1]]).sum())
