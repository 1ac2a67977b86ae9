"""Where llvmlite is missing or broken everything runs in NumPy, and that is said once, at the user's line."""

import subprocess
import sys

import pytest

BROKEN = {
    "a library that does not load": "raise OSError('cannot open libllvmlite.so. This could mean ...')",
    "half an installation": "import llvmlite.nowhere",
    "a library of another version": "raise AttributeError('no symbol LLVMPY_X')",
}
SCRIPT = """
import sys
import pullback as pb
assert "llvmlite" not in sys.modules  # importing it takes longer than all of ours
f = pb.circuit("w * x", parameters="w")
assert f(2.0, 3.0) == 6.0
{}
import numpy as np
from pullback.train import SGD, Plan
loss = pb.circuit("loss = (w*x - y) ** 2", parameters="w")
fitted = loss.fit({{"w": 0.0, "x": [1.0], "y": [2.0]}}, plan=Plan(1, 50), optimizer=SGD(0.2))
pb.compile(pb.circuit(lambda x: x * x).circuit(np.ones(3))).run([np.ones(3)])
print(round(fitted["w"], 6))
"""
FIRST = {
    "compile": "pb.compile(f)",
    "map": "f.map(w=[1.0, 2.0], x=1.0).value",
    "a tape": "pb.grad(lambda x: sum((x for _ in range(1200)), 0.0 * x))(1.0)",
}


def ran(code, folder):
    """What a process prints that finds what lies in `folder` first, and what it warns of."""
    (folder / "asked.py").write_text(code, encoding="utf-8")
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(folder)!r}); import asked",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.stdout.split(), ended.stderr


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_llvmlite_is_done_without_and_said_once(fault, first, tmp_path):
    (tmp_path / "llvmlite").mkdir()
    (tmp_path / "llvmlite/__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "llvmlite/binding.py").write_text(BROKEN[fault], encoding="utf-8")
    printed, warned = ran(SCRIPT.format(FIRST[first]), tmp_path)
    assert printed == ["2.0"], warned
    assert warned.count("Warning") == 1
    assert "asked.py:7: RuntimeWarning: llvmlite cannot be loaded (" in warned
    assert "run in NumPy, slower. Try: pip install --force-reinstall llvmlite" in warned
    assert "This could mean" not in warned


def test_without_llvmlite_its_installation_is_proposed(tmp_path):
    code = "import sys\nsys.modules['llvmlite'] = None\n" + SCRIPT.replace(
        'assert "llvmlite" not in sys.modules', ""
    ).format("pb.compile(f)")
    printed, warned = ran(code, tmp_path)
    assert printed == ["2.0"], warned
    assert warned.count("Warning") == 1
    assert (
        "asked.py:9: RuntimeWarning: llvmlite is not installed, so circuits run in NumPy" in warned
    )
    assert "Try: pip install llvmlite" in warned
