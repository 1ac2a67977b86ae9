"""Where a trained model is saved when its run folder cannot be written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pullback.errors import RunError
from pullback.runs.folder import Run


def save_somewhere(save: Callable[[Path], object], run: Run) -> tuple[Path, str]:
    """Where the model was saved, and why it is not in its run folder ("" if it is).

    After the run folder come the current folder, the one for temporary files and the home folder.
    Raises the first RunError when none of them takes it.
    """
    first: RunError | None = None
    for place in _places(run):
        try:
            save(place)
        except RunError as error:
            first = first or error
        else:
            return place, f"{first.what} The model is in '{place}'." if first else ""
    assert first is not None
    raise first


def _places(run: Run) -> Iterator[Path]:
    yield run.restored().model
    for folder in (Path.cwd(), Path(tempfile.gettempdir()), Path.home()):
        yield _free(folder, run.name)


def _free(folder: Path, name: str) -> Path:
    """A file in this folder that is not there yet."""
    number, path = 1, folder / f"{name}.safetensors"
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}.safetensors"
    return path
