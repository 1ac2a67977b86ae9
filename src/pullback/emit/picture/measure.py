"""How large everything is: each kind of frame as boxes and nets, laid out once for all built alike."""

from __future__ import annotations

from dataclasses import dataclass

from pullback.emit.layout import graph as plan
from pullback.emit.layout.frame import lay_out
from pullback.emit.layout.graph import Graph, Layout, Net, Node
from pullback.emit.layout.labels import text_width
from pullback.emit.picture.captions import Captions, Text
from pullback.emit.picture.drawing import FAINT
from pullback.emit.picture.frames import (
    CLOSED,
    CONSTANT,
    END,
    ENTRY,
    EXIT,
    GATE,
    JOIN,
    LEAF,
    Frame,
    Item,
    Link,
)  # fmt: skip

TEXT, SMALL, TINY, LARGE = 12.0, 10.0, 9.5, 19.0  # font sizes
SPACE = 4.0  # between a wire's start and its label, and between a name and a value
HEADER, EDGE = 19.0, 8.0  # of a frame: its title, and the room left under its content
UP, DOWN, FLAT = 15.0, 15.0, 6.0  # room over a wire for its value, under it for its pull or nothing
ROW = 6.0  # between the rooms of two wires
WAYS = {ENTRY: plan.ENTRY, EXIT: plan.EXIT, JOIN: plan.BOX}


@dataclass
class Kind:
    """Frames that are built alike, and their one layout."""

    frames: list[Frame]
    graph: Graph
    layout: Layout


