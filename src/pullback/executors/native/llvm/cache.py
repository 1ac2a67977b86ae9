"""The object cache: machine code on disk, keyed by everything that went into it, trusted only if it is ours.

An entry is run only if its folder and file belong to this user, nobody else may write them, and its
content matches its checksum. Anything else is thrown away and built again. PULLBACK_CACHE moves the
folder; PULLBACK_CACHE=off switches it off. What was used longest ago goes when it gets too large.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from functools import cache
from pathlib import Path

MAGIC = b"pullback object 1\n"
LARGEST = 256 << 20  # bytes, some 50,000 entries
LOOKED_AFTER = 256  # one in so many stores looks whether it has grown too large


def folder() -> Path | None:
    """The cache folder, made private; None when it is switched off or cannot be trusted."""
    said = os.environ.get("PULLBACK_CACHE", "")
    if said == "off":
        return None
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = (_absolute(said) if said else Path(home) / "pullback") / "native"
    if not path.is_absolute():
        return None  # nobody's home is known: whatever folder we are in, it is not meant
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path if _is_ours(path.stat()) else None
    except OSError:
        return None


@cache
def _absolute(said: str) -> Path:
    """Counted from where the program was when it first asked; it may go elsewhere."""
    return Path(said).absolute()


def load(key: str) -> bytes | None:
    """The object file kept under `key`, or None if there is none that can be trusted."""
    place = folder()
    if place is None:
        return None
    path = place / key
    try:
        with open(path, "rb", opener=_open) as file:
            found = os.fstat(file.fileno())
            data = file.read() if stat.S_ISREG(found.st_mode) and _is_ours(found) else b""
    except OSError:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used just now
    image = _checked(key, data)
    if image is None:
        with contextlib.suppress(OSError):  # the folder may be one to read from only
            path.unlink()
    return image


def _open(path: str, flags: int) -> int:
    """Opened as it is, at once: no link is followed, no pipe waited for, where the system lets us say so."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def store(key: str, image: bytes) -> None:
    """Keep an object file. Written aside and renamed, so that a reader sees all of it or nothing."""
    place = folder()
    if place is None:
        return
    try:
        handle, name = tempfile.mkstemp(dir=place, prefix="new-")
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + _digest(key, image) + image)
        os.replace(name, place / key)
        if int(_digest(key, b"")[:4].hex(), 16) % LOOKED_AFTER == 0:
            trim(place)
    except OSError:
        return  # a full disk costs speed next time, never a result now


def trim(place: Path) -> None:
    """Down to three quarters of LARGEST once it is exceeded; what was used last stays."""
    found = [(entry.stat(), entry.path) for entry in os.scandir(place)]
    total = sum(state.st_size for state, _ in found)
    if total <= LARGEST:
        return
    for state, path in sorted(found, key=lambda pair: pair[0].st_mtime_ns):
        Path(path).unlink(missing_ok=True)
        total -= state.st_size
        if total <= LARGEST * 3 // 4:
            return


def _checked(key: str, data: bytes) -> bytes | None:
    start = len(MAGIC) + 32
    image = data[start:]
    whole = data[: len(MAGIC)] == MAGIC and data[len(MAGIC) : start] == _digest(key, image)
    return image if whole and image else None


def _digest(key: str, image: bytes) -> bytes:
    return hashlib.sha256(key.encode() + image).digest()


def _is_ours(found: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):
        return True  # Windows: the profile folder is private by its own rules
    others = stat.S_IWGRP | stat.S_IWOTH
    return found.st_uid == os.getuid() and not found.st_mode & others
