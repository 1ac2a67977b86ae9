"""Programs as people write them for a scalar engine; `Value` is whichever engine they run on."""

import itertools
import math
import random

NAMES = ["ada", "emil", "noa", "lia", "kurt", "ines"]


def perceptron_losses(Value, steps):
    """The lecture's net of tanh neurons on four points: 3, 4, 4, 1, sum of squares, descent by hand."""
    draw = random.Random(7)

    class Neuron:
        def __init__(self, nin):
            self.w = [Value(draw.uniform(-1, 1)) for _ in range(nin)]
            self.b = Value(draw.uniform(-1, 1))

        def __call__(self, x):
            return sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b).tanh()

    layers = [[Neuron(a) for _ in range(b)] for a, b in ((3, 4), (4, 4), (4, 1))]
    parameters = [p for layer in layers for n in layer for p in (*n.w, n.b)]
    points = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    wanted, losses = [1.0, -1.0, -1.0, 1.0], []
    for _ in range(steps):
        outs = []
        for x in points:
            for layer in layers:
                x = [neuron(x) for neuron in layer]
            outs.append(x[0])
        loss = sum((out - y) ** 2 for out, y in zip(outs, wanted, strict=True))
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data += -0.05 * p.grad
        losses.append(loss.data)
    return losses


class SmallGPT:
    """A transformer of single numbers, one layer: embeddings, causal attention, a net, and no biases."""

    def __init__(self, Value, width=8, heads=2):
        self.letters = sorted(set("".join(NAMES)))
        self.width, self.heads = width, heads
        tokens, draw = len(self.letters) + 1, random.Random(3)

        def matrix(rows, columns):
            return [[Value(draw.gauss(0, 0.2)) for _ in range(columns)] for _ in range(rows)]

        shapes = {
            "token": (tokens, width), "place": (8, width), "q": (width, width), "k": (width, width),
            "v": (width, width), "o": (width, width), "up": (2 * width, width), "down": (width, 2 * width),
            "out": (tokens, width),
        }  # fmt: skip
        self.weights = {name: matrix(*shape) for name, shape in shapes.items()}
        self.parameters = [w for rows in self.weights.values() for row in rows for w in row]

    def times(self, name, x):
        return [sum(w * xi for w, xi in zip(row, x, strict=True)) for row in self.weights[name]]

    def logits(self, token, place, keys, values):
        x = normed(plus(self.weights["token"][token], self.weights["place"][place]))
        before, size = x, self.width // self.heads
        query = self.times("q", normed(x))
        keys.append(self.times("k", normed(x)))
        values.append(self.times("v", normed(x)))
        found = []
        for start in range(0, self.width, size):
            part = slice(start, start + size)
            scores = [dot(query[part], key[part]) / size**0.5 for key in keys]
            shares = softmax(scores)
            columns = zip(*[value[part] for value in values], strict=True)
            found += [dot(shares, column) for column in columns]
        x = plus(self.times("o", found), before)
        inner = [h.relu() for h in self.times("up", normed(x))]
        return self.times("out", plus(self.times("down", inner), x))


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def plus(a, b):
    return [x + y for x, y in zip(a, b, strict=True)]


def normed(x):
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def softmax(scores):
    top = max(score.data for score in scores)
    exps = [(score - top).exp() for score in scores]
    total = sum(exps)
    return [e / total for e in exps]


def gpt_losses(Value, steps, logarithm=None):
    """Adam on one name a step; `logarithm(Value, p)` may say how a logarithm is taken."""
    model, losses = SmallGPT(Value), []
    first = [0.0] * len(model.parameters)
    second = [0.0] * len(model.parameters)
    for step in range(steps):
        name = NAMES[step % len(NAMES)]
        end = len(model.letters)
        tokens = [end, *map(model.letters.index, name), end]
        keys, values, terms = [], [], []
        for place, (token, following) in enumerate(itertools.pairwise(tokens)):
            chance = softmax(model.logits(token, place, keys, values))[following]
            terms.append(-(logarithm(Value, chance) if logarithm else chance.log()))
        loss = (1 / len(terms)) * sum(terms)
        loss.backward()
        for i, p in enumerate(model.parameters):
            first[i] = 0.85 * first[i] + 0.15 * p.grad
            second[i] = 0.99 * second[i] + 0.01 * p.grad**2
            scaled = first[i] / (1 - 0.85 ** (step + 1))
            spread = (second[i] / (1 - 0.99 ** (step + 1))) ** 0.5
            p.data -= 0.01 * scaled / (spread + 1e-8)
            p.grad = 0.0
        losses.append(loss.data)
    return losses


def clipped_logarithm(Value, chance):
    """A gate of one's own: a number, what it was made of, and the slope."""
    held = max(chance.data, 1e-10)
    return Value(math.log(held), (chance,), (1.0 / held,))
