"""Trees of written lines: their parts, how one is spelled, and the tree with one in another form."""

from __future__ import annotations

import ast

from pullback.lens.homework.notation import MODULES


def spelled(node: ast.AST) -> str:
    """A piece of text as a person would write it, cut to a length that fits a sentence."""
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:57]}..."


def inside(tree: ast.expr) -> list[ast.expr]:
    """Every expression in a tree, the tree itself first."""
    return [n for n in ast.walk(tree) if isinstance(n, ast.expr)]


def is_called(tree: ast.expr, name: ast.Name) -> bool:
    """Whether a name is that of a function or a module."""
    owners = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
    return _is_module(name) or any(name is o for o in owners)


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in MODULES


def product_roots(tree: ast.expr) -> list[ast.expr]:
    """What a factor could stand in front of: terms of sums, arguments, sides of a matrix product."""
    roots: list[ast.expr] = [tree]
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.MatMult):
            roots += [node.left, node.right]
        elif isinstance(node, ast.Call):
            roots += node.args
            if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
                roots.append(node.func.value)  # x of x.sum()
    return [
        r for r in roots if r is tree or not (_is_sum(r) or isinstance(r, ast.Tuple | ast.List))
    ]


def _is_sum(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)


def replaced(tree: ast.expr, old: ast.expr, new: ast.expr) -> ast.expr:
    """The tree with one node in another form; only the way down to it is copied."""
    parents = _parents(tree)
    gone: ast.AST = old
    made: ast.AST = new
    while gone is not tree:
        parent, name = parents[gone]
        fields = {f: getattr(parent, f) for f in parent._fields if hasattr(parent, f)}
        held = fields[name]
        fields[name] = [made if v is gone else v for v in held] if isinstance(held, list) else made
        made = type(parent)(**fields)
        made.start = getattr(parent, "start", 0)  # type: ignore[attr-defined]
        gone = parent
    assert isinstance(made, ast.expr)
    return made


def _parents(tree: ast.expr) -> dict[ast.AST, tuple[ast.AST, str]]:
    """Above each node its parent and the field it is in; noted once on the tree itself."""
    if not hasattr(tree, "parents"):
        tree.parents = {  # type: ignore[attr-defined]
            child: (node, name)
            for node in ast.walk(tree)
            for name, value in ast.iter_fields(node)
            for child in (value if isinstance(value, list) else [value])
            if isinstance(child, ast.AST) and not isinstance(child, ast.expr_context)
        }
    found: dict[ast.AST, tuple[ast.AST, str]] = tree.parents  # type: ignore[attr-defined]
    return found
