"""Floor 8, train: optimizers and the training of nets."""

from pullback.loop.optimizers import SGD, Optimizer
from pullback.loop.plan import Plan
from pullback.loop.state import TrainState
from pullback.train.monitor import EpochRecord, Monitor
from pullback.train.step import Task, evaluation, objective, training_step
from pullback.train.trainer import Examples, Training
from pullback.train.wrappers import Averaged, Clipped, Each, Proximal

__all__ = [
    "SGD",
    "Averaged",
    "Clipped",
    "Each",
    "EpochRecord",
    "Examples",
    "Monitor",
    "Optimizer",
    "Plan",
    "Proximal",
    "Task",
    "TrainState",
    "Training",
    "evaluation",
    "objective",
    "training_step",
]
