"""The grades of a class on one page: a row a pupil, and below it a row a wire."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.lens.mark import RIGHT, Mark
from pullback.lens.snapshot import short
from pullback.lens.submissions import UNREAD, Submission, points
from pullback.show.chart_style import inks
from pullback.show.escape import clean
from pullback.show.page import page


def grades(done: Sequence[Submission], title: str) -> str:
    """The page. title: what was differentiated. Every name and text on it is somebody else's, and cleaned."""
    head = f"<h1>Grades</h1>\n<p><code>{clean(title)}</code></p>\n"
    passed = sum(one.grade.passed for one in done)
    rows = "".join(
        f'<tr><th scope="row"><a href="#s{i}">{clean(one.name)}</a></th><td>{points(one)}</td>'
        f"<td>{clean(one.grade.mistake)}</td></tr>"
        for i, one in enumerate(done)
    )
    table = (
        '<table><tr><th scope="col">submission</th><th scope="col">points</th>'
        f'<th scope="col">first mistake</th></tr>{rows}</table>'
    )
    told = f"<p>{passed} of {len(done)} submissions are all right.</p>\n"
    return page("Grades", STYLE, head + told + table + "".join(map(_one, range(len(done)), done)))


def _one(at: int, one: Submission) -> str:
    """One pupil, wire by wire."""
    error = f"<pre>{clean(one.grade.error)}</pre>" if one.grade.error else ""
    rows = "".join(_row(mark, bool(one.grade.error)) for mark in one.grade.marks)
    return (
        f'<section id="s{at}"><h2>{clean(one.name)}: {points(one)}</h2>{error}<div class="wide"><table>'
        '<tr><th scope="col">variable</th><th scope="col">verdict</th><th scope="col">given</th>'
        f'<th scope="col">right</th><th scope="col">mistake</th></tr>{rows}</table></div></section>'
    )


def _row(mark: Mark, unread: bool) -> str:
    verdict = UNREAD if unread else mark.verdict
    kind = "yes" if verdict == RIGHT else "no"
    given, right = ("" if v is None else short(v, 6) for v in (mark.given, mark.expected))
    cells = "".join(f"<td>{clean(text)}</td>" for text in (given, right, mark.said))
    return (
        f'<tr><th scope="row">{clean(mark.name)}</th><td class="{kind}">{verdict}</td>{cells}</tr>'
    )


STYLE = (
    inks(":root")
    + """body{background:var(--paper);color:var(--ink);font:16px/1.5 Helvetica,Arial,sans-serif;margin:0}
main{max-width:980px;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .25rem;overflow-wrap:anywhere}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}.wide{overflow-x:auto}
th,td{padding:.2rem .6rem;text-align:left;border-bottom:1px solid var(--grid);font-weight:400;
max-width:32rem;overflow-wrap:anywhere;vertical-align:top}
th,.yes{color:var(--faint)}th a{color:var(--value)}.no{color:var(--pull)}
code,pre{white-space:pre-wrap;overflow-wrap:anywhere}
@media print{body{background:#fff;color:#000}section{break-inside:avoid}}
"""
)
