"""Names for all wires: their own, else t1, t2 ... as `run` prints them; and the wire of a name."""

from __future__ import annotations

from pullback.core.circuit import Circuit
from pullback.core.names import unique
from pullback.emit.numerals import number
from pullback.errors import UnknownName, did_you_mean
from pullback.passes.rewrite import live


def wire_names(circuit: Circuit) -> list[str]:
    """Names for all wires that matter, t1, t2 ... where the person gave none; a constant's is its number."""
    names, alive, count = list(circuit.names), live(circuit), 0
    taken = set(names)
    for row in circuit.rows():
        if circuit.is_constant(row.wire):
            names[row.wire] = number(circuit.constant_of(row.wire), digits=17)
        elif not names[row.wire] and alive[row.wire]:
            count += 1
            names[row.wire] = unique(f"t{count}", taken)
            taken.add(names[row.wire])
    return names


def find_wire(circuit: Circuit, name: str) -> int:
    """The wire called `name`, also by the name that `run` prints for one without a name.

    Raises UnknownName with the nearest name there is.

    >>> from pullback.lens.function import circuit
    >>> made = circuit("(x + y) * z").circuit()
    >>> find_wire(made, "z"), find_wire(made, "t1")
    (2, 3)
    """
    if name in circuit.by_name:
        return circuit.by_name[name]
    named = enumerate(wire_names(circuit))
    found = {n: wire for wire, n in named if n and not circuit.is_constant(wire)}
    if name not in found:
        raise UnknownName(f"no wire is called {name[:64]!r}.", why=did_you_mean(name, found))
    return found[name]
