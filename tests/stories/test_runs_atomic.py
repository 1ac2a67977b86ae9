"""Atomic writing: killed, refused or out of space at any step, one whole file is there."""

import os
import signal
import subprocess
import sys
import time

import pytest

from pullback.errors import RunError
from pullback.runs.atomic import write_atomic

posix_only = pytest.mark.skipif(os.name == "nt", reason="SIGKILL and file limits are POSIX")


def run_child(program, *arguments):
    return subprocess.run([sys.executable, "-c", program, *map(str, arguments)], check=False)


def test_the_bytes_arrive(tmp_path):
    write_atomic(tmp_path / "a", b"one")
    write_atomic(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


KILLED = """
import os, signal, sys
from pullback.runs.atomic import write_atomic
setattr(os, sys.argv[2], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
write_atomic(sys.argv[1], b"new" * 1000)
"""


@posix_only
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_process_killed_before_the_rename_leaves_the_old_file(tmp_path, call):
    (tmp_path / "a").write_bytes(b"old")
    assert run_child(KILLED, tmp_path / "a", call).returncode == -signal.SIGKILL
    assert (tmp_path / "a").read_bytes() == b"old"


@posix_only
def test_the_rest_of_a_killed_process_is_in_nobodys_way(tmp_path):
    run_child(KILLED, tmp_path / "a", "replace")
    write_atomic(tmp_path / "a", b"next")
    assert (tmp_path / "a").read_bytes() == b"next"


TOO_BIG = """
import resource, sys
from pullback.errors import RunError
from pullback.runs.atomic import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(sys.argv[1], b"new" * 1000)
except RunError as error:
    sys.exit(3 if "3,000 bytes are needed" in str(error) else 4)
"""


@posix_only
def test_a_disk_that_takes_no_more_is_a_typed_error_and_the_old_file_stays(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    assert run_child(TOO_BIG, tmp_path / "a").returncode == 3
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_input_output_error_at_any_step_leaves_the_old_file_alone(tmp_path, monkeypatch, call):
    def broken(*_):
        raise OSError(5, "Input/output error")

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, call, broken)
    with pytest.raises(RunError, match="Input/output error"):
        write_atomic(tmp_path / "a", b"new")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"old"]


def test_the_order_is_bytes_to_disk_then_name_then_folder_to_disk(tmp_path, monkeypatch):
    steps = []
    for call in ["fsync", "replace"]:
        real = getattr(os, call)
        monkeypatch.setattr(os, call, lambda *a, c=call, r=real: (steps.append(c), r(*a)))
    write_atomic(tmp_path / "a", b"new")
    assert steps == (["fsync", "replace"] if os.name == "nt" else ["fsync", "replace", "fsync"])


@pytest.mark.parametrize("name", ["no/such/folder", "x" * 300])
def test_a_path_that_cannot_be_written_is_a_typed_error(tmp_path, name):
    with pytest.raises(RunError, match="cannot write"):
        write_atomic(tmp_path / name, b"new")


FOR_EVER = """
import itertools, sys
from pullback.runs.atomic import write_atomic
for i in itertools.count():
    write_atomic(sys.argv[1], bytes([i % 256]) * 300_000)
"""


@posix_only
@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_one_whole_file(tmp_path):
    write_atomic(tmp_path / "a", bytes(300_000))
    seen = set()
    for i in range(20):
        child = subprocess.Popen([sys.executable, "-c", FOR_EVER, str(tmp_path / "a")])
        time.sleep(0.2 + 0.013 * i)
        child.kill()
        child.wait()
        data = (tmp_path / "a").read_bytes()
        seen.add((len(data), len(set(data))))
    assert seen == {(300_000, 1)}
