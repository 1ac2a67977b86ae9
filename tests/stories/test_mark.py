"""mark: what it says of single works, and that hostile ones do nothing and are reported."""

import csv
import html
import json
import os
import re
import tracemalloc
from io import StringIO

import numpy as np
import pytest

import pullback as pb
from pullback.cli import answer
from pullback.errors import CircuitError, FileError
from pullback.lens.mark import MISSING, RIGHT, WRONG, Marker
from pullback.lens.submissions import COLUMNS, Submission, csv_of, grade_folder, read_submission
from pullback.show.grades import grades

TEXT = "q = x + y; f = q * z"
NET = """import numpy as np, pullback as pb
X, W = np.arange(6.0).reshape(3, 2) / 5, np.ones((2, 2))
def loss(X=X, W=W, b=np.array([0.1, 0.2]), y=np.array([0, 1, 1])):
    s = X @ W + b
    p = pb.softmax(s)
    return -pb.mean(pb.log(pb.pick(p, y)))
"""
NUMPY_WORK = """N = X.shape[0]
ds = p.copy()
ds[np.arange(N), y] -= 1
ds /= N
dW = np.dot(X.T, ds)
db = np.sum(ds, axis=0)
"""
GOOD = "dq = z; dz = q; dx = dq; dy = dq"
VALUES = {"x": -2.0, "y": 5.0, "z": -4.0}
ASKED = [TEXT, "x=-2", "y=5", "z=-4"]
ARRAYS = {"X": np.ones((3, 2)), "W": np.array([[1.0, 2.0, 3.0, 4.0], [0.5, 0.1, 0.2, 0.3]]),
          "b": np.zeros(4), "G": np.arange(12.0).reshape(3, 4)}  # fmt: skip
MOST_MEMORY = 100_000_000  # bytes that grading one work may take
# Works that try to run something, to fill the memory, to hang, or to confuse the reader.
HOSTILE = {
    "import": "dx = __import__('os').system('touch pwned')",
    "builtins": "dx = ().__class__.__bases__[0].__subclasses__()",
    "dunder name": "__class__ = 1; dx = __class__",
    "eval": "dx = eval('1')",
    "open": "dx = open('pwned')",
    "lambda": "dx = (lambda: 1)()",
    "walrus": "dx = (q := 1)",
    "f-string": "dx = f'{q}'",
    "attribute": "dx = q.shape",
    "index": "dx = q[0]",
    "semicolon import": "dx = 1; import os",
    "statement": "while 1: dx = 1",
    "function": "def dx(): return 1",
    "decorator": "@dx",
    "backslash": "dx = 1 \\\n + 2",
    "backticks": "dx = `id`",
    "dollar": "dx = $(id)",
    "percent format": "dx = '%s' % q",
    "powers": "dx = 9**9**9**9**9",
    "long power": "dx = " + "**".join(["9"] * 400),
    "big number": "dx = " + "9" * 500,
    "big exponent": "dx = 1e999999",
    "hex": "dx = 0xffffffffff",
    "deep brackets": "dx = " + "(" * 100_000 + "1" + ")" * 100_000,
    "deep signs": "dx = " + "-" * 200_000 + "1",
    "deep calls": "dx = " + "exp(" * 5_000 + "1" + ")" * 5_000,
    "deep choices": "dx = " + "q ? 1 : " * 20_000 + "1",
    "one megabyte": "dx = " + "1+" * 500_000 + "1",
    "two megabytes of names": "dx = " + "a" * 2_000_000,
    "many lines": "\n".join(f"a{i} = q" for i in range(1_000)),
    "billion laughs": "a = q * 1e300\n" + "a = a * a\n" * 60 + "dx = a",
    "broadcast": "dx = broadcast_to(1, shape=(2147483647, 2147483647))",
    "broadcast of a wire": "dx = broadcast_to(q, shape=(100000, 100000))",
    "outer": "dx = broadcast_to(q, shape=(100000, 1)) @ broadcast_to(q, shape=(1, 100000))",
    "many axes": "dx = reshape(q, shape=(" + "1, " * 200 + "))",
    "minus shape": "dx = reshape(q, shape=(-5,))",
    "wrong shape": "dx = reshape(q, shape=(3, -1, -1))",
    "overflowing shape": "dx = reshape(q, shape=(2147483647, 2147483647, 2147483647, 0))",
    "pad": "dx = pad(broadcast_to(q, shape=(1,)), width=2000000000)",
    "axis": "dx = sum(q, axis=7)",
    "no gate": "dx = system(1)",
    "gate without inputs": "dx = exp()",
    "too many inputs": "dx = exp(1, 2, 3)",
    "strange attribute": "dx = exp(q, out=1)",
    "division by zero": "dx = 1 / 0",
    "log of nothing": "dx = log(0) * 0",
    "unknown name": "dx = password",
    "itself": "dx = dx_ + 1",
    "cyrillic": "d\u0445 = 1",
    "fullwidth": "\uff44\uff58 = 1",
    "right to left": "dx = 1 \u202e ;2 = yd",
    "zero width": "dx\u200b = 1",
    "null": "dx = 1\x00",
    "escape": "dx = \x1b[2J",
    "bell": "\x07",
    "emoji": "dx = \U0001f600",
    "empty": "",
    "blanks": " \n\t ;;; \n",
    "only a value": "1 + 1",
    "comment": "# dx = 1",
    "only equal signs": "=" * 10_000,
    "html": "<script>alert(1)</script>",
    "formula": "=HYPERLINK(\"http://x\")",
    "json": '{"dx": 1}',
}  # fmt: skip


