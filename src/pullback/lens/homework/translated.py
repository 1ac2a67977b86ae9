"""Our expression language as the same trees that NumPy homework becomes, so that one marker serves both."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from pullback.core.expression import OPERATORS as SPELLED
from pullback.core.expression import Instruction
from pullback.lens.homework.notation import OPERATORS

_KINDS = {gate: kind for kind, gate in OPERATORS.items()}
_BINARY = {operator.gate: _KINDS[operator.gate] for operator in SPELLED.values()}


def tree_of(steps: Sequence[Instruction]) -> ast.expr:
    """The tree of one value's postfix instructions.

    >>> from pullback.core.expression import parse
    >>> ast.unparse(tree_of(parse("-x ** 2 + sum(W @ x, axis=0)").instructions))
    '-x ** 2 + sum(W @ x, axis=0)'
    """
    stack: list[ast.expr] = []
    for step in steps:
        taken = stack[len(stack) - step.arity :] if step.arity else []
        del stack[len(stack) - step.arity :]
        made = _node(step, taken)
        made.start = step.start  # type: ignore[attr-defined]
        stack.append(made)
    return stack.pop()


def _node(step: Instruction, taken: list[ast.expr]) -> ast.expr:
    if step.kind == "number":
        return ast.Constant(int(step.text) if step.text.isdigit() else step.value)
    if step.kind == "name":
        return ast.Name(step.text, ast.Load())
    if step.text in _BINARY and step.arity == 2 and not step.attributes:
        kind = _BINARY[step.text]()
        if isinstance(kind, ast.cmpop):
            return ast.Compare(taken[0], [kind], [taken[1]])
        assert isinstance(kind, ast.operator)
        return ast.BinOp(taken[0], kind, taken[1])
    if step.text == "negative" and not step.attributes:
        return ast.UnaryOp(ast.USub(), taken[0])
    options = [ast.keyword(name, _option(value)) for name, value in step.attributes]
    return ast.Call(ast.Name(step.text, ast.Load()), taken, options)


def _option(value: int | bool | tuple[int, ...]) -> ast.expr:
    if isinstance(value, tuple):
        return ast.Tuple([ast.Constant(v) for v in value], ast.Load())
    return ast.Constant(value)
