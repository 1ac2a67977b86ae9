"""Worksheets to print: a circuit a pupil with blanks for values and pulls, and the solutions at the end."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pullback.core.speech import number
from pullback.emit.picture.drawing import FAINT, Box, Drawing, Label, Wire
from pullback.emit.picture.look import Look, Numbers
from pullback.emit.picture.stamp import picture
from pullback.emit.svg import svg
from pullback.errors import OptionError
from pullback.lens.draw import numbers_of
from pullback.lens.exercise import OUTPUT, Exercise, exercise
from pullback.lens.snapshot import Snapshot, WireView
from pullback.show.escape import clean
from pullback.show.page import page
from pullback.show.sections import INLINE

MOST = 500  # sheets in one file
BLANK = "____"
LOOK = Look(theme="print", contributions=False)


@dataclass(frozen=True)
class Sheet:
    """One pupil's sheet. name: the pupil's, "" where it is to be written in."""

    name: str
    number: int
    exercise: Exercise


def sheets(names: Sequence[str], seed: int, level: str) -> list[Sheet]:
    """A sheet a name, each with a circuit of its own. The same seed gives the same circuits.

    >>> [s.exercise.text for s in sheets(["anna"], 7, "easy")] == [exercise(7).text]
    True
    """
    if not 1 <= len(names) <= MOST:
        raise OptionError(f"the number of sheets must be from 1 to {MOST}, got {len(names)}.")
    return [Sheet(name, i + 1, exercise(seed, i, level)) for i, name in enumerate(names)]


def worksheet(made: Sequence[Sheet], seed: int, level: str) -> str:
    """The page: a sheet of paper a pupil, then the solutions on sheets of their own."""
    parts = [*(_task(s, seed, level) for s in made), *(_solution(s, seed, level) for s in made)]
    return page("Worksheets", STYLE, "\n".join(parts))


def _task(sheet: Sheet, seed: int, level: str) -> str:
    run = sheet.exercise.run()
    rows = "".join(_row(w.name, _given(w.name, run), _given_pull(w.name)) for w in _rows(run))
    return (
        f"{_head(sheet, seed, level, 'Worksheet')}\n"
        f"<pre>{clean(sheet.exercise.text)}</pre>\n"
        "<p>Forward, from left to right: write the value of each wire above it. Backward, from right to "
        f"left: write the pull (the gradient of {OUTPUT}) on each wire below it. The pull on {OUTPUT} is 1. "
        "The pulls of all branches of a wire add up.</p>\n"
        f'<div class="picture">{_drawn(_blanked(run))}</div>\n'
        '<div class="pair"><table><tr><th>wire</th><th>value</th><th>pull</th></tr>'
        f"{rows}</table>\n"
        '<p class="room">Write the pull on each wire as a formula. '
        f"d{OUTPUT}&nbsp;=&nbsp;1 is given.</p></div></section>"
    )


def _solution(sheet: Sheet, seed: int, level: str) -> str:
    run = sheet.exercise.run()
    rows = "".join(_row(w.name, number(w.value), _pull(w.grad)) for w in _rows(run))
    drawing = picture(run.circuit, numbers_of(run), replace(LOOK, contributions=True), OUTPUT)
    return (
        f"{_head(sheet, seed, level, 'Solution')}\n<pre>{clean(sheet.exercise.text)}</pre>\n"
        f'<div class="picture">{_drawn(drawing)}</div>\n'
        f"<table><tr><th>wire</th><th>value</th><th>pull</th></tr>{rows}</table>\n"
        "<p>To grade formulas that were handed in as a file:</p>\n"
        f"<pre>{clean(command(sheet.exercise))}</pre></section>"
    )


def _row(name: str, value: str, pull: str) -> str:
    return f"<tr><th>{clean(name)}</th><td>{value}</td><td>{pull}</td></tr>"


def _rows(run: Snapshot) -> list[WireView]:
    """The wires as a table has them: inputs by name, then the others in running order."""
    return sorted(run, key=lambda w: (w.gate != "input", w.name if w.gate == "input" else "", w.id))


def command(done: Exercise) -> str:
    """The command that grades a work on this circuit."""
    text = shlex.quote(done.text.replace("\n", "; "))
    values = " ".join(f"{name}={number(value)}" for name, value in done.values.items())
    return f"pullback mark {text} FILE {values}"


def _head(sheet: Sheet, seed: int, level: str, title: str) -> str:
    name = clean(sheet.name) or '<span class="line"></span>'
    return (
        f'<section class="sheet {title.lower()}"><header><h1>{title} {sheet.number}</h1>'
        f'<p class="name">Name: {name}</p><p class="small">{level}, seed {seed}</p></header>'
    )


def _given(name: str, run: Snapshot) -> str:
    return number(run[name].value) if run.circuit.is_input(run[name].id) else ""


def _given_pull(name: str) -> str:
    return "1" if name == OUTPUT else ""


def _pull(value: object) -> str:
    return "0" if value is None else number(value)


# Pictures


def _drawn(drawing: Drawing) -> str:
    # The numbers of a font are an extra that the page's policy would not let in.
    return svg(drawing, LOOK.theme).replace(INLINE, "")


def _blanked(run: Snapshot) -> Drawing:
    """The picture with blanks: nothing in it, not even its description, tells a number that is asked for."""
    circuit, pulls = run.circuit, run.view.back.pulls
    ends = set(circuit.outputs)
    given = [
        run.values[w] if circuit.is_input(w) or circuit.is_constant(w) else math.nan
        for w in range(len(circuit))
    ]
    pulled = [1.0 if w in ends else None if pulls[w] < 0 else math.nan for w in range(len(circuit))]
    drawing = picture(circuit, Numbers(given, pulled), LOOK, OUTPUT)
    return replace(
        drawing,
        sentences=[
            f"the wires {', '.join(w.name for w in run if w.name)}, with blanks for values and pulls"
        ],
        boxes=[_quiet_box(b) for b in drawing.boxes],
        wires=[_quiet_wire(w, circuit.names) for w in drawing.wires],
    )


def _quiet_wire(wire: Wire, names: Sequence[str]) -> Wire:
    title = ", ".join(names[w] for w in wire.wires)
    return replace(wire, labels=tuple(map(_blank, wire.labels)), title=title)


def _quiet_box(box: Box) -> Box:
    title = "" if "NaN" in box.title else box.title
    return replace(box, labels=tuple(map(_blank, box.labels)), title=title)


def _blank(label: Label) -> Label:
    """A label as it is, or a blank where it would tell what is asked for."""
    return replace(label, text=BLANK, ink=FAINT, odd=False) if label.odd else label


STYLE = """body{background:#fff;color:#000;font:16px/1.45 Helvetica,Arial,sans-serif;margin:0}
main{max-width:760px;margin:0 auto;padding:0 1rem}
.sheet{break-after:page;padding:1.5rem 0;border-bottom:1px dashed #94a3b8}
.sheet:last-child{break-after:auto;border:0}
header{display:flex;align-items:baseline;gap:1.5rem}
h1{font-size:1.4rem;margin:0}.name{flex:1;margin:0;overflow-wrap:anywhere}
.small{color:#475569;font-size:.85rem;margin:0}
.line{display:inline-block;width:14rem;border-bottom:1px solid #000}
p{margin:.5rem 0}pre{font-size:1rem;margin:.75rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
.picture{margin:1rem 0;text-align:center}.picture svg{width:100%;max-height:330px;height:auto}
.pair{display:flex;gap:2rem}.room{flex:1;border-left:1px solid #94a3b8;padding-left:1rem}
table{border-collapse:collapse}th,td{border:1px solid #475569;padding:.35rem .6rem;min-width:5.5rem;
text-align:right}th{font-weight:400;text-align:left;min-width:3rem}
@page{size:A4;margin:16mm}
@media print{main{max-width:none;padding:0}.sheet{padding:0;border:0}}
"""
