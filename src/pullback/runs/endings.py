"""Signals that ask a training to end: it ends after a full step, and its results are written all the same."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM")


class Ending:
    """Which signal asked to end, 0 for none. held: what goes on now is finished first.

    A training listens to it like a monitor: when its last step is made, `ended` begins to hold
    signals back. A second one is never held back.
    """

    def __init__(self) -> None:
        self.signal, self.held = 0, False

    @property
    def code(self) -> int:
        """The exit code of a process that ended because of it: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.signal if self.signal else 0

    def epoch(self, record: Any) -> None:
        """Nothing to do after an epoch."""

    def ended(self) -> None:
        """The last step is made: from now on results are written, whatever signal comes."""
        self.held = True

    def take(self, number: int, frame: Any = None) -> None:
        """A signal has come."""
        again, self.signal = bool(self.signal), self.signal or int(number)
        if again or not self.held:
            raise KeyboardInterrupt


@contextmanager
def endings() -> Iterator[Ending]:
    """While this is open, Ctrl-C and SIGTERM are noted, and raise KeyboardInterrupt unless held back.

    Outside the main thread, and for a signal that is ignored, nothing changes.
    """
    ending = Ending()
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in SIGNALS:
            number = getattr(signal, name)
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, ending.take)
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
