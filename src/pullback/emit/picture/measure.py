"""How large everything is: each kind of frame as boxes and nets, laid out once for all built alike."""

from __future__ import annotations

from dataclasses import dataclass

from pullback.emit.layout import graph as plan
from pullback.emit.layout.frame import lay_out
from pullback.emit.layout.graph import Graph, Layout, Net, Node
from pullback.emit.layout.labels import text_width
from pullback.emit.picture.captions import Captions
from pullback.emit.picture.direction import Direction, Room
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
from pullback.emit.picture.sizes import EDGE, HEADER, SPACE, TEXT, TINY, row_width, symbol_size

WAYS = {ENTRY: plan.ENTRY, EXIT: plan.EXIT, JOIN: plan.BOX}


@dataclass
class Kind:
    """Frames that are built alike, and their one layout: along and across, and as x and y."""

    frames: list[Frame]
    graph: Graph
    layout: Layout
    placed: Layout


class Measure:
    """Sizes of boxes and labels under one look."""

    def __init__(self, captions: Captions, direction: Direction) -> None:
        self.captions, self.look, self.direction = captions, captions.look, direction
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
            kind = Kind(alike, graph, layout, self.direction.placed(layout))
            self.kind_of.update(dict.fromkeys(alike, kind))

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
        rooms = [Room()] * size
        for frame in frames:
            order = {item: i for i, item in enumerate(frame.items)}
            for link in frame.links:
                source = order[link.sources[0][0]]
                rooms[source] = rooms[source].joined(self._start(link))
                for item, _, uses in link.targets:
                    part = self.captions.part(link.cable, uses) if uses else None
                    if part:
                        at = order[item]
                        rooms[at] = rooms[at].joined(Room(part=text_width(part.text, TINY)))
        nodes = [self._node([f.items[i] for f in frames], room) for i, room in enumerate(rooms)]
        index = {item: i for i, item in enumerate(frames[0].items)}
        nets = [
            Net(
                tuple((index[item], port) for item, port in link.sources),
                tuple((index[item], port) for item, port, _ in link.targets),
            )
            for link in frames[0].links
        ]
        return Graph(tuple(nodes), tuple(nets))

    def _start(self, link: Link) -> Room:
        """Room for the labels at the start of a wire, or for a stub where nothing takes it."""
        label = 0.0
        if speaks(link):
            rows = self.captions.above(link.cable), self.captions.below(link.cable)
            label = max(row_width(row) for row in rows)
        return Room(label=label, stub=not link.targets)

    def _node(self, items: list[Item], room: Room) -> Node:
        item = items[0]
        if item.inside is not None:
            return self._open_node(item.inside, room)
        if item.kind in WAYS:
            return self.direction.way(WAYS[item.kind], len(item.wires) > 1, room)
        if item.kind == GATE:
            return self._gate_node(item, max(map(self._gate_width, items)), room)
        if item.kind == CLOSED:
            width = max(map(self._closed_width, items))
            return self.direction.closed(width, 47.0 if self.metered else 36.0, item.ports, room)
        width = max(text_width(self.captions.tag(i), TEXT) for i in items) + SPACE
        return self.direction.tag(width, room, plan.EXIT if item.kind == END else plan.LEAF)

    def _open_node(self, inside: Frame, room: Room) -> Node:
        layout = self.kind_of[inside].layout
        across = list(zip(inside.items, layout.y, strict=True))
        into = tuple(HEADER + y for item, y in across if item.kind == ENTRY)
        out = tuple(HEADER + y for item, y in across if item.kind == EXIT)
        return self.direction.opened(layout.width, HEADER + layout.height + EDGE, (into, out), room)

    def _gate_width(self, item: Item) -> float:
        gate = self.captions.rows[item.wires[0]].gate
        assert gate is not None
        symbol = self.captions.symbol(gate)
        under = text_width(self.captions.under(item.wires[0]), TINY) + 12
        return max(42.0, text_width(symbol, symbol_size(symbol)) + 18, under)

    def _gate_node(self, item: Item, width: float, room: Room) -> Node:
        wire = item.wires[0]
        inputs, under = len(self.captions.rows[wire].inputs), bool(self.captions.under(wire))
        switch = self.captions.gauges.switched(wire) is not None
        return self.direction.gate(width, inputs, under, switch, room)

    def _closed_width(self, item: Item) -> float:
        group = item.group
        assert group is not None
        asleep = self.captions.gauges.off(group) == (1, 1)
        name = f"{group.name} off" if asleep else group.name
        count = text_width(self.captions.group(group), TINY)
        return max(54.0, text_width(name, TEXT) + 10, count + 10)


def speaks(link: Link) -> bool:
    """Whether labels stand at this start of a wire. The tag of a constant or of many inputs says it all."""
    kind, bus = link.sources[0][0].kind, len(link.cable.wires) > 1
    return link.labelled and kind != CONSTANT and not (bus and kind == LEAF)
