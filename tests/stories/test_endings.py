"""However a training ends, by a signal, a full disk or a folder that is gone, what was learned is kept."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback
from pullback.data.dataset import Dataset
from pullback.errors import RunError
from pullback.models.files import load
from pullback.models.job import train_classifier
from pullback.models.mlp import MLPClassifier
from pullback.runs.endings import endings
from pullback.runs.folder import open_run
from pullback.train.monitor import Monitors

SIGNALS = [signal.SIGINT, signal.SIGTERM]
both_signals = pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)


def clouds():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 80)
    X = generator.normal(size=(80, 3)) + 3 * labels[:, None]
    return Dataset(
        "clouds",
        X,
        labels,
        feature_names=("a", "b", "c"),
        class_names=("0", "1"),
        source="",
        licence="",
    )


@dataclass
class When:
    """Does something after an epoch, or when the last step is made."""

    do: Any
    epoch_number: int = 0

    def epoch(self, record):
        if record.epoch == self.epoch_number:
            self.do()

    def ended(self):
        if not self.epoch_number:
            self.do()


def trained(root, *monitors, epochs=4):
    model = MLPClassifier(hidden=(), max_epochs=epochs, patience=100)
    return train_classifier(clouds(), model, root=root, monitor=Monitors(monitors))


@both_signals
def test_a_signal_while_steps_are_made_ends_them_and_saves(tmp_path, number):
    with endings() as ending:
        outcome = trained(tmp_path, When(lambda: signal.raise_signal(number), 2), ending)
    assert (outcome.stopped, outcome.epochs) == ("interrupted", 2)
    assert ending.code == 128 + number
    assert open_run("latest", tmp_path).finished
    assert load(open_run("latest", tmp_path).model).n_iter_ == 2


@both_signals
def test_a_signal_after_the_last_epoch_waits_for_the_results(tmp_path, number):
    with endings() as ending:
        outcome = trained(tmp_path, ending, When(lambda: signal.raise_signal(number)))
    assert (outcome.stopped, outcome.epochs) == ("max_epochs", 4)
    assert ending.code == 128 + number
    assert open_run("latest", tmp_path).read_metrics()["test_rows"] == outcome.test_rows


@both_signals
def test_a_second_signal_is_not_held_back(tmp_path, number):
    def twice():
        signal.raise_signal(number)
        signal.raise_signal(number)

    with endings() as ending, pytest.raises(KeyboardInterrupt):
        trained(tmp_path, ending, When(twice))
    assert ending.code == 128 + number


def test_signals_are_what_they_were_afterwards():
    before = [signal.getsignal(number) for number in SIGNALS]
    with endings():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with endings() as ending:
            signal.raise_signal(signal.SIGTERM)
        assert ending.code == 0
    finally:
        signal.signal(signal.SIGTERM, before)


def run_of(root):
    return next(root.glob("clouds-*"))


@pytest.mark.parametrize("epoch", [2, 0])
def test_a_deleted_run_folder_costs_log_lines_and_no_more(tmp_path, epoch):
    outcome = trained(tmp_path, When(lambda: shutil.rmtree(run_of(tmp_path)), epoch))
    run = open_run("latest", tmp_path)
    assert load(run.model).predict(clouds().X).shape == (80,)
    assert run.read_metrics()["epochs"] == 4
    assert outcome.lost == ()
    assert [row["epoch"] for row in run.read_log()] == list(range(epoch + 1, 5) if epoch else [])


def in_the_way(root):
    path = run_of(root)
    shutil.rmtree(path)
    path.write_text("no folder")


@pytest.mark.parametrize("epoch", [1, 0])
def test_weights_go_elsewhere_when_there_is_no_folder(tmp_path, monkeypatch, epoch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    root = tmp_path / "runs"
    outcome = trained(root, When(lambda: in_the_way(root), epoch))
    place = tmp_path / "here" / "clouds-1.safetensors"
    assert load(place).predict(clouds().X).shape == (80,)
    (said,) = (line for line in outcome.lost if "model" in line)
    assert said.endswith(f"The model is in '{place}'.")
    assert outcome.report == ""


@pytest.mark.parametrize("full", ["run folder", "current folder too"])
def test_weights_go_elsewhere_when_the_disk_is_full(tmp_path, monkeypatch, full):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    root, sync = tmp_path / "runs", os.fsync

    def fsync(file):
        path = os.readlink(f"/proc/self/fd/{file}") if os.path.exists("/proc/self/fd") else ""
        if path.startswith(str(root)) or (
            full != "run folder" and path.startswith(str(tmp_path / "here"))
        ):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(file)

    if not os.path.exists("/proc/self/fd"):
        pytest.skip("files have no names here")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    outcome = trained(root, When(lambda: monkeypatch.setattr(os, "fsync", fsync), 2))
    place = (tmp_path / "here" if full == "run folder" else tmp_path) / "clouds-1.safetensors"
    assert "No space left on device" in outcome.lost[0]
    assert f"'{place}'" in outcome.lost[0]
    assert load(place).n_iter_ == 4
    assert not open_run("latest", root).finished


def test_an_older_model_elsewhere_is_not_written_over(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here" / "clouds-1.safetensors").write_text("mine")
    root = tmp_path / "runs"
    outcome = trained(root, When(lambda: in_the_way(root), 1))
    assert (tmp_path / "here" / "clouds-1.safetensors").read_text() == "mine"
    assert "clouds-1-2.safetensors" in " ".join(outcome.lost)


def test_a_disk_that_is_full_from_the_start_is_said_before_anything_is_learned(tmp_path):
    (tmp_path / "runs").write_text("no folder")
    with pytest.raises(RunError, match="cannot make a folder"):
        trained(tmp_path / "runs")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no signal for one process alone")
@both_signals
@pytest.mark.parametrize("epochs", [3, 100_000], ids=["after the last epoch", "in the middle"])
def test_a_command_ends_with_the_code_of_its_signal_and_its_metrics(tmp_path, number, epochs):
    flags = ["train", "digits", "--epochs", str(epochs), "--patience", "100000", "--json"]
    code = f"import sys; from pullback.cli import answer; sys.exit(answer({flags} + sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--out", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(pullback.__file__).parents[1])},
    )  # fmt: skip
    while not process.stderr.readline().startswith("epoch   3"):
        pass
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert json.loads(out)["epochs"] >= 2
    assert open_run("latest", tmp_path).finished
