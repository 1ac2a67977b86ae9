"""Threads for native code: a few that live as long as the process, and static shares of work for them.

`@share(team, function, given, parts)` calls function(given, part) for each part from 0 on, in any
order, and comes back when all are done. Nobody is waited for before work begins: a part is offered to
the thread of its number, and what that one has not taken when the caller is through with its own part,
the caller does too. So more threads than cores, a busy pool or a pool without threads cost time only.
Which thread does a part changes no bit: the parts are the same, and so is the floating-point mode.
"""

from __future__ import annotations

import ctypes
import os
import platform
from threading import Lock
from typing import Any

import numpy as np

from pullback.core.once import once
from pullback.executors.native.llvm.jit import Library, build

MOST = 256  # threads; who asks for more gets these
LINE = 128  # bytes: two lines of the cache, which are fetched together
PAUSES = 1000  # short waits, some 20 us in all, before a thread lets others run
YIELDS = 2000  # of those, about a millisecond, before it sleeps

# Places, in slots of 8 bytes. Of a team:
_SHARE, _BUSY, _WORKERS, _TEAM_PAUSES, _BOXES = 0, 1, 2, 3, 16
# Of a box, where a thread finds its work; its state is one of the four.
_STATE, _FUNCTION, _GIVEN, _MODE, _PART, _LOCK, _PAUSES = range(7)
_IDLE, _OFFERED, _TAKEN, _ASLEEP = range(4)


def team(threads: int) -> int:
    """The address of a team in which `threads` - 1 threads wait for work; they start when first asked for."""
    global _team
    with _growing:
        if _team is None:
            _team = _Team()
        _team.grow(min(threads, MOST) - 1)
        return _team.address


def share(function: int, given: int, parts: int) -> None:
    """function(given, part) for each part, on as many threads; other Python threads run meanwhile."""
    _share()(team(parts), function, given, parts)


class _Team:
    """The threads of one process. Its memory is never given back: they look at it as long as they live."""

    def __init__(self) -> None:
        self.slots, self.address = _memory(_BOXES + MOST)
        self.slots[_SHARE] = _library().address("share")
        self.boxes: list[Any] = []

    def grow(self, workers: int) -> None:
        if len(self.boxes) >= workers:
            return
        while len(self.boxes) < workers and self._start(len(self.boxes) + 1):
            pass
        # Where threads outnumber cores, who waits in a loop keeps another one from its work.
        pauses = PAUSES if len(self.boxes) < _cores() else 0
        self.slots[_TEAM_PAUSES] = pauses
        for box in self.boxes:
            box[_PAUSES] = pauses

    def _start(self, part: int) -> bool:
        box, address = _memory(_PAUSES + 1)
        lock = _python("PyThread_allocate_lock", ctypes.c_void_p)()
        _python("PyThread_acquire_lock", ctypes.c_int, ctypes.c_void_p, ctypes.c_int)(lock, 1)
        box[_PART], box[_LOCK] = part, lock
        # A thread that Python knows nothing of: it needs no GIL and is in nobody's way at the end.
        start = _python(
            "PyThread_start_new_thread", ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p
        )
        if start(_library().address("work"), address) == ctypes.c_ulong(-1).value:
            return False  # no more threads to be had
        self.slots[_BOXES + part] = address
        self.boxes.append(box)
        self.slots[_WORKERS] = len(self.boxes)
        return True


def _cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_team: _Team | None = None
_growing = Lock()


def _forget() -> None:
    """A fork takes no threads along, and the lock may have been held by one of them."""
    global _team, _growing
    _team, _growing = None, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _memory(slots: int) -> tuple[Any, int]:
    """So many slots at the start of a line, and their address."""
    raw = np.zeros(8 * slots + LINE, np.uint8)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(raw))
    address = -(-raw.ctypes.data // LINE) * LINE
    return (ctypes.c_int64 * slots).from_address(address), address


def _python(name: str, restype: Any, *argtypes: Any) -> Any:
    """One of Python's own functions around threads and locks: the same on every system, without the GIL."""
    return ctypes.CFUNCTYPE(restype, *argtypes)((name, ctypes.pythonapi))


@once
def _library() -> Library:
    made = build(_text(), ["share", "work"], level=0)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))  # threads run in it until the very end
    return made


@once
def _share() -> Any:
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    return _library().function("share", None, pointer, pointer, pointer, count)


