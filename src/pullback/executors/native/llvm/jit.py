"""LLVM text in, callable machine code out. The only file that talks to llvmlite.

A `Library` is one optimised module: built once, kept as an object file on disk (see `cache.py`), and
unloaded when nobody holds it any more.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import importlib.util
import platform
from collections.abc import Callable, Sequence
from typing import Any

import pullback
from pullback.core.once import LOCK, once
from pullback.errors import PullbackError
from pullback.executors.native.llvm import cache


@once
def lacking() -> str:
    """What keeps circuits from running as machine code, with the remedy; "" where nothing does."""
    said = "so circuits run in NumPy, slower. Try: pip install"
    if importlib.util.find_spec("llvmlite") is None:
        return f"llvmlite is not installed, {said} llvmlite"
    try:
        _llvm()
    except (ImportError, OSError, AttributeError) as error:  # half there, or of another machine
        reason = str(error).partition(". ")[0][:100]
        return f"llvmlite cannot be loaded ({reason}), {said} --force-reinstall llvmlite"
    return ""


class Library:
    """One loaded module. `address(name)` of an exported symbol stays valid while it is held."""

    def __init__(self, engine: Any, exports: Sequence[str]) -> None:
        self._engine = engine  # unloads the code when it goes
        self._addresses = {name: engine.get_global_value_address(name) for name in exports}

    def address(self, name: str) -> int:
        return int(self._addresses[name])

    def function(self, name: str, restype: Any, *argtypes: Any) -> Any:
        """The exported function as a ctypes callable; it releases the GIL while it runs."""
        made: Any = ctypes.CFUNCTYPE(restype, *argtypes)(self.address(name))
        made.library = self  # the code lives as long as the callable
        return made


def build(
    ir: str | Callable[[], str],
    exports: Sequence[str],
    *,
    level: int = 1,
    vectorize: bool = False,
    fingerprint: str = "",
) -> Library:
    """Optimise, assemble and load `ir` (LLVM assembly), or load it from the cache.

    level: 0 only inlines what says so and puts stack slots into registers: enough for text that is
    lean already, four times as quick, and it loses no memory, while LLVM's own O levels 1 to 3 lose
    40 kB a build. vectorize: LLVM's loop and SLP vectorisers; off because the generators write
    vectors themselves. Same text, same machine, same versions: same bytes.

    fingerprint: all that the text depends on, its generator's source included; then `ir` may be a
    function that is only called when nothing is kept under that.
    """
    if callable(ir) and not fingerprint:
        ir = ir()
    key = _key(fingerprint or str(ir), level, vectorize)
    with LOCK:  # LLVM's tables are shared, so one thread builds at a time
        image = cache.load(key)
        if image is None:
            image = _assembled(ir() if callable(ir) else ir, level, vectorize)
            cache.store(key, image)
        return _loaded(image, exports)


def _key(said: str, level: int, vectorize: bool) -> str:
    whole = "\0".join([pullback.__version__, _host(), str(level), str(vectorize), said])
    return hashlib.sha256(whole.encode()).hexdigest()


def _llvm() -> Any:
    # Loaded on first use: it takes longer than everything else here together.
    return importlib.import_module("llvmlite.binding")


@once
def _host() -> str:
    llvm = _llvm()
    return f"{llvm.get_host_cpu_name()} {features()} {llvm.llvm_version_info}"


@once
def features() -> str:
    """The instruction sets of this processor; its name alone misleads on virtual machines."""
    return str(_llvm().get_host_cpu_features().flatten())


@once
def vector_bits() -> int:
    """The widest vectors worth using here: 512 with AVX-512, 256 with AVX2, else 128."""
    has = set(features().split(","))
    return 512 if "+avx512f" in has else 256 if "+avx2" in has and "+fma" in has else 128


@once
def has_fma() -> bool:
    """Whether a b + c is one instruction, rounded once."""
    return "+fma" in features().split(",") or is_arm()


def is_arm() -> bool:
    """Whether this is a 64-bit Arm: vectors of 128 bits, and 32 registers for them."""
    return platform.machine().lower() in ("arm64", "aarch64")


@once
def _target() -> Any:
    llvm = _llvm()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


@once
def _machine() -> Any:
    name = _llvm().get_host_cpu_name()
    return _target().create_target_machine(cpu=name, features=features(), opt=3, jit=True)


@once
def _passes() -> Any:
    llvm = _llvm()
    return llvm.create_pass_builder(_machine(), llvm.create_pipeline_tuning_options())


def _assembled(ir: str, level: int, vectorize: bool) -> bytes:
    machine = _machine()
    try:
        module = _llvm().parse_assembly(ir)
        module.verify()
    except RuntimeError as error:
        raise PullbackError(
            f"generated code is not valid LLVM: {error}. Please report this."
        ) from error
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    if level:
        _optimize(module, level, vectorize)
    else:
        _tidy(module)
    return bytes(machine.emit_object(module))


def _tidy(module: Any) -> None:
    passes = _llvm().create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, _passes())


def _optimize(module: Any, level: int, vectorize: bool) -> None:
    llvm = _llvm()
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = options.slp_vectorization = vectorize
    builder = llvm.create_pass_builder(_machine(), options)
    builder.getModulePassManager().run(module, builder)


def _loaded(image: bytes, exports: Sequence[str]) -> Library:
    """One engine a library: only a whole engine gives all its memory back."""
    llvm = _llvm()
    nothing = llvm.parse_assembly("")
    engine = llvm.create_mcjit_compiler(nothing, _target().create_target_machine(jit=True))
    engine.remove_module(nothing)  # or it would be compiled too
    engine.add_object_file(llvm.ObjectFileRef.from_data(image))
    engine.finalize_object()
    return Library(engine, exports)
