"""The run folder: one training's options, log, weights and scores under one readable name."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from pullback.errors import RunError, UnknownName, did_you_mean
from pullback.runs.atomic import sync_folder
from pullback.runs.records import append_line, read_json, read_lines, write_json

ROOT = Path("runs")
FORMAT = 1


class Config(msgspec.Struct, frozen=True):
    """`config.json`: what was asked for, and when. Later versions may add fields, never change one.

    started: UTC, ISO 8601 with microseconds, so that text order is time order.
    """

    format: int
    started: str
    options: dict[str, Any]


class Run:
    """One run folder. Its files appear in the order they are listed here.

    config.json         options and start time, written when the folder is made
    rows.json           a fingerprint of each row, so that `evaluate` knows the training rows again
    log.jsonl           one JSON object an epoch
    model.safetensors   the weights; written by the model's own file form, `runs` knows the path
    metrics.json        the final scores, written last: a run that has it is finished
    """

    def __init__(self, path: Path, config: Config) -> None:
        self.path, self.config = path, config

    def __repr__(self) -> str:
        return f"<Run {self.name}, {'finished' if self.finished else 'not finished'}>"

    @property
    def name(self) -> str:
        """The folder's name, such as `digits-3`."""
        return self.path.name

    @property
    def model(self) -> Path:
        """Where the weights belong."""
        return self.path / "model.safetensors"

    @property
    def finished(self) -> bool:
        """Whether the final scores were written."""
        return (self.path / "metrics.json").exists()

    def restored(self) -> Run:
        """The run itself; its folder is made anew where somebody has deleted it meanwhile."""
        if not self.path.exists():
            with contextlib.suppress(
                OSError, RunError
            ):  # who writes into it will say why it is not there
                self.path.mkdir(parents=True)
                write_json(self.path / "config.json", self.config)
        return self

    def log(self, **row: object) -> None:
        """Add one line to the log, at once on the way to the disk."""
        self.restored()
        append_line(self.path / "log.jsonl", row)

    def read_log(self) -> list[dict[str, Any]]:
        """The log so far, oldest first. A number that was not finite comes back as None."""
        return read_lines(self.path / "log.jsonl")

    def write_metrics(self, metrics: Mapping[str, object]) -> None:
        """Write the final scores; from then on the run is finished."""
        self.restored()
        write_json(self.path / "metrics.json", metrics)

    def read_metrics(self) -> dict[str, Any]:
        """The final scores; RunError when the training did not get that far."""
        if not self.finished:
            raise RunError(f"run {self.name!r} has no final scores: it is not finished.")
        return read_json(self.path / "metrics.json", dict[str, Any])


@dataclass(frozen=True)
class Damaged:
    """A folder among the runs that cannot be opened, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Runs:
    """What is in a folder of runs: the usable ones, newest first, and the damaged ones by name."""

    usable: tuple[Run, ...]
    damaged: tuple[Damaged, ...]


def create_run(what: str, options: Mapping[str, object], root: Path = ROOT) -> Run:
    """Make the next free folder `what-1`, `what-2`, ... and write its config. Overwrites nothing.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> create_run("digits", {"epochs": 2}, folder), create_run("digits", {}, folder)
    (<Run digits-1, not finished>, <Run digits-2, not finished>)
    """
    # The name is also typed on command lines and becomes a folder on any system.
    stem = re.sub(r"[^a-z0-9]+", "-", what.lower())[:40].strip("-") or "run"
    started = datetime.now(UTC).isoformat(timespec="microseconds")
    config = Config(format=FORMAT, started=started, options=dict(options))
    path = _new_folder(root, stem)
    try:
        write_json(path / "config.json", config)
    except RunError:
        path.rmdir()
        raise
    return _opened(path)


def list_runs(root: Path = ROOT) -> Runs:
    """All runs in a folder. A damaged one is reported, never in the way of the others."""
    usable, damaged = [], []
    for path in _folders(root):
        try:
            usable.append(_opened(path))
        except RunError as error:
            damaged.append(Damaged(path, error.what))
    usable.sort(key=lambda run: (run.config.started, _number(run.path)), reverse=True)
    return Runs(tuple(usable), tuple(damaged))


def open_run(which: str | Path = "latest", root: Path = ROOT) -> Run:
    """Open a run by its name, by the path of its folder, or as "latest".

    Raises UnknownName for no such run, RunError for one that is damaged.
    """
    if which == "latest":
        return _latest(root)
    plain_name = isinstance(which, str) and Path(which).name == which
    for path in [root / which, Path(which)] if plain_name else [Path(which)]:
        if os.path.isdir(path):  # Unlike Path.is_dir, no error for names no disk can have.
            return _opened(path)
    names = [path.name for path in _folders(root)]
    known = f"runs  {', '.join(names[:8])}" if names else f"There are no runs in '{root}' yet."
    raise UnknownName(
        f"no run is called '{str(which)[:80]}'.",
        where=[known],
        why=did_you_mean(Path(which).name, names),
    )


def _latest(root: Path) -> Run:
    runs = list_runs(root)
    if runs.usable:
        return runs.usable[0]
    raise UnknownName(
        f"there is no run in '{root}' yet.",
        where=[f"{bad.path.name} is damaged: {bad.reason}" for bad in runs.damaged[:8]],
    )


def _new_folder(root: Path, stem: str) -> Path:
    try:
        root.mkdir(parents=True, exist_ok=True)
        taken = [_number(path) for path in root.glob(f"{stem}-*")]
        number = max(taken, default=0) + 1
        while True:
            try:
                (root / f"{stem}-{number}").mkdir()
                break
            except FileExistsError:  # Another training started at the same moment.
                number += 1
        sync_folder(root)
        return root / f"{stem}-{number}"
    except OSError as error:
        raise RunError(f"cannot make a folder in '{root}': {error.strerror or error}.") from error


def _number(path: Path) -> int:
    digits = path.name.rpartition("-")[2]
    return int(digits) if digits.isdecimal() and len(digits) < 10 else 0


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"'{root}' cannot be listed: {error.strerror or error}.") from None


def _opened(path: Path) -> Run:
    config = read_json(path / "config.json", Config)
    if config.format != FORMAT:
        raise RunError(
            f"{path.name}/config.json is of format {config.format}; {FORMAT} is read here.",
            fix="a newer pullback",
        )
    return Run(path, config)
