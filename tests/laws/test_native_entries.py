"""Whatever a native method is given, it answers or refuses: no crash, no SystemError, nothing kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("native_entries.py")

pytest.importorskip("llvmlite")
needs_proc = pytest.mark.skipif(not hasattr(os, "pwrite"), reason="no pwrite here")


@needs_proc
@pytest.mark.parametrize("malloc", ["debug", "pymalloc"])
def test_every_native_entry_point_answers_or_refuses(malloc, tmp_path):
    log = tmp_path / "last"
    environment = os.environ | {"PYTHONMALLOC": malloc, "ENTRY_LOG": str(log)}
    command = [sys.executable, "-X", "dev", "-W", "ignore", str(SCRIPT), "3000", "0"]
    if malloc == "pymalloc":
        command.remove("-X"), command.remove("dev")
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, (ended.stderr[-2000:], log.read_text())
    *wrong, last = ended.stdout.splitlines()
    assert wrong == []
    assert int(last.split()[0]) > 300


def test_a_method_that_is_given_too_little_says_so():
    code = """
import pullback as pb
u = pb.Unit(1.0)
for call in (lambda: u._apply(), lambda: u._pull(), lambda: u._dot(), lambda: u.__apply_gate__()):
    try:
        call()
    except TypeError as error:
        print(error)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout.count("wrong number or the wrong kind")) == (0, 4)
