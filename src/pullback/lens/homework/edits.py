"""Every small change of one written line, each with the words for the mistake it would take back."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from pullback.lens.homework.read import Line
from pullback.lens.homework.trees import inside, is_called, product_roots, replaced, spelled

Change = tuple[str, ast.expr]  # words, and the new tree
Maker = Callable[[ast.expr, Sequence[str], bool], Iterator[Change]]
LONGEST = 200  # nodes of a line that is still looked at
TURNED = {ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt}


class Edit(NamedTuple):
    """A line in another form. kind: "overwritten", "sign", "form" or "part"; said: the mistake in words."""

    kind: str
    said: str
    line: Line


def edits(
    line: Line, names: Sequence[str], numpy: bool, *, again: bool, only: str = ""
) -> Iterator[Edit]:
    """The changes of a line, the likeliest first. names: those that may stand where another one does.

    again: whether the name had a value of its own before this line. only: the kind that is asked for.
    """
    if line.refused or sum(1 for _ in ast.walk(line.value)) > LONGEST:
        return
    if only in ("", "overwritten") and again and not line.changes and line.name not in line.used:
        yield Edit("overwritten", "`=` for `+=`", dataclasses.replace(line, operator="add"))
    if only in ("", "sign"):
        yield from _signs_of(line)
    if only in ("", "form"):
        yield from _additions(line)
        yield from _made(line, "form", FORMS, names, numpy)
    if only in ("", "part"):
        yield from _made(line, "part", PARTS, names, numpy)


def _additions(line: Line) -> Iterator[Edit]:
    if line.operator == "add" and line.index is None:
        said = "`+=` for `=`: this line adds to what the lines above gave"
        yield Edit("form", said, dataclasses.replace(line, operator=""))
    if line.operator == "add" and line.index is not None:
        said = "`+=` at equal indices keeps the last alone; np.add.at adds them up"
        yield Edit("form", said, dataclasses.replace(line, operator="add.at"))


def _made(
    line: Line, kind: str, makers: Sequence[Maker], names: Sequence[str], numpy: bool
) -> Iterator[Edit]:
    for maker in makers:
        for said, tree in maker(line.value, names, numpy):
            yield Edit(kind, said, dataclasses.replace(line, value=tree))
        if line.index is not None and maker in (_indices, _swaps, _masks):
            for said, tree in maker(line.index, names, numpy):
                yield Edit(kind, said, dataclasses.replace(line, index=tree))


# Signs


def _signs_of(line: Line) -> Iterator[Edit]:
    if line.operator in ("add", "subtract"):
        other, sign = ("subtract", "-=") if line.operator == "add" else ("add", "+=")
        said = f"the sign is wrong: {sign} belongs where {'+=' if sign == '-=' else '-='} stands"
        yield Edit("sign", said, dataclasses.replace(line, operator=other))
    for said, tree in _signs(line.value):
        yield Edit("sign", said, dataclasses.replace(line, value=tree))


def _signs(tree: ast.expr) -> Iterator[Change]:
    for node in inside(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            here, there = ("+", "-") if isinstance(node.op, ast.Add) else ("-", "+")
            said = (
                f"the sign of `{spelled(node.right)}` is wrong: {there} belongs where {here} stands"
            )
            yield said, replaced(tree, node, ast.BinOp(node.left, other, node.right))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            meant = ast.BinOp(node.left, ast.Pow(), ast.UnaryOp(ast.USub(), node.right))
            yield (
                f"the sign of the exponent in `{spelled(node)}` is wrong",
                replaced(tree, node, meant),
            )
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            said = f"the sign is wrong: the minus in front of `{spelled(node.operand)}` is too much"
            yield said, replaced(tree, node, node.operand)
    for node in product_roots(tree):
        said = f"the sign of `{spelled(node)}` is wrong"
        yield said, replaced(tree, node, ast.UnaryOp(ast.USub(), node))


# Matrices


def _products(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in inside(tree):
        sides = _sides(node)
        if sides is None:
            continue
        left, right = sides
        for one, two in ((left, right), (right, left)):
            for a in (one, _transposed(one, numpy)):
                for b in (two, _transposed(two, numpy)):
                    meant = _product_like(node, a, b)
                    if spelled(meant) != spelled(node):
                        what = "transposed" if one is left else "the two sides are swapped"
                        said = f"{what}: it should be {spelled(meant)}, not {spelled(node)}"
                        yield said, replaced(tree, node, meant)
    for node in inside(tree):
        bare = _untransposed(node)
        if bare is not None:
            yield (
                f"transposed: it should be {spelled(bare)}, not {spelled(node)}",
                replaced(tree, node, bare),
            )


def _sides(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """The two factors of a matrix product in any spelling."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return node.left, node.right
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in ("dot", "matmul", "mm"):
            if len(node.args) == 2:
                return node.args[0], node.args[1]
            if len(node.args) == 1 and isinstance(node.func, ast.Attribute):
                return node.func.value, node.args[0]
    return None


