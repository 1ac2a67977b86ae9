"""Tables that travel with the package, by the name a person types."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FILES = Path(__file__).parent / "files"


class Shipped(NamedTuple):
    """A table in the package, and what is usually learned from it."""

    path: Path
    target: str


SHIPPED = {
    "digits": Shipped(FILES / "digits.csv.gz", "digit"),
    "penguins": Shipped(FILES / "penguins.csv", "species"),
}


def table_path(name: str | Path) -> Path:
    """Where a shipped table is, or the path itself. A file of that name is `./penguins`.

    >>> table_path("penguins").name, str(table_path("mine.csv"))
    ('penguins.csv', 'mine.csv')
    """
    shipped = SHIPPED.get(str(name))
    return shipped.path if shipped else Path(name)
