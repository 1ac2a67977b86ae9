"""A circuit that runs down the page: value and pull stand right of their wire, one under the other."""

from __future__ import annotations

from dataclasses import replace

from pullback.emit.layout import graph as plan
from pullback.emit.layout.graph import Layout, Node, Point
from pullback.emit.layout.labels import text_width
from pullback.emit.picture.captions import Text
from pullback.emit.picture.direction import Lever, Places, Room, in_a_row
from pullback.emit.picture.drawing import FAINT, PART, TITLE, Label
from pullback.emit.picture.sizes import HEADER, SPACE, TEXT, TINY, spread


class Downward:
    """Sizes and places of a picture that runs down; see `Direction`."""

    def __init__(self, pulled: bool) -> None:
        self.rows = 2 if pulled else 1
        self.pitch = 30.0

    def tag(self, width: float, room: Room, kind: str) -> Node:
        middle = width / 2
        inputs, outputs = ((middle,), ()) if kind == plan.EXIT else ((), (middle,))
        ends, over = self._ends(room), self._over(width, room, (), (middle,))
        return Node(17.0, width, inputs, outputs, kind, *ends, 0.0, over)

    def way(self, kind: str, bus: bool, room: Room) -> Node:
        over = SPACE + room.label if bus else 0.0
        return Node(0.0, 0.0, (0.0,), (0.0,), kind, *self._ends(room), 0.0, over)

    def gate(self, width: float, inputs: int, under: bool, switch: bool, room: Room) -> Node:
        along = 50.0 + 11.0 * under if switch else 46.0 if under else 34.0
        pitch = max(self.pitch if inputs <= 4 else self.pitch / 2, self._beside(room.part))
        across = max(width, 24.0 + pitch * (inputs - 1))
        into, out = spread(inputs, pitch, across), (across / 2,)
        over = self._over(across, room, into, out)
        return Node(along, across, into, out, plan.BOX, *self._ends(room), 0.0, over)

    def closed(self, width: float, height: float, ports: tuple[int, int], room: Room) -> Node:
        ins, outs = ports
        near, far = max(8.0, self._beside(room.part)), max(12.0, self._beside(room.label))
        across = max(width, 14.0 + near * (ins - 1), 20.0 + far * (outs - 1))
        into, out = spread(ins, near, across), spread(outs, far, across)
        over = self._over(across, room, into, out)
        return Node(height, across, into, out, plan.BOX, *self._ends(room), 0.0, over)

    def opened(self, along: float, across: float, ports: tuple[Places, Places], room: Room) -> Node:
        over = self._over(across, room, *ports)
        return Node(along, across, *ports, plan.BOX, *self._ends(room), 0.0, over)

    def _beside(self, width: float) -> float:
        """The distance of two wires between which a label stands."""
        return width + SPACE + 5.0 if width else 0.0

    def _ends(self, room: Room) -> tuple[float, float]:
        lead = TINY + 4.0 if room.part else 0.0
        trail = 13.5 * self.rows + 5.0 if room.label else 0.0
        return lead, max(trail, 16.0 if room.stub else 0.0)

    def _over(self, across: float, room: Room, into: Places, out: Places) -> float:
        """How far labels reach beyond the node's right edge."""
        ends = [into[-1] + SPACE + room.part] if into and room.part else []
        ends += [out[-1] + SPACE + room.label] if out and room.label else []
        return max([0.0, *(end + 2 - across for end in ends)])

    def placed(self, layout: Layout) -> Layout:
        tracks = [
            plan.Track(
                [replace(path, points=_turned(path.points)) for path in track.paths],
                _turned(track.dots),
            )
            for track in layout.tracks
        ]
        return Layout(layout.height, layout.width, layout.y, layout.x, tracks, layout.crossings)

    def size(self, node: Node) -> Point:
        return node.height, node.width

    def port(self, node: Node, port: int) -> Point:
        return (node.outputs[port] if node.outputs else 0.0), node.width

    def stub(self, node: Node, start: Point) -> Point:
        return start[0], start[1] + node.trail

    def beside(self, above: list[Text], below: list[Text], start: Point) -> list[Label]:
        x, y = start[0] + SPACE, start[1]
        return [*in_a_row(above, x, y + 12.5), *in_a_row(below, x, y + 26.0)]

    def arriving(self, part: Text, end: Point) -> Label:
        return Label(end[0] + SPACE, end[1] - 4, part.text, PART, TINY, "start", part.odd)

    def tagged(self, node: Node, text: str, ink: str, corner: Point) -> Label:
        return Label(corner[0] + node.height / 2, corner[1] + 12.5, text, ink, TEXT, "middle")

    def switch(
        self, node: Node, through: tuple[int, ...] | None, corner: Point
    ) -> tuple[tuple[Lever, ...], Point | None]:
        x, high, low = corner[0], corner[1] + 7, corner[1] + 27
        out = x + node.outputs[0]
        if through == () and len(node.inputs) == 1:
            return (((out, high), (out + 11, low)),), (out, low)
        if through is None or len(through) != 1:
            return (), None
        return (((x + node.inputs[through[0]], high), (out, low)),), None

    def symbol(self, node: Node, size: float, under: bool, levers: bool, first: bool) -> float:
        if levers:
            return node.width - (18 if under else 7)
        return node.width / 2 + size * 0.35 - (5 if under else 0)

    def inside(self, corner: Point) -> Point:
        return corner[0] + HEADER, corner[1]

    def title(self, name: str, count: str, corner: Point, length: float) -> tuple[Label, ...]:
        """Along the left border, read from above."""
        x, y = corner
        start = 16 + text_width(name, TEXT)
        room = start + text_width(count, TINY) + SPACE <= length
        rest = [Label(x + 6, y + start, count, FAINT, TINY, turned=True)] if room else []
        return (Label(x + 6, y + 8, name, TITLE, TEXT, turned=True), *rest)


def _turned(points: list[Point]) -> list[Point]:
    return [(y, x) for x, y in points]
