"""Which way a circuit runs over the page: to the right or down.

All that differs between the two stands behind this interface, in rightward.py and downward.py.

A layout knows two axes: along the circuit (a node's `width`) and across it (its `height`, on which ports
lie). Running right, along is x; running down, along is y, and the layout is turned when it is placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pullback.emit.layout.graph import Layout, Node, Point
from pullback.emit.picture.captions import Text
from pullback.emit.picture.drawing import Label
from pullback.emit.picture.sizes import SPACE, row_width, size_of

Lever = tuple[Point, Point]
Places = tuple[float, ...]


@dataclass(frozen=True)
class Room:
    """The labels beside an item: widths of what its branches add where they arrive, and of its own label.

    stub: nothing takes its wire, so a short end is drawn.
    """

    part: float = 0.0
    label: float = 0.0
    stub: bool = False

    def joined(self, other: Room) -> Room:
        """Room for both."""
        return Room(
            max(self.part, other.part), max(self.label, other.label), self.stub or other.stub
        )


class Direction(Protocol):
    """Sizes of nodes before the layout, and where texts stand after it."""

    pitch: float  # the least distance of two ports that carry labels

    def tag(self, width: float, room: Room, kind: str) -> Node:
        """A leaf or an end: its text alone."""

    def way(self, kind: str, bus: bool, room: Room) -> Node:
        """Where a wire passes a border, or wires become a bus."""

    def gate(self, width: float, inputs: int, under: bool, switch: bool, room: Room) -> Node:
        """A gate whose texts need `width`."""

    def closed(self, width: float, height: float, ports: tuple[int, int], room: Room) -> Node:
        """A closed group whose texts and strips need so much."""

    def opened(self, along: float, across: float, ports: tuple[Places, Places], room: Room) -> Node:
        """An opened group, as large as what stands in it; its ports are where wires pass its border."""

    def placed(self, layout: Layout) -> Layout:
        """The layout in x and y."""

    def size(self, node: Node) -> Point:
        """Width and height of a node on the page."""

    def port(self, node: Node, port: int) -> Point:
        """Where a wire leaves a node, from its upper left corner."""

    def stub(self, node: Node, start: Point) -> Point:
        """The end of a wire that nothing takes."""

    def beside(self, above: list[Text], below: list[Text], start: Point) -> list[Label]:
        """A wire's labels: name and value, and the pull."""

    def arriving(self, part: Text, end: Point) -> Label:
        """What a branch adds, where it arrives."""

    def tagged(self, node: Node, text: str, ink: str, corner: Point) -> Label:
        """The text of a leaf or an end."""

    def switch(
        self, node: Node, through: tuple[int, ...] | None, corner: Point
    ) -> tuple[tuple[Lever, ...], Point | None]:
        """The switch in a gate, and the contact that a raised arm does not touch."""

    def symbol(self, node: Node, size: float, under: bool, levers: bool, first: bool) -> float:
        """The baseline of a gate's symbol below its upper edge. first: the switch is in its upper half."""

    def inside(self, corner: Point) -> Point:
        """Where the content of a frame begins: its title has room before it."""

    def title(self, name: str, count: str, corner: Point, length: float) -> tuple[Label, ...]:
        """The title of a frame; the count stands beside the name if there is room for it."""


def in_a_row(texts: list[Text], x: float, y: float) -> list[Label]:
    """Pieces of a label beside each other."""
    labels = []
    for text in texts:
        labels.append(Label(x, y, text.text, text.ink, size_of(text), "start", text.odd))
        x += row_width([text]) + SPACE
    return labels
