"""All kinds of groups that run as machine code: a new one is a file and a line here."""

from __future__ import annotations

from pullback.executors.native.arrays import folds, move
from pullback.executors.native.arrays.check import CHECK
from pullback.executors.native.arrays.loop import LOOP
from pullback.executors.native.arrays.product import PRODUCT
from pullback.passes.planning.groups import Kernels

KERNELS = Kernels(
    LOOP,
    CHECK,
    [
        PRODUCT,
        folds.FOLD,
        folds.PROD,
        folds.ARGMAX,
        folds.NORM,
        folds.EXPONENTIALS,
        move.RESHAPE,
        move.CONCAT,
        move.PAD,
        move.UNSLICE,
        move.GATHER,
        move.SCATTER_ADD,
        move.PICK,
    ],
)
