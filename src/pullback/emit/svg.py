"""A drawing as SVG: one file without links, scripts or fonts, readable by eye and by a screen reader.

Class names begin with pb- and every rule of the style sheet with the picture's own id, so two
pictures in one page leave each other and the page alone.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from html import escape
from math import isnan

from pullback.emit.layout.graph import Point
from pullback.emit.layout.labels import text_width
from pullback.emit.picture.drawing import (
    NAME,
    PART,
    PULL,
    SYMBOL,
    TITLE,
    VALUE,
    Box,
    Branch,
    Drawing,
    FrameBox,
    Label,
    Strip,
    Wire,
)
from pullback.emit.svg_style import SANS, SERIF, THEMES, style_sheet

ROUND = 5.0  # radius of a wire's corners
LONGEST = 400  # characters of one text
_ID = "pb-picture"  # replaced by an id made of the picture's own bytes


def svg(drawing: Drawing, theme: str = "auto") -> str:
    """The drawing as the text of an SVG file. The same drawing gives the same bytes."""
    text = _Writer(drawing, theme).text()
    number = hashlib.sha256(text.encode()).hexdigest()[:10]
    return text.replace(_ID, f"pb-{number}")


def clean(text: str) -> str:
    """Text that cannot leave its place in XML or HTML, nor turn what stands around it.

    Control characters, invisible and direction marks become a visible sign.

    >>> clean('</script>"')
    '&lt;/script&gt;&quot;'
    """
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    if text.isascii() and text.isprintable():
        return escape(text)
    plain = "".join("\ufffd" if unicodedata.category(c)[0] == "C" else c for c in text)
    return escape(plain)


def number(value: float) -> str:
    """A coordinate with at most one decimal.

    >>> number(12.0), number(0.25), number(-0.01)
    ('12', '0.2', '0')
    """
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


class _Writer:
    def __init__(self, drawing: Drawing, theme: str) -> None:
        self.drawing, self.theme, self.ink = drawing, theme, THEMES[theme]
        self.lines: list[str] = []

    def text(self) -> str:
        d = self.drawing
        note = [d.note] if d.note else []
        width = max(d.width, *(text_width(n, 10.0) + 24 for n in note)) if note else d.width
        height = d.height + (18 if note else 0)
        size = f"{number(width)} {number(height)}"
        self.add(
            f'<svg xmlns="http://www.w3.org/2000/svg" id="{_ID}" class="pb-circuit" role="img" '
            f'aria-labelledby="{_ID}-title {_ID}-desc" width="{number(width)}" '
            f'height="{number(height)}" viewBox="0 0 {size}" font-family="{SANS}">'
        )
        self.add(f'<title id="{_ID}-title">{clean(d.title)}</title>')
        self.add(f'<desc id="{_ID}-desc">{_sentences([*d.sentences, *note])}</desc>')
        sheet = style_sheet(self.theme, f"#{_ID}")
        if sheet:
            self.add(f"<style>{sheet}</style>")
        self.add(
            f'<rect class="pb-paper" width="{number(width)}" height="{number(height)}" '
            f'fill="{self.ink["paper"]}"/>'
        )
        self.body()
        for n in note:
            self.label(Label(12, d.height + 6, n, "faint", 10.0))
        self.add("</svg>")
        return "\n".join(self.lines) + "\n"

    def body(self) -> None:
        d = self.drawing
        for frame in d.frames:
            self.frame(frame)
        for wire in d.wires:
            self.wire(wire)
        for box in d.boxes:
            self.box(box)
        for label in d.labels:
            self.label(label)

    def add(self, line: str) -> None:
        self.lines.append(line)

    # Parts

    def frame(self, frame: FrameBox) -> None:
        self.add(f'<g class="pb-group" data-pb-group="{clean(frame.group)}" data-pb-open="1">')
        self.title(frame.title)
        self.rect("pb-frame pb-border", frame, 8, self.ink["frame"], self.ink["border"], 1.0)
        self.labels(frame.labels)
        self.add("</g>")

    def wire(self, wire: Wire) -> None:
        wires = " ".join(map(str, wire.wires))
        self.add(f'<g class="pb-wire{" pb-bus" if wire.bus else ""}" data-pb-wire="{wires}">')
        self.title(wire.title)
        thick = 3.0 if wire.bus else 1.4
        for branch in sorted(wire.branches, key=lambda b: not b.still):  # dashes below full lines
            self.branch(branch, wire.still, thick)
        for x, y in wire.dots:
            self.add(
                f'<circle class="pb-dot" cx="{number(x)}" cy="{number(y)}" '
                f'r="{number(thick + 1.2)}" fill="{self.ink["line"]}"/>'
            )
        self.labels(wire.labels)
        self.add("</g>")

    def branch(self, branch: Branch, still: bool, thick: float) -> None:
        still = still or branch.still
        name = "still" if still else "line"
        dashes = ' stroke-dasharray="4 3"' if still else ""
        to = f' data-pb-to="{branch.gate}:{branch.position}"' if branch.gate >= 0 else ""
        self.add(
            f'<path class="pb-{name}"{to} d="{_rounded(branch.points)}" fill="none" '
            f'stroke="{self.ink[name]}" stroke-width="{number(thick)}"{dashes}/>'
        )

    def box(self, box: Box) -> None:
        group = f' data-pb-group="{clean(box.group)}"' if box.group else ""
        wire = f' data-pb-wire="{box.wire}"' if box.wire >= 0 else ""
        self.add(f'<g class="pb-{box.kind}"{wire}{group}>')
        self.title(box.title)
        if box.kind == "gate":
            self.rect("pb-box pb-edge", box, 7, self.ink["box"], self.ink["edge"], 1.3)
        elif box.kind == "closed":
            self.rect("pb-closed pb-edge", box, 7, self.ink["closed"], self.ink["edge"], 1.3)
        for lever in box.levers:
            self.lever(lever, box.contact)
        for strip in box.strips:
            self.strip(strip)
        self.labels(box.labels)
        self.add("</g>")

    def rect(
        self, name: str, box: Box | FrameBox, round_: float, fill: str, stroke: str, thick: float
    ) -> None:
        self.add(
            f'<rect class="{name}" x="{number(box.x)}" y="{number(box.y)}" '
            f'width="{number(box.width)}" height="{number(box.height)}" rx="{number(round_)}" '
            f'fill="{fill}" stroke="{stroke}" stroke-width="{number(thick)}"/>'
        )

    def lever(self, lever: tuple[Point, Point], contact: Point | None) -> None:
        """The arm of a switch, turning around its first end."""
        (x0, y0), (x1, y1) = lever
        colour = self.ink["lever"]
        self.add(
            f'<path class="pb-lever" data-pb-on="{int(contact is None)}" d="M{number(x0)} {number(y0)}'
            f'L{number(x1)} {number(y1)}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-linecap="round"/>'
        )
        for x, y in ((x0, y0),) if contact is None else ((x0, y0), contact):
            self.add(
                f'<circle class="pb-symbol" cx="{number(x)}" cy="{number(y)}" r="2.2" '
                f'fill="{colour}"/>'
            )

    def strip(self, strip: Strip) -> None:
        """Cells shaded by size, a bad number black."""
        step = strip.width / len(strip.cells)
        high = f'y="{number(strip.y)}" height="{number(strip.height)}"'
        self.add(
            f'<rect class="pb-cell" x="{number(strip.x)}" width="{number(strip.width - 1)}" {high} '
            f'fill="{self.ink["cell"]}"/>'
        )
        for i, cell in enumerate(strip.cells):
            ink, opacity = (
                ("tag", "") if isnan(cell) else (strip.ink, f' fill-opacity="{cell:.2f}"')
            )
            if cell != 0:
                self.add(
                    f'<rect class="pb-{ink}" x="{number(strip.x + i * step)}" '
                    f'width="{number(step - 1)}" {high} fill="{self.ink[ink]}"{opacity}/>'
                )

    def title(self, text: str) -> None:
        if text:
            self.add(f"<title>{clean(text)}</title>")

    def labels(self, labels: Iterable[Label]) -> None:
        for label in labels:
            self.label(label)

    def label(self, label: Label) -> None:
        """Text; a NaN or infinity in a filled tag, so that it cannot be overlooked."""
        name = label.ink
        if label.odd:
            width = text_width(label.text, label.size)
            left = {"start": label.x, "middle": label.x - width / 2, "end": label.x - width}
            self.add(
                f'<rect class="pb-tag" x="{number(left[label.anchor] - 2)}" '
                f'y="{number(label.y - label.size * 0.85)}" width="{number(width + 4)}" '
                f'height="{number(label.size * 1.1)}" rx="2" fill="{self.ink["tag"]}"/>'
            )
        fill = self.ink["on_tag"] if label.odd else self.ink[name]
        anchor = "" if label.anchor == "start" else f' text-anchor="{label.anchor}"'
        which = f"pb-{name} pb-on_tag" if label.odd else f"pb-{name}"
        at = f"{number(label.x)} {number(label.y)}"
        turned = f' transform="rotate(90 {at})"' if label.turned else ""
        self.add(
            f'<text class="{which}" x="{number(label.x)}" y="{number(label.y)}"{anchor}{turned} '
            f'font-size="{number(label.size)}" fill="{fill}"{_font(name)}>{clean(label.text)}</text>'
        )


def _font(ink: str) -> str:
    if ink == NAME:
        return f' font-family="{SERIF}" font-style="italic"'
    if ink in (VALUE, PULL, PART):
        return ' style="font-variant-numeric:tabular-nums"'
    return ' font-weight="600"' if ink == TITLE else "" if ink != SYMBOL else ' font-weight="500"'


def _sentences(sentences: Iterable[str]) -> str:
    """The whole picture in words. Longer than any one text may be, so it is cut at its end only."""
    return "; ".join(clean(s) for s in sentences) + "."


def _rounded(points: tuple[Point, ...]) -> str:
    """A path with round corners."""
    path = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        a, b = _towards(corner, before), _towards(corner, after)
        path.append(
            f"L{number(a[0])} {number(a[1])}"
            f"Q{number(corner[0])} {number(corner[1])} {number(b[0])} {number(b[1])}"
        )
    path.append(f"L{number(points[-1][0])} {number(points[-1][1])}")
    return "".join(path)


def _towards(corner: Point, other: Point) -> Point:
    """The point at most ROUND from `corner` on the way to `other`, never past the middle."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = abs(dx) + abs(dy)
    part = min(ROUND, length / 2) / length if length else 0.0
    return corner[0] + dx * part, corner[1] + dy * part
