"""One row as an expression in some language: the gate's code, with brackets where precedence needs them."""

from __future__ import annotations

import string
from collections.abc import Sequence

from pullback.core.circuit import Row
from pullback.core.dtypes import FLOAT32
from pullback.core.gate import Gate, find_gate
from pullback.core.shapes import Spec
from pullback.emit.language import ATOM, COMPARE, PRODUCT, SIGN, SUM, Language, Text
from pullback.errors import FaceError

INFIX = {
    "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "@": PRODUCT,
    "<": COMPARE, "<=": COMPARE, ">": COMPARE, ">=": COMPARE, "==": COMPARE, "!=": COMPARE,
}  # fmt: skip

# A scalar language meets these on single numbers alone; there they hand their input on.
HANDED_ON = (
    "sum", "sum_to", "reshape", "broadcast_to", "transpose", "slice", "unslice", "pad",
)  # fmt: skip
SINGLE = {
    **dict.fromkeys(HANDED_ON, "{x}"),
    **dict.fromkeys(("max", "logsumexp"), "{x} + 0"),  # -0 + 0 is +0
}
_AXIS = "it works along an axis, and a single number has none"
_INDEX = "it reads or writes by index, and a single number has none"
# Gates that a language without arrays cannot spell, and why.
ARRAYS_ONLY = {
    **dict.fromkeys(("argmax", "softmax", "prod", "concat", "matmul"), _AXIS),
    **dict.fromkeys(("gather", "scatter_add", "pick", "unpick"), _INDEX),
}

# Alone between brackets, commas or the words of a choice, an input needs no brackets of its own.
BEFORE = (
    "(",
    "[",
    "{",
    ",",
    "|",
    " if",
    " else",
    "?",
    ":",
    "&",
    "cases}",
    r"\\",
    r"\lfloor",
    r"\lVert",
)
AFTER = (")", "]", "}", ",", "|", "if ", "else ", "?", ":", "&", r"\\", r"\rfloor", r"\rVert")


def template(gate: Gate, language: Language, attributes: dict[str, object] | None = None) -> str:
    """The face of `gate` in `language`; an infix gate without one of its own has "{a} op {b}".

    Errors: FaceError with the line to add, or why there cannot be one.
    """
    if gate.name == "cast":
        return language.casts[str((attributes or {}).get("dtype", "float64"))]
    if is_infix(gate, language):
        return f"{{{gate.inputs[0]}}} {gate.infix} {{{gate.inputs[1]}}}"
    if language.scalar and language.name not in gate.faces:
        if gate.name in ARRAYS_ONLY:
            why = ARRAYS_ONLY[gate.name]
            raise FaceError(f"gate {gate.name!r} has no {language.name} implementation: {why}.")
        if gate.name in SINGLE:
            return SINGLE[gate.name]
        gate = find_gate("absolute") if gate.name == "norm" else gate
    return gate.face(language.name)


def face_of(language: Language, row: Row, spec: Spec, inputs: Sequence[Spec]) -> str:
    """The face for this very use: a shorter one, if the language has one, else the gate's."""
    assert row.gate is not None
    return language.shorter(template(row.gate, language, row.attributes), row, spec, inputs)


def hands_on(gate: Gate, face: str, count: int) -> bool:
    """Whether the face is nothing but one of the inputs."""
    return face in [f"{{{name}}}" for name in gate.input_names(count)]


def is_infix(gate: Gate, language: Language) -> bool:
    """Whether the gate is written between its inputs."""
    arrays = gate.name == "matmul" and language.scalar
    return gate.infix in INFIX and language.name not in gate.faces and not arrays


def spells(gate: Gate, language: Language) -> bool:
    """Whether `gate` can be written in `language` as one expression.

    >>> from pullback.core.gate import find_gate
    >>> from pullback.emit.python import PYTHON
    >>> spells(find_gate("tanh"), PYTHON), spells(find_gate("softplus"), PYTHON)
    (True, False)
    """
    try:
        return bool(template(gate, language))
    except FaceError:
        return False


def expression(language: Language, row: Row, spec: Spec, inputs: Sequence[Text], face: str) -> Text:
    """What `row` computes, written over its inputs' texts with this face."""
    gate = row.gate
    assert gate is not None
    if hands_on(gate, face, len(inputs)):
        return inputs[0]
    if is_infix(gate, language) and not face.endswith(")"):
        text = _infix(language, gate, inputs)
    elif gate.name == "negative" and not face.endswith(")"):
        text = Text(f"-{inputs[0].inside(SIGN + 1, language.brackets)}", SIGN)
    else:
        text = Text(_filled(gate, language, row, inputs, face), language.level(face))
    return language.rounded(gate, text) if language.rounded and spec.dtype == FLOAT32 else text


def _infix(language: Language, gate: Gate, inputs: Sequence[Text]) -> Text:
    level, sign = INFIX[gate.infix], language.infix.get(gate.infix, gate.infix)
    left = inputs[0].inside(level if level != COMPARE else SUM, language.brackets)
    return Text(f"{left} {sign} {inputs[1].inside(level + 1, language.brackets)}", level)


def _filled(gate: Gate, language: Language, row: Row, inputs: Sequence[Text], face: str) -> str:
    texts = dict(zip(gate.input_names(len(inputs)), inputs, strict=True))
    pieces = list(string.Formatter().parse(face))
    written = ""
    for place, (literal, name, _, how) in enumerate(pieces):
        written += literal
        if name in texts:
            after = pieces[place + 1][0] if place + 1 < len(pieces) else ""
            alone = _begins(written.rstrip()) and (after.lstrip() or ")").startswith(AFTER)
            written += texts[name].inside(COMPARE if alone else ATOM, language.brackets)
        elif gate.variadic and name == gate.inputs[0]:
            written += ", ".join(text.inside(COMPARE, language.brackets) for text in inputs)
        elif name is not None:
            written = _with_attribute(written, name, language, row.attributes[name], how)
    return written


def _begins(written: str) -> bool:
    return not written or written.endswith(BEFORE)


def _with_attribute(
    written: str, name: str, language: Language, value: object, how: str | None
) -> str:
    """`written` with an attribute behind it; a keyword that says what holds anyway is left out."""
    keyword = f", {name}="
    if written.endswith(keyword) and (value is None or value is False):
        return written.removesuffix(keyword)
    return written + language.attribute(value, how)


def mentions(gate: Gate, face: str, position: int, count: int) -> int:
    """How often the face writes out one input: more than once and it deserves a line of its own."""
    name = gate.inputs[0] if gate.variadic else gate.input_names(count)[position]
    return [field for _, field, _, _ in string.Formatter().parse(face)].count(name)
