"""Makes the pictures of the manual: `python docs/pictures/make.py`. The same code gives the same bytes."""

# ruff: noqa: PLR0913, RET504 - a circuit has many inputs, and the picture takes the name of its result
from itertools import pairwise
from pathlib import Path

import numpy as np

import pullback as pb
from pullback.nn.losses import Hinge

HERE = Path(__file__).parent


@pb.circuit
def f(x, y, z):
    q = x + y
    return q * z


@pb.circuit
def neuron(a, b, c, x, y):
    s = pb.sigmoid(a * x + b * y + c)
    return s


@pb.circuit(parameters="a1 b1 c1 a2 b2 c2 a3 b3 c3 a4 b4 c4 d4")
def net(x, y, a1, b1, c1, a2, b2, c2, a3, b3, c3, a4, b4, c4, d4):
    with pb.scope("neuron1"):
        n1 = pb.relu(a1 * x + b1 * y + c1)
    with pb.scope("neuron2"):
        n2 = pb.relu(a2 * x + b2 * y + c2)
    with pb.scope("neuron3"):
        n3 = pb.relu(a3 * x + b3 * y + c3)
    with pb.scope("score"):
        score = a4 * n1 + b4 * n2 + c4 * n3 + d4
    return score


def mlp(sizes):
    """A net of scalars with a scope for each layer and neuron, and weights that are easy to repeat."""
    weights = {
        f"{kind}{layer}_{j}_{i}": round(((7 * i + 5 * j + 3 * layer) % 19 - 9) / 10, 1)
        for layer, (ins, outs) in enumerate(pairwise(sizes))
        for j in range(outs)
        for kind, count in (("w", ins), ("b", 1))
        for i in range(count)
    }

    def function(x, y, p):
        hidden = [x, y]
        for layer, outs in enumerate(sizes[1:]):
            with pb.scope(f"layer{layer + 1}"):
                hidden = [
                    neuron_of(p, layer, j, hidden, layer + 2 < len(sizes)) for j in range(outs)
                ]
        return hidden[0].named("score")

    return pb.circuit(function, parameters="p", name="net"), weights


def neuron_of(p, layer, j, inputs, bends):
    with pb.scope(f"n{j}"):
        total = p[f"b{layer}_{j}_0"]
        for i, h in enumerate(inputs):
            total = total + p[f"w{layer}_{j}_{i}"] * h
        return pb.relu(total) if bends else total


@pb.circuit(parameters="W1 b1 W2 b2")
def layers(X, y, W1, b1, W2, b2):
    with pb.scope("hidden"):
        h = pb.relu(X @ W1 + b1)
    with pb.scope("scores"):
        s = h @ W2 + b2
    with pb.scope("cross_entropy"):
        loss = -pb.mean(pb.pick(pb.log_softmax(s), y))
    return loss


def layer_inputs():
    """Inputs for `layers` that are easy to repeat."""
    draw = np.random.default_rng(0).normal
    X, y = draw(size=(8, 4)), np.array([0, 1, 2, 0, 1, 2, 0, 1])
    return X, y, draw(size=(4, 16)), np.zeros(16), draw(size=(16, 3)), np.zeros(3)


@pb.circuit
def loop(h, a):
    for _ in range(150):
        h = pb.tanh(a * h)
    return h


@pb.circuit
def layer(x, W, b):
    scores = x @ W + b
    p = pb.softmax(scores)
    return p


X = np.array([[1.0, -2.0, 0.5], [0.3, 0.7, -1.1]])
W = np.array([[0.2, -0.4], [1.5, 0.6], [-0.9, 0.1]])
B = np.array([0.5, -0.5])


def pictures():
    """Each picture by its file name."""
    data, first, second, third = (1.0, -0.5), (0.5, -1.2, 0.1), (1.0, 1.5, -0.6), (-0.4, 0.8, 0.9)
    folded, weights = mlp((2, 16, 16, 1))
    return {
        "xyz.svg": f.draw(-2, 5, -4),
        "neuron.svg": neuron.draw(1, 2, -3, -1, 3),
        "net.svg": net.draw(*data, *first, *second, *third, 1.5, -2.0, 0.7, -0.3),
        "layers.svg": layers.draw(*layer_inputs(), depth=0),
        "loop.svg": loop.draw(0.5, 1.1),
        "xyz-down.svg": f.draw(-2, 5, -4, direction="down"),
        "mlp-folded.svg": folded.draw(1.0, -0.5, weights),
        "hinge.svg": pb.two_views(Hinge()),
        "xyz-two.svg": f.draw(-2, 5, -4, split=True),
        "neuron-dark.svg": neuron.draw(1, 2, -3, -1, 3, theme="dark"),
        "neuron-opened.svg": neuron.expand("sigmoid").draw(1, 2, -3, -1, 3),
        "layer-element.svg": layer.open("scores", (0, 1), X, W, B).draw(),
        "softmax-element.svg": layer.open("p", (0, 1), X, W, B).draw(),
    }


if __name__ == "__main__":
    for name, picture in pictures().items():
        print(picture.save(HERE / name))