def _product_like(node: ast.AST, a: ast.expr, b: ast.expr) -> ast.expr:
    """The same spelling of a product with other factors."""
    if isinstance(node, ast.Call) and len(node.args) == 2:
        return ast.Call(node.func, [a, b], [])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return ast.Call(ast.Attribute(a, node.func.attr, ast.Load()), [b], [])
    return ast.BinOp(a, ast.MatMult(), b)


def _transposed(node: ast.expr, numpy: bool) -> ast.expr:
    bare = _untransposed(node)
    if bare is not None:
        return bare
    if numpy:
        return ast.Attribute(node, "T", ast.Load())
    return ast.Call(ast.Name("transpose", ast.Load()), [node], [])


def _untransposed(node: ast.AST) -> ast.expr | None:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    if isinstance(node, ast.Call) and not node.keywords and len(node.args) == 1:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return node.args[0] if name == "transpose" else None
    return None


# Names, indices, masks


def _swaps(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in inside(tree):
        if isinstance(node, ast.Name) and not is_called(tree, node):
            for name in names:
                if name != node.id:
                    said = f"swapped: {name} belongs where {node.id} stands"
                    yield said, replaced(tree, node, ast.Name(name, ast.Load()))


def _indices(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    """A label off by one: y - 1 where y belongs, or the other way round."""
    for node in inside(tree):
        shifted = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and numpy
        if shifted and isinstance(node.right, ast.Constant) and node.right.value == 1:  # type: ignore[attr-defined]
            said = f"off by one: `{spelled(node.left)}` belongs where `{spelled(node)}` stands"  # type: ignore[attr-defined]
            yield said, replaced(tree, node, node.left)  # type: ignore[attr-defined]
    for node in inside(tree):
        if isinstance(node, ast.Name) and numpy and not is_called(tree, node):
            for kind in (ast.Sub(), ast.Add()):
                meant = ast.BinOp(node, kind, ast.Constant(1))
                said = f"off by one: `{spelled(meant)}` belongs where `{node.id}` stands"
                yield said, replaced(tree, node, meant)


def _masks(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in inside(tree):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in TURNED:
            meant = ast.Compare(node.left, [TURNED[type(node.ops[0])]()], node.comparators)
            said = f"the mask is the wrong way round: it should be `{spelled(meant)}`"
            yield said, replaced(tree, node, meant)


# Factors, numbers, terms


def _factors(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in inside(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for kept, gone in ((node.left, node.right), (node.right, node.left)):
                yield (
                    f"the factor `{spelled(gone)}` is too much in `{spelled(node)}`",
                    replaced(tree, node, kept),
                )
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            said = f"the division by `{spelled(node.right)}` is too much in `{spelled(node)}`"
            yield said, replaced(tree, node, node.left)
    for node in product_roots(tree):
        for name in names:
            factor = ast.Name(name, ast.Load())
            pull = name[:1] == "d" and name[1:] in names
            what = "missing upstream factor" if pull else "a factor is missing"
            said = f"{what}: `{spelled(node)}` is not multiplied by {name}"
            yield said, replaced(tree, node, ast.BinOp(node, ast.Mult(), factor))
    for node in product_roots(tree):
        for name in names:
            if not (name[:1] == "d" and name[1:] in names):
                divided = ast.BinOp(node, ast.Div(), ast.Name(name, ast.Load()))
                yield (
                    f"a division is missing: `{spelled(node)}` is not divided by {name}",
                    replaced(tree, node, divided),
                )


def _powers(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in inside(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power = node.right
            if isinstance(power, ast.Constant) and isinstance(power.value, int | float):
                for meant_power in (power.value - 1, power.value + 1):
                    meant = ast.BinOp(node.left, ast.Pow(), ast.Constant(meant_power))
                    said = f"the exponent is wrong: it should be {meant_power}, not {power.value}"
                    yield said, replaced(tree, node, meant)


def _numbers(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in inside(tree):
        number = node.value if isinstance(node, ast.Constant) else None
        if isinstance(number, int | float) and not isinstance(number, bool):
            value = float(number)
            for new in (2 * value, value / 2, value - 1, value + 1):
                said = f"a number is wrong: {_plain(new)} belongs where {_plain(value)} stands"
                yield said, replaced(tree, node, ast.Constant(new))
    for node in product_roots(tree):
        for factor in (2, 0.5):
            said = f"a factor {factor} is missing in `{spelled(node)}`"
            yield said, replaced(tree, node, ast.BinOp(ast.Constant(factor), ast.Mult(), node))


def _folds(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    """A sum along another axis, a mean for a sum, a product for a division."""
    for node in inside(tree):
        if isinstance(node, ast.Call):
            for at, option in enumerate(node.keywords):
                if option.arg in ("axis", "dim"):
                    for axis in (0, 1, -1, None):
                        new = [
                            *node.keywords[:at],
                            ast.keyword(option.arg, ast.Constant(axis)),
                            *node.keywords[at + 1 :],
                        ]
                        meant = ast.Call(node.func, node.args, new)
                        said = f"the wrong axis: {option.arg}={axis} belongs in `{spelled(node)}`"
                        yield said, replaced(tree, node, meant)
            yield from _other_fold(tree, node)
    for node in inside(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            other, here = (ast.Div(), "*") if isinstance(node.op, ast.Mult) else (ast.Mult(), "/")
            said = f"`{spelled(node)}`: {'/' if here == '*' else '*'} belongs where {here} stands"
            yield said, replaced(tree, node, ast.BinOp(node.left, other, node.right))


def _other_fold(tree: ast.expr, node: ast.Call) -> Iterator[Change]:
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name not in ("sum", "mean"):
        return
    other = "mean" if name == "sum" else "sum"
    func = (
        ast.Attribute(node.func.value, other, ast.Load())
        if isinstance(node.func, ast.Attribute)
        else ast.Name(other, ast.Load())
    )
    said = f"{other} belongs where {name} stands in `{spelled(node)}`"
    yield said, replaced(tree, node, ast.Call(func, node.args, node.keywords))


def _terms(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in inside(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            minus = isinstance(node.op, ast.Sub)
            right = ast.UnaryOp(ast.USub(), node.right) if minus else node.right
            for kept, gone in ((node.left, node.right), (right, node.left)):
                yield (
                    f"the term `{spelled(gone)}` is too much in `{spelled(node)}`",
                    replaced(tree, node, kept),
                )


def _brackets(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    """`a * b + c` where `a * (b + c)` is meant, and `c + b * a` where `(c + b) * a` is."""
    for node in inside(tree):
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)):
            continue
        if isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Mult):
            inner = ast.BinOp(node.left.right, node.op, node.right)
            meant = ast.BinOp(node.left.left, ast.Mult(), inner)
            yield f"brackets are missing: `{spelled(meant)}`", replaced(tree, node, meant)
        if isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Mult):
            inner = ast.BinOp(node.left, node.op, node.right.left)
            meant = ast.BinOp(inner, ast.Mult(), node.right.right)
            yield f"brackets are missing: `{spelled(meant)}`", replaced(tree, node, meant)


def _plain(number: float) -> str:
    return f"{number:g}"


# Of the whole: matrices, indices, masks, powers. Then of its parts, the likeliest first.
FORMS: Sequence[Maker] = (_products, _indices, _masks, _powers)
PARTS: Sequence[Maker] = (_swaps, _factors, _numbers, _folds, _terms, _brackets)
