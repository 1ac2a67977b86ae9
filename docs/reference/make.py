"""Write the reference: every public function, class, command and error, from what they say of themselves.

python docs/reference/make.py writes the pages; with --check it fails when they are out of date.
"""

import ast
import builtins
import doctest
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pullback
import pullback.gates  # fills the registry
from pullback import errors, nn, train
from pullback.cli.app import COMMANDS, command
from pullback.cli.manual import manual_page

HERE = Path(__file__).parent
PAGES = {
    "functions.md": "Functions and classes of `import pullback as pb`",
    "circuits.md": "Methods of a circuit",
    "layers.md": "Layers, losses and initial weights: `pullback.nn`",
    "training.md": "Optimizers and plans: `pullback.train`",
    "commands.md": "Commands",
    "errors.md": "Errors",
}


def pages() -> dict[str, str]:
    """Every page by file name."""
    names = sorted(pullback._HOME_OF)
    made = {
        "functions.md": [entry(f"pb.{n}", getattr(pullback, n)) for n in names],
        "circuits.md": list(methods()),
        "layers.md": [entry(n, getattr(nn, n)) for n in sorted(nn.__all__)],
        "training.md": [entry(n, getattr(train, n)) for n in sorted(train.__all__)],
        "commands.md": [
            f"## {name}\n\n```text\n{manual_page(name, command(name))}\n```\n" for name in COMMANDS
        ],
        "errors.md": [f"```text\n{inspect.getdoc(errors)}\n```\n"],
    }
    assert made.keys() == PAGES.keys()
    written = {n: f"# {PAGES[n]}\n\n" + "\n".join(parts) for n, parts in made.items()}
    listed = "\n".join(f"- [{title}]({name})" for name, title in PAGES.items())
    gates = "- [Gates](../gallery/index.md), each with its formula, curve, pull and limits"
    return written | {"index.md": f"# Reference\n\n{listed}\n{gates}\n"}


def methods() -> Iterator[str]:
    """The friendly methods of a circuit function."""
    made = pullback.CircuitFunction
    yield described(made) + "\n"
    for name, method in vars(made).items():
        if not name.startswith("_") and inspect.isfunction(method) and method.__doc__:
            yield entry(f"f.{name}", method)


def entry(name: str, thing: Any) -> str:
    """A heading with the signature, the docstring, and its examples as code that can be copied."""
    return f"## {name}\n\n```text\n{signature(name, thing)}\n```\n\n{described(thing)}\n"


def signature(name: str, thing: Any) -> str:
    """The call as a person would write it, on lines that fit a page."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return name
    words, starred = [], False
    for p in found.parameters.values():
        if p.name in ("self", "cls"):
            continue
        if p.kind is p.KEYWORD_ONLY and not starred:
            words.append("*")
        starred = starred or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        bare = str(p.replace(annotation=p.empty))
        words.append(f"{p.name}={p.default.__name__}" if inspect.isfunction(p.default) else bare)
    line = f"{name}({', '.join(words)})"
    return line if len(line) <= 88 else f"{name}(\n    " + ",\n    ".join(words) + ",\n)"


def described(thing: Any) -> str:
    """The docstring; text indented in it stays as it is set, examples become blocks."""
    doc = inspect.getdoc(thing) or ""
    words, prompt, examples = doc.partition(">>> ")
    parts = [words.strip()]
    if prompt and "@gate" in examples:  # a gate may be declared once in a process
        parts.append(f"```text\n{prompt}{examples}\n```")
    elif prompt:
        parts += blocks(prompt + examples, sys.modules[thing.__module__])
    return "\n\n".join(parts)


def blocks(examples: str, module: Any) -> Iterator[str]:
    """Code, then what it prints. Names of the module that it uses are imported first."""
    found = doctest.DocTestParser().get_examples(examples)
    source = "".join(one.source for one in found)
    code = [*imports(source, module)]
    for one in found:
        code.append(one.source)
        if one.want:
            yield f"```python\n{''.join(code)}```"
            yield f"```output\n{one.want.replace('<BLANKLINE>', '')}```"
            code = []
    if code:
        yield f"```python\n{''.join(code)}```"


def imports(source: str, module: Any) -> list[str]:
    """One line for each name that comes from elsewhere."""
    tree = ast.walk(ast.parse(source))
    used = {node.id for node in tree if isinstance(node, ast.Name)}
    foreign = [n for n in sorted(used) if hasattr(module, n) and not hasattr(builtins, n)]
    return [_import(name, getattr(module, name), module) for name in foreign]


def _import(name: str, thing: Any, module: Any) -> str:
    if inspect.ismodule(thing):
        return f"import {thing.__name__} as {name}\n".replace(f" as {thing.__name__}\n", "\n")
    if getattr(pullback, name, None) is thing:
        return f"from pullback import {name}\n"
    home = getattr(thing, "__module__", None) or module.__name__
    return f"from {home} import {name}\n"


def main() -> int:
    wanted = pages()
    old = [name for name, text in wanted.items() if _read(HERE / name) != text]
    if "--check" in sys.argv:
        for name in old:
            print(f"out of date: docs/reference/{name}; run python docs/reference/make.py")
        return 1 if old else 0
    for name in old:
        (HERE / name).write_text(wanted[name], encoding="utf-8")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