def _text() -> str:
    text = _TEXT
    names = {
        "BUSY": 8 * _BUSY, "WORKERS": 8 * _WORKERS, "FIRST_BOX": 8 * _BOXES,
        "TEAM_PAUSES": 8 * _TEAM_PAUSES, "FUNCTION": 8 * _FUNCTION, "GIVEN": 8 * _GIVEN,
        "MODE": 8 * _MODE, "PART": 8 * _PART, "LOCK": 8 * _LOCK, "PAUSES": 8 * _PAUSES,
        "IDLE": _IDLE, "OFFERED": _OFFERED, "TAKEN": _TAKEN, "ASLEEP": _ASLEEP, "YIELDS": YIELDS,
        "YIELD": "SwitchToThread" if os.name == "nt" else "sched_yield",
    }  # fmt: skip
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(f"${name}", str(names[name]))
    return _machine() + text


def _machine() -> str:
    """What differs between processors: a short wait, and the mode of floating-point arithmetic."""
    name = platform.machine().lower()
    return _X86 if name in ("x86_64", "amd64") else _ARM if name in ("arm64", "aarch64") else _OTHER


_X86 = """
declare void @llvm.x86.sse2.pause()
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)

define internal void @pause() nounwind alwaysinline {
  call void @llvm.x86.sse2.pause()
  ret void
}
define internal i64 @mode() nounwind alwaysinline {
  %at = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %at)
  %mode = load i32, ptr %at
  %wide = zext i32 %mode to i64
  ret i64 %wide
}
define internal void @set.mode(i64 %wide) nounwind alwaysinline {
  %at = alloca i32
  %mode = trunc i64 %wide to i32
  store i32 %mode, ptr %at
  call void @llvm.x86.sse.ldmxcsr(ptr %at)
  ret void
}
"""

_ARM = """
declare void @llvm.aarch64.hint(i32)
declare i64 @llvm.aarch64.get.fpcr()
declare void @llvm.aarch64.set.fpcr(i64)

define internal void @pause() nounwind alwaysinline {
  call void @llvm.aarch64.hint(i32 1)
  ret void
}
define internal i64 @mode() nounwind alwaysinline {
  %mode = call i64 @llvm.aarch64.get.fpcr()
  ret i64 %mode
}
define internal void @set.mode(i64 %mode) nounwind alwaysinline {
  call void @llvm.aarch64.set.fpcr(i64 %mode)
  ret void
}
"""

_OTHER = """
define internal void @pause() nounwind alwaysinline {
  ret void
}
define internal i64 @mode() nounwind alwaysinline {
  ret i64 0
}
define internal void @set.mode(i64 %mode) nounwind alwaysinline {
  ret void
}
"""

