"""The provenance of a run: its rows and their sha256, the options, the command that reproduces it."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pullback import __version__
from pullback.data.text import raw_bytes
from pullback.models.estimator import Estimator
from pullback.models.problem import Question
from pullback.runs.folder import Run


@dataclass(frozen=True)
class Provenance:
    """Where rows came from: a shipped name or a file, its sha256, and what was asked of it."""

    data: str
    sha256: str = ""
    question: Question | None = None

    def options(self) -> dict[str, Any]:
        """For the run's config, which `rerun` reads."""
        if self.question is None:
            return {"data": self.data}
        return {"data": self.data, "sha256": self.sha256, **asdict(self.question)}

    def commands(self, run: Run, model: Estimator) -> list[str]:
        """What to type to get the run again."""
        words = ["pullback", "train", self.data]
        if self.question:
            asked, standard = asdict(self.question), asdict(Question(self.question.target))
            for name, value in asked.items():
                if name == "target" or value != standard[name]:
                    words += _flags(name, value)
        standard = type(model)().options()
        for name, value in model.options().items():
            flag = FLAGS.get(name)
            if flag and value != standard[name]:
                values = value if isinstance(value, list) else [value]
                words += [word for one in values for word in (flag, str(one))]
        return [
            f"pullback rerun {shlex.quote(run.name)}",
            "# or, from the beginning:",
            shlex.join(words),
        ]


def _flags(name: str, value: Any) -> list[str]:
    """An option of a table as it is typed, once for each word: --header no, --missing=-999."""
    typed = "--" + name.replace("_", "-")
    values = value if isinstance(value, tuple | list) else [value]
    return [w for v in values for w in ([f"{typed}={v}"] if v.startswith("-") else [typed, v])]


FLAGS = {
    "hidden": "--hidden", "learning_rate": "--learning-rate", "momentum": "--momentum",
    "weight_decay": "--weight-decay", "batch_size": "--batch", "max_epochs": "--epochs",
    "patience": "--patience", "random_state": "--seed",
}  # fmt: skip


def sha256(path: Path) -> str:
    """The fingerprint of a file."""
    return hashlib.sha256(raw_bytes(path)).hexdigest()


def settings(run: Run, source: Provenance) -> list[tuple[str, str]]:
    """Options, the hash of the data, versions and date, for the run's page."""
    asked = {k: v for k, v in run.config.options.items() if k not in ("data", "rows")}
    shown = [(name.replace("_", " "), str(value)) for name, value in asked.items()]
    date = run.config.started[:19].replace("T", " ") + " UTC"
    return [("data", source.data), *shown, ("pullback", __version__), ("started", date)]
