r"""LaTeX: the same lines as aligned equations, for amsmath, MathJax and KaTeX.

What a gate does along axes stands as an index: \sum_{0}(x) adds up along axis 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback.emit.language import (
    ATOM,
    COMPARE,
    LINE,
    POWER,
    Closing,
    Language,
    Variable,
)
from pullback.errors import FaceError

WORDS = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon
    phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
GREEK = frozenset(WORDS.split())
LARGEST = 36  # numbers of an array constant that still make a readable matrix
CLOSED = ("(", "|", r"\lfloor", r"\lVert", r"\langle", r"\left", "{x}[")
RELATIONS = (r"\le", r"\ge", r"\ne", " = ")


def number(value: Any) -> str:
    r"""A constant as LaTeX spells it: a number, or a small array in rows.

    >>> number(4.0), number(1e-20), number(float("-inf"))
    ('4', '10^{-20}', '-\\infty')
    >>> number(np.array([1.0, 2.0]))
    '\\begin{bmatrix}1 & 2\\end{bmatrix}'
    """
    if np.ndim(value) == 0:
        return _single(value)
    if np.size(value) == 0:
        return rf"\varnothing_{{{_plain(np.shape(value))}}}"
    if np.ndim(value) > 2 or np.size(value) > LARGEST:
        raise FaceError(
            f"a constant of shape {np.shape(value)} has no place in a formula.",
            fix="make it an input",
        )
    rows = r" \\ ".join(" & ".join(map(_single, row)) for row in np.atleast_2d(value))
    return rf"\begin{{bmatrix}}{rows}\end{{bmatrix}}"


def _single(value: Any) -> str:
    text = str(value).removesuffix(".0")  # of a float32: no digits that it does not have
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool):
        return rf"\mathrm{{{str(value).lower()}}}"
    if not math.isfinite(value):
        return r"\mathrm{NaN}" if math.isnan(value) else r"\infty" if value > 0 else r"-\infty"
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    power = f"10^{{{int(exponent)}}}"
    return {"1": power, "-1": f"-{power}"}.get(mantissa, rf"{mantissa} \cdot {power}")


def attribute(value: Any, how: str | None) -> str:
    r"""An attribute in a formula; `{axis!i}` asks for an index, and None needs none.

    >>> attribute(None, "i"), attribute((0, 1), "i"), attribute(0.5, None)
    ('', '_{0,1}', '0.5')
    """
    if how != "i":
        return _plain(value)
    return "" if value in (None, ()) else f"_{{{_plain(value)}}}"


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(_part(v) if isinstance(v, tuple) else _plain(v) for v in value)
    return rf"\mathrm{{{value}}}" if isinstance(value, str) else _single(value)


def _part(part: tuple[Any, ...]) -> str:
    """A (start, stop, step) triple as it is written in an index, any other tuple in brackets."""
    if len(part) != 3:
        return f"({_plain(part)})"
    start, stop, step = ("" if p is None else str(p) for p in part)
    return f"{start}:{stop}" + (f":{step}" if step else "")


def show(name: str) -> str:
    r"""A variable: one letter as it is, Greek by its name, digits as an index, longer names upright.

    >>> show("x"), show("sigma"), show("W_1"), show("dq"), show("loss"), show("layer1_W")
    ('x', '\\sigma', 'W_{1}', 'dq', '\\mathrm{loss}', '\\mathrm{layer1\\_W}')
    """
    base, index = re.fullmatch(r"(.*?)_?(\d*)", name).groups()  # type: ignore[union-attr]
    if re.fullmatch(r"d?[A-Za-z]", base):
        said = base
    elif base in GREEK:
        said = "\\" + base
    elif base.startswith("d") and base[1:] in GREEK:
        said = rf"d\{base[1:]}"
    else:
        base, index = (base, index) if base and not base.endswith("_") else (name, "")
        escaped = base.replace("_", r"\_")
        said = rf"\mathrm{{{escaped}}}"
    return f"{said}_{{{index}}}" if index else said


def level(face: str) -> int:
    r"""How tightly a face binds: a choice fills its own line, f(x) needs brackets to be squared.

    >>> level(r"\log({x})"), level("|{x}|"), level(r"{a} \le {b}")
    (6, 9, 2)
    """
    if "cases" in face:
        return LINE
    if face.startswith(CLOSED):
        return ATOM
    return COMPARE if any(sign in face for sign in RELATIONS) else POWER


def assign(variable: Variable, value: str) -> str:
    r"""One aligned line; a truth stands in Iverson's brackets, [x < 0] is 1 where x < 0, else 0."""
    said = rf"\left[{value}\right]" if variable.kind == "b" else value
    return rf"{show(variable.name)} &= {said} \\"


def open_lines(
    name: str, inputs: Sequence[Variable], forces: Sequence[Variable], outputs: Sequence[Variable]
) -> list[str]:
    """The line that begins the block of equations."""
    return [r"\begin{align*}"]


def close_lines(
    values: Sequence[str], pulls: Mapping[str, str] | None, outputs: Sequence[Variable]
) -> list[Closing]:
    """The line that ends the block of equations."""
    return [Closing(r"\end{align*}")]


LATEX = Language(
    name="latex",
    scalar=False,
    reserved=frozenset(),
    number=number,
    attribute=attribute,
    open=open_lines,
    assign=assign,
    comment=lambda text: rf"&\text{{{text}}} \\",
    close=close_lines,
    zero=lambda variable: "0",
    infix={"*": r"\cdot", "@": r"\,", "<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"},
    casts=dict.fromkeys(("float64", "float32", "int64", "bool"), "{x}"),
    level=level,
    show=show,
    brackets=(r"\left(", r"\right)"),
    returns=False,
)
