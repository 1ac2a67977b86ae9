"""One HTML page that is complete in itself: no script, link or font from elsewhere; its policy says so."""

from __future__ import annotations

import base64
import hashlib
import re

from pullback.show.escape import clean


def page(title: str, style: str, body: str) -> str:
    """The page. Its policy lets in nothing but its own style sheets, which it names by their hashes."""
    # A circuit's picture brings a style sheet of its own.
    styles = [style, *re.findall(r"<style>(.*?)</style>", body, re.DOTALL)]
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in dict.fromkeys(styles))
    policy = f"default-src 'none'; style-src {hashes}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{clean(title)}</title>\n<style>{style}</style></head>\n"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
