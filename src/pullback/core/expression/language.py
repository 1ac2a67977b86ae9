"""The expression language as tables: every operator, keyword, limit, and what is not supported.

Reading text and printing it use the same table of operators, so they cannot disagree.
"""

from __future__ import annotations

import keyword
import math
from typing import NamedTuple

from pullback.core.names import LONGEST

# Caps. They bound time and memory: any text is read or refused in about 0.1 s.
MAX_TEXT = 1_000_000  # characters
MAX_TOKENS = 25_000  # numbers, names, signs, brackets; a gate has at least one of its own
MAX_DEPTH = 1_000  # brackets, calls and `a ? b : c` inside one another
MAX_NUMBER = 400  # characters of one number
MAX_NAME = LONGEST  # characters of one name
MAX_WHOLE = 2**31 - 1  # the largest whole number in an attribute, as in axis=0

# How tightly things bind, loosest first.
BRACKET, CHOICE, COMPARE, SUM, PRODUCT, SIGN, POWER, VALUE = range(8)


class Operator(NamedTuple):
    """A sign between values: its gate, its level, the loosest level unbracketed on each side."""

    gate: str
    level: int
    left: int
    right: int


# `a - b - c` is `(a - b) - c`: the right side must bind tighter. `a ** b ** c` is `a ** (b ** c)`.
# `2 ** -x` is fine, `-x ** 2` is `-(x ** 2)`. Comparisons bind tighter on both sides: no chains.
OPERATORS = {
    "+": Operator("add", SUM, SUM, PRODUCT),
    "-": Operator("subtract", SUM, SUM, PRODUCT),
    "*": Operator("multiply", PRODUCT, PRODUCT, SIGN),
    "/": Operator("divide", PRODUCT, PRODUCT, SIGN),
    "@": Operator("matmul", PRODUCT, PRODUCT, SIGN),
    "**": Operator("power", POWER, VALUE, SIGN),
    "<": Operator("less", COMPARE, SUM, SUM),
    "<=": Operator("less_equal", COMPARE, SUM, SUM),
    ">": Operator("greater", COMPARE, SUM, SUM),
    ">=": Operator("greater_equal", COMPARE, SUM, SUM),
    "===": Operator("equal", COMPARE, SUM, SUM),  # JavaScript's; printed as the ones below
    "!==": Operator("not_equal", COMPARE, SUM, SUM),
    "==": Operator("equal", COMPARE, SUM, SUM),
    "!=": Operator("not_equal", COMPARE, SUM, SUM),
}
SIGNS = {"-": "negative", "+": ""}  # in front of a value; + does nothing
CHOOSE = "where"  # the gate of `condition ? value : otherwise`

ALIASES = {"sig": "sigmoid", "pow": "power", "abs": "absolute", "ln": "log"}
PAIRWISE = {"max": "maximum", "min": "minimum"}  # of two values or more; max(x) is over x's axes
CONSTANTS = {"Math.PI": math.pi, "Math.E": math.e}

DECLARATIONS = frozenset({"var", "let", "const"})
STATEMENT_WORDS = DECLARATIONS | {"return"}
TRUTH = {"true": True, "True": True, "false": False, "False": False}

# Words of Python and JavaScript that start something this language has not, and what to write.
_CHOICE_FIX = "where(condition, value, otherwise)"
REFUSED_WORDS = {
    **dict.fromkeys(set(keyword.kwlist) - STATEMENT_WORDS - TRUTH.keys(), ""),
    **dict.fromkeys(("function", "new", "this", "typeof", "switch", "null", "undefined"), ""),
    **dict.fromkeys(("NaN", "Infinity"), ""),
    "Math": "Math.exp(x)",
    **dict.fromkeys(("if", "else"), _CHOICE_FIX),
    "and": "(a > 0) * (b > 0)",
    "or": "maximum(a > 0, b > 0)",
}

# Signs that other languages have: what to say, what to write instead.
_NO_BITS = "there is no logic on bits"
_NO_BLOCKS = "there are no functions, blocks or sets"
_NO_LISTS = "there are no lists and no indexing; every value has its own name"
_NO_TEXT = "there is no text in quotes, only numbers and names"
REFUSED_SIGNS = {
    "^": ("a power is **", "**"),
    "%": ("there is no remainder", ""),
    "&&": ("there is no 'and'", REFUSED_WORDS["and"]),
    "||": ("there is no 'or'", REFUSED_WORDS["or"]),
    "!": ("there is no 'not'", ""),
    "=>": ("there are no functions of your own; a comparison is >=", ""),
    "->": ("there are no functions of your own", ""),
    ":=": ("a name is given with =", "="),
    "<>": ("unequal is !=", "!="),
    "/*": ("a comment starts with // and ends with its line", "//"),
    ".": ("names have no dots, except Math.exp and similar", ""),
    "\\": ("a line goes on inside brackets", ""),
    **dict.fromkeys(("&", "|", "~", "<<", ">>"), (_NO_BITS, "")),
    **dict.fromkeys(("{", "}"), (_NO_BLOCKS, "")),
    **dict.fromkeys(("[", "]"), (_NO_LISTS, "")),
    **dict.fromkeys(("'", '"', "`"), (_NO_TEXT, "")),
}

# Characters that word processors and web pages put in place of plain ones.
LOOKALIKES = {
    "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "²": "**2",
    "³": "**3", "≤": "<=", "≥": ">=", "≠": "!=", "π": "Math.PI", "√": "sqrt", "\xa0": "a blank",
}  # fmt: skip
