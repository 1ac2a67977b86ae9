"""What a plain installation brings along is what the package uses, and the decision about it says so."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAMED = {re.match(r"[\w-]+", line)[0] for line in PROJECT["dependencies"]}
NOTE = (ROOT / "docs/decisions/0001-dependencies.md").read_text(encoding="utf-8")


def test_every_library_that_is_installed_is_imported():
    source = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "src").rglob("*.py"))
    found = re.findall(r'^ *(?:from|import) (\w+)|import_module\("(\w+)', source, re.MULTILINE)
    assert NAMED - {name for pair in found for name in pair} == set()


def test_the_decision_about_dependencies_has_a_row_for_each():
    assert set(re.findall(r"^\| (\w+)(?: >= \d+)? \|", NOTE, re.MULTILINE)) - {"library"} == NAMED