@pytest.fixture(scope="module")
def marker():
    return Marker(TEXT, VALUES)


def marks(text, work, **values):
    return {m.name: m for m in pb.mark(text, work, values).marks}


def test_right_work_passes():
    grade = pb.mark(TEXT, GOOD, VALUES)
    assert (grade.passed, grade.score) == (True, 1.0)


def test_a_missing_input_is_said():
    found = marks(TEXT, "dx = z; dy = z", **VALUES)
    assert (found["dz"].verdict, found["dx"].verdict) == (MISSING, RIGHT)


def test_one_slip_does_not_spoil_the_lines_below_it():
    found = marks(TEXT, "dq = -z; dz = q; dx = dq; dy = dq", **VALUES)
    assert [found[n].verdict for n in ("dq", "dx", "dy", "dz")] == [WRONG, RIGHT, RIGHT, RIGHT]


def test_a_product_that_does_not_fit_is_told_which_side_to_turn():
    found = marks("h = X @ W + b; L = sum(h * G)", "dW = X @ G; dX = G @ W", **ARRAYS)
    assert found["dW"].mistake == "transposed: it should be transpose(X) @ G, not X @ G"
    assert found["dX"].mistake == "transposed: it should be G @ transpose(W), not G @ W"


def test_E2_the_guides_own_line_for_one_over_a_lacks_the_upstream_factor():
    found = marks("r = 1 / a; f = r * r", "da = -1 / (a * a)", a=1.5)
    assert found["da"].mistake == "missing upstream factor: the pull on 'r' is not multiplied in"


def test_E14_equals_where_fan_out_needs_plus_equals_is_named():
    found = marks("b = a * 2; c = a + 3; f = b * c", "da = 2 * c; da = b", a=1.5)
    assert found["da"].mistake == "`=` for `+=`: the branch through 'b' is missing"


ONE_HOT = {"s": np.array([[0.1, 0.5, -0.2], [1.0, 0.0, 0.3]]), "Y": np.eye(3)[[0, 2]]}
SOFTMAX = "p = softmax(s); L = -sum(Y*log(p))"


def test_the_textbook_pull_of_softmax_on_one_hot_labels_passes():
    assert pb.mark(SOFTMAX, "ds = p - Y; dY = -log(p)", ONE_HOT).passed


def test_labels_stay_labels_but_not_the_same_ones():
    values = {"X": np.eye(3), "W": np.ones((3, 2)), "G": np.arange(6.0).reshape(3, 2)}
    found = marks("h = X @ W; L = sum(h * G)", "dW = G; dG = h; dX = G @ transpose(W)", **values)
    assert found["dW"].verdict == WRONG  # transpose(X) @ G is G for the very X that is given


def test_the_pull_on_labels_themselves_is_judged_where_they_move():
    cubes = marks("f = sum(w**3)", "dw = 3 * w**0", w=np.array([1.0, -1.0]))
    assert cubes["dw"].verdict == WRONG


def test_signs_stay_signs():
    values = {"s": np.array([0.3, -2.0, 0.5]), "y": np.array([1.0, -1.0, -1.0])}
    right = "ds = 2 * (s - y); dy = 2 * (y * s - 1) * s"  # y * y is 1
    assert pb.mark("f = sum((y*s - 1)**2)", right, values).passed


