"""`once`: a value computed at its first use is computed once, in however many threads.

An `lru_cache` alone is no lock: threads that ask at the same time each run the function. One lock
serves all, since making one thing may ask for another.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache, update_wrapper
from threading import RLock
from typing import Any, TypeVar

Made = TypeVar("Made")

ASKED: list[
    Callable[[], Any]
] = []  # every function made by `once`, for the law that starts them all
LOCK = RLock()
if hasattr(os, "register_at_fork"):  # a child must not be born while another thread makes something
    os.register_at_fork(
        before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release
    )


def once(make: Callable[[], Made]) -> Callable[[], Made]:
    """`make`, run by the first caller; every caller gets the same object. What raises is tried again.

    >>> @once
    ... def table():
    ...     return object()
    >>> table() is table()
    True
    """
    made: list[Made] = []

    def ask() -> Made:
        with LOCK:
            if not made:
                made.append(make())
            return made[0]

    # After the first time, the answer comes from here, without a lock.
    quick = update_wrapper(lru_cache(maxsize=1)(ask), make)
    ASKED.append(quick)
    return quick
