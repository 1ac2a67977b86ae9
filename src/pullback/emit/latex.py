r"""LaTeX: the same lines as aligned equations, for amsmath, MathJax and KaTeX."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback.emit.language import Language, Variable
from pullback.errors import FaceError

WORDS = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon
    phi chi psi omega
"""
GREEK = frozenset(WORDS.split())


def number(value: Any) -> str:
    r"""A constant as LaTeX spells it.

    >>> number(4.0), number(1e-20), number(float("-inf"))
    ('4', '10^{-20}', '-\\infty')
    """
    if np.ndim(value):
        raise FaceError("an array constant has no place in a formula.", fix="make it an input")
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return r"\mathrm{NaN}" if math.isnan(value) else r"\infty" if value > 0 else r"-\infty"
    text = repr(value).removesuffix(".0")
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


def show(name: str) -> str:
    r"""A variable: one letter as it is, Greek by its name, digits as an index, longer names upright.

    >>> show("x"), show("sigma"), show("W_1"), show("dq"), show("loss")
    ('x', '\\sigma', 'W_{1}', 'dq', '\\mathrm{loss}')
    """
    base, index = re.fullmatch(r"(.*?)_?(\d*)", name).groups()  # type: ignore[union-attr]
    if len(base) == 1 or (len(base) == 2 and base[0] == "d"):
        said = base
    elif base.lower() in GREEK:
        said = "\\" + base
    else:
        said = rf"\mathrm{{{base.replace('_', chr(92) + '_')}}}"
    return f"{said}_{{{index}}}" if index else said


def open_lines(
    name: str, inputs: Sequence[Variable], forces: Sequence[Variable], outputs: Sequence[Variable]
) -> list[str]:
    """The line that begins the block of equations."""
    return [r"\begin{align*}"]


def close_lines(values: Sequence[str], pulls: Mapping[str, str] | None) -> list[str]:
    """The line that ends the block of equations."""
    return [r"\end{align*}"]


LATEX = Language(
    name="latex",
    scalar=False,
    preamble="",
    reserved=frozenset(),
    number=number,
    open=open_lines,
    assign=lambda variable, value: rf"{show(variable.name)} &= {value} \\",
    comment=lambda text: rf"&\text{{{text}}} \\",
    close=close_lines,
    zero=lambda name: "0",
    infix={"*": r"\cdot", "@": r"\,", "<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"},
    show=show,
)