FACTORS = {
    "4*x": "2 times too large: a factor 1/2 is missing",
    "x": "2 times too small: a factor 2 is missing",
    "6*x": "3 times too large: a factor 1/3 is missing",
    "-2*x": "the sign is wrong",
    "-4*x": "2 times too large: a factor 1/2 is missing, and the sign is wrong",
    "0*x": "it is 0: there is no pull at all, but this wire is pulled",
    "2*x**2": "the exponent is wrong: it should be 1, not 2",
    "2.1*x": "off by the constant factor 1.05",
}


@pytest.mark.parametrize("work", FACTORS)
def test_a_factor_is_told_as_it_is(work):
    assert marks("f = x*x", f"dx = {work}", x=3.0)["dx"].mistake == FACTORS[work]


# The sign of one term, wherever it is, and the words for it.
TERMS = {
    "dx = 2*x - y; dy = x - 3*y*y": "the sign of `y` is wrong: + belongs where - stands",
    "dx = -2*x + y; dy = x - 3*y*y": "the sign is wrong: the minus in front of `2` is too much",
    "dx = 2*x + y; dy = x + 3*y*y": "the sign of `3 * y * y` is wrong: - belongs where + stands",
    "dx = 2*x + y; dy = 0; dy += x; dy += 3*y*y": "the sign is wrong: -= belongs where += stands",
}


@pytest.mark.parametrize("work", TERMS)
def test_a_sign_inside_a_term_is_found(work):
    wrong = [
        m.mistake for m in pb.mark("f = x*x + x*y - y*y*y", work, x=1.5, y=0.7).marks if m.mistake
    ]
    assert wrong == [TERMS[work]]


def test_a_common_mistake_comes_with_its_reason():
    said = {n: m.said for n, m in marks(TEXT, "dq = z; dz = q; dx = 1; dy = z", **VALUES).items()}
    assert said["dx"] == (
        "missing upstream factor: the pull on 'q' is not multiplied in "
        "(chain rule: the local slope is multiplied by the pull on what comes next)"
    )


def test_swapped_is_only_said_of_a_wire_that_is_written():
    assert "swapped" not in str(
        pb.mark("f = x*y + z", "dx = 7.3; dy = x; dz = 1", x=1.5, y=2.0, z=0.1)
    )


def test_a_pull_that_is_used_must_be_given():
    found = marks(TEXT, "dz = q; dx = dq; dy = dq", **VALUES)
    assert (found["dq"].verdict, found["dx"].verdict) == (MISSING, RIGHT)


def test_at_a_kink_any_value_between_the_two_sides_is_right():
    at_zero = pb.mark("f = relu(x) * y", "dx = (x >= 0) * y; dy = relu(x)", x=0.0, y=2.0)
    assert at_zero.passed
    assert "the slope jumps here" in str(at_zero)


def test_only_the_parameters_are_asked_for_where_there_are_such():
    net = pb.circuit("e = w*x - y; f = e*e", parameters="w")
    assert pb.mark(net, "de = 2*e; dw = de*x", w=1.5, x=2.0, y=0.3).passed


WHOLE = np.array([1, 2])
SIGNS = {"s": np.array([0.5, -2.0, 0.3]), "y": np.array([1, -1, -1])}


def test_whole_numbers_that_can_be_pulled_are_real_numbers():
    assert marks("f = sum(x*x)", "dx = 2*x", x=WHOLE)["dx"].verdict == RIGHT
    assert marks("f = sum(x*x)", "dx = 3*x", x=WHOLE)["dx"].verdict == WRONG


def test_the_pull_on_whole_numbers_may_be_left_out():
    hinge, work = "f = mean(maximum(0, 1 - y*s))", "ds = -y * (y*s < 1) / 3"
    assert pb.mark(hinge, work, SIGNS).passed
    assert pb.mark(hinge, f"{work}; dy = -s * (y*s < 1) / 3", SIGNS).passed
    assert not pb.mark(hinge, f"{work}; dy = s * (y*s < 1) / 3", SIGNS).passed


def test_a_local_slope_that_is_left_out_is_named():
    assert marks("q = x*y; f = q*q", "dq = 2*q; dx = dq; dy = x*dq", x=2.0, y=3.0)[
        "dx"
    ].mistake == ("the local slope of multiply is missing: this is the pull on 'q' as it is")


def test_an_array_that_is_changed_by_another_name_is_changed():
    work = "ds = p\nds -= Y\ndY = -np.log(p)"  # p is no longer p
    assert marks(SOFTMAX, work, **ONE_HOT)["dY"].verdict == WRONG
    assert pb.mark(SOFTMAX, work.replace("= p", "= p.copy()", 1), ONE_HOT).passed


