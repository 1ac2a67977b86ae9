"""What the rows of a circuit being built point to: tables without doubles, and the kind of a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Kind(NamedTuple):
    """All that a row says but whom it listens to. The turns of a loop make rows of the same kinds.

    inputs: how many wires it listens to. label: -1 for none. The rest as in `Circuit`.
    """

    op: int
    inputs: int
    attribute: int
    spec: int
    site: int
    group: int
    label: int


class Table(list[Any]):
    """A list that knows where each entry is; `id_of` puts in what is new.

    >>> names = Table(["x"])
    >>> names.id_of("y"), names.id_of("x"), names
    (1, 0, ['x', 'y'])
    """

    def __init__(self, entries: Iterable[Any] = ()) -> None:
        super().__init__(entries)
        self._ids = {self.key(entry): i for i, entry in enumerate(self)}

    def key(self, entry: Any) -> Any:
        """What makes an entry the same as another."""
        return entry

    def id_of(self, entry: Any) -> int:
        found = self._ids.setdefault(self.key(entry), len(self))
        if found == len(self):
            self.append(entry)
        return found


class Attributes(Table):
    """Attributes of gates. The type counts too: True, 1 and 1.0 are equal in Python."""

    def key(self, entry: dict[str, Any]) -> tuple[Any, ...]:
        return tuple((name, type(value), value) for name, value in entry.items())


class Taken(dict[int, int]):
    """Where the entries of another table are in ours, which takes them in when they are asked for."""

    def __init__(self, entries: tuple[Any, ...], table: Table) -> None:
        super().__init__()
        self.entries, self.table = entries, table

    def __missing__(self, index: int) -> int:
        found = self[index] = self.table.id_of(self.entries[index])
        return found
