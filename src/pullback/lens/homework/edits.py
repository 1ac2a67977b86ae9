"""Every small change of one written line, each with the words for the mistake it would take back."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pullback.lens.homework.read import Line

Change = tuple[str, ast.expr]  # words, and the new tree
LONGEST = 200  # nodes of a line that is still looked at
TURNED = {ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt}


class Edit(NamedTuple):
    """A line in another form. kind: "overwritten", "sign" or "other"; said: the mistake in words."""

    kind: str
    said: str
    line: Line


def edits(line: Line, names: Sequence[str], numpy: bool, *, again: bool) -> Iterator[Edit]:
    """The changes of a line, the likeliest first. names: those that may stand where another one does.

    again: whether the name had a value of its own before this line.
    """
    if line.refused or sum(1 for _ in ast.walk(line.value)) > LONGEST:
        return
    if again and not line.changes and line.name not in line.used:
        said = "`=` for `+=`"
        yield Edit(
            "overwritten",
            said,
            dataclasses.replace(line, operator="add", used=line.used | {line.name}),
        )
    yield from _signs_of(line)
    if line.operator == "add" and line.index is None:
        said = "`+=` for `=`: this line adds to what the lines above gave"
        yield Edit("other", said, dataclasses.replace(line, operator=""))
    if line.operator == "add" and line.index is not None:
        said = "`+=` at equal indices keeps the last alone; np.add.at adds them up"
        yield Edit("other", said, dataclasses.replace(line, operator="add.at"))
    for maker in (
        _products,
        _indices,
        _swaps,
        _masks,
        _factors,
        _numbers,
        _folds,
        _terms,
        _brackets,
    ):
        for said, tree in maker(line.value, names, numpy):
            yield Edit("other", said, _with(line, value=tree))
        if line.index is not None and maker in (_indices, _swaps, _masks):
            for said, tree in maker(line.index, names, numpy):
                yield Edit("other", said, _with(line, index=tree))


def _with(line: Line, **changed: ast.expr) -> Line:
    made = dataclasses.replace(line, **changed)  # type: ignore[arg-type]
    parts = [made.value, *([made.index] if made.index is not None else [])]
    used = {n.id for p in parts for n in ast.walk(p) if isinstance(n, ast.Name)}
    return dataclasses.replace(
        made, used=frozenset(used | ({line.name} if line.changes else set()))
    )


# Signs


def _signs_of(line: Line) -> Iterator[Edit]:
    if line.operator in ("add", "subtract"):
        other, sign = ("subtract", "-=") if line.operator == "add" else ("add", "+=")
        said = f"the sign is wrong: {sign} belongs where {'+=' if sign == '-=' else '-='} stands"
        yield Edit("sign", said, dataclasses.replace(line, operator=other))
    for said, tree in _signs(line.value):
        yield Edit("sign", said, _with(line, value=tree))


def _signs(tree: ast.expr) -> Iterator[Change]:
    for node in _inside(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            here, there = ("+", "-") if isinstance(node.op, ast.Add) else ("-", "+")
            said = (
                f"the sign of `{_said(node.right)}` is wrong: {there} belongs where {here} stands"
            )
            yield said, _replaced(tree, node, ast.BinOp(node.left, other, node.right))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            meant = ast.BinOp(node.left, ast.Pow(), ast.UnaryOp(ast.USub(), node.right))
            yield (
                f"the sign of the exponent in `{_said(node)}` is wrong",
                _replaced(tree, node, meant),
            )
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            said = f"the sign is wrong: the minus in front of `{_said(node.operand)}` is too much"
            yield said, _replaced(tree, node, node.operand)
    for node in _product_roots(tree):
        said = f"the sign of `{_said(node)}` is wrong"
        yield said, _replaced(tree, node, ast.UnaryOp(ast.USub(), node))


# Matrices


def _products(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in _inside(tree):
        sides = _sides(node)
        if sides is None:
            continue
        left, right = sides
        for one, two in ((left, right), (right, left)):
            for a in (one, _transposed(one, numpy)):
                for b in (two, _transposed(two, numpy)):
                    meant = _product_like(node, a, b)
                    if _said(meant) != _said(node):
                        what = "transposed" if one is left else "the two sides are swapped"
                        said = f"{what}: it should be {_said(meant)}, not {_said(node)}"
                        yield said, _replaced(tree, node, meant)
    for node in _inside(tree):
        bare = _untransposed(node)
        if bare is not None:
            yield (
                f"transposed: it should be {_said(bare)}, not {_said(node)}",
                _replaced(tree, node, bare),
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
    for node in _inside(tree):
        if isinstance(node, ast.Name) and not _is_called(tree, node):
            for name in names:
                if name != node.id:
                    said = f"swapped: {name} belongs where {node.id} stands"
                    yield said, _replaced(tree, node, ast.Name(name, ast.Load()))


def _indices(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    """A label off by one: y - 1 where y belongs, or the other way round."""
    for node in _inside(tree):
        shifted = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and numpy
        if shifted and isinstance(node.right, ast.Constant) and node.right.value == 1:  # type: ignore[attr-defined]
            said = f"off by one: `{_said(node.left)}` belongs where `{_said(node)}` stands"  # type: ignore[attr-defined]
            yield said, _replaced(tree, node, node.left)  # type: ignore[attr-defined]
    for node in _inside(tree):
        if isinstance(node, ast.Name) and numpy and not _is_called(tree, node):
            for kind in (ast.Sub(), ast.Add()):
                meant = ast.BinOp(node, kind, ast.Constant(1))
                said = f"off by one: `{_said(meant)}` belongs where `{node.id}` stands"
                yield said, _replaced(tree, node, meant)


def _masks(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in _inside(tree):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in TURNED:
            meant = ast.Compare(node.left, [TURNED[type(node.ops[0])]()], node.comparators)
            said = f"the mask is the wrong way round: `{_said(meant)}` belongs where `{_said(node)}` stands"
            yield said, _replaced(tree, node, meant)


# Factors, numbers, terms


def _factors(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in _inside(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for kept, gone in ((node.left, node.right), (node.right, node.left)):
                yield (
                    f"the factor `{_said(gone)}` is too much in `{_said(node)}`",
                    _replaced(tree, node, kept),
                )
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            said = f"the division by `{_said(node.right)}` is too much in `{_said(node)}`"
            yield said, _replaced(tree, node, node.left)
    for node in _product_roots(tree):
        for name in names:
            factor = ast.Name(name, ast.Load())
            pull = name[:1] == "d" and name[1:] in names
            what = "missing upstream factor" if pull else "a factor is missing"
            said = f"{what}: `{_said(node)}` is not multiplied by {name}"
            yield said, _replaced(tree, node, ast.BinOp(node, ast.Mult(), factor))
    for node in _product_roots(tree):
        for name in names:
            if not (name[:1] == "d" and name[1:] in names):
                divided = ast.BinOp(node, ast.Div(), ast.Name(name, ast.Load()))
                yield (
                    f"a division is missing: `{_said(node)}` is not divided by {name}",
                    _replaced(tree, node, divided),
                )


def _numbers(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in _inside(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power = node.right
            if isinstance(power, ast.Constant) and isinstance(power.value, int | float):
                for meant_power in (power.value - 1, power.value + 1):
                    meant = ast.BinOp(node.left, ast.Pow(), ast.Constant(meant_power))
                    said = f"the exponent is wrong: it should be {meant_power}, not {power.value}"
                    yield said, _replaced(tree, node, meant)
    for node in _inside(tree):
        number = node.value if isinstance(node, ast.Constant) else None
        if isinstance(number, int | float) and not isinstance(number, bool):
            value = float(number)
            for new in (2 * value, value / 2, value - 1, value + 1):
                said = f"a number is wrong: {_plain(new)} belongs where {_plain(value)} stands"
                yield said, _replaced(tree, node, ast.Constant(new))
    for node in _product_roots(tree):
        for factor in (2, 0.5):
            said = f"a factor {factor} is missing in `{_said(node)}`"
            yield said, _replaced(tree, node, ast.BinOp(ast.Constant(factor), ast.Mult(), node))


def _folds(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    """A sum along another axis, a mean for a sum, a product for a division."""
    for node in _inside(tree):
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
                        said = f"the wrong axis: {option.arg}={axis} belongs in `{_said(node)}`"
                        yield said, _replaced(tree, node, meant)
            yield from _other_fold(tree, node)
    for node in _inside(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            other, here = (ast.Div(), "*") if isinstance(node.op, ast.Mult) else (ast.Mult(), "/")
            said = f"`{_said(node)}`: {'/' if here == '*' else '*'} belongs where {here} stands"
            yield said, _replaced(tree, node, ast.BinOp(node.left, other, node.right))


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
    said = f"{other} belongs where {name} stands in `{_said(node)}`"
    yield said, _replaced(tree, node, ast.Call(func, node.args, node.keywords))


def _terms(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    for node in _inside(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            minus = isinstance(node.op, ast.Sub)
            right = ast.UnaryOp(ast.USub(), node.right) if minus else node.right
            for kept, gone in ((node.left, node.right), (right, node.left)):
                yield (
                    f"the term `{_said(gone)}` is too much in `{_said(node)}`",
                    _replaced(tree, node, kept),
                )


def _brackets(tree: ast.expr, names: Sequence[str], numpy: bool) -> Iterator[Change]:
    """`a * b + c` where `a * (b + c)` is meant, and `c + b * a` where `(c + b) * a` is."""
    for node in _inside(tree):
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)):
            continue
        if isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Mult):
            inner = ast.BinOp(node.left.right, node.op, node.right)
            meant = ast.BinOp(node.left.left, ast.Mult(), inner)
            yield f"brackets are missing: `{_said(meant)}`", _replaced(tree, node, meant)
        if isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Mult):
            inner = ast.BinOp(node.left, node.op, node.right.left)
            meant = ast.BinOp(inner, ast.Mult(), node.right.right)
            yield f"brackets are missing: `{_said(meant)}`", _replaced(tree, node, meant)


# Trees


def _said(node: ast.AST) -> str:
    """A piece of text as a person would write it, cut to a length that fits a sentence."""
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _plain(number: float) -> str:
    return f"{number:g}"


def _inside(tree: ast.expr) -> list[ast.expr]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.expr)]


def _is_called(tree: ast.expr, name: ast.Name) -> bool:
    """Whether a name is that of a function or a module."""
    owners = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
    return any(
        name is o
        or (
            isinstance(o, ast.Attribute) and o.value is name and name.id in ("np", "numpy", "torch")
        )
        for o in owners
    )


def _product_roots(tree: ast.expr) -> list[ast.expr]:
    """What a factor could stand in front of: terms of sums, arguments, sides of a matrix product."""
    roots: list[ast.expr] = [tree]
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.MatMult):
            roots += [node.left, node.right]
        elif isinstance(node, ast.Call):
            roots += node.args
    kept = [r for r in roots if not isinstance(r, ast.Tuple | ast.List)]
    return [
        r
        for r in kept
        if not (isinstance(r, ast.BinOp) and isinstance(r.op, ast.Add | ast.Sub)) or r is tree
    ]


def _replaced(tree: ast.expr, old: ast.expr, new: ast.expr) -> ast.expr:
    """The tree with one node in another form; the old tree stays as it is."""
    made = _Replacing(old, new).visit(tree)
    assert isinstance(made, ast.expr)
    return made


class _Replacing(ast.NodeTransformer):
    """Copies the way down to one node, so that nothing of the old tree is changed."""

    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self.old:
            return self.new
        fresh = type(node)(**{f: getattr(node, f) for f in node._fields if hasattr(node, f)})
        if hasattr(node, "start"):
            fresh.start = node.start  # type: ignore[attr-defined]
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(
                    fresh, name, [self.visit(v) if isinstance(v, ast.AST) else v for v in value]
                )
            elif isinstance(value, ast.AST):
                setattr(fresh, name, self.visit(value))
        return fresh
