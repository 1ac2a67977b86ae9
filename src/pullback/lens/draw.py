"""`f.draw(x=-2, y=5, z=-4)`: a picture of a circuit and one run of it, for a notebook, a page or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pullback.emit.dot import dot
from pullback.emit.picture.drawing import Drawing
from pullback.emit.picture.look import Look, Numbers
from pullback.emit.picture.stamp import picture
from pullback.emit.svg import clean, svg
from pullback.errors import MissingExtra, OptionError, did_you_mean
from pullback.lens.specialize import Specialization
from pullback.runs.atomic import write_atomic

if TYPE_CHECKING:
    from pullback.lens.snapshot import Snapshot

OPTIONS = tuple(f.name for f in fields(Look))


@dataclass(frozen=True)
class Picture:
    """A finished picture. Shows itself in a notebook; `save` writes it as .svg, .png, .pdf or .dot.

    svg: the file's text. alt: the same in words, for a reader who does not see. note: what is
    folded and how to see more. drawing: boxes, wires and labels as plain data. dot: text for
    Graphviz.
    """

    svg: str
    drawing: Drawing
    source: Callable[[], str] = field(repr=False)

    @property
    def alt(self) -> str:
        return "; ".join([self.drawing.title, *self.drawing.sentences]) + "."

    @property
    def note(self) -> str:
        return self.drawing.note

    @cached_property
    def dot(self) -> str:
        return self.source()

    def save(self, path: str | Path) -> Path:
        """Write the picture as .svg, .png, .pdf or .dot, whole or not at all.

        .png and .pdf need the extra: pip install "pullback[pictures]". theme="auto" is light there.
        """
        path = Path(path)
        form = FORMS.get(path.suffix.lower())
        if form is None:
            raise OptionError(
                f"a picture cannot be saved as {path.suffix or path.name!r}.",
                fix=f"{path.stem}.svg, .png, .pdf or .dot",
            )
        write_atomic(path, form(self))
        return path

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        """The same, in a frame that scrolls when the picture is wider than the page."""
        title = f' title="{clean(self.note)}"' if self.note else ""
        return f'<div style="overflow-x:auto"{title}>{self.svg}</div>'

    def __repr__(self) -> str:
        size = f"{self.drawing.width:.0f} x {self.drawing.height:.0f}"
        return f"<Picture {size}: {self.note or self.alt[:60]}>"


def _converted(form: str, picture: Picture) -> bytes:
    """The picture as .png, at twice its size in pixels, or .pdf."""
    try:
        cairosvg = import_module("cairosvg")
    except (ImportError, OSError) as error:  # OSError: the library cairo itself is not there
        raise MissingExtra(
            f"a picture is saved as .{form} by CairoSVG, which cannot be loaded: {error}.",
            fix='pip install "pullback[pictures]"',
        ) from None
    write, scale = (cairosvg.svg2png, 2.0) if form == "png" else (cairosvg.svg2pdf, 1.0)
    made: bytes = write(bytestring=picture.svg.encode(), scale=scale)
    return made


FORMS: dict[str, Callable[[Picture], bytes]] = {
    ".svg": lambda picture: picture.svg.encode(),
    ".dot": lambda picture: picture.dot.encode(),
    ".gv": lambda picture: picture.dot.encode(),
    ".png": partial(_converted, "png"),
    ".pdf": partial(_converted, "pdf"),
}


def draw(
    view: Specialization,
    snapshot: Snapshot | None = None,
    look: Look | None = None,
    name: str = "f",
) -> Picture:
    """The picture of a traced circuit, with the numbers of `snapshot` if there is one.

    Values stand over their wire in blue, pulls under it in vermilion. A wire that nothing pulls is
    dashed. Beyond 200 boxes scopes are folded, and the picture says how to open more.
    """
    look = look or Look()
    numbers = numbers_of(snapshot) if snapshot is not None else None
    drawing = picture(view.circuit, numbers, look, name)
    source = partial(dot, view.circuit, numbers, look, name)
    return Picture(svg(drawing, look.theme), drawing, source)


def numbers_of(snapshot: Snapshot) -> Numbers:
    """Values, pulls and the contributions of forks, by wire."""
    back, values = snapshot.view.back, snapshot.values
    return Numbers(
        values=[values[w] for w in range(len(snapshot.circuit))],
        pulls=[None if p < 0 else values[p] for p in back.pulls],
        branches={
            wire: [(b.gate, b.position, values[b.pull]) for b in branches]
            for wire, branches in back.branches.items()
            if len(branches) > 1
        },
    )


def look_of(
    named: Mapping[str, Any], inputs: Iterable[str], look: Look | None = None
) -> tuple[Look, dict[str, Any]]:
    """Tell the looks apart from the inputs' values: `x=-2, theme="dark"`.

    An input that is called like an option wins; give the options as look=Look(...) then.
    """
    known = set(inputs)
    options = {k: v for k, v in named.items() if k in OPTIONS and k not in known}
    for name in named.keys() - known - set(OPTIONS):
        near = did_you_mean(name, [*OPTIONS, *sorted(known)])
        raise OptionError(f"draw has no option or input {name[:64]!r}.", why=near)
    values = {k: v for k, v in named.items() if k not in options}
    if look is not None and options:
        raise OptionError(f"{next(iter(options))!r} is given beside look=.", fix="look alone")
    if "open" in options:
        opened = options["open"]
        options["open"] = (opened,) if isinstance(opened, str) else tuple(opened)
    return look or Look(**options), values
