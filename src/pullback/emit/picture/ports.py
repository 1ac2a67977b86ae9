"""The order of items and ports in a frame: running order and first use, never names or hashes."""

from __future__ import annotations

from pullback.emit.picture.frames import (
    CLOSED,
    CONSTANT,
    END,
    ENTRY,
    EXIT,
    GATE,
    JOIN,
    LEAF,
    OPEN,
    Frame,
    Item,
    Link,
    Use,
)  # fmt: skip


def put_in_order(frame: Frame) -> None:
    """Number the ports of boxes and sort the items, by running order and first use alone.

    Frames that are built alike then read alike, whatever their wires are called. A frame inside has
    its entries and exits in order already: they are the ports of the box that stands for it.
    """
    members = {item: i for i, item in enumerate(frame.items) if item.kind in (GATE, CLOSED, OPEN)}
    _number_inputs(frame)
    _number_outputs(frame)
    late = len(members)
    first: dict[Item, tuple[int, ...]] = {}
    for link in frame.links:
        source = link.sources[0][0]
        used = min(((members.get(t, late), p) for t, p, _ in link.targets), default=(late, 0))
        first.setdefault(source, used)
        for target, _, _ in link.targets:
            first.setdefault(target, (members.get(source, late), link.sources[0][1]))
    kinds = (GATE, LEAF, CONSTANT, JOIN, ENTRY, EXIT, END)

    def key(item: Item) -> tuple[int, ...]:
        if item in members:
            return (0, members[item])
        at = (item.position,) if item.kind == END else first.get(item, (late, 0))
        return (kinds.index(item.kind), *at)

    frame.items.sort(key=key)
    order = {item: i for i, item in enumerate(frame.items)}
    frame.links.sort(key=lambda k: (order[k.sources[0][0]], k.sources[0][1]))
    frame.entries = [k.cable for k in frame.links if k.sources[0][0].kind == ENTRY]
    leaving = [(order[t], k.cable) for k in frame.links for t, _, _ in k.targets if t.kind == EXIT]
    frame.exits = [cable for _, cable in sorted(leaving, key=lambda pair: pair[0])]


def _number_inputs(frame: Frame) -> None:
    """In-ports of a closed box in the order of first use inside; of an open one, its entries."""
    closed: dict[Item, list[tuple[Use, Link, int]]] = {}
    for link in frame.links:
        for i, (item, _, uses) in enumerate(link.targets):
            if item.kind == CLOSED:
                closed.setdefault(item, []).append((min(uses), link, i))
            elif item.inside is not None:
                port = item.inside.entries.index(link.cable)
                link.targets[i] = (item, port, uses)
                item.ports = len(item.inside.entries), item.ports[1]
    for item, arriving in closed.items():
        item.ports = len(arriving), item.ports[1]
        for port, (_, link, i) in enumerate(sorted(arriving, key=lambda a: a[0])):
            link.targets[i] = (item, port, link.targets[i][2])


def _number_outputs(frame: Frame) -> None:
    """Out-ports in the order of the wires inside."""
    for link in sorted(frame.links, key=lambda k: k.cable.wires):
        for i, (item, _) in enumerate(link.sources):
            ins, outs = item.ports
            if item.inside is not None:
                link.sources[i] = (item, item.inside.exits.index(link.cable))
                item.ports = ins, len(item.inside.exits)
            elif item.kind == CLOSED:
                link.sources[i] = (item, outs)
                item.ports = ins, outs + 1
