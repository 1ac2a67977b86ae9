"""The report of a run: one file, no scripts, nothing from elsewhere, and hostile text stays text."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullback
from pullback.cli import answer
from pullback.show.charts import _ticks, axes_of, bars, line_chart, named, scatter
from pullback.show.evidence import Evidence
from pullback.show.report import STYLE, report

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "</style><script>x</script>",
    "</svg><b onclick=1>",
    "\u202egnp.exe",
    "a\x1b[2Jb\x00",
    "&lt;b&gt;",
    "x" * 100_000,
]


class Page(HTMLParser):
    """Which tags and attributes a page has, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.names, self.texts = set(), set(), []
        self.feed(text)
        self.text = "\n".join(self.texts)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.texts.append(data)


ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "table", "tr",
    "th", "td", "ul", "li", "section", "div", "pre", "svg", "text", "line", "polyline", "circle", "rect",
}  # fmt: skip


def evidence(text):
    return Evidence(
        title=text, verdict=text, better=True, numbers=[(text, text)], columns=[text], notes=[text],
        log=[{"epoch": 1, "loss": 1.0, "validation_loss": None}, {"epoch": 2, "loss": 0.5}],
        commands=[text], classes=[text, "b"], confusion=[[1, 2], [0, 3]],
        bins=[(0.9, 0.8, 10)], importance=[(text, 0.1, 0.05)], importance_unit=text,
        scores=[(text, 0.5, None, 0.5, 3)], positive=text, roc=[(0.0, 0.0), (1.0, 1.0)], auc=0.5,
        cuts=[(0.5, 0.5, None, 0.5)], mistake_head=[text], mistakes=[[text]],
        images=[[0.0, 1.0, 0.5, 2.0]], settings=[(text, text)],
    )  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_hostile_text_adds_no_tag_and_no_attribute(text):
    plain, page = Page(report(evidence("plain"))), Page(report(evidence(text)))
    assert page.tags == plain.tags <= ALLOWED
    assert page.names == plain.names
    assert not page.names & {"href", "src", "style", "onclick", "onerror"}
    assert not re.search("[\u202e\x1b\x00]", page.text)


def test_the_policy_lets_in_the_pages_own_style_and_nothing_else():
    page = report(evidence("plain"))
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert f"content=\"default-src 'none'; style-src 'sha256-{digest}'\"" in page
    assert re.findall(r"<style>(.*?)</style>", page, re.DOTALL) == [STYLE]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The report of a quick run on the penguins."""
    root = tmp_path_factory.mktemp("runs")
    assert answer(["train", "penguins", "--hidden", "4", "--epochs", "2", "--out", str(root)]) == 0
    return (root / "penguins-1" / "report.html").read_text(encoding="utf-8")


def test_every_style_of_a_report_is_in_its_policy(page):
    styles = re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in styles]
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert len(styles) == 2
    assert [digest for digest in digests if f"'sha256-{digest}'" not in policy] == []
    assert not Page(page).names & {"style", "href", "src"}


def test_a_report_has_every_section(page):
    assert re.findall("<h2>(.*?)</h2>", page) == [
        "Training curves", "Confusion matrix", "Precision and recall", "Calibration",
        "Permutation importance", "Largest errors", "Circuit", "Settings", "Reproduce",
    ]  # fmt: skip


def test_a_report_of_two_classes_has_a_threshold(tmp_path):
    words = ["train", "penguins", "--target", "sex", "--hidden", "4", "--epochs", "2"]
    assert answer([*words, "--out", str(tmp_path)]) == 0
    page = (tmp_path / "penguins-1" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Two classes: the threshold</h2>" in page
    assert re.search(r"ROC-AUC [01]\.\d{3}", page)


def test_a_report_of_digits_shows_them(tmp_path):
    assert answer(["train", "digits", "--epochs", "1", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "digits-1" / "report.html").read_text(encoding="utf-8")
    assert page.count('class="chart pixels"') == 10


def test_a_report_says_what_it_was_made_with(page):
    settings = re.search("<h2>Settings</h2>.*?</table>", page, re.DOTALL)[0]
    told = dict(re.findall("<th>(.*?)</th><td>(.*?)</td>", settings))
    assert told["pullback"] == pullback.__version__
    assert re.fullmatch(r"[0-9a-f]{64}", told["sha256"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", told["started"])


def test_a_report_counts_every_test_row_once(page):
    table = re.search(r'<table class="confusion">.*?</table>', page, re.DOTALL)[0]
    assert sum(map(int, re.findall(r"<td[^>]*>(\d+)</td>", table))) == 51


def test_a_report_says_how_to_do_it_again(page):
    assert "pullback rerun penguins-1" in page
    assert "pullback train penguins --target species --hidden 4 --epochs 2" in page


def test_a_report_has_no_path_of_this_machine(page):
    assert "/tmp" not in page
    assert "/home" not in page


def test_a_regression_shows_its_residuals(tmp_path):
    words = ["train", "penguins", "--target", "body_mass_g", "--epochs", "2"]
    assert answer([*words, "--out", str(tmp_path)]) == 0
    page = (tmp_path / "penguins-1" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Predictions and residuals</h2>" in page
    assert page.count("<circle") == 102


NAN, HUGE = float("nan"), 1.7e308


@pytest.mark.parametrize("values", [[NAN, 1.0], [HUGE, -HUGE], [0.0, 0.0], [5e-324, 0.0]], ids=str)
def test_a_chart_of_odd_numbers_has_only_plain_coordinates(values):
    points = list(enumerate(values))
    drawn = scatter(points, "x", "y", "s") + bars([("a", values[1], 0.0)], "u", "s")
    for number in re.findall(r' (?:x|y|cx|cy|x1|x2|y1|y2|width)="([^"]*)"', drawn):
        assert abs(float(number)) < 1e4


def test_a_chart_of_nothing_is_a_chart():
    assert line_chart([], "x", "y", "s").startswith("<svg")


@given(st.lists(st.integers(-(10**6), 10**6).map(float), min_size=1))
def test_the_ticks_of_a_chart_reach_its_data(values):
    axes = axes_of([(value, 0.0) for value in values], "", "")
    ticks = _ticks(*axes.x)
    reach = ticks[-1] - ticks[0]
    assert ticks[0] <= min(values) + 1e-6 * reach
    assert ticks[-1] >= max(values) - 1e-6 * reach
    assert 3 <= len(ticks) <= 10
    assert len(set(named(ticks))) == len(ticks)
