"""Fingerprints of a run's rows, to recognise them in any file and order."""

from __future__ import annotations

import hashlib
from collections import Counter

import msgspec
import numpy as np

from pullback.data.dataset import Features, Rows
from pullback.nn.init import Array
from pullback.runs.folder import Run
from pullback.runs.records import read_json, write_json

NAME = "rows.json"


class Seen(msgspec.Struct, frozen=True):
    """`rows.json`: a fingerprint of every row, part by part. A fingerprint tells nothing of its row."""

    train: list[str]
    validation: list[str]
    test: list[str]

    def part_of(self, X: Features, y: Array) -> Rows:
        """0 for a row of the training part, 1 for validation, 2 for test, 3 for one never met.

        Of rows alike, as many are test rows as there were; which of them does not matter.
        """
        left = [Counter(part) for part in (self.test, self.train, self.validation)]
        learned = (set(self.train), set(self.validation))
        found = np.full(len(X), 3, dtype=np.int64)
        for i, mark in enumerate(fingerprints(X, y)):
            for part, marks in zip((2, 0, 1), left, strict=True):
                if marks[mark]:
                    marks[mark] -= 1
                    found[i] = part
                    break
            else:  # one copy more than in training
                found[i] = next((part for part in (0, 1) if mark in learned[part]), 3)
        return found


def fingerprints(X: Features, y: Array) -> list[str]:
    """A short hash of each row's features and target.

    >>> a, b, c = fingerprints(np.array([[0.0], [-0.0], [0.0]]), np.array(["x", "x", "y"]))
    >>> a == b, a == c
    (True, False)
    """
    rows = np.ascontiguousarray(X + 0.0)  # -0 and 0 are one number
    return [
        hashlib.blake2b(row.tobytes() + str(label).encode(), digest_size=8).hexdigest()
        for row, label in zip(rows, y.tolist(), strict=True)
    ]


def write_seen(run: Run, parts: dict[str, tuple[Features, Array]]) -> None:
    """Keep the fingerprints of the rows of each part in the run's folder."""
    write_json(
        run.path / NAME, Seen(**{name: fingerprints(X, y) for name, (X, y) in parts.items()})
    )


def read_seen(run: Run) -> Seen | None:
    """The rows a run has met; None of an older run, which did not keep them."""
    path = run.path / NAME
    return read_json(path, Seen) if path.exists() else None
