"""start.py gives its one line of advice on every Python that lacks what it needs."""

import ast
import os
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


def clone(folder):
    """A folder with nothing but start.py and what it reads."""
    shutil.copy(ROOT / "start.py", folder)
    (folder / "pyproject.toml").write_text("")
    return folder


def begun(folder, world):
    """The folder's start.py, running in a world that differs from ours."""
    program = [sys.executable, "-c", RUN.format(world, str(folder / "start.py"))]
    pipe = subprocess.PIPE
    return subprocess.Popen(program, stdout=pipe, stderr=pipe, text=True, cwd=folder)


def start(folder, world):
    """The same in a new clone, and what it said when it had ended."""
    process = begun(clone(folder), world)
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


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


# --- two starts at once ---

# Installing takes half a second here and leaves two lines in a file; the package runs as nothing.
SLOW = """
import os, time
def call(command, **_):
    if "install" in command:
        with open("log", "a", buffering=1) as log:
            log.write("begins\\n")
            time.sleep(0.5)
            log.write("ends\\n")
    return 0
subprocess.call = call
os.makedirs(".venv/bin", exist_ok=True)
open(".venv/bin/python", "a").close()
os.execv = lambda *_: sys.exit(0)
"""


@pytest.mark.skipif(os.name == "nt", reason="the world above has the folders of other systems")
def test_of_two_first_starts_one_installs_and_the_other_waits(tmp_path):
    both = [begun(folder, SLOW) for folder in [clone(tmp_path)] * 2]
    said = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert (tmp_path / "log").read_text() == "begins\nends\n"
    assert sum("pullback: installing into .venv" in err for err in said) == 1


@pytest.mark.skipif(os.name == "nt", reason="the world above has the folders of other systems")
def test_a_start_that_waits_says_so_and_goes_on_when_the_other_is_gone(tmp_path):
    with runpy.run_path(str(clone(tmp_path) / "start.py"))["alone"]():
        waiting = begun(tmp_path, SLOW)
        assert "another start is installing" in waiting.stderr.readline()
        assert not (tmp_path / "log").exists()
    assert waiting.communicate(timeout=60)[1] == "pullback: installing into .venv, once ...\n"
    assert (tmp_path / "log").read_text() == "begins\nends\n"


def test_start_parses_on_the_oldest_python_that_can_be_asked_for():
    ast.parse(START, feature_version=(3, 4))


@pytest.mark.parametrize("word", runpy.run_path(str(ROOT / "start.py"))["WORDS"])
def test_start_tells_of_every_word_it_knows(word):
    assert f"python3 start.py {word} " in ast.get_docstring(ast.parse(START))
