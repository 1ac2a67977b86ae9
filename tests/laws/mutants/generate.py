"""Mutants: the functions that make pulls, each with one small fault, generated from their own source.

A mutant is told apart by its function, the piece of code before and after, and which of equal pieces
it is. Nothing is written to a file: a mutant is compiled and lent its function's code for a while.
"""

from __future__ import annotations
import __future__

import ast
import copy
import importlib
import inspect
import textwrap
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any

from pullback.core.gate import GATES
from pullback.passes import backward, forward_mode, pull

PASSES = (pull, backward, forward_mode)
SLIGHTLY = 1.000001  # a relative error of 1e-6: what gradient checkers of the field let pass


@dataclass(frozen=True)
class Target:
    """A function whose faults count, and the gates whose rule it is or serves."""

    function: FunctionType
    gates: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return f"{self.function.__module__.removeprefix('pullback.')}.{self.function.__qualname__}"

    @property
    def tree(self) -> ast.FunctionDef:
        tree = ast.parse(textwrap.dedent(inspect.getsource(self.function))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        tree.decorator_list = []
        return tree


@dataclass(frozen=True)
class Mutant:
    """One fault. `change` reads "before -> after"; number tells equal changes of one function apart."""

    target: Target
    change: str
    number: int
    program: str

    def __str__(self) -> str:
        return f"{self.target.name}: {self.change}" + (
            f" (no. {self.number})" if self.number > 1 else ""
        )

    @property
    def mark(self) -> str:
        """Tells faults apart also when the code around them has changed since."""
        return f"{zlib.crc32((self.target.name + self.program).encode()):08x} {self}"

    @cached_property
    def code(self) -> CodeType:
        flags = __future__.annotations.compiler_flag
        where = f"<mutant of {self.target.name}>"
        whole = compile(self.program, where, "exec", flags, dont_inherit=True)
        return next(c for c in whole.co_consts if isinstance(c, CodeType))

    @contextmanager
    def alive(self) -> Iterator[None]:
        """While inside, the function does what the mutant says, for everybody who calls it."""
        function, own = self.target.function, self.target.function.__code__
        pull.pull_template.cache_clear()
        function.__code__ = self.code
        try:
            yield
        finally:
            function.__code__ = own
            pull.pull_template.cache_clear()


# --- where faults are planted ---


def targets() -> list[Target]:
    """Every pull rule, the functions of `gates` that rules call, and the passes that pull.

    A recipe without a rule stands here with its body, from which its pull is derived.
    """
    ours = [g for g in GATES.values() if g.__module__.startswith("pullback.gates.")]
    users: dict[FunctionType, set[str]] = {}
    for gate in ours:
        rule = gate.rule or (gate.body if gate.recipe else None)
        for function in [rule, *_called(rule)] if rule else []:
            users.setdefault(function, set()).add(gate.name)
    found = [Target(function, frozenset(gates)) for function, gates in users.items()]
    passes = [Target(function) for module in PASSES for function in _functions_of(module)]
    return [*found, *(t for t in passes if t.function not in users)]


def _called(rule: FunctionType) -> Iterator[FunctionType]:
    waiting, seen = [rule], {rule}
    while waiting:
        function = waiting.pop(0)
        for name in _names_in(function.__code__):
            used = function.__globals__.get(name)
            if (
                isinstance(used, FunctionType)
                and used.__module__.startswith("pullback.gates.")
                and used not in seen
            ):
                seen.add(used)
                waiting.append(used)
                yield used


def _names_in(code: CodeType) -> Iterator[str]:
    """The names that a function looks up, those inside its comprehensions too."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_in(inner)


def _functions_of(module: Any) -> Iterator[FunctionType]:
    module = importlib.import_module(module.__name__)
    for value in [
        v for v in vars(module).values() if getattr(v, "__module__", "") == module.__name__
    ]:
        members = vars(value).values() if isinstance(value, type) else [value]
        for member in members:
            function = (
                inspect.unwrap(getattr(member, "func", member))
                if callable(member) or hasattr(member, "func")
                else None
            )
            own = (
                isinstance(function, FunctionType)
                and function.__code__.co_filename == module.__file__
            )
            if own and not function.__name__.startswith("__repr"):
                yield function


# --- which faults ---


def mutants() -> list[Mutant]:
    return [m for target in targets() for m in mutants_of(target)]


def mutants_of(target: Target) -> list[Mutant]:
    """Every fault of one function, each different program once."""
    tree = target.tree
    seen, counts, found = {_text(tree)}, {}, []
    for change, program in _faults(tree):
        if program not in seen:
            seen.add(program)
            counts[change] = counts.get(change, 0) + 1
            found.append(Mutant(target, change, counts[change], program))
    return found


def _faults(tree: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Each change in words, and the whole function with it."""
    arguments = tree.args
    names = [a.arg for a in [*arguments.posonlyargs, *arguments.args] if a.arg != "self"]
    for path, node in list(_nodes(tree)):
        for other in list(_instead_of(node, names)):
            _put(tree, path, other)
            program = _text(tree)
            _put(tree, path, node)
            yield f"{_short(node)} -> {_short(other)}", program


def _short(piece: ast.AST) -> str:
    line = " ".join(_text(piece).split())
    return line if len(line) <= 90 else line[:87] + "..."


def _text(piece: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(piece))


Path = tuple[tuple[str, int | None], ...]


def _nodes(tree: ast.AST, path: Path = ()) -> Iterator[tuple[Path, ast.AST]]:
    """Every piece of code that runs: no docstring, no annotation, no words of an error."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "args", "ctx") and not isinstance(tree, ast.Call):
            continue
        pieces = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for index, piece in pieces:
            if not isinstance(piece, ast.AST) or isinstance(
                piece, ast.JoinedStr | ast.expr_context
            ):
                continue
            if isinstance(piece, ast.Expr) and isinstance(piece.value, ast.Constant):
                continue
            if isinstance(piece, ast.keyword) and piece.arg == "strict":
                continue  # it finds our own mistakes and changes no number
            here = (*path, (name, index))
            yield here, piece
            if not isinstance(piece, ast.Raise | ast.Import | ast.ImportFrom) and not _is_fact(
                piece
            ):
                yield from _nodes(piece, here)


def _is_fact(piece: ast.AST) -> bool:
    """`x.shape` and its like; they are confused as a whole."""
    facts = ("shape", "ndim", "dtype")
    return (
        isinstance(piece, ast.Attribute)
        and isinstance(piece.value, ast.Name)
        and piece.attr in facts
    )


def _put(tree: ast.AST, path: Path, piece: ast.AST) -> None:
    *way, (name, index) = path
    for step, at in way:
        tree = getattr(tree, step) if at is None else getattr(tree, step)[at]
    if index is None:
        setattr(tree, name, piece)
    else:
        getattr(tree, name)[index] = piece


OPERATORS: dict[type, list[type]] = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div, ast.Add], ast.Div: [ast.Mult],
    ast.Mod: [ast.Add],
    ast.Lt: [ast.LtE], ast.LtE: [ast.Lt], ast.Gt: [ast.GtE], ast.GtE: [ast.Gt], ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot], ast.IsNot: [ast.Is], ast.In: [ast.NotIn], ast.NotIn: [ast.In],
    ast.And: [ast.Or], ast.Or: [ast.And],
}  # fmt: skip
CONFUSED = {
    "greater": ["less", "equal"], "less": ["greater", "equal"],
    "equal": ["not_equal"], "not_equal": ["equal"],
    "exp": ["log"], "log": ["exp"], "sigmoid": ["exp"], "sin": ["cos"], "cos": ["sin"], "sum": ["max"],
}  # fmt: skip


def _instead_of(node: ast.AST, names: list[str]) -> Iterator[ast.AST]:
    """What a tired person might have written in place of `node`."""
    kinds: dict[type, Callable[..., Iterator[ast.AST]]] = {
        ast.BinOp: _binary, ast.UnaryOp: _unary, ast.Constant: _constant, ast.Compare: _compare,
        ast.BoolOp: _bool, ast.Call: _call, ast.Name: _name, ast.Return: _return, ast.Tuple: _tuple,
        ast.IfExp: _choice, ast.If: _if, ast.For: _for, ast.GeneratorExp: _comprehension,
        ast.ListComp: _comprehension, ast.DictComp: _comprehension, ast.Attribute: _fact,
    }  # fmt: skip
    for kind, faults in kinds.items():
        if isinstance(node, kind):
            yield from faults(node, names) if faults in (_name, _return, _fact) else faults(node)
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Continue | ast.Raise):
        yield ast.Pass()
    if isinstance(node, ast.Continue):
        yield ast.Break()


def _binary(node: ast.BinOp) -> Iterator[ast.AST]:
    yield node.left
    yield node.right
    for other in OPERATORS.get(type(node.op), []):
        yield ast.BinOp(node.left, other(), node.right)
    if not isinstance(node.op, ast.Mult | ast.Add):  # the order of a sum or product changes no bit
        yield ast.BinOp(node.right, node.op, node.left)


def _unary(node: ast.UnaryOp) -> Iterator[ast.AST]:
    yield node.operand


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, float):
        yield ast.Constant(value * SLIGHTLY if value else 1.0)
        if value:
            yield ast.Constant(1.0 if value == 0.5 else value / 2)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, str):
        yield ast.Constant("mutant")


def _compare(node: ast.Compare) -> Iterator[ast.AST]:
    for other in OPERATORS.get(type(node.ops[0]), []):
        yield ast.Compare(node.left, [other(), *node.ops[1:]], node.comparators)


def _bool(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield ast.BoolOp(OPERATORS[type(node.op)][0](), node.values)
    for i in range(len(node.values)):
        rest = node.values[:i] + node.values[i + 1 :]
        yield ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]


def _call(node: ast.Call) -> Iterator[ast.AST]:
    called = node.func.id if isinstance(node.func, ast.Name) else ""
    yield from (ast.Call(ast.Name(o), node.args, node.keywords) for o in CONFUSED.get(called, []))
    plain = [a for a in node.args if not isinstance(a, ast.Starred)]
    if plain and called not in ("isinstance", "getattr"):
        yield plain[0]  # the call forgotten
    if called == "where" and len(plain) == 3:
        condition, a, b = plain
        yield ast.Call(node.func, [condition, b, a], [])
        yield from (a, b)
        for other in ([condition, _minus_zero(a), b], [condition, a, _minus_zero(b)]):
            yield ast.Call(node.func, other, [])
    elif len(plain) == 2 and called not in ("equal", "not_equal"):  # they are symmetric
        yield ast.Call(node.func, plain[::-1], node.keywords)
    for i, keyword in enumerate(node.keywords):
        if keyword.arg == "strict":
            continue
        rest = node.keywords[:i] + node.keywords[i + 1 :]
        yield ast.Call(node.func, node.args, rest)
        other = {"axis": ast.Constant(0), "shape": ast.Tuple([ast.Constant(1)])}.get(
            keyword.arg or ""
        )
        if other:
            yield ast.Call(node.func, node.args, [*rest, ast.keyword(keyword.arg, other)])


def _minus_zero(piece: ast.expr) -> ast.expr:
    zero = isinstance(piece, ast.Constant) and piece.value == 0.0 and isinstance(piece.value, float)
    return ast.UnaryOp(ast.USub(), piece) if zero else piece


def _name(node: ast.Name, names: list[str]) -> Iterator[ast.AST]:
    if isinstance(node.ctx, ast.Load) and node.id in names:
        yield from (ast.Name(other, ast.Load()) for other in names if other != node.id)


def _fact(node: ast.Attribute, names: list[str]) -> Iterator[ast.AST]:
    if _is_fact(node) and node.value.id in names:  # type: ignore[attr-defined]
        same = {"dy", "y"}  # a pull has the shape and dtype of its wire
        for other in names:
            if not {node.value.id, other} <= same:  # type: ignore[attr-defined]
                yield ast.Attribute(ast.Name(other, ast.Load()), node.attr, ast.Load())


def _return(node: ast.Return, names: list[str]) -> Iterator[ast.AST]:
    if node.value is None:
        return
    several = isinstance(node.value, ast.Tuple)
    parts = node.value.elts if several else [node.value]
    if names and names[0] in ("dy", "dz"):
        for i, part in enumerate(parts):
            for other in (
                _scaled(part),
                ast.UnaryOp(ast.USub(), part),
                ast.Name(names[0]),
                ast.Constant(None),
            ):
                changed = [*parts[:i], other, *parts[i + 1 :]]
                yield ast.Return(ast.Tuple(changed) if several else changed[0])
    else:
        yield ast.Return(ast.Constant(None))


def _scaled(part: ast.expr) -> ast.expr:
    return ast.BinOp(ast.Constant(SLIGHTLY), ast.Mult(), part)


def _tuple(node: ast.Tuple) -> Iterator[ast.AST]:
    words = all(isinstance(e, ast.Constant) and isinstance(e.value, str) for e in node.elts)
    if isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        if not words:  # those are only looked up, in any order
            yield ast.Tuple(node.elts[::-1], node.ctx)
        yield from (
            ast.Tuple(node.elts[:i] + node.elts[i + 1 :], node.ctx) for i in range(len(node.elts))
        )


def _choice(node: ast.IfExp) -> Iterator[ast.AST]:
    yield from (node.body, node.orelse)


def _if(node: ast.If) -> Iterator[ast.AST]:
    yield from (ast.If(ast.Constant(test), node.body, node.orelse) for test in (True, False))


def _for(node: ast.For) -> Iterator[ast.AST]:
    if isinstance(node.iter, ast.Call) and getattr(node.iter.func, "id", "") == "reversed":
        return  # its call is forgotten elsewhere
    for part in ("[::-1]", "[1:]", "[:-1]"):
        shortened = ast.parse(f"list({_text(node.iter)}){part}", mode="eval").body
        yield ast.For(node.target, shortened, node.body, [])


def _comprehension(node: Any) -> Iterator[ast.AST]:
    first = node.generators[0]
    for i in range(len(first.ifs)):
        other = copy.deepcopy(node)
        del other.generators[0].ifs[i]
        yield other
