"""Text becomes a list of assignments. Python's parser makes the tree; nothing is compiled or executed."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from pullback.core.expression import Instruction, parse
from pullback.errors import ExpressionError
from pullback.lens.homework.notation import (
    ALLOWED,
    DEEPEST,
    MODULES,
    MOST_LINES,
    MOST_TEXT,
    UNDERSTOOD,
    not_read,
    refusal,
    start_of,
)
from pullback.lens.homework.translated import tree_of

# A bracket [ ], a dot behind a name, or a word of Python: the text is NumPy.
_NUMPY = re.compile(
    r"\[|\b(?!Math\.)[A-Za-z_]\w*\s*\.\s*[A-Za-z_]|[\])]\s*\.\s*[A-Za-z]|\b(?:def|import|for|while|if|class|with)\b"
)
_COMMENT = re.compile(r"(?:#|//)[^\n]*")
_QUOTED = re.compile(r"#[^\n]*|'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|\"[^\"\n]*\"", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One assignment.

    name = value, or with `index` name[index] = value, or with `operator` name += value in place.
    item: which part of the value, for `N, D = X.shape`. start: where it begins in the text.
    """

    name: str
    value: ast.expr
    index: ast.expr | None = None
    operator: str = ""
    item: int | None = None
    start: int = 0
    refused: ExpressionError | None = None
    used: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def changes(self) -> bool:
        """Whether the name must have a value before."""
        return bool(self.operator) or self.index is not None


@dataclass(frozen=True)
class Work:
    """All lines, in order. numpy: the notation; arrays are then changed in place, as NumPy does it.

    given: what the function around the lines, if there is one, takes.
    """

    text: str
    lines: tuple[Line, ...]
    numpy: bool
    given: frozenset[str] = frozenset()

    @property
    def names(self) -> set[str]:
        """The names that are given a value."""
        return {line.name for line in self.lines}


def read_work(text: str, wires: Collection[str] = ()) -> Work:
    """The assignments of a text. Raises ExpressionError where it is no list of assignments.

    wires: names of the circuit's wires; `grads["W"]` and `W.grad` are the pull `dW`.

    >>> [line.name for line in read_work("dq = z * df; dz = q * df").lines]
    ['dq', 'dz']
    >>> [line.name for line in read_work("ds = p.copy()\\nds[np.arange(n), y] -= 1").lines]
    ['ds', 'ds']
    """
    numpy, lines, given = _lines(text, wires)
    text = textwrap.dedent(text) if numpy else text
    done = tuple(_checked(text, line) for line in lines)
    if not done:
        raise refusal(text, 0, "there is no assignment here.", fix="dx = ...")
    if len(done) > MOST_LINES:
        raise refusal(text, 0, f"there are more than {MOST_LINES:,} assignments.")
    return Work(text, done, numpy, given)


def _lines(text: str, wires: Collection[str]) -> tuple[bool, list[Line], frozenset[str]]:
    """Whether the text is NumPy, its lines, what its function takes. Both notations: it is read as ours."""
    if _NUMPY.search(_COMMENT.sub("", text[:MOST_TEXT])):
        return True, *_numpy_lines(text, wires)
    try:
        return False, list(_own_lines(text)), frozenset()
    except ExpressionError:
        try:
            return True, *_numpy_lines(text, wires)  # dx, dy = y, x
        except ExpressionError:
            pass
        raise


def _checked(text: str, line: Line) -> Line:
    """The line with the names it reads, or with the reason why it cannot be computed."""
    parts = [line.value, *([line.index] if line.index is not None else [])]
    for part in parts:
        wrong = _wrong_node(part)
        if wrong is not None:
            return _with(line, refused=not_read(text, wrong))
        if _depth(part) > DEEPEST:
            what = f"this line has more than {DEEPEST} operations inside one another."
            return _with(line, refused=refusal(text, line.start, what))
    found = {n.id for p in parts for n in ast.walk(p) if isinstance(n, ast.Name)}
    return _with(line, used=frozenset(found | ({line.name} if line.changes else set())))


def _with(line: Line, **changed: object) -> Line:
    return Line(**(vars(line) | changed))


def _wrong_node(tree: ast.AST) -> ast.AST | None:
    for node in ast.walk(tree):
        if not isinstance(node, ALLOWED):
            return node
        if isinstance(node, ast.Constant) and not _is_plain(node.value):
            return node
    return None


def _is_plain(value: object) -> bool:
    """A number that a float can hold, a text, or nothing."""
    return isinstance(value, float | str | None) or (isinstance(value, int) and abs(value) < 2**63)


def _depth(tree: ast.AST) -> int:
    """How many nodes lie inside one another, counted without recursion."""
    level, depth = [tree], 0
    while level and depth <= DEEPEST:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


# Our notation


