"""What is made when it is first asked for is made once, and is right, though eight threads ask at once."""

import ast
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import pullback
import pullback as pb

HOME = Path(pullback.__file__).parent
SCRIPT = Path(__file__).with_name("first_by_threads.py")
CACHES = ("lru_cache", "cache")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_whatever_eight_threads_ask_for_first_is_made_once_and_right():
    command = [sys.executable, "-W", "ignore", str(SCRIPT)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    *wrong, last = ended.stdout.splitlines() or [""]
    assert (wrong, ended.stderr) == ([], "")
    assert int(last.split()[2]) >= 40


def test_threads_that_make_units_of_both_kinds_never_turn_the_clock_back():
    """A Unit that is older than what it was made of would be pulled before it."""
    found, start = {0: [pb.Unit(1.0).order]}, threading.Barrier(2)  # the native type is made

    def work(number):
        start.wait()
        found[number] = [pb.Unit(x).order for _ in range(50) for x in (1.0, [1.0])]

    def profile(frame, *_):  # others come in wherever a place in the order is taken
        if frame.f_code.co_filename.endswith("unit_type.py"):
            time.sleep(0.0005)

    threading.setprofile(profile)
    threads = [threading.Thread(target=work, args=(n,)) for n in (1, 2)]
    [thread.start() for thread in threads]
    threading.setprofile(None)
    [thread.join() for thread in threads]
    orders = [order for made in found.values() for order in made]
    assert (len(set(orders)), len(orders)) == (201, 201)
    assert all(made == sorted(made) for made in found.values())


def unlocked(path):
    """Functions without parameters that are cached, but not by `once`, and globals set outside a `with`."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.args.args:
            marks = [ast.unparse(mark).partition("(")[0] for mark in node.decorator_list]
            yield from (f"{path.name}: {node.name}" for mark in marks if mark in CACHES)
        if isinstance(node, ast.FunctionDef) and any(isinstance(s, ast.Global) for s in node.body):
            locked = any(isinstance(statement, ast.With) for statement in node.body)
            if not locked and "fork" not in (ast.get_docstring(node) or ""):
                yield f"{path.name}: {node.name} sets a global"


def test_nothing_is_made_lazily_without_the_lock():
    files = [path for path in HOME.rglob("*.py") if "bench" not in path.parts]
    found = [one for path in files for one in unlocked(path)]
    assert found == ["digits.py: digits"]  # read-only arrays: who gets a second copy loses nothing


def test_a_lazily_made_thing_without_the_lock_is_found(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("@cache\ndef made():\n    return 1\n\ndef put():\n    global x\n    x = 1\n")
    assert list(unlocked(path)) == ["wrong.py: made", "wrong.py: put sets a global"]
