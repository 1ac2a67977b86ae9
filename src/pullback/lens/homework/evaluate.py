"""One line of homework becomes a number or an array: by our own walk over its tree, with a limit on size."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import numpy as np

from pullback.core.expression import ALIASES
from pullback.core.gate import GATES
from pullback.core.shapes import spec_of
from pullback.errors import ExpressionError, PullbackError, did_you_mean
from pullback.lens.homework.notation import (
    MODULES,
    OPERATORS,
    UNDERSTOOD,
    not_read,
    refusal,
    start_of,
)
from pullback.lens.homework.read import Line, Work
from pullback.lens.homework.words import (
    BARE,
    CONSTANTS,
    DTYPES,
    FUNCTIONS,
    METHODS,
    OPTIONS,
    REFUSED,
    TORCH,
    Word,
)

MOST = 10_000_000  # numbers that one line may compute
LARGEST = 2**53  # of a whole number; beyond, it is a float
SMALL = 16  # of both sides of a power of whole numbers


def assign(work: Work, line: Line, names: MutableMapping[str, Any]) -> None:
    """Give the line's name its value in `names`; arrays of NumPy homework are changed in place.

    Raises ExpressionError, whatever the line does wrong, with its line and column.
    """
    if line.refused:
        raise line.refused
    walk = _Walk(work, names)
    try:
        with np.errstate(all="ignore"):
            names[line.name] = walk.line(line)
    except ExpressionError:
        raise
    except PullbackError as error:
        said = f"{error.what} {error.why}".strip()
        raise refusal(work.text, walk.start, said, fix=error.fix) from error
    except (
        ValueError,
        TypeError,
        ArithmeticError,
        LookupError,
        MemoryError,
        AttributeError,
    ) as error:
        # A stranger's line: what it makes NumPy raise is its own mistake, never ours.
        said = str(error).split("\n")[0][:200]
        raise refusal(work.text, walk.start, f"this cannot be computed: {said}.") from error


class _Walk:
    """Computes one line; `start` is where in the text it has come to."""

    def __init__(self, work: Work, names: Mapping[str, Any]) -> None:
        self.work, self.names = work, names
        self.start, self.spent = 0, 0

    def line(self, line: Line) -> Any:
        self.start = line.start
        value = self.value(line.value)
        if line.item is not None:
            value = value[line.item] if isinstance(value, tuple) else _numbers(value)[line.item]
        if not line.changes:
            return value if isinstance(value, tuple) else _numbers(value)
        if line.name not in self.names:
            raise refusal(self.work.text, line.start, f"'{line.name}' has no value here.")
        before = self.names[line.name]
        in_place = self.work.numpy and isinstance(before, np.ndarray) and before.ndim > 0
        before = before if in_place or line.index is None else np.array(before, float)
        if line.index is None:
            new = self.call(FUNCTIONS[line.operator], [before, value], {})
            if not in_place:
                return new
            self.fits(before, new)
            before[...] = new
        else:
            self.part(before, self.index(line.index), line.operator, value)
        return before

    def fits(self, array: Any, new: Any) -> None:
        if np.shape(new) != array.shape:
            raise ValueError(
                f"an array of shape {array.shape} cannot become {np.shape(new)} in place"
            )
        if array.dtype.kind in "ib" and np.asarray(new).dtype.kind == "f":
            raise ValueError("an array of whole numbers cannot take real numbers in place")

    def part(self, array: Any, index: Any, operator: str, value: Any) -> None:
        """`array[index] = value`, `array[index] += value` or np.add.at: only the last adds equal ones up."""
        if not array.flags.writeable:
            raise ValueError("this array cannot be changed; a copy can")
        self.room((_picked(array, index),))
        if operator == "add.at":
            np.add.at(array, index, value)
        elif operator:
            array[index] = FUNCTIONS[operator].function(array[index], value)
        else:
            array[index] = value

    # Expressions

    def value(self, node: ast.expr) -> Any:
        method: Callable[[Any], Any] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise not_read(self.work.text, node)
        return method(node)

    def _constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, str):
            raise refusal(self.work.text, start_of(node), "a text is not a number.", UNDERSTOOD)
        return node.value

    def _name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return self.names[node.id]
        if node.id in MODULES or node.id in FUNCTIONS or node.id in GATES:
            raise refusal(self.work.text, start_of(node), f"'{node.id}' is not a number.")
        near = did_you_mean(node.id, self.names)
        raise refusal(self.work.text, start_of(node), f"{node.id!r} has no value here.", near)

    def _binop(self, node: ast.BinOp) -> Any:
        a, b = self.value(node.left), self.value(node.right)
        return self.apply(OPERATORS[type(node.op)], node, a, b)

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        return self.apply(OPERATORS[type(node.op)], node, self.value(node.operand))

    def _compare(self, node: ast.Compare) -> Any:
        if len(node.ops) > 1:
            what = "comparisons do not chain."
            raise refusal(self.work.text, start_of(node), what, fix="(a < b) & (b < c)")
        a, b = self.value(node.left), self.value(node.comparators[0])
        return self.apply(OPERATORS[type(node.ops[0])], node, a, b)

    def apply(self, operator: str, node: ast.expr, *inputs: Any) -> Any:
        self.start = start_of(node)
        if any(isinstance(x, tuple | list | str) or x is None for x in inputs):
            raise TypeError("only numbers and arrays are computed with")
        if operator == "negative" and any(np.asarray(x).dtype.kind == "b" for x in inputs):
            inputs = tuple(np.asarray(x, float) for x in inputs)
        if all(type(x) is int for x in inputs):
            whole = _whole(operator, inputs)
            if whole is not None:
                return whole
            inputs = tuple(map(float, inputs))
        if not self.work.numpy:  # in our notation every number is real, a truth is 0 or 1
            inputs = tuple(x if _is_real(x) else np.asarray(x, float)[()] for x in inputs)
        return self.call(FUNCTIONS[operator], list(inputs), {})

    def _tuple(self, node: ast.Tuple | ast.List) -> Any:
        return tuple(self.value(e) for e in node.elts)

    _list = _tuple

    def _attribute(self, node: ast.Attribute) -> Any:
        if isinstance(node.value, ast.Name) and node.value.id in MODULES - self.names.keys():
            if node.attr in CONSTANTS:
                return CONSTANTS[node.attr]
            raise refusal(
                self.work.text, start_of(node), f"'{node.attr}' is not a number.", UNDERSTOOD
            )
        x = _numbers(self.value(node.value))
        if node.attr == "T":
            return np.transpose(x)
        if node.attr == "shape":
            return np.shape(x)
        if node.attr == "size":
            return int(np.size(x))
        if node.attr == "ndim":
            return int(np.ndim(x))
        what = f"'.{node.attr}' is not supported in homework."
        raise refusal(self.work.text, start_of(node), what, UNDERSTOOD)

    def _subscript(self, node: ast.Subscript) -> Any:
        x, index = self.value(node.value), self.index(node.slice)
        self.start = start_of(node)
        if isinstance(x, tuple):
            return x[index]
        x = _numbers(x)
        self.room((_picked(x, index),))
        return np.asarray(x)[index]

    def index(self, node: ast.expr) -> Any:
        """What stands in square brackets, as NumPy takes it."""
        if isinstance(node, ast.Tuple):
            return tuple(self.index(e) for e in node.elts)
        if isinstance(node, ast.Slice):
            ends = (node.lower, node.upper, node.step)
            return slice(*(None if e is None else self.whole(e) for e in ends))
        if isinstance(node, ast.Constant) and node.value in (None, ...):
            return node.value
        made = self.value(node)
        if isinstance(made, tuple):
            made = np.array(made)
        if made is None or type(made) is int:
            return made
        if np.asarray(made).dtype.kind not in "ib":
            raise refusal(self.work.text, start_of(node), "an index is made of whole numbers.")
        return made

    def whole(self, node: ast.expr) -> int:
        made = self.value(node)
        if np.ndim(made) or int(made) != made:
            raise refusal(self.work.text, start_of(node), "a whole number belongs here.")
        return int(made)

    # Calls

    def _call(self, node: ast.Call) -> Any:
        word, given = self.called(node.func)
        values = [*given, *map(self.argument, node.args)]
        options = {
            OPTIONS.get(k.arg or "", k.arg or ""): self.argument(k.value) for k in node.keywords
        }
        self.start = start_of(node)
        return word(values, options)

    def argument(self, node: ast.expr) -> Any:
        """A value, or one of the kinds of number that astype and dtype= name."""
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        if name in DTYPES and name not in self.names:
            return DTYPES[name]
        return self.value(node)

    def called(
        self, node: ast.expr
    ) -> tuple[Callable[[list[Any], dict[str, Any]], Any], list[Any]]:
        """What is called, and the values that come with it: x of x.sum()."""
        text = self.work.text
        if isinstance(node, ast.Name):
            if self.work.numpy and node.id in REFUSED:
                what = f"Python's {node.id} goes over the rows alone."
                raise refusal(text, start_of(node), what, fix=REFUSED[node.id])
            if self.work.numpy and node.id in BARE:
                return lambda v, o: self.call(FUNCTIONS[BARE[node.id]], v, o), []
            if self.work.numpy and node.id == "len":
                return lambda v, o: len(v[0]), []
            gate = GATES.get(ALIASES.get(node.id, node.id))
            if gate is None:
                near = did_you_mean(node.id, [*GATES, *REFUSED])
                what = f"there is no function or gate called {node.id!r} here."
                raise refusal(text, start_of(node), what, near)
            return lambda v, o: self.gate(gate, v, o), []
        if not isinstance(node, ast.Attribute):
            raise refusal(text, start_of(node), "this cannot be called.", UNDERSTOOD)
        if isinstance(node.value, ast.Name) and node.value.id in MODULES - self.names.keys():
            word, given = FUNCTIONS.get(node.attr), []
            gate = GATES.get(node.attr) if node.value.id in TORCH and word is None else None
            if gate is not None:
                return lambda v, o: self.gate(
                    gate, v[:1], dict(zip(["axis"], v[1:], strict=False)) | o
                ), []
        else:
            word = FUNCTIONS[node.attr] if node.attr in METHODS else None
            given = [_numbers(self.value(node.value))] if word else []
        if word is None:
            near = did_you_mean(node.attr, FUNCTIONS)
            what = f"'{ast.unparse(node)[:40]}' is not supported in homework."
            raise refusal(text, start_of(node), what, near or UNDERSTOOD)
        return lambda v, o: self.call(word, v, o), given

    def call(self, word: Word, values: list[Any], options: dict[str, Any]) -> Any:
        values = [_numbers(v) if not _is_sizes(v) else v for v in values]
        self.room(word.shape(*values, **options))
        return word.function(*values, **options)

    def gate(self, gate: Any, values: list[Any], options: dict[str, Any]) -> Any:
        values = [float(v) if type(v) is int else v for v in values]
        gate.check_count(len(values))
        self.room(gate.infer([spec_of(v) for v in values], gate.bind(options)).shape)
        return gate(*values, **options)

    def room(self, shape: tuple[int, ...]) -> None:
        """Refuse before it is computed what would fill the memory."""
        self.spent += math.prod(max(int(s), 0) for s in shape)
        if self.spent > MOST:
            what = f"this line computes {self.spent:,} numbers; the limit is {MOST:,}."
            raise refusal(self.work.text, self.start, what)


def _is_real(value: Any) -> bool:
    return bool(np.asarray(value).dtype.kind == "f")


def _is_sizes(value: Any) -> bool:
    """A shape, an axis, a truth, a kind of number: what is passed on as it is."""
    return value is None or isinstance(value, tuple | int | bool | type)


def _numbers(value: Any) -> Any:
    """A number or an array; a list of numbers becomes one."""
    if isinstance(value, tuple):
        return np.array(value)
    if value is None or isinstance(value, type):
        raise TypeError("a number belongs here")
    return value


def _whole(operator: str, inputs: tuple[int, ...]) -> int | bool | None:
    """Whole numbers stay whole while they are small, as the sizes of arrays are."""
    a, b = (*inputs, 0)[:2]
    if operator in ("floor_divide", "remainder"):
        return None if b == 0 else a // b if operator == "floor_divide" else a % b
    if operator == "power":
        return a**b if 0 <= b <= SMALL and abs(a) <= SMALL and abs(a**b) < LARGEST else None
    simple = {"add": a + b, "subtract": a - b, "multiply": a * b, "negative": -a, "positive": a}
    found = simple.get(operator)
    return found if found is not None and abs(found) < LARGEST else None


def _picked(x: Any, index: Any) -> int:
    """At most how many numbers x[index] holds."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [np.asarray(p) for p in parts if isinstance(p, np.ndarray | np.generic | list)]
    size = int(np.size(x))
    if not arrays or any(a.dtype.kind == "b" for a in arrays):
        return size
    taken = sorted(np.shape(x))[: len(arrays)]
    picked = math.prod(np.broadcast_shapes(*(a.shape for a in arrays)))
    return int(picked * max(size // max(math.prod(taken), 1), 1))
