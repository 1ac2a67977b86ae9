"""How a chart looks. The same rules for a page full of charts and for one picture in another page."""

from __future__ import annotations

from pullback.emit.svg_style import DARK, LIGHT

INKS = {
    "paper": "paper", "ink": "title", "faint": "faint", "grid": "cell", "value": "value",
    "pull": "pull",
}  # fmt: skip
RULES = {
    "text": "font:12px Helvetica,Arial,sans-serif;fill:var(--ink)",
    "text.faint": "fill:var(--faint)",
    "text.value": "fill:var(--value)",
    "text.pull": "fill:var(--pull)",
    ".grid": "stroke:var(--grid)",
    ".dashed": "stroke:var(--faint);stroke-dasharray:4 4",
    ".axis": "stroke:var(--faint)",
    ".curve": "fill:none;stroke-width:2",
    ".curve.value": "stroke:var(--value)",
    ".curve.pull": "stroke:var(--pull);stroke-dasharray:7 3",  # told apart without colour too
    ".curve.still": "stroke:var(--faint);stroke-dasharray:2 3",
    ".dot": "fill:var(--value);fill-opacity:.65",
    ".bar": "fill:var(--value);fill-opacity:.75",
    ".whisker": "stroke:var(--ink);stroke-width:1.5",
}


def inks(scope: str) -> str:
    """The colours as variables, for light and for dark readers."""
    light, dark = (
        "".join(f"--{ink}:{theme[part]};" for ink, part in INKS.items()) for theme in (LIGHT, DARK)
    )
    return (
        f"{scope}{{color-scheme:light dark;{light}}}\n"
        f"@media (prefers-color-scheme:dark){{{scope}{{{dark}}}}}\n"
    )


def chart_rules(scope: str) -> str:
    """The rules for what is inside of `scope`, and for nothing else on the page."""
    return "".join(f"{scope} {part}{{{rule}}}\n" for part, rule in RULES.items())
