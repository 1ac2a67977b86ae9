"""Instructions back into text, with the fewest brackets. Reading that text gives them again."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.core.expression.language import BRACKET, OPERATORS, SIGN, SIGNS, VALUE
from pullback.core.expression.program import Attribute, Instruction

_INFIX = {operator.gate: (sign, operator) for sign, operator in OPERATORS.items()}
_PREFIX = {gate: sign for sign, gate in SIGNS.items() if gate}

# A piece of text, or how tightly the expression that belongs here must bind to need no brackets.
Piece = str | int


def to_text(instructions: Sequence[Instruction]) -> str:
    """The program as text, one statement a line. It may be longer than what was read.

    Postfix read backwards meets every gate before its values, so text is made from its right end.

    >>> from pullback.core.expression import parse
    >>> to_text(parse("((x + y)) * sig(-(z))").instructions)
    '(x + y) * sigmoid(-z)'
    """
    steps = list(instructions)
    if len(steps) > 1 and steps[-2].kind == "assign" and steps[-2].text == steps[-1].text:
        steps.pop()  # "q = x + y" leaves q without saying so
    backwards: list[str] = []
    while steps:
        pieces: list[Piece] = [BRACKET]
        while pieces:
            piece = pieces.pop()
            if isinstance(piece, str):
                backwards.append(piece)
            else:
                pieces.extend(_layout(steps.pop(), piece))
        backwards.append("\n")
    return "".join(reversed(backwards[:-1]))


def _layout(step: Instruction, needed: int) -> list[Piece]:
    """One instruction's pieces from left to right, in brackets if it binds looser than needed."""
    if step.kind == "assign":
        return [f"{step.text} = ", BRACKET]
    if step.kind != "call":
        return [step.text]
    pieces: list[Piece]
    if step.text in _INFIX and step.arity == 2 and not step.attributes:
        sign, operator = _INFIX[step.text]
        level = operator.level
        pieces = [operator.left, f" {sign} ", operator.right]
    elif step.text in _PREFIX and step.arity == 1 and not step.attributes:
        level, pieces = SIGN, [_PREFIX[step.text], SIGN]
    else:
        level, pieces = VALUE, _call(step)
    return pieces if level >= needed else ["(", *pieces, ")"]


def _call(step: Instruction) -> list[Piece]:
    pieces: list[Piece] = [f"{step.text}(", BRACKET]
    for _ in range(step.arity - 1):
        pieces += [", ", BRACKET]
    attributes = [f", {name}={_attribute(value)}" for name, value in step.attributes]
    return [*pieces, *attributes, ")"]


def _attribute(value: Attribute) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(str, value))}{',' if len(value) == 1 else ''})"
    return str(value).lower()
