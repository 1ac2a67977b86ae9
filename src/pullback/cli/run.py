"""`pullback run`: every wire of one run as a table."""

from __future__ import annotations

from pullback.cli.assignments import bind
from pullback.cli.circuits import CircuitText, load
from pullback.cli.printing import say_json
from pullback.cli.wires import say_wires, wires_as_json
from pullback.lens.wires import wire_rows


def run(
    circuit: CircuitText,
    /,
    *values: str,
    force: float = 1.0,
    checked: bool = False,
    json: bool = False,
) -> int:
    """Print the value and the gradient of every wire.

    The pull on a wire says how the output moves when that wire moves a little.
    A wire without a name is called t1, t2 ..., as in `pullback backward`.

    force: what pulls on the output
    checked: stop at the first wire that is NaN or infinite, name it, and exit with code 1

    $ pullback run "(x+y)*z" x=-2 y=5 z=-4
    $ pullback run "log(x)" x=2 --force -1
    """
    function = load(circuit)
    done = function.run(bind(function, values), force=force, checked=checked)
    rows = wire_rows(done.view, done.values)
    if json:
        document = {"value": done.value, "force": force, "grads": done.grads}
        say_json({**document, "wires": wires_as_json(rows)})
    else:
        say_wires(rows)
    return 0
