"""One row as an expression in some language: the gate's face, with brackets only where precedence asks."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pullback.core.circuit import Row
from pullback.core.gate import Gate
from pullback.emit.language import Language

COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = 1, 2, 3, 4, 5, 9
INFIX = {
    "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "@": PRODUCT,
    "<": COMPARE, "<=": COMPARE, ">": COMPARE, ">=": COMPARE, "==": COMPARE, "!=": COMPARE,
}  # fmt: skip


# Alone between brackets, commas or the words of a choice, an input needs no brackets of its own.
BEFORE = ("(", "[", "{", ",", "|", " if", " else", "?", ":", "&", "cases}", r"\\")
AFTER = (")", "]", "}", ",", "|", "if ", "else ", "?", ":", "&", r"\\")


class Text(NamedTuple):
    """An expression and how tightly its loosest operator binds."""

    text: str
    level: int = ATOM

    def inside(self, level: int) -> str:
        """Bracketed if it binds looser than `level`."""
        return self.text if self.level >= level else f"({self.text})"


def expression(language: Language, row: Row, inputs: Sequence[Text]) -> Text:
    """What `row` computes, written over its inputs' texts."""
    gate = row.gate
    assert gate is not None
    if gate.infix in INFIX and language.name not in gate.faces:
        level = INFIX[gate.infix]
        left = inputs[0].inside(level if level != COMPARE else SUM)
        sign = language.infix.get(gate.infix, gate.infix)
        return Text(f"{left} {sign} {inputs[1].inside(level + 1)}", level)
    if gate.name == "negative":
        return Text(f"-{inputs[0].inside(SIGN + 1)}", SIGN)
    return Text(_filled(gate, language, row, inputs))


def _filled(gate: Gate, language: Language, row: Row, inputs: Sequence[Text]) -> str:
    texts = dict(zip(gate.input_names(len(inputs)), inputs, strict=True))
    pieces = list(string.Formatter().parse(gate.face(language.name)))
    written = ""
    for place, (literal, name, spec, conversion) in enumerate(pieces):
        written += literal
        if name in texts:
            after = pieces[place + 1][0] if place + 1 < len(pieces) else ""
            alone = written.rstrip().endswith(BEFORE) and after.lstrip().startswith(AFTER)
            written += texts[name].inside(COMPARE if alone else ATOM)
        elif gate.variadic and name == gate.inputs[0]:
            written += ", ".join(text.inside(COMPARE) for text in inputs)
        elif name is not None:
            written += f"{{:{spec}}}".format(_converted(language, row.attributes[name], conversion))
    return written


def _converted(language: Language, value: object, conversion: str | None) -> object:
    if isinstance(value, float):
        return language.number(value)  # infinity has another name in every language
    return repr(value) if conversion == "r" else str(value)


def mentions(gate: Gate, language: Language, position: int, count: int) -> int:
    """How often the face writes out one input: more than once and it deserves a line of its own."""
    if (gate.infix in INFIX and language.name not in gate.faces) or gate.name == "negative":
        return 1
    name = gate.inputs[0] if gate.variadic else gate.input_names(count)[position]
    fields = [
        f for _, f, _, _ in string.Formatter().parse(gate.face(language.name)) if f is not None
    ]
    return fields.count(name)


Namer = Callable[[int], str]
