"""A circuit as DOT text, for people who like Graphviz: the same folding and captions, its own layout."""

from __future__ import annotations

from pullback.core.circuit import Circuit
from pullback.emit.picture.captions import Captions, Text
from pullback.emit.picture.fold import folded
from pullback.emit.picture.frames import (
    CLOSED,
    CONSTANT,
    ENTRY,
    EXIT,
    GATE,
    JOIN,
    Cable,
    Frame,
    Item,
    Use,
)  # fmt: skip
from pullback.emit.picture.look import Look, Numbers
from pullback.emit.picture.wiring import wired
from pullback.emit.svg import clean
from pullback.emit.svg_style import LIGHT

HEAD = """digraph circuit {
  rankdir=%s; ordering=in;
  node [fontname="Helvetica", fontsize=12];
  edge [fontname="Helvetica", fontsize=10, arrowsize=0.5];"""


def dot(
    circuit: Circuit, numbers: Numbers | None = None, look: Look | None = None, name: str = "f"
) -> str:
    """The circuit as a DOT digraph; opened groups are clusters, arguments keep their order.

    Each edge says the value, and below it what this branch pulls with.
    """
    look = look or Look()
    folding = folded(circuit, look.depth, look.open)
    frames = wired(circuit, folding.root)
    captions = Captions(circuit, numbers, look, name)
    ids = {item: i for i, item in enumerate(i for frame in frames for i in frame.items)}
    lines = [HEAD % ("TB" if look.direction == "down" else "LR")]
    if folding.note:
        lines.append(f'  label="{clean(folding.note)}"; fontname="Helvetica"; fontsize=10;')
    lines += _nodes(frames, captions, ids)
    cables = dict.fromkeys(link.cable for frame in frames for link in frame.links)
    edges = [edge for cable in cables for edge in _edges(cable, captions, ids)]
    lines += [line for _, _, line in sorted(edges)]  # `ordering=in` keeps the order of writing
    return "\n".join([*lines, "}"]) + "\n"


def _nodes(frames: list[Frame], captions: Captions, ids: dict[Item, int]) -> list[str]:
    """Frames nest: each begins where its parent lists it. A stack in the place of recursion."""
    lines: list[str] = []
    stack: list[Item | None] = list(reversed(frames[0].items))
    while stack:
        item = stack.pop()
        if item is None:
            lines.append("  }")
        elif item.inside is not None:
            lines.append(f"  subgraph cluster_{ids[item]} {{")
            lines.append(f'  label="{clean(item.inside.group.name)}"; style=rounded;')
            stack += [None, *reversed(item.inside.items)]
        elif item.kind not in (ENTRY, EXIT, JOIN):
            lines.append(f"  n{ids[item]} [{_node(item, captions)}];")
    return lines


def _node(item: Item, captions: Captions) -> str:
    if item.kind == GATE:
        gate = captions.rows[item.wires[0]].gate
        assert gate is not None
        text = [captions.symbol(gate), captions.under(item.wires[0])]
        return f'label="{_lines(text)}", shape=box, style=rounded'
    if item.kind == CLOSED:
        assert item.group is not None
        text = [item.group.name, captions.group(item.group)]
        filled = f'style="rounded,filled", fillcolor="{LIGHT["closed"]}"'
        return f'label="{_lines(text)}", shape=box, {filled}'
    slanted = "" if item.kind == CONSTANT else ', fontname="Times-Italic"'
    return f'label="{clean(captions.tag(item))}", shape=plain{slanted}'


def _edges(cable: Cable, captions: Captions, ids: dict[Item, int]) -> list[tuple[int, int, str]]:
    """(target, port, line) for each branch of a cable."""
    edges = []
    for source in cable.sources:
        for target, port, uses in cable.targets:
            label = _label(cable, uses, captions) if source.kind != CONSTANT else ""
            says = [f"label=<{label}>"] if label else []
            says += ["penwidth=3"] if len(cable.wires) > 1 else []
            if captions.still(cable) or captions.branch_still(cable, uses):
                says += ["style=dashed", "color=gray"]
            line = f"  n{ids[source]} -> n{ids[target]} [{', '.join(says)}];"
            edges.append((ids[target], port, line))
    return edges


def _label(cable: Cable, uses: list[Use], captions: Captions) -> str:
    part = captions.part(cable, uses)
    above = "&#160;".join(_coloured(t) for t in captions.above(cable))
    below = "".join(_coloured(t) for t in ([part] if part else captions.below(cable)))
    return "<br/>".join(text for text in (above, below) if text)


def _coloured(text: Text) -> str:
    return f'<font color="{LIGHT[text.ink]}">{clean(text.text)}</font>'


def _lines(texts: list[str]) -> str:
    r"""Lines of a quoted label: DOT writes a new line as \n."""
    return "\\n".join(clean(t).replace("\\", "") for t in texts if t)
