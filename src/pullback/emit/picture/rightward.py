"""A circuit that runs to the right: values stand over their wire, pulls under it."""

from __future__ import annotations

from pullback.emit.layout import graph as plan
from pullback.emit.layout.graph import Layout, Node, Point
from pullback.emit.layout.labels import text_width
from pullback.emit.picture.captions import Text
from pullback.emit.picture.direction import Lever, Places, Room, in_a_row
from pullback.emit.picture.drawing import FAINT, PART, TITLE, Label
from pullback.emit.picture.sizes import HEADER, SPACE, TEXT, TINY, spread


class Rightward:
    """Sizes and places of a picture that runs right; see `Direction`."""

    def __init__(self, pulled: bool) -> None:
        self.up, self.down = 15.0, 15.0 if pulled else 6.0  # a wire's room for value and pull
        self.pitch = self.up + self.down + 6.0

    def tag(self, width: float, room: Room, kind: str) -> Node:
        inputs, outputs = ((self.up,), ()) if kind == plan.EXIT else ((), (self.up,))
        lead, trail = self._ends(room)
        return Node(width, self.up + self.down, inputs, outputs, kind, lead, trail)

    def way(self, kind: str, bus: bool, room: Room) -> Node:
        up, down = (self.up, self.down + 1) if bus else (0.0, 0.0)
        return Node(0.0, 0.0, (0.0,), (0.0,), kind, *self._ends(room), up, down)

    def gate(self, width: float, inputs: int, under: bool, switch: bool, room: Room) -> Node:
        """The ports of a gate are as far apart as two leaves, so that these run straight in."""
        pitch = self.pitch if inputs <= 4 else max(15.0, self.pitch / 2)
        height = max(46.0 if under or switch else 34.0, 24.0 + pitch * (inputs - 1))
        above, below = max(0.0, self.up - height / 2), max(0.0, self.down - height / 2)
        into, ends = spread(inputs, pitch, height), self._ends(room)
        return Node(width, height, into, (height / 2,), plan.BOX, *ends, above, below)

    def closed(self, width: float, height: float, ports: tuple[int, int], room: Room) -> Node:
        ins, outs = ports
        pitch = 15.0 if room.part else 8.0
        height = max(height, 14.0 + pitch * (ins - 1), 20.0 + self.pitch * (outs - 1))
        into, out = spread(ins, pitch, height), spread(outs, self.pitch, height)
        above = max([self.up - y for y in out[:1]], default=0.0)
        below = max([self.down + y - height for y in out[-1:]], default=0.0)
        if room.part:
            below = max(below, *(self.up + y - height for y in into[-1:]))
        above, below = max(above, 0.0), max(below, 0.0)
        return Node(width, height, into, out, plan.BOX, *self._ends(room), above, below)

    def opened(self, along: float, across: float, ports: tuple[Places, Places], room: Room) -> Node:
        return Node(along, across, *ports, plan.BOX, *self._ends(room))

    def _ends(self, room: Room) -> tuple[float, float]:
        lead = room.part + SPACE if room.part else 0.0
        trail = room.label + SPACE + 2 if room.label else 0.0
        return lead, max(trail, 16.0 if room.stub else 0.0)

    def placed(self, layout: Layout) -> Layout:
        return layout

    def size(self, node: Node) -> Point:
        return node.width, node.height

    def port(self, node: Node, port: int) -> Point:
        return node.width, node.outputs[port] if node.outputs else 0.0

    def stub(self, node: Node, start: Point) -> Point:
        return start[0] + node.trail, start[1]

    def beside(self, above: list[Text], below: list[Text], start: Point) -> list[Label]:
        x, y = start[0] + SPACE, start[1]
        return [*in_a_row(above, x, y - 5), *in_a_row(below, x, y + 13.5)]

    def arriving(self, part: Text, end: Point) -> Label:
        return Label(end[0] - SPACE, end[1] + 11, part.text, PART, TINY, "end", part.odd)

    def tagged(self, node: Node, text: str, ink: str, corner: Point) -> Label:
        x, base = corner[0], corner[1] + self.up + 4
        if node.kind == plan.EXIT:
            return Label(x + SPACE, base, text, ink, TEXT)
        return Label(x + node.width - SPACE, base, text, ink, TEXT, "end")

    def switch(
        self, node: Node, through: tuple[int, ...] | None, corner: Point
    ) -> tuple[tuple[Lever, ...], Point | None]:
        x, y = corner
        left, right, out = x + 9, x + node.width - 9, y + node.outputs[0]
        if through == () and len(node.inputs) == 1:
            return (((left, out), (right, out - 11)),), (right, out)
        if through is None or len(through) != 1:
            return (), None
        return (((left, y + node.inputs[through[0]]), (right, out)),), None

    def symbol(self, node: Node, size: float, under: bool, levers: bool, first: bool) -> float:
        if levers:  # the text keeps out of the way of the switch
            return node.height - (18 if under else 7) if first else 14.0
        return node.height / 2 + size * 0.35 - (5 if under else 0)

    def inside(self, corner: Point) -> Point:
        return corner[0], corner[1] + HEADER

    def title(self, name: str, count: str, corner: Point, length: float) -> tuple[Label, ...]:
        x, y = corner
        start = 16 + text_width(name, TEXT)
        room = start + text_width(count, TINY) + SPACE <= length
        rest = [Label(x + start, y + 14, count, FAINT, TINY)] if room else []
        return (Label(x + 8, y + 14, name, TITLE, TEXT), *rest)
