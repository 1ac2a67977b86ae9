"""Kept machine code is that of the very same work: another line or another number is another key."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.core.gate import GATES
from pullback.executors.native.llvm import fingerprint as sources
from pullback.executors.native.llvm import jit
from pullback.executors.native.llvm.fingerprint import fingerprint, source_of

PACKAGE = Path(pb.__file__).parent
# A file of each floor, one that decides a shape, a pull, a plan or an instruction.
EDITED = [
    "core/shapes.py", "core/gate.py", "core/file/check.py", "gates/reduce.py", "gates/linear.py",
    "passes/backward.py", "passes/expand.py", "executors/reference/program.py",
]  # fmt: skip


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package's sources, to be edited."""
    copy = tmp_path_factory.mktemp("source") / "pullback"
    leave = shutil.ignore_patterns("__pycache__")
    for floor in sources.FLOORS:
        shutil.copytree(PACKAGE / floor, copy / floor, ignore=leave)
    return copy


def files():
    assert set(EDITED) <= {str(p.relative_to(PACKAGE)) for p in PACKAGE.rglob("*.py")}
    native = sorted((PACKAGE / "executors/native").rglob("*.py"))
    return [*EDITED, *(str(p.relative_to(PACKAGE)) for p in native)]


@pytest.mark.parametrize("file", files())
def test_a_line_more_in_any_file_of_any_floor_is_another_key(package, file):
    before, text = source_of(package), (package / file).read_text()
    (package / file).write_text(text + "\n# a line more\n")
    after = source_of(package)
    (package / file).write_text(text)
    assert before != after
    assert source_of(package) == before


def test_the_key_is_that_of_the_files_that_run():
    assert source_of(PACKAGE) == sources.SOURCE


def test_a_file_more_a_file_less_and_a_file_of_another_name_are_other_keys(package):
    file, moved = package / "gates/reduce.py", package / "gates/folds.py"
    found = {source_of(package)}
    file.rename(moved)
    found.add(source_of(package))
    text = moved.read_text()
    moved.unlink()
    found.add(source_of(package))
    (package / "gates/one_more.py").write_text("")
    file.write_text(text)
    found.add(source_of(package))
    (package / "gates/one_more.py").unlink()
    assert len(found) == 4


def test_whatever_native_code_loads_is_in_the_key():
    """So a floor that is written by something else some day cannot be forgotten."""
    ask = """
import sys, pullback.executors.native.choose
print(*(m for m in sys.modules if m.startswith("pullback.")))
"""
    loaded = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True
    ).stdout.split()
    floors = {module.split(".")[1] for module in loaded}
    assert {"passes", "gates"} <= floors <= {*sources.FLOORS, "errors"}


def recipe_of(constant):
    return pb.circuit(lambda x: x * constant + 1.0).circuit(2.0)


PAIRS = [
    (recipe_of, 0.5, np.nextafter(0.5, 1)),
    (recipe_of, 0.0, -0.0),
    (recipe_of, 1.0, float("inf")),
    (lambda a: pb.circuit(lambda x: x + a).circuit(np.ones(3)), np.zeros(3), np.array([0, 0, 1e-300])),
    (lambda a: pb.circuit(lambda x: x + a).circuit(np.ones(3)), np.ones(3), np.ones(1)),
    (lambda a: pb.circuit(lambda x: pb.sum(x, axis=a)).circuit(np.ones((3, 3))), 0, 1),
    (lambda a: pb.circuit(lambda x: x[a:2]).circuit(np.ones(3)), 0, 1),
    (lambda a: pb.circuit(lambda x: x * 2).circuit(np.ones(a)), 3, 4),
    (lambda a: pb.circuit(lambda x: x * 2).circuit(np.ones(3, a)), np.float32, np.float64),
    (lambda a: pb.circuit(lambda x, y: a(x, y)).circuit(1.0, 2.0), lambda x, y: x - y, lambda x, y: y - x),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_circuits_that_differ_in_one_constant_never_share_code(number):
    make, one, other = PAIRS[number]
    assert fingerprint(make(one)) == fingerprint(make(one))
    assert fingerprint(make(one)) != fingerprint(make(other))


@pytest.mark.parametrize("wrapped", [lambda body: body, lambda body: (1, (body, body))])
def test_bodies_in_attributes_count_by_what_they_compute(wrapped):
    """Two loops whose bodies differ in one number look alike when they are printed."""

    @pb.circuit
    def outer(x):
        return pb.reshape(x, shape=(3, 1))

    def key(constant):
        made, body = outer.circuit(np.ones(3)), recipe_of(constant)
        made.attributes[-1]["body"] = wrapped(body)
        return fingerprint(made)

    assert repr(recipe_of(0.5)) == repr(recipe_of(0.25))
    assert key(0.5) != key(0.25)


def recipe_called(name, factor):
    """A recipe and its pull, both of them times `factor`."""

    def body(x):
        return x * factor + pb.tanh(x)

    def pull(dy, y, x):
        return dy * x * factor

    body.__name__, pull.__name__ = name, f"d_{name}"
    made = pb.recipe(body)
    made.pulls(pull)
    return made


@pytest.mark.parametrize("value", [0.25, np.array([0.25, 0.5]), np.full((3, 2), 0.25)], ids=np.ndim)
def test_a_gate_that_is_defined_again_takes_its_new_value_and_pull(value):
    found = []
    for factor in (2.0, 3.0):
        f = pb.circuit(recipe_called("given_anew", factor))
        program = pb.compile(f.circuit(value), executor="native")
        force = np.ones(np.shape(value))[()]
        found.append((program.run([value])[0], program.value_and_grad([value], force)[1][0]))
        del GATES["given_anew"]
    (one, pull), (other, other_pull) = found
    assert np.allclose(other - one, value)
    assert np.allclose(other_pull, 1.5 * pull)


def test_code_of_a_machine_with_other_instructions_is_not_run_here(monkeypatch):
    before = jit._key("the same text", 0, False)
    monkeypatch.setattr(jit, "features", lambda: "+fma,+avx2,-avx512f")
    monkeypatch.setattr(jit, "_host", jit._host.__wrapped__)
    assert jit._key("the same text", 0, False) != before