_TEXT = """
declare i32 @$YIELD()
declare i32 @PyThread_acquire_lock(ptr, i32)
declare void @PyThread_release_lock(ptr)

define internal ptr @word(ptr %of, i64 %bytes) nounwind alwaysinline {
  %at = getelementptr i8, ptr %of, i64 %bytes
  %value = load ptr, ptr %at
  ret ptr %value
}
define internal void @put(ptr %of, i64 %bytes, ptr %value) nounwind alwaysinline {
  %at = getelementptr i8, ptr %of, i64 %bytes
  store ptr %value, ptr %at
  ret void
}

; Whether the work offered in a box is ours now: one thread gets it.
define internal i1 @taken(ptr %box) nounwind alwaysinline {
  %pair = cmpxchg ptr %box, i64 $OFFERED, i64 $TAKEN acquire monotonic
  %mine = extractvalue {i64, i1} %pair, 1
  ret i1 %mine
}

; What a thread does all its life.
define void @work(ptr %box) nounwind {
entry:
  %part.word = call ptr @word(ptr %box, i64 $PART)
  %part = ptrtoint ptr %part.word to i64
  %lock = call ptr @word(ptr %box, i64 $LOCK)
  br label %begin
begin:
  br label %look
look:
  %n = phi i64 [0, %begin], [%n.next, %near], [%n.next, %far]
  %state = load atomic i64, ptr %box acquire, align 8
  %offered = icmp eq i64 %state, $OFFERED
  br i1 %offered, label %take, label %wait
take:
  %mine = call i1 @taken(ptr %box)
  br i1 %mine, label %go, label %begin
go:
  %function = call ptr @word(ptr %box, i64 $FUNCTION)
  %given = call ptr @word(ptr %box, i64 $GIVEN)
  %mode.word = call ptr @word(ptr %box, i64 $MODE)
  %mode = ptrtoint ptr %mode.word to i64
  call void @set.mode(i64 %mode)
  call void %function(ptr %given, i64 %part)
  store atomic i64 $IDLE, ptr %box release, align 8
  br label %begin
wait:
  %n.next = add i64 %n, 1
  %pauses.word = call ptr @word(ptr %box, i64 $PAUSES)
  %pauses = ptrtoint ptr %pauses.word to i64
  %yields = add i64 %pauses, $YIELDS
  %soon = icmp slt i64 %n, %pauses
  br i1 %soon, label %near, label %later
near:
  call void @pause()
  br label %look
later:
  %still = icmp slt i64 %n, %yields
  br i1 %still, label %far, label %sleep
far:
  %yielded = call i32 @$YIELD()
  br label %look
sleep:
  %pair = cmpxchg ptr %box, i64 $IDLE, i64 $ASLEEP acq_rel monotonic
  %quiet = extractvalue {i64, i1} %pair, 1
  br i1 %quiet, label %rest, label %begin
rest:
  %woken = call i32 @PyThread_acquire_lock(ptr %lock, i32 1)
  br label %begin
}

define internal void @offer(ptr %box, ptr %function, ptr %given, i64 %mode) nounwind {
entry:
  call void @put(ptr %box, i64 $FUNCTION, ptr %function)
  call void @put(ptr %box, i64 $GIVEN, ptr %given)
  %mode.word = inttoptr i64 %mode to ptr
  call void @put(ptr %box, i64 $MODE, ptr %mode.word)
  %before = atomicrmw xchg ptr %box, i64 $OFFERED acq_rel
  %asleep = icmp eq i64 %before, $ASLEEP
  br i1 %asleep, label %wake, label %done
wake:
  %lock = call ptr @word(ptr %box, i64 $LOCK)
  call void @PyThread_release_lock(ptr %lock)
  br label %done
done:
  ret void
}

; Until the thread that has taken the work is through with it.
define internal void @await(ptr %box, i64 %pauses) nounwind {
entry:
  br label %look
look:
  %n = phi i64 [0, %entry], [%n.next, %near], [%n.next, %far]
  %state = load atomic i64, ptr %box acquire, align 8
  %busy = icmp eq i64 %state, $TAKEN
  br i1 %busy, label %wait, label %done
wait:
  %n.next = add i64 %n, 1
  %soon = icmp slt i64 %n, %pauses
  br i1 %soon, label %near, label %far
near:
  call void @pause()
  br label %look
far:
  %yielded = call i32 @$YIELD()
  br label %look
done:
  ret void
}

define void @share(ptr %team, ptr %function, ptr %given, i64 %parts) nounwind {
entry:
  %busy = getelementptr i8, ptr %team, i64 $BUSY
  %pauses.word = call ptr @word(ptr %team, i64 $TEAM_PAUSES)
  %pauses = ptrtoint ptr %pauses.word to i64
  %mode = call i64 @mode()
  %pair = cmpxchg ptr %busy, i64 0, i64 1 acquire monotonic
  %ours = extractvalue {i64, i1} %pair, 1
  %workers.word = call ptr @word(ptr %team, i64 $WORKERS)
  %workers = ptrtoint ptr %workers.word to i64
  %others = sub i64 %parts, 1
  %few = icmp slt i64 %workers, %others
  %some = select i1 %few, i64 %workers, i64 %others
  %helpers = select i1 %ours, i64 %some, i64 0
  br label %offering
offering:
  %o = phi i64 [1, %entry], [%o.next, %offered]
  %o.end = icmp sgt i64 %o, %helpers
  br i1 %o.end, label %own, label %offered
offered:
  %o.at = getelementptr ptr, ptr %team, i64 %o
  %o.box = call ptr @word(ptr %o.at, i64 $FIRST_BOX)
  call void @offer(ptr %o.box, ptr %function, ptr %given, i64 %mode)
  %o.next = add i64 %o, 1
  br label %offering
own:
  call void %function(ptr %given, i64 0)
  br label %alone
alone:
  %a = phi i64 [%parts, %own], [%a.part, %unhelped]
  %a.part = sub i64 %a, 1
  %a.end = icmp sle i64 %a.part, %helpers
  br i1 %a.end, label %collecting, label %unhelped
unhelped:
  call void %function(ptr %given, i64 %a.part)
  br label %alone
collecting:
  %c = phi i64 [1, %alone], [%c.next, %collected]
  %c.end = icmp sgt i64 %c, %helpers
  br i1 %c.end, label %leave, label %collect
collect:
  %c.at = getelementptr ptr, ptr %team, i64 %c
  %box = call ptr @word(ptr %c.at, i64 $FIRST_BOX)
  %mine = call i1 @taken(ptr %box)
  br i1 %mine, label %late, label %join
late:
  call void %function(ptr %given, i64 %c)
  store atomic i64 $IDLE, ptr %box release, align 8
  br label %collected
join:
  call void @await(ptr %box, i64 %pauses)
  br label %collected
collected:
  %c.next = add i64 %c, 1
  br label %collecting
leave:
  br i1 %ours, label %free, label %done
free:
  store atomic i64 0, ptr %busy release, align 8
  br label %done
done:
  ret void
}
"""