def _own_lines(text: str) -> Iterator[Line]:
    parsed = parse(text)
    steps: list[Instruction] = []
    for step in parsed.instructions:
        if step.kind == "assign":
            changed = (
                text[steps[-1].start : steps[-1].stop].endswith("=") and steps[-1].kind == "call"
            )
            if changed and steps[-1].text in ("add", "subtract", "multiply", "divide", "power"):
                value = tree_of(steps[1:-1])  # x += y comes as x, y, add, assign
                yield Line(step.text, value, operator=steps[-1].text, start=step.start)
            else:
                yield Line(step.text, tree_of(steps), start=step.start)
            steps = []
        else:
            steps.append(step)
    # A text that ends with an assignment leaves one step behind, the name of its result.
    if len(steps) != 1 or not parsed.result or steps[0].text not in parsed.assigned:
        raise refusal(
            text, steps[0].start, "the last line assigns its value to no name.", fix="dx = ..."
        )


# NumPy


def _numpy_lines(text: str, wires: Collection[str]) -> tuple[list[Line], frozenset[str]]:
    if len(text) > MOST_TEXT:
        raise refusal(text, MOST_TEXT, f"the text has more than {MOST_TEXT:,} characters.")
    text = textwrap.dedent(text)
    strange = re.search(r"[^\x00-\x7f]", _QUOTED.sub(lambda m: " " * len(m[0]), text))
    if strange:
        what = (
            f"U+{ord(strange[0]):04X} is not plain ASCII; only comments may have such characters."
        )
        raise refusal(text, strange.start(), what)
    statements = _Statements(text, wires)
    lines = list(statements.lines(_tree(text).body))
    return lines, frozenset(statements.given)


