"""A scalar engine that shares nothing with ours: each number keeps its parents and the slope to each."""

import math


class Number:
    """A number with a slope: the oracle for programs that are written for a Value."""

    def __init__(self, data, parents=(), slopes=()):
        self.data, self.grad = float(data), 0.0
        self.parents, self.slopes = parents, slopes

    def __add__(self, other):
        other = wrapped(other)
        return Number(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = wrapped(other)
        return Number(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        return Number(self.data**n, (self,), (n * self.data ** (n - 1),))

    def exp(self):
        y = math.exp(self.data)
        return Number(y, (self,), (y,))

    def log(self):
        return Number(math.log(self.data), (self,), (1.0 / self.data,))

    def tanh(self):
        y = math.tanh(self.data)
        return Number(y, (self,), (1.0 - y * y,))

    def relu(self):
        return Number(max(0.0, self.data), (self,), (1.0 if self.data > 0 else 0.0,))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -wrapped(other)

    def __truediv__(self, other):
        return self * wrapped(other) ** -1.0

    def __rsub__(self, other):
        return wrapped(other) - self

    def __rtruediv__(self, other):
        return wrapped(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        order, open_, met = [], [(self, False)], set()
        while open_:
            number, done = open_.pop()
            if done:
                order.append(number)
            elif id(number) not in met:
                met.add(id(number))
                open_.append((number, True))
                open_.extend((parent, False) for parent in number.parents)
        self.grad = 1.0
        for number in reversed(order):
            for parent, slope in zip(number.parents, number.slopes, strict=True):
                parent.grad += slope * number.grad


def wrapped(x):
    return x if isinstance(x, Number) else Number(x)