def test_wires_without_a_name_are_called_by_what_makes_them():
    found = marks("(x + y) * z", "dx = 1; dy = z; dz = x + y", **VALUES)
    assert (
        found["dx"].mistake == "missing upstream factor: the pull on 'x + y' is not multiplied in"
    )


def test_a_pull_that_is_infinite_everywhere_cannot_be_marked():
    with pytest.raises(CircuitError, match="the pull on 'x' is not finite"):
        pb.mark("log(x - x)", "dx = 1", 1.0)


def test_an_answer_that_is_no_number_is_wrong():
    assert marks("x * x", "dx = 2 * x + log(-1)", x=1.5)["dx"].verdict == WRONG


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_work_is_graded_like_any_and_does_nothing(name, marker, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grade = marker.grade(HOSTILE[name])
    assert not grade.passed
    assert {m.name: m.verdict for m in grade.marks}["dx"] != RIGHT
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["broadcast of a wire", "outer", "one megabyte", "many lines"])
def test_a_hostile_work_takes_little_memory(name, marker):
    tracemalloc.start()
    marker.grade(HOSTILE[name])
    assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    tracemalloc.stop()


@pytest.fixture
def folder(tmp_path):
    """Two good works, one wrong, and everything that may lie in such a folder."""
    place = tmp_path / "works"
    place.mkdir()
    (tmp_path / "secret.txt").write_text(GOOD)
    (place / "anna.txt").write_text(GOOD)
    (place / "bert.txt").write_text(GOOD.replace("dz = q", "dz = -q"))
    (place / "bom.txt").write_bytes(b"\xef\xbb\xbf" + GOOD.replace(";", "\r\n").encode())
    (place / "latin.txt").write_bytes(b"dx = 1 # \xe4")
    (place / "huge.txt").write_bytes(b"1" * 5_000_000)
    (place / "link.txt").symlink_to(tmp_path / "secret.txt")
    (place / "=cmd|'calc'!A0").write_text("dx = 1")
    (place / "\x1b[2Jnew\nline").write_text(GOOD)
    (place / "folder").mkdir()
    (place / ".hidden").write_text("dx = 1")
    os.mkfifo(place / "pipe")
    return place


def test_a_folder_is_graded_file_by_file(folder, marker):
    done = {one.name: one.grade for one in grade_folder(marker, folder)}
    assert [name for name, grade in done.items() if grade.passed] == [
        "?[2Jnew?line",
        "anna.txt",
        "bom.txt",
    ]
    assert done["bert.txt"].score == 0.75
    assert "it is a link" in done["link.txt"].error
    assert done["latin.txt"].error == "'latin.txt' is not UTF-8 text: byte 9 is 0xe4."
    assert "more than 1,000,000 characters" in done["huge.txt"].error
    assert [done[n].error for n in ("pipe", "folder")] == [
        "'pipe' is not a file.",
        "'folder' is not a file.",
    ]


