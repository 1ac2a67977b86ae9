"""Nested tuples, lists and dicts of leaves: taken apart into a flat list, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Structure:
    """The shape of a nest without its leaves.

    kind: "leaf", "tuple", "list" or "dict"; keys: the dict's keys; children: one structure an entry.
    """

    kind: str
    keys: tuple[str, ...] = ()
    children: tuple[Structure, ...] = ()

    @property
    def leaves(self) -> int:
        return 1 if self.kind == "leaf" else sum(c.leaves for c in self.children)


LEAF = Structure("leaf")


def take_apart(value: Any) -> tuple[list[Any], Structure]:
    """The leaves of `value` from left to right, and how to put them together again.

    >>> take_apart({"w": 1, "b": (2, 3)})[0]
    [1, 2, 3]
    """
    if isinstance(value, dict):
        parts = [take_apart(v) for v in value.values()]
        kind, keys = "dict", tuple(value)
    elif isinstance(value, list | tuple):
        parts = [take_apart(v) for v in value]
        kind, keys = ("list" if isinstance(value, list) else "tuple"), ()
    else:
        return [value], LEAF
    leaves = [leaf for found, _ in parts for leaf in found]
    return leaves, Structure(kind, keys, tuple(s for _, s in parts))


def put_together(leaves: list[Any], structure: Structure) -> Any:
    """The nest of `structure` filled with `leaves`.

    >>> put_together([1, 2, 3], take_apart({"w": 0, "b": (0, 0)})[1])
    {'w': 1, 'b': (2, 3)}
    """
    return _fill(iter(leaves), structure)


def _fill(leaves: Iterator[Any], structure: Structure) -> Any:
    if structure.kind == "leaf":
        return next(leaves)
    filled = [_fill(leaves, child) for child in structure.children]
    if structure.kind == "dict":
        return dict(zip(structure.keys, filled, strict=True))
    return filled if structure.kind == "list" else tuple(filled)


def leaf_names(base: str, structure: Structure) -> list[str]:
    """A name for each leaf: the path to it, joined by underscores.

    >>> leaf_names("weights", take_apart({"W": 0, "b": 0})[1])
    ['weights_W', 'weights_b']
    """
    if structure.kind == "leaf":
        return [base]
    keys = structure.keys or tuple(str(i) for i in range(len(structure.children)))
    pairs = zip(keys, structure.children, strict=True)
    return [name for key, child in pairs for name in leaf_names(f"{base}_{key}", child)]


def map_leaves(function: Callable[[Any], Any], value: Any) -> Any:
    """The same nest with `function` of every leaf.

    >>> map_leaves(abs, {"a": -1, "b": [-2]})
    {'a': 1, 'b': [2]}
    """
    leaves, structure = take_apart(value)
    return put_together([function(leaf) for leaf in leaves], structure)
