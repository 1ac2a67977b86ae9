"""Write a file atomically: after a crash either the old or the new one is there, whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from pathlib import Path

from pullback.errors import RunError


def write_atomic(path: Path | str, data: bytes) -> None:
    """Put `data` under `path`, whole or not at all; an older file stays until the new one is safe.

    The bytes go into a hidden file beside it and to the disk, then the name changes hands, then
    the folder goes to the disk: so a crash at any moment leaves one of the two, complete. A killed
    process may leave its hidden `.partial` file behind; nothing reads those.

    Raises RunError, with the bytes needed and free, when the disk refuses.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        sync_folder(path.parent)
    except OSError as error:
        raise _not_written(path, len(data), error) from error
    finally:
        # The reason why writing failed matters more than the litter.
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the folder's names survive a power failure. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _not_written(path: Path, size: int, error: OSError) -> RunError:
    try:
        free = f", {shutil.disk_usage(path.parent).free:,} are free"
    except OSError:
        free = ""
    return RunError(
        f"cannot write '{path}': {error.strerror or error}.",
        where=[f"{size:,} bytes are needed{free}"],
        why="Either the old file or the new one is there, whole.",
    )
