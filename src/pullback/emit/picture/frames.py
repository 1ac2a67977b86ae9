"""What stands in a picture: frames with their items, and the cables that link these.

A frame is an opened group (the root is one). Its items are gates, closed groups, opened groups, leaves,
ends, and the places where wires pass its borders.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pullback.emit.picture.fold import Group

GATE, CLOSED, OPEN, LEAF, CONSTANT, END, ENTRY, EXIT, JOIN = (
    "gate", "closed", "open", "leaf", "constant", "end", "entry", "exit", "join",
)  # fmt: skip
Use = tuple[int, int]  # (gate row, input position); (-1, output position) for an output


@dataclass(eq=False)
class Item:
    """One thing in a frame.

    wires: the gate's, leaf's or end's wire; several for a bundle of leaves. position: of an end among
    the outputs. ports: how many a closed or open box has, in and out.
    """

    kind: str
    wires: tuple[int, ...] = ()
    group: Group | None = None
    inside: Frame | None = None
    position: int = 0
    ports: tuple[int, int] = (0, 0)


@dataclass(eq=False)
class Cable:
    """What runs from one place to others: one wire, or several as a bus. targets: (item, port, uses)."""

    wires: tuple[int, ...]
    sources: list[Item] = field(default_factory=list)
    targets: list[tuple[Item, int, list[Use]]] = field(default_factory=list)


@dataclass(eq=False)
class Link:
    """A cable's piece inside one frame: items and ports it comes from and goes to.

    labelled: the piece at which the cable's numbers are written.
    """

    cable: Cable
    sources: list[tuple[Item, int]] = field(default_factory=list)
    targets: list[tuple[Item, int, list[Use]]] = field(default_factory=list)
    labelled: bool = False


@dataclass(eq=False)
class Frame:
    """An opened group with all that stands in it. outside: the item that stands for it in `parent`."""

    group: Group
    parent: Frame | None
    level: int
    outside: Item | None = None
    items: list[Item] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    of_cable: dict[Cable, Link] = field(default_factory=dict)
    entries: list[Cable] = field(default_factory=list)
    exits: list[Cable] = field(default_factory=list)

    @property
    def around(self) -> Frame:
        """The frame that holds this one."""
        assert self.parent is not None
        return self.parent

    @property
    def standing(self) -> Item:
        """The item that stands for this frame in the one around it."""
        assert self.outside is not None
        return self.outside

    def add(self, item: Item) -> Item:
        """Put an item in, and hand it back."""
        self.items.append(item)
        return item


def common(frames: Iterable[Frame]) -> Frame:
    """The innermost frame that holds all of `frames`."""
    found: Frame | None = None
    for frame in frames:
        if found is None:
            found = frame
        while found is not frame:
            if found.level >= frame.level:
                found = found.around
            else:
                frame = frame.around
    assert found is not None
    return found
