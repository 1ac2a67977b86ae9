"""`Snapshot`: one run, frozen. The value and the pull on every wire, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.shapes import Spec
from pullback.core.structure import put_together
from pullback.emit.picture.look import Look
from pullback.errors import CircuitError
from pullback.executors.reference.program import force_on
from pullback.lens.draw import Picture, draw, look_of
from pullback.lens.specialize import Specialization
from pullback.lens.whole import is_real
from pullback.lens.wire_names import find_wire, wire_names


@dataclass(frozen=True)
class WireView:
    """One wire in one run. name is "" where none was given; grad is None where nothing pulls."""

    id: int
    name: str
    gate: str
    value: Any
    grad: Any
    line: str

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.value)


class Snapshot:
    """`run["q"].value`, `run["q"].grad`, `run.value`, `run.grads`; printing it shows a table."""

    def __init__(self, view: Specialization, values: Sequence[Any], force: Any) -> None:
        self.view, self.values, self.force = view, values, force
        self.circuit = view.circuit

    @property
    def value(self) -> Any:
        """What the function returns."""
        outputs = [plain(self.values[o]) for o in self.circuit.outputs]
        return put_together(outputs, self.view.trace.result)

    @property
    def grads(self) -> dict[str, Any]:
        """The pull on each input, by parameter name and nested like it.

        0 where nothing pulls, None for an input of whole numbers, which nothing can pull.
        """
        return nested_pulls(self.view, [self.grad_of(w) for w in self.circuit.inputs], self.values)

    def grad_of(self, wire: int) -> Any:
        """The pull on a wire by its id, None where nothing pulls."""
        pull = self.view.back.pulls[wire]
        return None if pull < 0 else plain(self.values[pull])

    def wire(self, wire: int) -> WireView:
        """A wire by its id."""
        circuit = self.circuit
        row, site = circuit.row(wire), circuit.sites[int(circuit.site[wire])]
        kind = row.gate.name if row.gate else "constant" if circuit.is_constant(wire) else "input"
        grad = self.grad_of(wire)
        return WireView(
            wire,
            circuit.names[wire],
            kind,
            plain(self.values[wire]),
            grad,
            str(site) if site.file else "",
        )

    def draw(self, look: Look | None = None, **options: Any) -> Picture:
        """This very run as a picture: values above the wires, pulls below; options as of `Look`."""
        look, _ = look_of(options, (), look)
        name = self.circuit.names[self.circuit.outputs[0]] or "f"
        return draw(self.view, self, look, name)

    def _repr_html_(self) -> str:
        return self.draw()._repr_html_()

    def __getitem__(self, name: str) -> WireView:
        return self.wire(find_wire(self.circuit, name))

    def __iter__(self) -> Iterator[WireView]:
        """Every wire in running order, constants left out."""
        return (self.wire(i) for i in range(len(self.circuit)) if not self.circuit.is_constant(i))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        names = wire_names(self.circuit)
        rows = [(names[w.id] or "-", w.gate, short(w.value), short(w.grad)) for w in self]
        widths = [
            max(len(r[i]) for r in [*rows, ("wire", "gate", "value", "grad")]) for i in range(4)
        ]
        lines = [("wire", "gate", "value", "grad"), *rows]
        return "\n".join(
            "  ".join(
                _cell(c, w, i) for i, (c, w) in enumerate(zip(r, widths, strict=True))
            ).rstrip()
            for r in lines
        )


def _cell(text: str, width: int, column: int) -> str:
    return text.ljust(width) if column < 2 else text.rjust(width)


def plain(value: Any) -> Any:
    """A single float64, int64 or bool as Python's own number; arrays and float32 as they are.

    >>> plain(np.float64(-12.0))
    -12.0
    """
    single = isinstance(value, np.generic) and value.dtype != np.float32
    return value.item() if single else value


def short(value: Any, digits: int = 4) -> str:
    """A value in a few characters: a number to 4 digits, an array by its shape and range."""
    if value is None:
        return "-"
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{value}" if array.dtype.kind in "bi" else f"{float(value):.{digits}g}"
    if array.size == 0:
        return f"{array.shape} empty"
    return f"{array.shape} {float(array.min()):.3g}..{float(array.max()):.3g}"


def nested_pulls(view: Specialization, pulls: list[Any], values: Sequence[Any]) -> dict[str, Any]:
    """Pulls of all inputs, by parameter name, nested as the parameters are."""
    circuit, left = view.circuit, list(zip(view.circuit.inputs, pulls, strict=True))
    result: dict[str, Any] = {}
    for name, structure in view.arguments:
        mine, left = left[: structure.leaves], left[structure.leaves :]
        filled = [_zero(circuit.spec_of(w)) if p is None else plain(p) for w, p in mine]
        result[name] = put_together(filled, structure)
    return result


def _zero(spec: Spec) -> Any:
    return plain(np.zeros(spec.shape, spec.dtype)[()]) if is_real(spec) else None


def full_force(view: Specialization, force: Any) -> Any:
    """The force as an array that fits the output it pulls."""
    spec = view.circuit.spec_of(view.circuit.outputs[0])
    if isinstance(force, tuple | dict) and len(view.circuit.outputs) > 1:
        raise CircuitError(
            "run takes a force for the first output only; this force is for several.",
            fix="value, pull = vjp(f, ...); pull(force)",
        )
    return np.asarray(force_on(spec.shape, force)).astype(spec.dtype)[()]
