"""Floor 8, train: weights change here, one step circuit after the other."""

from pullback.train.monitor import EpochRecord, Monitor
from pullback.train.optimizers import SGD, Optimizer
from pullback.train.step import Task, objective, training_step
from pullback.train.trainer import Examples, Plan, Progress, Training

__all__ = [
    "SGD",
    "EpochRecord",
    "Examples",
    "Monitor",
    "Optimizer",
    "Plan",
    "Progress",
    "Task",
    "Training",
    "objective",
    "training_step",
]
