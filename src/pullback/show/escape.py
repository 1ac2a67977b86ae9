"""Escapes text from outside for HTML, its writing direction included."""

from __future__ import annotations

import unicodedata
from html import escape

LONGEST = 4_000  # characters of one text


def clean(text: str) -> str:
    """Text that cannot leave its place in HTML or SVG, nor turn what stands around it.

    Control, invisible and direction marks become a visible sign; line ends stay.

    >>> clean('</script>"')
    '&lt;/script&gt;&quot;'
    """
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    plain = "".join(
        "\ufffd" if c != "\n" and unicodedata.category(c)[0] == "C" else c for c in text
    )
    return escape(plain)
