"""Subnormal numbers as 0 while a loop runs: without that a decayed weight costs a hundred steps' time."""

from __future__ import annotations

import platform
from collections.abc import Callable

from pullback.executors.native.llvm.code import Code

_X86 = 0x8040  # MXCSR: flush to zero, and denormals are zero
_ARM = 1 << 24  # FPCR: flush to zero


def flush_subnormals(code: Code) -> Callable[[], None]:
    """Write the lines that switch subnormals off for this thread; call the result to switch back."""
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        return _on_x86(code)
    if machine in ("aarch64", "arm64"):
        return _on_arm(code)
    return lambda: None


def _on_x86(code: Code) -> Callable[[], None]:
    code.declare("@llvm.x86.sse.stmxcsr", "declare void @llvm.x86.sse.stmxcsr(ptr)")
    code.declare("@llvm.x86.sse.ldmxcsr", "declare void @llvm.x86.sse.ldmxcsr(ptr)")
    code.line("%mode = alloca i32")
    code.line("%mode.flush = alloca i32")
    code.line("call void @llvm.x86.sse.stmxcsr(ptr %mode)")
    code.line("%mode.was = load i32, ptr %mode")
    code.line(f"%mode.new = or i32 %mode.was, {_X86}")
    code.line("store i32 %mode.new, ptr %mode.flush")
    code.line("call void @llvm.x86.sse.ldmxcsr(ptr %mode.flush)")
    return lambda: code.line("call void @llvm.x86.sse.ldmxcsr(ptr %mode)")


def _on_arm(code: Code) -> Callable[[], None]:
    code.declare("@llvm.aarch64.get.fpcr", "declare i64 @llvm.aarch64.get.fpcr()")
    code.declare("@llvm.aarch64.set.fpcr", "declare void @llvm.aarch64.set.fpcr(i64)")
    code.line("%mode.was = call i64 @llvm.aarch64.get.fpcr()")
    code.line(f"%mode.new = or i64 %mode.was, {_ARM}")
    code.line("call void @llvm.aarch64.set.fpcr(i64 %mode.new)")
    return lambda: code.line("call void @llvm.aarch64.set.fpcr(i64 %mode.was)")
