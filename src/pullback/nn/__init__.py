"""Floor 6, nn: layers, losses and initial weights: frozen descriptions that hold no arrays."""

from pullback.nn.activations import ReLU, Sigmoid, Tanh
from pullback.nn.context import Context
from pullback.nn.init import he, lecun, xavier, zeros
from pullback.nn.layer import Joined, Layer, join
from pullback.nn.linear import Linear
from pullback.nn.losses import CrossEntropy, Loss, MeanSquaredError
from pullback.nn.sequential import Sequential

__all__ = [
    "Context",
    "CrossEntropy",
    "Joined",
    "Layer",
    "Linear",
    "Loss",
    "MeanSquaredError",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "he",
    "join",
    "lecun",
    "xavier",
    "zeros",
]
