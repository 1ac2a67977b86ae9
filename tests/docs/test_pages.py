"""The manual keeps its word: every page is played from top to bottom, as one session.

```python blocks share one namespace on a page and are run statement by statement, as a notebook does;
an ```output block behind one holds what it prints and the values of its expressions. Blocks with `>>>`
are compared as doctests. ```console blocks may hold `$ pullback ...`, `$ python3 start.py ...` (the same
thing) and what these print; `...` stands for anything. Other languages are not run.
"""

import ast
import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PULLBACK = [
    sys.executable,
    "-c",
    "import pullback.cli as cli, sys; sys.argv[0] = 'pullback'; cli.main()",
]

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


@every_page
def test_what_a_page_shows_is_what_happens(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    play(page.read_text(encoding="utf-8"), str(page.relative_to(ROOT)))


@every_page
def test_every_link_within_the_manual_leads_somewhere(page):
    links = LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("folder", ["guide", "examples", "decisions", "reference"])
def test_every_page_of_a_folder_is_listed_on_its_first_page_and_in_the_menu(folder):
    pages = {p.name: p for p in (ROOT / "docs" / folder).glob("*.md")}
    (start,) = {"index.md", "README.md"} & pages.keys()
    first = pages.pop(start).read_text(encoding="utf-8")
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [p for p in pages if f"]({p})" not in first or f"{folder}/{p}" not in menu] == []


LIES = {
    "value": "```python\n>>> 1 + 1\n3\n```\n",
    "error": "```python\n1 / 0\n```\n",
    "no error": "```python\n>>> int('x')\n```\n",
    "second block": "```python\n>>> x = 1\n```\ntext\n```python\n>>> x\n2\n```\n",
    "printed": "```python\nprint(2)\n```\n\n```output\n3\n```\n",
    "expression": "```python\n1 + 1\n```\n```output\n3\n```\n",
    "output": "```console\n$ pullback --help\nnothing\n```\n",
    "failing command": "```console\n$ pullback no-such-command\n```\n",
    "another program": "```console\n$ rm file\n```\n",
}


@pytest.mark.parametrize("page", LIES.values(), ids=LIES)
def test_a_page_that_lies_is_caught(page):
    with pytest.raises((AssertionError, ZeroDivisionError)):
        play(page, "page.md")


def play(markdown, name):
    names = {"__name__": "__page__"}
    fences = list(FENCE.finditer(markdown))
    for found, after in zip(fences, [*fences[1:], None], strict=False):
        where = f"{name}, line {markdown.count(chr(10), 0, found.start()) + 1}"
        if found[1] == "console":
            play_console(found[2], names, where)
        elif found[1] == "python":
            shown = after[2] if after and after[1] == "output" else None
            play_python(found[2], names, where, shown)


def play_python(text, names, where, shown=None):
    if not text.lstrip().startswith(">>>"):  # a prompt inside a docstring is not the page's own
        printed = run_statements(text, names, where)
        fits = shown is None or doctest.OutputChecker().check_output(shown, printed, FLAGS)
        assert fits, f"{where}\nshown:\n{shown}\nprinted:\n{printed}"
        return
    test = doctest.DocTestParser().get_doctest(text, names, where, where, 0)
    said = []
    # The copy that a runner makes of the names would forget them at the end of the block.
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(
        test, out=said.append, clear_globs=False
    )
    names.update(test.globs)
    assert said == [], where + "\n" + "".join(said)


def run_statements(text, names, where):
    """Run a block as a notebook would, and return what it prints; expressions show their value."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for statement in ast.parse(text, where).body:
            module = ast.Interactive([statement])
            exec(compile(module, where, "single"), names)  # noqa: S102 - the manual is ours
    return printed.getvalue()


def play_console(text, names, where):
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        code, printed = run_command(command, where)
        if shown.strip():
            fits = doctest.OutputChecker().check_output(shown, printed, FLAGS)
            assert fits, f"{where}: $ {command}\nshown:\n{shown}\nprinted:\n{printed}"
        else:
            assert code == 0, f"{where}: $ {command}\nanswers {code}:\n{printed}"


def run_command(command, where):
    words = shlex.split(command, comments=True)
    if words[:2] == ["python3", "start.py"]:
        if words[2:3] in (["test"], ["check"], ["docs"], ["outside"]):
            return 0, ""  # This very run is one of them.
        words = ["pullback", *(words[2:] or ["hello"])]
    assert words[0] == "pullback", f"{where}: only pullback is played, not {words[0]!r}"
    plain = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [*PULLBACK, *words[1:]],
        env=os.environ | plain,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.slow
@pytest.mark.skipif(
    "PULLBACK_DATA" not in os.environ, reason="PULLBACK_DATA names no folder of tables"
)
def test_the_page_of_ten_tables_shows_what_the_trainer_says():
    make = [sys.executable, str(ROOT / "docs" / "tables" / "make.py"), "--check"]
    assert subprocess.run(make, check=False).returncode == 0
