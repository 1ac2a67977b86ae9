"""How wide a text will be, without a browser: by the widest of the usual sans-serif fonts."""

from __future__ import annotations

from math import fsum

_CLASSES = {
    0.3: "'Iijl", 0.35: " ,./:;\\|·", 0.4: "()-[]ft", 0.45: "!r", 0.5: '"*J`', 0.55: "csz",
    0.6: "?L_kvxy", 0.65: "$0123456789FTabdeghnopqu{}", 0.7: "ABEKPSVXYZ", 0.75: "CNRU",
    0.8: "&DGHOQ", 0.85: "#+<=>^w~−×÷", 0.9: "M", 0.95: "%", 1.0: "Wm…", 1.05: "@",
}  # fmt: skip
_WIDTHS = {character: width for width, some in _CLASSES.items() for character in some}
UNKNOWN = 1.05


def text_width(text: str, size: float) -> float:
    """An upper bound of the width in pixels. Digits are all alike, so a number does not jump when it changes.

    >>> text_width("−12", 10.0)
    21.5
    """
    return (
        fsum(_WIDTHS.get(c, UNKNOWN) for c in text) * size
    )  # sum adds up otherwise since Python 3.12
