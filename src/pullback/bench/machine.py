"""The machine that times were taken on, one thread of it, and the C compiler."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

# One thread for everybody. Read by the libraries when they are imported, so set before.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
    "CUDA_VISIBLE_DEVICES": "",
}
TOLD = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve")
PEERS = ("numpy", "llvmlite", "torch", "jax", "numba", "scikit-learn", "scipy", "micrograd")


def stay_on_one_core() -> None:
    """This process stays where it is, as far as the system allows that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def machine() -> dict[str, str]:
    """What a reader must know to compare times with those of another machine."""
    return {
        "processor": _processor(),
        "instruction sets": ", ".join(flag for flag in TOLD if flag in _flags()) or "unknown",
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "compiler": _compiler_said(),
        **{name: _version(name) for name in PEERS},
    }


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def _line(key: str) -> str:
    lines = [line for line in _cpuinfo().splitlines() if line.startswith(key)]
    return lines[0].partition(":")[2].strip() if lines else ""


def _processor() -> str:
    return _line("model name") or platform.processor() or platform.machine()


def _flags() -> set[str]:
    return set((_line("flags") or _line("Features")).split())


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _compiler_said() -> str:
    compiler = _compiler()
    if compiler is None:
        return "none"
    said = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False)
    return said.stdout.splitlines()[0] if said.stdout else compiler


def _compiler() -> str | None:
    return shutil.which("gcc") or shutil.which("cc")


@cache
def c_library(text: str, options: str = "-O3 -march=native", libraries: str = "-lm") -> ctypes.CDLL:
    """`text` compiled by the C compiler of this machine; an ImportError where there is none."""
    compiler = _compiler()
    if compiler is None:
        raise ImportError("there is no C compiler", name="gcc")
    with tempfile.TemporaryDirectory(prefix="pullback-bench-") as folder:
        source, made = Path(folder) / "limit.c", Path(folder) / "limit.so"
        source.write_text(text)
        command = [compiler, *options.split(), "-shared", "-fPIC", str(source), "-o", str(made)]
        subprocess.run([*command, *libraries.split()], check=True, capture_output=True)
        return ctypes.CDLL(str(made))


def place(array: Any) -> ctypes.c_void_p:
    """Where an array begins, for C; the caller keeps the array."""
    assert isinstance(array, np.ndarray)
    return ctypes.c_void_p(array.ctypes.data)