def test_a_csv_has_a_row_a_submission_and_variable(folder, marker):
    rows = list(csv.reader(StringIO(csv_of(grade_folder(marker, folder)).decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [r[1:4] for r in rows if r[0] == "bert.txt"][1] == ["dz", "wrong", "the sign is wrong"]
    assert {len(r) for r in rows} == {len(COLUMNS)}
    assert [r[2] for r in rows if r[0] == "link.txt"] == ["unread"] * 3


def test_no_cell_of_the_csv_is_a_formula(marker):
    done = [Submission(name, marker.grade("dx = 1")) for name in ("=1+1", "@x", "+1;2", "-2+3")]
    cells = [row[0] for row in csv.reader(StringIO(csv_of(done).decode(), newline=""))][1:]
    assert {cell[0] for cell in cells} == {"'"}


def test_a_csv_has_a_point_for_each_variable_that_is_right(folder, marker):
    rows = list(csv.DictReader(StringIO(csv_of(grade_folder(marker, folder)).decode(), newline="")))
    points = {
        n: sum(int(r["points"]) for r in rows if r["submission"] == n)
        for n in ("anna.txt", "bert.txt")
    }
    assert points == {"anna.txt": 4, "bert.txt": 3}
    assert {r["points"] for r in rows if r["verdict"] == "unread"} == {"0"}


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", " =", "\uff1d", "\uff0b", "%", "|"])
def test_a_sign_that_starts_a_formula_is_quoted(sign, marker):
    made = csv_of([Submission(f"{sign}cmd()", marker.grade("dx = 1"))]).decode()
    assert made.split("\r\n")[1].startswith(f"'{sign}cmd()")


TAGS = "html|head|meta|title|style|body|main|h1|h2|p|code|table|tr|th|td|a|section|pre|div"
HTML_NAMES = [
    "</script><script>alert(1)</script>",
    '" onmouseover="x',
    "<img src=x>",
    "&lt;b&gt;",
    "a'b",
]


@pytest.mark.parametrize("name", HTML_NAMES)
def test_a_name_on_the_page_of_grades_stays_text(name, marker):
    made = grades(
        [Submission(name, marker.grade(GOOD)), Submission(name, marker.grade("<b> = 1"))], TEXT
    )
    assert re.findall(rf"<(?!!|/?(?:{TAGS})[ >])", made) == []
    assert "onmouseover=" not in re.sub(r"&quot;.*?&quot;", "", made)
    assert html.unescape(made).count(name) >= 4


def test_the_page_of_grades_has_a_row_a_person_and_a_row_a_wire(folder, marker):
    made = grades(grade_folder(marker, folder), TEXT)
    assert "<td>3/4</td><td>dz: the sign is wrong</td>" in made
    assert re.search(r'<th scope="row">dz</th><td class="no">wrong</td><td>-3</td><td>3</td>', made)
    assert "3 of 10 submissions are all right" in made


def test_a_folder_lists_the_right_works_too(folder, capsys):
    answer(["mark", ASKED[0], str(folder), *ASKED[1:]])
    said = capsys.readouterr().out
    assert "anna.txt\t4/4\tall right\n" in said
    assert "bert.txt\t3/4\tdz: the sign is wrong\n" in said


def test_the_command_writes_the_page_and_grades_numpy(tmp_path, capsys):
    (tmp_path / "net.py").write_text(NET)
    works = tmp_path / "works"
    works.mkdir()
    (works / "anna.py").write_text(NUMPY_WORK)
    (works / "bert.py").write_text(NUMPY_WORK.replace("ds /= N", "pass"))
    words = [
        "mark",
        f"{tmp_path}/net.py:loss",
        str(works),
        "--parameters",
        "W,b",
        "--html",
        f"{tmp_path}/g.html",
    ]
    assert answer(words) == 1
    said = capsys.readouterr().out
    assert "anna.py\t3/3\tall right\n" in said
    assert "bert.py\t2/3\tds: 3 times too large: a factor 1/3 is missing\n" in said
    assert "2/3" in (tmp_path / "g.html").read_text(encoding="utf-8")


def test_a_link_is_not_followed(folder):
    with pytest.raises(FileError, match="link"):
        read_submission(folder / "link.txt")


def test_an_empty_folder_is_said(tmp_path, marker):
    with pytest.raises(FileError, match="no submission"):
        grade_folder(marker, tmp_path)


def test_the_exit_code_of_the_command(folder, capsys):
    assert answer(["mark", ASKED[0], GOOD, *ASKED[1:]]) == 0
    assert answer(["mark", ASKED[0], str(folder / "bert.txt"), *ASKED[1:]]) == 1
    assert answer(["mark", ASKED[0], str(folder), *ASKED[1:]]) == 1
    assert answer(["mark", ASKED[0], "nothing here", *ASKED[1:]]) == 2
    assert "\x1b" not in capsys.readouterr().out


def test_the_command_writes_the_csv_whole(folder, tmp_path, capsys):
    target = tmp_path / "marks.csv"
    answer(["mark", ASKED[0], str(folder), *ASKED[1:], "--csv", str(target)])
    assert target.read_bytes() == csv_of(grade_folder(Marker(TEXT, VALUES), folder))
    assert [n for n in os.listdir(tmp_path) if "partial" in n] == []


def test_the_command_answers_in_json(folder, capsys):
    answer(["mark", ASKED[0], str(folder), *ASKED[1:], "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (said["passed"], len(said["submissions"])) == (False, 10)


@pytest.mark.parametrize(
    ("f", "work", "x", "passed"),
    [
        ("sigmoid(x)", "dx = f*(1-f)", 100.0, True),
        ("sigmoid(x)", "dx = f - f*f", 40.0, True),
        ("tanh(x)", "dx = 1 - f**2", 25.0, True),
        ("tanh(x)", "dx = 1 - f*f", -19.0, True),
        ("sigmoid(x)", "dx = f*(f-1)", 100.0, False),
        ("tanh(x)", "dx = 0*x", 25.0, False),
        ("tanh(x)", "dx = 1 - f", 25.0, False),
        ("1e-20*x", "dx = 2e-20", 5.0, False),
    ],
)
def test_a_right_rule_is_right_where_rounding_leaves_no_digit_of_it(f, work, x, passed):
    assert pb.mark(f"f = {f}", work, x=x).passed is passed
