"""Floor 2, the gates: importing this package fills the registry."""

from pullback.gates import (
    arithmetic,
    choose,
    compare,
    curves,
    gather,
    linear,
    reduce,
    shape,
    structural,
)

__all__ = [
    "arithmetic",
    "choose",
    "compare",
    "curves",
    "gather",
    "linear",
    "reduce",
    "shape",
    "structural",
]
