"""`report.html`: everything about one run on one page, without a script, a link or a font from elsewhere."""

from __future__ import annotations

from pullback.show.chart_style import chart_rules, inks
from pullback.show.evidence import Evidence
from pullback.show.page import page
from pullback.show.sections import SECTIONS


def report(evidence: Evidence) -> str:
    """The page, section by section."""
    return page(evidence.title, STYLE, "\n".join(section(evidence) for section in SECTIONS))


STYLE = (
    inks(":root")
    + """:root{--cell:#0b5cad}
@media (prefers-color-scheme:dark){:root{--cell:#3b82c4}}
body{background:var(--paper);color:var(--ink);font:16px/1.5 Helvetica,Arial,sans-serif;margin:0}
main{max-width:980px;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2rem 0 .25rem}h3{font-size:1rem;margin:1rem 0 .25rem}
p{margin:.25rem 0 .75rem;max-width:46rem}section>p,.notes{color:var(--faint)}
.verdict{font-size:1.1rem;border-left:4px solid var(--pull);padding-left:.75rem}
.verdict.yes{border-color:var(--value)}
.notes{padding-left:1.1rem;max-width:46rem}
.pair{display:flex;flex-wrap:wrap;gap:1rem}.wide{overflow-x:auto}
.chart{max-width:100%;height:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .6rem;text-align:left;border-bottom:1px solid var(--grid);font-weight:400;
max-width:22rem;overflow-wrap:break-word}
th{color:var(--faint)}.confusion td,.scores td{text-align:right}
.confusion th.axis{text-align:center;font-style:italic}
svg.pixels{border:1px solid var(--grid);max-width:none}.pixels .cell{fill:var(--ink)}
.right.s1,.right.s2{background:color-mix(in srgb,var(--cell) 15%,transparent)}
.right.s3,.right.s4{background:color-mix(in srgb,var(--cell) 35%,transparent)}
.right.s5{background:color-mix(in srgb,var(--cell) 55%,transparent)}
.wrong.s1,.wrong.s2{background:color-mix(in srgb,var(--pull) 22%,transparent)}
.wrong.s3,.wrong.s4,.wrong.s5{background:color-mix(in srgb,var(--pull) 50%,transparent)}
.wrong.s0{color:var(--faint)}
pre{background:color-mix(in srgb,var(--faint) 12%,transparent);padding:.75rem;overflow-x:auto}
@media print{body{background:#fff;color:#000}section{break-inside:avoid}}
"""
    + chart_rules(".chart")
)
