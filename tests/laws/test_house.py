"""The house: files import in no circle, stay small, and are listed where their folder says what it holds."""

import ast
import re
from pathlib import Path

import pytest

import pullback

PACKAGE = Path(pullback.__file__).parent
LARGEST = 500  # lines of a file
HEART = 3800  # lines that give a circuit its meaning: decision 0008
FAMILY = 500  # lines of a family of gates
SAID = [
    PACKAGE / "executors",
    PACKAGE / "passes",
    PACKAGE / "core",
]  # whose READMEs list every file


def modules(root, package=PACKAGE):
    """Every module below a folder, and its file."""
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def imports(file, known):
    """The modules that a file imports when it is loaded or when only types are looked at."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{a.name}" for a in node.names]
            yield from (name if name in known else node.module for name in names)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names)


def circles(root, package=PACKAGE):
    """Modules that, by way of others, import themselves."""
    files = dict(modules(root, package))
    arrows = {name: {*imports(file, files)} & {*files} - {name} for name, file in files.items()}
    for _ in files:  # who imports nothing that is left, or is imported by nobody, is in no circle
        named = {name for to in arrows.values() for name in to}
        left = {name for name, to in arrows.items() if to & {*arrows} and name in named}
        arrows = {name: arrows[name] for name in left}
    return sorted(arrows)


@pytest.mark.parametrize("room", ["executors", "passes/planning"])
def test_files_import_in_no_circle(room):
    assert circles(PACKAGE / room) == []


def test_a_circle_is_seen(tmp_path):
    room = tmp_path / "pullback"
    room.mkdir()
    (room / "a.py").write_text("from pullback.b import x\n")
    (room / "b.py").write_text("import pullback.c\n")
    (room / "c.py").write_text("def f():\n    from pullback import a\n")
    (room / "d.py").write_text("import pullback.a\n")
    assert [name[-1] for name in circles(room, room)] == ["a", "b", "c"]
    (room / "c.py").write_text("")
    assert circles(room, room) == []


def lines_of(*files):
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def test_no_file_is_too_large():
    assert [(str(f), n) for _, f in modules(PACKAGE) if (n := lines_of(f)) > LARGEST] == []


def test_machine_code_has_six_rooms():
    native = PACKAGE / "executors/native"
    rooms = [p.name for p in native.iterdir() if (p / "__init__.py").exists()]
    assert sorted(rooms) == ["arrays", "cpython", "llvm", "scalars", "tape"]  # and native itself


@pytest.mark.parametrize(
    "readme",
    sorted(r for room in SAID for r in room.rglob("README.md")),
    ids=lambda r: r.parent.name,
)
def test_a_readme_lists_what_its_folder_holds(readme):
    text, folder = readme.read_text(encoding="utf-8"), readme.parent
    named = {*re.findall(r"`([\w./*]+)`", text)}
    held = {p.name for p in folder.glob("*.py")} - {"__init__.py"}
    held |= {p.name + "/" for p in folder.iterdir() if (p / "__init__.py").exists()}
    assert sorted(name for name in held if name not in named) == []
    assert sorted(n for n in named if n.endswith(".py") and "/" not in n and n not in held) == []


# What decision 0008 counts apart: doors to the outside, planning, opening, loops.
DOORS = {"array_methods", "indexing", "numpy_functions", "options", "ranges"}
LOOPS = {"objective", "optimizer", "training_step", "batch"}


def heart():
    """The files that give a circuit its meaning."""
    executors = PACKAGE / "executors"
    yield from (f for f in (PACKAGE / "core").glob("*.py") if f.stem not in DOORS)
    yield from (f for f in (PACKAGE / "passes").glob("*.py") if f.stem not in LOOPS)
    yield executors / "reference/program.py"
    yield from executors.glob("unit*.py")


def test_the_heart_can_be_read_in_a_day():
    assert lines_of(*heart()) <= HEART


@pytest.mark.parametrize("family", sorted((PACKAGE / "gates").glob("*.py")), ids=lambda f: f.stem)
def test_a_family_of_gates_is_a_small_file(family):
    assert lines_of(family) < FAMILY
