"""`Scorer`: raw rows in, class scores out. What a trained model is once training is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT64
from pullback.core.shapes import Spec
from pullback.data.standardize import Standardizer
from pullback.gates.shape import cast
from pullback.loop.rows import ByRows
from pullback.nn.context import Context
from pullback.nn.init import Array
from pullback.nn.layer import Layer
from pullback.passes.batch import batch


@dataclass(frozen=True, eq=False)
class Scorer:
    """A circuit for one row, (x, *weights) -> scores, and its weights by name."""

    circuit: Circuit
    weights: Mapping[str, Array]

    def __call__(self, X: Array) -> Array:
        """Scores of rows X (n, d) float64 -> (n, k). Many rows by machine code, a few hundred at once."""
        return self._rows.run({self.circuit.input_names[0]: X[:, None]}, self.weights)[0][:, 0]

    def __reduce__(self) -> Any:
        return Scorer, (self.circuit, dict(self.weights))

    @property
    def outcomes(self) -> int:
        """How many scores a row has."""
        return self.circuit.spec_of(self.circuit.outputs[0]).shape[1]

    @cached_property
    def _rows(self) -> ByRows:
        return ByRows(partial(batch, self.circuit, self.circuit.input_names[:1]))


def scores_circuit(
    net: Layer,
    standardizer: Standardizer,
    dtype: np.dtype[np.floating],
    units: Standardizer | None = None,
) -> Circuit:
    """The net behind the standardisation it was trained with, so that raw rows may go in.

    units: those of the target, so that numbers in its own units come out.
    """
    builder = Builder()
    x = builder.input(Spec((1, len(standardizer.mean)), FLOAT64), "x")
    mean = builder.constant(standardizer.mean).named("mean")
    scale = builder.constant(standardizer.scale).named("scale")
    # In float64: a year or a price minus its mean would lose its digits in float32.
    z = cast((x - mean) / scale, dtype=dtype.name).named("z")
    scores = net.join(z, Context(builder, dtype)).named("scores")
    if units is None:
        return builder.finish([scores])
    spread = builder.constant(units.scale).named("target_scale")
    middle = builder.constant(units.mean).named("target_mean")
    return builder.finish([(cast(scores, dtype="float64") * spread + middle).named("expected")])