class Measure:
    """Sizes of boxes and labels under one look."""

    def __init__(self, captions: Captions) -> None:
        self.captions, self.look = captions, captions.look
        self.up, self.down = UP, DOWN if captions.pulled else FLAT
        self.pitch = self.up + self.down + ROW
        self.metered = captions.numbers is not None
        self.kind_of: dict[Frame, Kind] = {}

    def lay_out(self, frames: list[Frame]) -> None:
        """One layout for each kind, inner frames first; room for labels is that of the widest instance."""
        kinds: dict[object, list[Frame]] = {}
        number: dict[Frame, int] = {}
        for frame in reversed(frames):
            key = self._structure(frame, number)
            kinds.setdefault(key, []).append(frame)
            number[frame] = (
                list(kinds).index(key) if len(kinds[key]) == 1 else number[kinds[key][0]]
            )
        for alike in kinds.values():
            graph = self._graph(alike)
            titles = [text_width(f.group.name, TEXT) + 16 for f in alike if f.parent is not None]
            widest = max(titles, default=0.0)
            layout = lay_out(graph, inputs=self.look.inputs, narrowest=widest)
            self.kind_of.update(dict.fromkeys(alike, Kind(alike, graph, layout)))

    def _structure(self, frame: Frame, number: dict[Frame, int]) -> object:
        """What decides a layout: equal for frames that are built alike."""
        order = {item: i for i, item in enumerate(frame.items)}
        items = []
        for item in frame.items:
            inside = number[item.inside] if item.inside is not None else -1
            size: tuple[object, ...] = ()
            if item.kind == GATE:
                wire = item.wires[0]
                ins = len(self.captions.rows[wire].inputs)
                switch = self.captions.gauges.switched(wire) is not None
                size = ins, bool(self.captions.under(wire)), switch
            items.append((item.kind, inside, item.ports, len(item.wires) > 1, size))
        links = [
            (
                tuple((order[i], p) for i, p in link.sources),
                tuple((order[i], p) for i, p, _ in link.targets),
                link.labelled,
            )
            for link in frame.links
        ]
        return frame.parent is None, tuple(items), tuple(links)

    # Boxes and nets

    def _graph(self, frames: list[Frame]) -> Graph:
        size = len(frames[0].items)
        lead, trail = [0.0] * size, [0.0] * size
        for frame in frames:
            order = {item: i for i, item in enumerate(frame.items)}
            for link in frame.links:
                source = order[link.sources[0][0]]
                trail[source] = max(trail[source], self._trail(link))
                for item, _, uses in link.targets:
                    part = self.captions.part(link.cable, uses) if uses else None
                    if part:
                        width = text_width(part.text, TINY) + SPACE
                        lead[order[item]] = max(lead[order[item]], width)
        nodes = [self._node([f.items[i] for f in frames], lead[i], trail[i]) for i in range(size)]
        index = {item: i for i, item in enumerate(frames[0].items)}
        nets = [
            Net(
                tuple((index[item], port) for item, port in link.sources),
                tuple((index[item], port) for item, port, _ in link.targets),
            )
            for link in frames[0].links
        ]
        return Graph(tuple(nodes), tuple(nets))

    def _trail(self, link: Link) -> float:
        """Room for the labels at the start of a wire, or for a stub where nobody listens."""
        width = 0.0
        if speaks(link):
            rows = self.captions.above(link.cable), self.captions.below(link.cable)
            width = max(row_width(row) for row in rows)
        return max(width + SPACE + 2 if width else 0.0, 0.0 if link.targets else 16.0)

    def _node(self, items: list[Item], lead: float, trail: float) -> Node:
        item = items[0]
        if item.inside is not None:
            return self._open_node(item.inside, lead, trail)
        if item.kind in WAYS:
            up, down = (self.up, self.down + 1) if len(item.wires) > 1 else (0.0, 0.0)
            return Node(0.0, 0.0, (0.0,), (0.0,), WAYS[item.kind], lead, trail, up, down)
        if item.kind == GATE:
            return self._gate_node(item, max(map(self._gate_width, items)), lead, trail)
        if item.kind == CLOSED:
            return self._closed_node(item, max(map(self._closed_width, items)), lead, trail)
        width = max(text_width(self.captions.tag(i), TEXT) for i in items) + SPACE
        height = self.up + self.down
        if item.kind == END:
            return Node(width, height, (self.up,), (), plan.EXIT, lead, trail)
        return Node(width, height, (), (self.up,), plan.LEAF, lead, trail)

    def _open_node(self, inside: Frame, lead: float, trail: float) -> Node:
        layout = self.kind_of[inside].layout
        heights = list(zip(inside.items, layout.y, strict=True))
        return Node(
            layout.width,
            HEADER + layout.height + EDGE,
            tuple(HEADER + y for item, y in heights if item.kind == ENTRY),
            tuple(HEADER + y for item, y in heights if item.kind == EXIT),
            lead=lead,
            trail=trail,
        )

    def _gate_width(self, item: Item) -> float:
        gate = self.captions.rows[item.wires[0]].gate
        assert gate is not None
        symbol = self.captions.symbol(gate)
        under = text_width(self.captions.under(item.wires[0]), TINY) + 12
        return max(42.0, text_width(symbol, symbol_size(symbol)) + 18, under)

    def _gate_node(self, item: Item, width: float, lead: float, trail: float) -> Node:
        """The ports of a gate are as far apart as two leaves, so that these run straight in."""
        wire = item.wires[0]
        ins = len(self.captions.rows[wire].inputs)
        pitch = self.pitch if ins <= 4 else max(15.0, self.pitch / 2)
        tall = self.captions.under(wire) or self.captions.gauges.switched(wire) is not None
        height = max(46.0 if tall else 34.0, 24.0 + pitch * (ins - 1))
        above, below = max(0.0, self.up - height / 2), max(0.0, self.down - height / 2)
        into = spread(ins, pitch, height)
        return Node(width, height, into, (height / 2,), plan.BOX, lead, trail, above, below)

    def _closed_width(self, item: Item) -> float:
        group = item.group
        assert group is not None
        asleep = self.captions.gauges.off(group) == (1, 1)
        name = f"{group.name} off" if asleep else group.name
        count = text_width(self.captions.group(group), TINY)
        return max(54.0, text_width(name, TEXT) + 10, count + 10)

    def _closed_node(self, item: Item, width: float, lead: float, trail: float) -> Node:
        ins, outs = item.ports
        pitch = 15.0 if lead else 8.0
        least = 47.0 if self.metered else 36.0
        height = max(least, 14.0 + pitch * (ins - 1), 20.0 + self.pitch * (outs - 1))
        into, out = spread(ins, pitch, height), spread(outs, self.pitch, height)
        above = max([self.up - y for y in out[:1]], default=0.0)
        below = max([self.down + y - height for y in out[-1:]], default=0.0)
        if lead:
            below = max(below, *(UP + y - height for y in into[-1:]))
        above, below = max(above, 0.0), max(below, 0.0)
        return Node(width, height, into, out, plan.BOX, lead, trail, above, below)


def speaks(link: Link) -> bool:
    """Whether labels stand at this start of a wire. The tag of a constant or of many inputs says it all."""
    kind, bus = link.sources[0][0].kind, len(link.cable.wires) > 1
    return link.labelled and kind != CONSTANT and not (bus and kind == LEAF)


def spread(count: int, pitch: float, height: float) -> tuple[float, ...]:
    """Heights of `count` ports around the middle.

    >>> spread(2, 36.0, 60.0)
    (12.0, 48.0)
    """
    return tuple(height / 2 + (i - (count - 1) / 2) * pitch for i in range(count))


def symbol_size(symbol: str) -> float:
    """Operators are written large, names small."""
    return LARGE if len(symbol) <= 2 else TEXT


def size_of(text: Text) -> float:
    """The font size of a piece of a label."""
    return SMALL if text.ink == FAINT else TEXT


def row_width(texts: list[Text]) -> float:
    """The width of a label's pieces beside each other."""
    return sum(text_width(t.text, size_of(t)) for t in texts) + SPACE * max(len(texts) - 1, 0)
