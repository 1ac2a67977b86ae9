"""How to speak of a wire to a person: by its name, else by what makes it. Never by a number."""

from __future__ import annotations

from pullback.core.circuit import Circuit
from pullback.emit.numerals import number

# How tightly an operator holds what stands beside it; of equal ones the left comes first.
RANKS = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "**": 3}
TIGHT = 4
DEPTH = 4  # gates inside one another that are written out; what lies deeper is "..."


def spoken(circuit: Circuit, wire: int) -> str:
    """`'q'` for a named wire, `'x + y'` for one without a name, and its line where it has one.

    >>> from pullback.lens.function import circuit
    >>> made = circuit("(x + y) * z").circuit()
    >>> [spoken(made, w) for w in range(len(made))]
    ["'x'", "'y'", "'z'", "'x + y'", "'f'"]
    """
    if circuit.names[wire]:
        return f"'{circuit.names[wire]}'"
    site = circuit.sites[int(circuit.site[wire])]
    return f"'{expression_of(circuit, wire)}'" + (f" at {site}" if site.file else "")


def expression_of(circuit: Circuit, wire: int, depth: int = DEPTH) -> str:
    """What makes a wire, written over the named wires it comes from.

    >>> from pullback.lens.function import circuit
    >>> made = circuit("q = sig(x * (y + 1)); q + 0").circuit()
    >>> expression_of(made, made.find("q"))
    'sigmoid(x * (y + 1))'
    """
    row = circuit.row(wire)
    if row.gate is None:
        return _leaf(circuit, wire)
    if len(row.inputs) == 2 and row.gate.infix:
        rank = RANKS.get(row.gate.infix, 0)
        left = _inner(circuit, row.inputs[0], depth - 1, rank)
        right = _inner(circuit, row.inputs[1], depth - 1, rank + 1)
        return f"{left} {row.gate.infix} {right}"
    if row.gate.name == "negative":
        return f"-{_inner(circuit, row.inputs[0], depth - 1, TIGHT)}"
    bare = [_inner(circuit, i, depth - 1, 0) for i in row.inputs]
    told = [f"{k}={v}" for k, v in row.attributes.items() if v != row.gate.defaults[k]]
    return f"{row.gate.name}({', '.join([*bare, *told])})"


def _inner(circuit: Circuit, wire: int, depth: int, rank: int) -> str:
    """A wire inside a larger expression: in brackets where it binds less tightly than `rank`."""
    gate = circuit.row(wire).gate
    if circuit.names[wire] or gate is None:
        return _leaf(circuit, wire)
    if depth <= 0:
        return "..."
    text = expression_of(circuit, wire, depth)
    own = 0 if gate.name == "negative" else RANKS.get(gate.infix, 0) if gate.infix else TIGHT
    return f"({text})" if own < rank else text


def _leaf(circuit: Circuit, wire: int) -> str:
    if circuit.names[wire]:
        return circuit.names[wire]
    constant = circuit.constant_of(wire)
    return number(constant, digits=8)
