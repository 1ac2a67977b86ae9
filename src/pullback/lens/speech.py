"""How to speak of a wire to a person: by its name, else by what makes it. Never by a number."""

from __future__ import annotations

from pullback.core.circuit import Circuit
from pullback.emit.terminal import number

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
    inputs = [_inner(circuit, i, depth - 1) for i in row.inputs]
    infix = len(inputs) == 2 and row.gate.infix
    if infix:
        return f" {row.gate.infix} ".join(inputs)
    if row.gate.name == "negative":
        return f"-{inputs[0]}"
    bare = [_bare(text) for text in inputs]
    told = [f"{k}={v}" for k, v in row.attributes.items() if v != row.gate.defaults[k]]
    return f"{row.gate.name}({', '.join([*bare, *told])})"


def _inner(circuit: Circuit, wire: int, depth: int) -> str:
    """A wire inside a larger expression: in brackets where it is one of operators itself."""
    if circuit.names[wire] or circuit.row(wire).gate is None:
        return _leaf(circuit, wire)
    if depth <= 0:
        return "..."
    gate = circuit.row(wire).gate
    text = expression_of(circuit, wire, depth)
    return f"({text})" if gate and (gate.infix or gate.name == "negative") else text


def _leaf(circuit: Circuit, wire: int) -> str:
    if circuit.names[wire]:
        return circuit.names[wire]
    constant = circuit.constant_of(wire)
    return number(constant, digits=8)


def _bare(text: str) -> str:
    """Without its outer brackets: between commas it needs none."""
    return text[1:-1] if text.startswith("(") and _closes_last(text) else text


def _closes_last(text: str) -> bool:
    """Whether the first bracket is closed by the last character."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place == len(text) - 1
    return False
