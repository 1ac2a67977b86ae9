"""Error messages of the parser: which token is wrong, why, and what to write."""

from __future__ import annotations

import re

from pullback.core.expression.language import TRUTH
from pullback.core.expression.lexer import Token, shown
from pullback.errors import ExpressionError

_ODD_NUMBER = re.compile(r"0[xXoObB]|[\d.]+_|[\d.]+[eE](?![a-zA-Z])", re.ASCII)
_MULTIPLIES = {("number", "name"), ("number", "("), (")", "("), (")", "name"), (")", "number")}


def missing_value(text: str, before: Token | None, token: Token) -> ExpressionError:
    """`token` stands where a value should: "x +", "* y", "()", "f(x,)"."""
    wrong, what, fix = token, f"a value is missing before {named(token)}.", ""
    if token.kind == "truth":
        what, fix = f"'{token.text}' is not a number.", str(int(TRUTH[token.text]))
    elif token.kind == "word":
        what = f"'{token.text}' begins a statement; it cannot stand inside one."
    elif before is not None and before.kind == "(" and token.kind in ("end", "stop"):
        return unclosed(text, before.start)
    elif before is not None and before.kind == "(" and token.kind == ")":
        wrong, what = before, "there is nothing inside these brackets."
    elif before is not None and before.kind not in ("(", "end") and token.kind != "operator":
        wrong, what = before, f"{named(before)} has no value after it."
    return ExpressionError(what, text=text, position=wrong.start, fix=fix)


def side_by_side(text: str, before: Token, token: Token, bracket: Token | None) -> ExpressionError:
    """`token` stands where an operator should: "2x", "a b", "(a)(b)", "x + 1 = y"."""
    if bracket is not None and "\n" in text[before.stop : token.start]:
        return unclosed(text, bracket.start)
    if token.kind == "assign":
        return misplaced_assign(text, token)
    if token.kind == "word":
        what = f"'{token.text}' begins a new statement, but the one before has not ended."
        return ExpressionError(what, text=text, position=token.start, fix=f"; {token.text}")
    both = text[before.start : token.stop]
    if before.kind == "number" and _ODD_NUMBER.match(both):
        what = f"{shown(both)} is not a number here."
        why = "A number has decimal digits, at most one point and an exponent: 1000, 0.5, 1e-3."
        return ExpressionError(what, text=text, position=token.start, why=why)
    fix = f"{before.text}*{token.text}" if (before.kind, token.kind) in _MULTIPLIES else ""
    return ExpressionError(
        f"{named(before)} and {named(token)} have no operator between them.",
        text=text,
        position=token.start,
        fix=fix if len(fix) <= 40 else "*",
    )


def misplaced_assign(text: str, token: Token) -> ExpressionError:
    """`x + 1 = y`, `a = b = c`, `f(axis=0, x)`: a statement gives one name, at its start."""
    return ExpressionError(
        f"'{token.text}' comes only after the name that begins a statement.",
        text=text,
        position=token.start,
        why="To compare, write '=='. An attribute such as axis=0 comes after a call's values.",
    )


def misplaced_comma(text: str, token: Token) -> ExpressionError:
    """`(a, b)` or `a, b`: there are no tuples."""
    what = "a comma separates the values of a call, as in maximum(a, b); this is no call."
    return ExpressionError(what, text=text, position=token.start)


def unclosed(text: str, position: int) -> ExpressionError:
    """A bracket without its ')' or a '?' without its ':'."""
    what, fix = "this bracket is never closed.", ""
    if text[position] == "?":
        what, fix = "this '?' has no ':'.", "condition ? value : otherwise"
    return ExpressionError(what, text=text, position=position, fix=fix)


def chained(text: str, token: Token) -> ExpressionError:
    """`a < b < c`."""
    return ExpressionError(
        f"comparisons do not chain; '{token.text}' is the second one.",
        text=text,
        position=token.start,
        fix="(a < b) * (b < c)",
    )


def named(token: Token) -> str:
    """How a message calls a token."""
    if token.kind == "stop":
        return "the end of the text"
    if token.text == "\n":
        return "the end of the line"
    return shown(token.text)
