"""start.py gives its one line of advice on every Python that lacks what it needs."""

import ast
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
START = (ROOT / "start.py").read_text(encoding="utf-8")
RUN = """
import runpy, shutil, subprocess, sys
{}
sys.argv = ["start.py", "train", "digits"]
runpy.run_path({!r}, run_name="__main__")
"""


def start(folder, world):
    """Run a copy of start.py in an empty folder, in a world that lacks something."""
    shutil.copy(ROOT / "start.py", folder)
    (folder / "pyproject.toml").write_text("")
    program = RUN.format(world, str(folder / "start.py"))
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


WORLDS = {
    "old, a newer one beside it": (
        "sys.version_info = (3, 9, 2); subprocess.call = lambda c, **_: c[0] != 'python3.12'",
        "  python3.12 start.py train digits",
    ),
    "old, uv beside it": (
        "sys.version_info = (3, 9, 2); subprocess.call = lambda c, **_: c[0] != 'uv'",
        "  uv run --no-project --python 3.13 start.py train digits",
    ),
    "old and alone": (
        "sys.version_info = (3, 9, 2); subprocess.call = lambda c, **_: 1",
        "  pip install uv && uv run --no-project --python 3.13 start.py train digits",
    ),
    "without venv, on Debian": (
        "sys.modules['venv'] = None; shutil.which = lambda name: name",
        f"  sudo apt-get install python3.{sys.version_info.minor}-venv",
    ),
    "without pip, elsewhere": (
        "subprocess.call = lambda c, **_: 1; shutil.which = lambda name: None",
        "  pip install uv",
    ),
}


@pytest.mark.parametrize(("world", "line"), WORLDS.values(), ids=WORLDS)
def test_where_something_is_missing_the_line_to_type_is_printed(tmp_path, world, line):
    done = start(tmp_path, world)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == line


def test_start_parses_on_the_oldest_python_that_can_be_asked_for():
    ast.parse(START, feature_version=(3, 4))


@pytest.mark.parametrize("word", runpy.run_path(str(ROOT / "start.py"))["WORDS"])
def test_start_tells_of_every_word_it_knows(word):
    assert f"python3 start.py {word} " in ast.get_docstring(ast.parse(START))
