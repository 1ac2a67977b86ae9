"""How messages name a wire: by its name, else by its expression; never by an internal number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pullback.core.circuit import Circuit

# How tightly an operator holds what stands beside it; of equal ones the left comes first.
RANKS = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "**": 3}
TIGHT = 4
DEPTH = 4  # gates inside one another that are written out; what lies deeper is "..."
MOST = 6  # inputs of one gate that are written out
SHORT = 3  # numbers of a vector that is written out


def spoken(circuit: Circuit, wire: int) -> str:
    """`'q'` for a named wire, `'x + y'` for one without a name, and its line where it has one.

    >>> from pullback.lens.function import circuit
    >>> made = circuit("(x + y) * z").circuit()
    >>> [spoken(made, w) for w in range(len(made))]
    ["'x'", "'y'", "'z'", "'x + y'", "'f'"]
    """
    site = circuit.sites[int(circuit.site[wire])]
    place = f" at {site}" if site.file and not circuit.names[wire] else ""
    return f"'{said(circuit, wire)}'{place}"


def said(circuit: Circuit, wire: int) -> str:
    """The same without quotes and line, for where the line is told anyway."""
    return circuit.names[wire] or expression_of(circuit, wire)


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
    bare = [_inner(circuit, i, depth - 1, 0) for i in row.inputs[:MOST]]
    bare += ["..."] if len(row.inputs) > MOST else []
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


def number(value: Any, digits: int = 4) -> str:
    """A value in a sentence or a table, where zeros at the end say nothing.

    >>> number(0.880797), number(-0.0), number(float("inf")), number(np.array([1.0, 2.5]))
    ('0.8808', '0', 'inf', '[1 2.5]')
    """
    array = np.asarray(value)
    if array.ndim == 1 and array.size <= SHORT:
        return f"[{' '.join(number(v, digits) for v in array)}]"
    if array.ndim:
        return f"array {'x'.join(map(str, array.shape))}"
    if array.dtype.kind == "b":
        return "yes" if array else "no"
    text = f"{float(array):.{digits}g}" if array.dtype.kind == "f" else str(array)
    return {"-0": "0", "nan": "NaN"}.get(text, text)
