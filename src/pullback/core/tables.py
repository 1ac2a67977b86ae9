"""What the rows of a circuit being built point to: tables without doubles, and the kind of a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Kind(NamedTuple):
    """Everything about a row except its inputs. The turns of a loop make rows of the same kinds.

    inputs: how many inputs it has. label: -1 for none. The rest as in `Circuit`.
    """

    op: int
    inputs: int
    attribute: int
    spec: int
    site: int
    group: int
    label: int


class Ids(dict[Any, int]):
    """Where each entry of a table is. An entry that is new is put into the table when it is looked up.

    >>> names = ["x"]
    >>> ids = Ids(names)
    >>> ids["y"], ids["x"], names
    (1, 0, ['x', 'y'])
    """

    def __init__(self, table: list[Any]) -> None:
        super().__init__((entry, i) for i, entry in enumerate(table))
        self.table = table

    def __missing__(self, entry: Any) -> int:
        found = self[entry] = len(self.table)
        self.table.append(entry)
        return found


def attribute_key(attributes: Mapping[str, Any]) -> tuple[Any, ...]:
    """Attributes as one thing to look up. The type counts: True, 1 and 1.0 are equal in Python."""
    return tuple([(name, type(value), value) for name, value in attributes.items()])
