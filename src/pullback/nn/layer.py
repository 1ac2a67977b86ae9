"""`Layer`: a frozen description that joins gates to a wire.

A layer owns no numbers. Joined to a wire, it writes its gates into that wire's circuit and asks the
`Context` for what it has to learn; each weight becomes a parameter input of the circuit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pullback.core.build import Builder
from pullback.core.dtypes import FLOAT32
from pullback.core.shapes import Spec
from pullback.core.wire import Wire
from pullback.nn.context import Context, Need
from pullback.passes.objective import Objective


class Layer(ABC):
    """A piece of a net. Write a frozen dataclass with `join`; its fields are its settings.

    kind: what `Sequential` calls it, with a number: layer1, relu1, layer2. mixes_rows: whether a row
    is changed by the rows beside it while training, as by batch statistics; never while predicting.
    """

    kind: ClassVar[str] = "layer"
    mixes_rows: ClassVar[bool] = False

    @abstractmethod
    def join(self, x: Wire, context: Context) -> Wire:
        """Write the layer's gates behind `x` and return what comes out."""


@dataclass(frozen=True, eq=False)
class Joined(Objective):
    """A net as a circuit, and how each of its weights and states starts."""

    needs: tuple[Need, ...] = ()


def join(
    layer: Layer, x: Spec, dtype: np.dtype[Any] | None = None, *, training: bool = False
) -> Joined:
    """The circuit of `layer` for one x: (x, *weights, *states) -> y, and what states become.

    dtype: of the weights; that of x where x holds real numbers, else float32.

    >>> from pullback.nn.linear import Linear
    >>> join(Linear(10), Spec((32, 64), FLOAT32)).circuit
    <Circuit of 2 gates: x (32, 64) float32, W (64, 10) float32, b (10,) float32>
    """
    builder = Builder()
    own = dtype or (x.dtype if x.dtype.kind == "f" else FLOAT32)
    context = Context(builder, own, training=training)
    y = layer.join(builder.input(x, "x"), context)
    return joined(context, {"y": y}, columns=("x",))


def joined(context: Context, outputs: dict[str, Wire], columns: tuple[str, ...]) -> Joined:
    """What was written into the context's builder, as an objective with these outputs."""
    carried = {name: f"{name}_next" for name in context.after}
    named = context.builder.explicit
    ends = [w if w.id in named else w.named(carried[n]) for n, w in context.after.items()]
    return Joined(
        circuit=context.builder.finish([*outputs.values(), *ends]),
        learned=tuple(need.name for need in context.needs if need.role == "parameter"),
        columns=columns,
        carried=carried,
        outputs=(*outputs, *carried.values()),
        needs=tuple(context.needs),
    )
