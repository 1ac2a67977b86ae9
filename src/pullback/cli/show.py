"""`pullback show`: a circuit drawn in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pullback.cli.assignments import bind
from pullback.cli.circuits import CircuitText, load
from pullback.cli.printing import draws_boxes, note, say, say_json, width
from pullback.cli.wires import say_wires, wires_as_json
from pullback.emit.terminal import LARGEST, Picture, is_drawable, picture
from pullback.lens.specialize import Specialization
from pullback.lens.wires import wire_rows


def show(
    circuit: CircuitText,
    /,
    *values: str,
    force: float = 1.0,
    ascii: bool = False,
    save: Path | None = None,
    json: bool = False,
) -> int:
    """Draw a circuit: value and gradient on every wire.

    The value is above a wire, the pull (the gradient) below it. A wire that several gates
    use forks at a dot: each branch shows its part of the gradient, the wire before the dot the sum.
    A wire with gradient 0 or none is dashed. Without values only the gates are drawn;
    more than 12 gates become a table, one line a wire.

    force: what pulls on the output
    ascii: draw with plain ASCII characters
    save: write the picture to a file: .svg, .png, .pdf or .dot (for Graphviz)

    $ pullback show "(x+y)*z" x=-2 y=5 z=-4
    $ pullback show "(x+y)*z" x=-2 y=5 z=-4 --save circuit.svg
    $ pullback show "q = x + y; f = q * sig(q)" x=1 y=-3 --ascii
    """
    function = load(circuit)
    run = function.run(bind(function, values), force=force) if values else None
    if save is not None:
        saved = (run.draw() if run else function.draw()).save(save)
    view, numbers = (run.view, run.values) if run else (function.specialization(), None)
    drawn, rows = _drawn(view, numbers, ascii or not draws_boxes()), wire_rows(view, numbers)
    if json:
        lines = drawn.lines if drawn else None
        say_json({"wires": wires_as_json(rows), "picture": lines, "saved": save and str(saved)})
    elif save is not None:
        say(f"Saved {saved}.")
    elif drawn and drawn.width <= width():
        say(*drawn.rows)
    else:
        wide = f"{drawn.width} columns wide" if drawn else f"more than {LARGEST} gates"
        note(f"The picture would be {wide}: here is a table instead.")
        say_wires(rows)
    return 0


def _drawn(view: Specialization, numbers: Sequence[Any] | None, only_ascii: bool) -> Picture | None:
    if not is_drawable(view.circuit):
        return None
    return picture(view.back, numbers, only_ascii=only_ascii)
