"""What may stand in homework: the caps, the kinds of tree nodes, and the words of a refusal."""

from __future__ import annotations

import ast

from pullback.errors import ExpressionError

MOST_TEXT = 100_000  # characters of NumPy homework
MOST_LINES = 2_000  # assignments
DEEPEST = 120  # operations inside one another
MODULES = frozenset({"np", "numpy", "torch", "math", "F"})
UNDERSTOOD = (
    "Supported: assignments with + - * / ** @, comparisons, x[...], x.T, x.sum(axis=0) and functions "
    "such as np.dot, np.sum, np.exp, np.where, np.maximum, np.zeros_like, np.add.at."
)
OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
    ast.MatMult: "matmul", ast.FloorDiv: "floor_divide", ast.Mod: "remainder",
    ast.BitAnd: "logical_and", ast.BitOr: "logical_or",
    ast.USub: "negative", ast.UAdd: "positive", ast.Invert: "logical_not", ast.Not: "logical_not",
    ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal",
    ast.Eq: "equal", ast.NotEq: "not_equal",
}  # fmt: skip
ALLOWED = (
    ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.keyword, ast.Attribute,
    ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.expr_context, *OPERATORS,
)  # fmt: skip
# What to call a node that is not read, and what to write in its place.
NAMES: dict[type[ast.AST], tuple[str, str]] = {
    ast.For: ("a loop", "whole arrays, for instance X.T @ ds"),
    ast.While: ("a loop", ""),
    ast.If: ("an if", "np.where(condition, a, b)"),
    ast.IfExp: ("an if", "np.where(condition, a, b)"),
    ast.BoolOp: ("'and' or 'or'", "(a > 0) & (b > 0)"),
    ast.Lambda: ("a lambda", ""),
    ast.ListComp: ("a list comprehension", "whole arrays, for instance X.T @ ds"),
    ast.GeneratorExp: ("a generator", ""),
    ast.DictComp: ("a dict comprehension", ""),
    ast.SetComp: ("a set comprehension", ""),
    ast.Dict: ("a dict with entries", "grads = {}"),
    ast.JoinedStr: ("a text", ""),
    ast.NamedExpr: ("':='", "="),
    ast.ClassDef: ("a class", ""),
    ast.FunctionDef: ("a second function, or one inside another,", "one function, or none"),
    ast.Constant: ("a number as large as this, or of this kind,", ""),
    ast.Starred: ("a '*' in front of a name", ""),
    ast.With: ("a with", ""),
    ast.Try: ("a try", ""),
    ast.Import: ("this import", "import numpy as np"),
    ast.ImportFrom: ("this import", "import numpy as np"),
    ast.Delete: ("a del", ""),
    ast.Assert: ("an assert", ""),
    ast.Yield: ("a yield", ""),
    ast.Await: ("an await", ""),
}


def refusal(text: str, start: int, what: str, why: str = "", fix: str = "") -> ExpressionError:
    """An error that says the line and the column where a text has several."""
    line, column = text.count("\n", 0, start) + 1, start - (text.rfind("\n", 0, start) + 1) + 1
    place = f"line {line}, column {column}: " if "\n" in text.strip() else ""
    return ExpressionError(place + what, text=text, position=start, why=why, fix=fix)


def not_read(text: str, node: ast.AST) -> ExpressionError:
    """The error for a node of a kind that is not read."""
    what, fix = NAMES.get(type(node), (f"'{type(node).__name__}' of Python", ""))
    return refusal(text, start_of(node), f"{what} is not supported in homework.", UNDERSTOOD, fix)


def start_of(node: ast.AST) -> int:
    """Where a node begins in its text, in characters; the reader writes it down."""
    return int(getattr(node, "start", 0))