def _tree(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        raise refusal(
            text, _place(text, error), f"this is not valid Python: {error.msg}."
        ) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise refusal(text, 0, "this text cannot be read: it nests too deeply.") from error
    if _depth(tree) > DEEPEST:
        raise refusal(text, 0, f"there are more than {DEEPEST} operations inside one another.")
    starts = [0, *(m.end() for m in re.finditer("\n", text))]
    code = text.encode().split(b"\n")
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            line = code[node.lineno - 1]
            node.start = starts[node.lineno - 1] + len(line[: node.col_offset].decode())  # type: ignore[attr-defined]
    return tree


def _place(text: str, error: SyntaxError) -> int:
    before = text.split("\n")[: max((error.lineno or 1) - 1, 0)]
    return min(sum(len(line) + 1 for line in before) + max((error.offset or 1) - 1, 0), len(text))


class _Statements:
    """The statements of one text, as lines."""

    def __init__(self, text: str, wires: Collection[str]) -> None:
        self.text, self.wires = text, wires
        self.names = _Names(wires)
        self.functions = 0
        self.assigned: set[str] = set()
        self.given: set[str] = set()

    def lines(self, body: list[ast.stmt]) -> Iterator[Line]:
        for node in body:
            for line in self.statement(node):
                self.assigned.add(line.name)
                yield line

    def statement(self, node: ast.stmt) -> Iterator[Line]:
        if isinstance(node, ast.FunctionDef) and not self.functions and not node.decorator_list:
            self.functions += 1
            self.given |= {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
            yield from self.lines(node.body)
        elif isinstance(node, ast.Assign):
            yield from self.assign(node)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from self.give(node.target, node.value, node)
        elif isinstance(node, ast.AugAssign):
            yield self.change(node.target, node.value, type(node.op), node)
        elif isinstance(node, ast.Expr):
            yield from self.expression(node)
        elif not self.says_nothing(node):
            raise not_read(self.text, node)

    def says_nothing(self, node: ast.stmt) -> bool:
        """A statement that has no effect on any number: `pass`, an import of NumPy, a return of names."""
        if isinstance(node, ast.Import):
            return all(alias.name.split(".")[0] in MODULES for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            return (node.module or "").split(".")[0] in MODULES
        if isinstance(node, ast.Return):
            inside = [] if node.value is None else list(ast.walk(node.value))
            plain = (ast.Name, ast.Tuple, ast.List, ast.Dict, ast.Constant, ast.expr_context)
            return all(isinstance(n, plain) for n in inside)
        return isinstance(node, ast.Pass)

    def assign(self, node: ast.Assign) -> Iterator[Line]:
        first, *others = node.targets
        yield from self.give(first, node.value, node)
        for target in others:  # a = b = value: one array with two names
            if not isinstance(first, ast.Name) or not isinstance(target, ast.Name):
                raise refusal(
                    self.text,
                    start_of(node),
                    "two targets like these are not supported.",
                    UNDERSTOOD,
                )
            yield from self.give(target, ast.Name(first.id, ast.Load()), node)

    def give(self, target: ast.expr, value: ast.expr, node: ast.stmt) -> Iterator[Line]:
        """The lines of `target = value`."""
        if isinstance(target, ast.Tuple | ast.List):
            yield from self.unpack(target.elts, value, node)
            return
        if isinstance(value, ast.Constant) and value.value is None:
            return  # dx, dW = None, None: a place is kept
        if isinstance(value, ast.Dict) and not value.keys:
            return  # grads = {}
        if isinstance(value, ast.Call) and ast.unparse(value) == "dict()":
            return
        target = self.names.visit(target)
        made = self.names.visit(value)
        if isinstance(target, ast.Name):
            yield Line(target.id, made, start=start_of(node))
        else:
            yield self.change(target, value, None, node)

    def unpack(self, targets: list[ast.expr], value: ast.expr, node: ast.stmt) -> Iterator[Line]:
        names = [self.names.visit(t) for t in targets]
        if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(targets):
            done: set[str] = set()
            for name, part in zip(names, value.elts, strict=True):
                if done & {n.id for n in ast.walk(part) if isinstance(n, ast.Name)}:
                    what = "this line gives a name a value and reads it at once."
                    raise refusal(self.text, start_of(node), what, fix="a line for each name")
                yield from self.give(name, part, node)
                done.add(getattr(name, "id", ""))
            return
        if isinstance(value, ast.Name) and value.id not in self.assigned | set(self.wires):
            # x, W, b = cache: the names of the circuit have their values already.
            new = [n for n in names if getattr(n, "id", "") not in self.wires]
            if not new:
                return
            what = f"what '{value.id}' holds is not known here."
            raise refusal(self.text, start_of(node), what, fix="the names of the circuit's wires")
        for position, name in enumerate(names):
            if not isinstance(name, ast.Name):
                raise not_read(self.text, name)
            made = self.names.visit(value)
            yield Line(name.id, made, item=position, start=start_of(node))

    def change(
        self, target: ast.expr, value: ast.expr, kind: type[ast.operator] | None, node: ast.AST
    ) -> Line:
        """The line of `target[...] = value`, `target += value` or `target[...] += value`."""
        from_kind = OPERATOR_NAMES.get(kind, "") if kind else ""
        if kind and not from_kind:
            raise refusal(self.text, start_of(node), "this operator is not supported.", UNDERSTOOD)
        target, made = self.names.visit(target), self.names.visit(value)
        index = None
        if isinstance(target, ast.Subscript):
            index, target = target.slice, target.value
        if not isinstance(target, ast.Name):
            what = f"'{ast.unparse(target)[:40]}' cannot be given a value."
            raise refusal(self.text, start_of(node), what, UNDERSTOOD, "a name, or name[index]")
        return Line(target.id, made, index, from_kind, start=start_of(node))

    def expression(self, node: ast.Expr) -> Iterator[Line]:
        """A statement that is only a value: a text, a print, np.add.at, or a mistake."""
        value = node.value
        if isinstance(value, ast.Constant):
            return
        called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
        if called == "print":
            return
        if called in ("np.add.at", "numpy.add.at") and len(value.args) == 3:  # type: ignore[attr-defined]
            target, index, added = map(self.names.visit, value.args)  # type: ignore[attr-defined]
            if isinstance(target, ast.Name):
                yield Line(target.id, added, index, "add.at", start=start_of(node))
                return
        what = "this line assigns its value to no name."
        raise refusal(self.text, start_of(node), what, UNDERSTOOD, "dx = ...")


OPERATOR_NAMES: dict[type[ast.operator] | None, str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
}  # fmt: skip


class _Names(ast.NodeTransformer):
    """`W.grad`, `grads["W"]`, `self.W`, `x.data` and `cache["h"]` as the plain names that they mean."""

    def __init__(self, wires: Collection[str]) -> None:
        self.wires = wires

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        inner = self.visit(node.value)
        if isinstance(inner, ast.Name):
            if node.attr == "grad":
                return self.name(f"d{inner.id}", node)
            if node.attr == "data":
                return inner
            if inner.id in ("self", "cls"):
                return self.name(node.attr, node)
        if (
            node.attr == "indices"
            and isinstance(inner, ast.Call)
            and isinstance(inner.func, ast.Attribute)
        ):
            inner.func.attr = "argmax" if inner.func.attr == "max" else inner.func.attr
            return inner  # torch's x.max(1).indices
        node.value = inner
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        key = node.slice
        if (
            isinstance(key, ast.Constant)
            and isinstance(key.value, str)
            and key.value.isidentifier()
        ):
            holder = ast.unparse(node.value)
            pulled = holder.rstrip("s").endswith("grad")
            known = key.value[:1] == "d" and key.value[1:] in self.wires
            return self.name(f"d{key.value}" if pulled and not known else key.value, node)
        node.value, node.slice = self.visit(node.value), self.visit(key)
        return node

    def name(self, name: str, node: ast.expr) -> ast.Name:
        made = ast.Name(name, ast.Load())
        made.start = start_of(node)  # type: ignore[attr-defined]
        return made
