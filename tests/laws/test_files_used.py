"""`pb.load` of anything is one thing or a FileError; what it loads can be drawn, printed and run."""

import os
import subprocess
import sys
from random import Random

import numpy as np
import pytest
from laws.forging import SMALL, damaged, forged, lied, signed
from laws.used_files import used

import pullback as pb
from pullback.core.build import Builder
from pullback.core.dtypes import FLOAT64
from pullback.core.file import from_bytes, to_bytes
from pullback.core.shapes import Spec
from pullback.errors import FileError

ROWS, LABELS = np.arange(24.0).reshape(12, 2), np.arange(12) % 3
REFUSED = ["refused: FileError"]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="as Linux has it")


def written(tmp_path, data):
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    return path


def circuit_of(shape, function, name="x"):
    builder = Builder()
    return builder.finish([function(builder.input(Spec(shape, FLOAT64), name))])


# bench/fuzz_files.py does the same for hundreds of thousands.
@pytest.mark.parametrize("seed", range(12))
def test_a_file_that_lies_is_refused_or_what_it_holds_can_be_used(seed, tmp_path):
    random = Random(seed)
    for _ in range(12):
        data = random.choice([lied, lambda r, d: signed(damaged(r, d))])(random, SMALL)
        said = used(written(tmp_path, data))
        try:
            from_bytes(data)
        except FileError:
            assert said == REFUSED
        assert not any("FileError" in one for one in said[1:])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    pb.MLPClassifier((3,), max_epochs=1).fit(ROWS, LABELS).save(path)
    return path.read_bytes()


@pytest.mark.parametrize("seed", range(6))
def test_a_model_that_lies_is_refused_or_predicts(seed, model, tmp_path):
    random = Random(seed)
    found = [used(written(tmp_path, lied(random, model))) for _ in range(15)]
    assert used(written(tmp_path, model)) == ["loaded a model", "predict: done", "says: done"]
    assert all(one == REFUSED or one[0] in ("loaded", "loaded a model") for one in found)


GIANT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
import pullback as pb
f = pb.load(sys.argv[1])
print(len(f.draw().svg) > 500, f.latest().circuit.spec_of(0).shape)
"""
GIANTS = {
    "of 2**32": ((2**32,), pb.relu),
    "a sum of 2**32": ((2**32,), pb.sum),
    "a product": ((2**16, 2**16), lambda x: x @ x),
    "broadcast": ((2,), lambda x: pb.sum(pb.broadcast_to(x, shape=(2**35, 2)))),
    "padded": ((3,), lambda x: pb.pad(x, widths=((2**35, 0),))),
}

FEW_GIANTS = ["of 2**32", "broadcast"]


@LINUX
@pytest.mark.parametrize(
    "name",
    [n if n in FEW_GIANTS else pytest.param(n, marks=pytest.mark.slow) for n in GIANTS],
)
def test_a_circuit_of_more_numbers_than_memory_is_loaded_and_drawn_in_little_memory(name, tmp_path):
    path = written(tmp_path, to_bytes(circuit_of(*GIANTS[name])))
    command = [sys.executable, "-c", GIANT, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.stdout.split()[:1], ended.stderr) == (["True"], "")


@LINUX
@pytest.mark.parametrize("size", [2**20, 10 * 2**30, 2**42], ids=["MiB", "10 GiB", "4 TiB"])
def test_padding_behind_a_good_file_is_not_read(size, tmp_path):
    path = written(tmp_path, SMALL)
    os.truncate(path, size)
    with pytest.raises(FileError, match="does not end where its tensors end"):
        pb.load(path)


@pytest.mark.parametrize("more", [b"\0", b"x" * 100, SMALL])
def test_not_one_byte_may_follow(more, tmp_path):
    with pytest.raises(FileError, match="does not end where its tensors end"):
        pb.load(written(tmp_path, SMALL + more))


WORDS = ["lambda", "None", "class", "def", "import", "async", "True"]
NAMES = [
    "",
    "__class__",
    "__x",
    "2x",
    "a b",
    "a\0b",
    "a\nb",
    "größe",
    "\u202ex",
    "x" * 300,
    "../x",
    "x;y",
    "a.b",
    "f()",
]


@pytest.mark.parametrize("name", [*WORDS, *NAMES], ids=ascii)
def test_an_input_of_a_name_that_no_program_can_have_is_refused(name, tmp_path):
    def renamed(_, tensors):
        text = tensors["circuit.labels"].tobytes()
        tensors["circuit.labels"] = np.frombuffer(
            text.replace(b"x\n", name.encode() + b"\n", 1), np.uint8
        )

    assert used(written(tmp_path, forged(SMALL, renamed))) == REFUSED


@pytest.mark.parametrize("name", WORDS)
def test_what_cannot_be_loaded_is_not_written(name):
    with pytest.raises(FileError, match="a word of Python"):
        to_bytes(circuit_of((), pb.tanh, name))


@pytest.mark.parametrize("name", ["match", "type", "print", "self", "_", "x" * 64, "int", "force"])
def test_a_name_that_only_looks_like_a_word_comes_back(name, tmp_path):
    path = written(tmp_path, to_bytes(circuit_of((), pb.tanh, name)))
    f = pb.load(path)
    assert (f.parameters, f(0.0)) == ([name], 0.0)
    assert [one for one in used(path) if "refused" in one] == []


def test_a_circuit_without_outputs_is_no_function(tmp_path):
    builder = Builder()
    builder.input(Spec((), FLOAT64), "x")
    with pytest.raises(FileError, match="without outputs"):
        pb.load(written(tmp_path, to_bytes(builder.finish([]))))


def named_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def loop(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    return tmp_path / "a"


def unreadable_folder(tmp_path):
    return written(tmp_path, SMALL) / "inside"


PLACES = {
    "a folder": lambda t: t, "nothing": lambda t: t / "none", "a named pipe": named_pipe,
    "a device": lambda t: "/dev/zero", "a terminal": lambda t: "/dev/tty", "a loop of links": loop,
    "below a file": unreadable_folder, "a NUL": lambda t: "a\0b", "half a pair": lambda t: "\ud800",
    "a long name": lambda t: t / ("x" * 5000), "a long path": lambda t: "/".join(["x"] * 5000),
    "a bidirectional name": lambda t: t / "a\u202eb", "empty": lambda t: "",
    "of the system": lambda t: "/proc/self/mem", "a growing one": lambda t: "/proc/self/maps",
}  # fmt: skip


@LINUX
@pytest.mark.parametrize("name", PLACES)
def test_what_is_no_file_is_refused_at_once_in_printable_words(name, tmp_path):
    with pytest.raises(FileError) as told:
        pb.load(PLACES[name](tmp_path))
    assert told.value.what.replace("\n", "").isprintable()
