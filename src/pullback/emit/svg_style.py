"""Colours of a picture. A light and a dark ink for each part; position and shape never rely on them."""

from __future__ import annotations

LIGHT = {
    "paper": "#ffffff", "line": "#475569", "still": "#94a3b8", "box": "#ffffff", "edge": "#334155",
    "closed": "#f1f5f9", "frame": "#f8fafc", "border": "#cbd5e1", "symbol": "#0f172a",
    "title": "#0f172a", "name": "#0f172a", "value": "#0b5cad", "pull": "#c2410c", "part": "#c2410c",
    "faint": "#64748b", "tag": "#000000", "on_tag": "#ffffff", "cell": "#e2e8f0", "lever": "#0f172a",
}  # fmt: skip
DARK = {
    "paper": "#0f172a", "line": "#94a3b8", "still": "#64748b", "box": "#1e293b", "edge": "#cbd5e1",
    "closed": "#1e293b", "frame": "#131c31", "border": "#475569", "symbol": "#f8fafc",
    "title": "#f8fafc", "name": "#f8fafc", "value": "#7dbcff", "pull": "#ff9d6b", "part": "#ff9d6b",
    "faint": "#94a3b8", "tag": "#ffffff", "on_tag": "#000000", "cell": "#334155", "lever": "#f8fafc",
}  # fmt: skip
# Ink saves toner and stays apart in grey: values dark, pulls lighter.
PRINT = LIGHT | {"closed": "#ffffff", "frame": "#ffffff", "value": "#0a3d73", "line": "#000000"}
THEMES = {"auto": LIGHT, "light": LIGHT, "dark": DARK, "print": PRINT}

FILLED = {
    "paper", "box", "closed", "frame", "symbol", "title", "name", "value", "pull", "part", "faint",
    "tag", "on_tag", "cell",
}  # fmt: skip
SANS = "Helvetica, Arial, 'Liberation Sans', sans-serif"
SERIF = "Georgia, 'Times New Roman', serif"


def style_sheet(theme: str, scope: str) -> str:
    """The rules that follow the reader's own light or dark; every selector begins with the picture's id.

    Light is in the attributes, so a picture without its style sheet still looks right.
    """
    if theme != "auto":
        return ""
    rules = []
    for name, colour in DARK.items():
        if name in FILLED:
            rules.append(f"{scope} .pb-{name}{{fill:{colour}}}")
        if name in ("line", "still", "edge", "border", "lever"):
            rules.append(f"{scope} .pb-{name}{{stroke:{colour}}}")
    rules.append(f"{scope} .pb-dot{{fill:{DARK['line']}}}")
    return f"@media (prefers-color-scheme: dark){{{''.join(rules)}}}"
