"""Completion in a shell: what `pullback --complete` offers, and that the scripts load."""

import shutil
import subprocess

import pytest

from pullback.cli import answer
from pullback.cli.app import COMMANDS
from pullback.cli.completion import SCRIPTS, candidates


@pytest.fixture
def two_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert answer(["train", "penguins", "--hidden", "2", "--epochs", "1"]) == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([""], list(COMMANDS)),
        (["ex"], ["explain"]),
        (["train", ""], ["digits", "penguins"]),
        (["train", "digits", "--le"], ["--leave-out", "--learning-rate"]),
        (["train", "x.csv", "--task", "c"], ["classification"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["show", "(x+"], []),
        (["no-such-command", "a"], []),
        (["predict", "latest", ""], []),
    ],
)
def test_candidates(words, expected):
    assert candidates(words) == expected


def test_runs_are_offered_by_name(two_runs):
    assert sorted(candidates(["predict", "peng"])) == ["penguins-1", "penguins-2"]
    assert candidates(["rerun", "l"]) == ["latest"]


def test_the_command_prints_them_a_line_each(capsys):
    assert answer(["--complete", "train", "--hi"]) == 0
    assert capsys.readouterr().out == "--hidden\n"


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_is_read_by_its_shell(shell):
    program = shutil.which(shell) or pytest.skip(f"{shell} is not here")
    check = [program, *(["--no-execute"] if shell == "fish" else ["-n"])]
    done = subprocess.run(check, input=SCRIPTS[shell], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_bash_completes_a_command(tmp_path):
    program = shutil.which("bash") or pytest.skip("bash is not here")
    fake = tmp_path / "pullback"
    fake.write_text("#!/bin/sh\nprintf 'explain\\nexpand it\\n'\n")
    fake.chmod(0o755)
    typed = "COMP_WORDS=(pullback ex); COMP_CWORD=1; _pullback; printf '%s|' \"${COMPREPLY[@]}\""
    ask = f"{SCRIPTS['bash']}\n{typed}"
    done = subprocess.run(
        [program, "-c", ask], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == "explain|expand it|"
