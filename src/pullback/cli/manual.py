"""The manual page of a command: its docstring, with the parameters set as a table."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

WIDTH = 80
# What many commands take; a command's own docstring may say more.
SHARED = {
    "circuit": 'an expression such as "(x+y)*z", file.py:name (which runs that file), or - to read'
    " an expression from standard input",
    "values": "a value for each input, x=-2 y=1e-3; a list x=1,2,3 is an array",
    "json": "print one JSON document; NaN and infinities are strings in it",
}
_WORDS = {float: "NUMBER", int: "COUNT", bool: "", Path: "PATH"}
_ENTRY = re.compile(r"(\w+): +(.*)")


def manual_page(name: str, function: Callable[..., Any]) -> str:
    """The page: first line, usage, text, parameters, examples."""
    doc = inspect.getdoc(function) or ""
    summary, _, rest = doc.partition("\n")
    parameters = inspect.signature(function).parameters
    hints = get_type_hints(function)
    told, text, examples = _sorted(rest, set(parameters))
    rows = [
        (_spelled(p, hints[p.name]), _described(p, {**SHARED, **told}.get(p.name, "")))
        for p in parameters.values()
    ]
    usage = f"  {_usage(name, list(parameters.values()))}"
    parts = [textwrap.fill(summary, WIDTH), usage, *text]
    return "\n\n".join([*parts, _table(rows), *examples]).rstrip()


def described(function: Callable[..., Any]) -> dict[str, str]:
    """What the page says of each parameter, "" where neither the docstring nor `SHARED` knows it."""
    parameters = inspect.signature(function).parameters
    told, _, _ = _sorted(inspect.getdoc(function) or "", set(parameters))
    return {name: {**SHARED, **told}.get(name, "") for name in parameters}


def _sorted(text: str, names: set[str]) -> tuple[dict[str, str], list[str], list[str]]:
    """A docstring's entries `name: what`, its paragraphs, its paragraphs of examples (`$ ...`)."""
    told: dict[str, str] = {}
    paragraphs: list[str] = []
    examples: list[str] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        first = _ENTRY.match(part)
        if first and first[1] in names:
            told.update(_entries(part, names))
        elif part.lstrip().startswith("$ "):
            examples.append(textwrap.indent(textwrap.dedent(part), "  "))
        elif part:
            paragraphs.append(part if part[0] == " " else textwrap.fill(part, WIDTH))
    return told, paragraphs, examples


def _entries(part: str, names: set[str]) -> dict[str, str]:
    """`name: what` by name; a line that starts no entry continues the one above."""
    told: dict[str, str] = {}
    last = ""
    for line in part.splitlines():
        found = _ENTRY.match(line)
        if found and found[1] in names:
            last = found[1]
            told[last] = found[2]
        else:
            told[last] += " " + line.strip()
    return told


def _spelled(parameter: inspect.Parameter, hint: Any) -> str:
    name = parameter.name.replace("_", "-")
    if parameter.kind is not parameter.KEYWORD_ONLY:
        return name.upper()
    return f"--{name} {_word(hint)}".rstrip()


def _word(hint: Any) -> str:
    """What to write behind an option: NUMBER, or the words to choose from."""
    if get_origin(hint) is Literal:
        return "|".join(map(str, get_args(hint)))
    kinds = [k for k in get_args(hint) if k is not NoneType] or [hint]
    return _WORDS.get(kinds[0], "TEXT")


def _described(parameter: inspect.Parameter, text: str) -> str:
    default = parameter.default
    if default is parameter.empty or default is False or default in (None, "", ()):
        return text
    shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
    return f"{text} (default {shown})"


def _usage(name: str, parameters: list[inspect.Parameter]) -> str:
    words = ["pullback", name]
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            words.append("[x=VALUE ...]" if p.name == "values" else f"[{p.name.upper()} ...]")
        elif p.kind is not p.KEYWORD_ONLY:
            word = p.name.upper().replace("_", "-")
            words.append(word if p.default is p.empty else f"[{word}]")
    return " ".join([*words, "[options]"])


def _table(rows: list[tuple[str, str]]) -> str:
    width = min(max(len(left) for left, _ in rows), 26)
    lines = []
    for left, right in rows:
        wrapped = textwrap.wrap(right, WIDTH - width - 4) or [""]
        if len(left) > width:
            lines.append(f"  {left}")
            left = ""
        lines.append(f"  {left:<{width}}  {wrapped[0]}".rstrip())
        lines += [" " * (width + 4) + more for more in wrapped[1:]]
    return "\n".join(lines)
