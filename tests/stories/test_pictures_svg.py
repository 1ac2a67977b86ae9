"""The file of a picture: safe in any page, readable without eyes, saved whole or not at all."""

import re
from xml.etree import ElementTree

import pytest

import pullback as pb
from pullback.emit.picture.look import Look
from pullback.emit.svg import clean
from pullback.errors import MissingExtra, OptionError, RunError
from pullback.lens.draw import draw, look_of

HOSTILE = "</script><script>alert(1)</script>\"'&\u202e\u200b\x07]]>"


@pb.circuit
def f(x, y, z):
    q = x + y
    return q * z


def made(name="f", **look):
    run = f.run(-2, 5, -4)
    return draw(run.view, run, Look(**look), name)


def test_hostile_text_does_not_get_out():
    text = made(HOSTILE)._repr_html_()
    assert "<script" not in text
    assert "alert(1)</" not in text
    assert not set(text) & set("\u202e\u200b\x07")
    assert HOSTILE[:7] in "".join(ElementTree.fromstring(made(HOSTILE).svg).itertext())


def test_what_cannot_be_seen_becomes_a_sign():
    assert clean("a\u202eb\u2066c\ud800d\x00") == "a\ufffdb\ufffdc\ufffdd\ufffd"
    assert clean("Größe ≤ 3") == "Größe ≤ 3"


@pytest.mark.parametrize("theme", ["auto", "light", "dark", "print"])
def test_a_picture_asks_nobody_for_anything(theme):
    text = made(theme=theme).svg.replace("http://www.w3.org/2000/svg", "")
    found = re.findall(r"https?:|//|href|url\(|@import|<script|<image|<use|on\w+=", text)
    assert found == []


def test_two_pictures_in_one_page_leave_each_other_alone():
    one, other = made().svg, made(digits=5, name="g").svg
    ids = [re.search(r'id="(pb-\w+)"', text)[1] for text in (one, other)]
    sheet = re.search(r"<style>(.*)</style>", one)[1]
    selectors = re.findall(r"[{}]([^{}]+)\{", sheet)
    assert ids[0] != ids[1]
    assert len(selectors) > 10
    assert [s for s in selectors if not s.startswith(f"#{ids[0]} .pb-")] == []


def test_every_class_is_ours():
    names = {n for some in re.findall(r'class="([^"]*)"', made().svg) for n in some.split()}
    assert [n for n in names if not n.startswith("pb-")] == []


def test_a_fixed_theme_needs_no_style_sheet():
    light, dark = made(theme="light").svg, made(theme="dark").svg
    assert "<style" not in light + dark
    assert 'fill="#0b5cad"' in light
    assert 'fill="#c2410c"' in light
    assert "#0b5cad" not in dark


def test_a_screen_reader_gets_title_and_sentences():
    root = ElementTree.fromstring(made().svg)
    title, description = root[0], root[1]
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert description.text == (
        "x = −2, pull −4; y = 5, pull −4; z = −4, pull 3; q = 3, pull −4; f = −12, pull 1."
    )


def test_a_nan_stands_in_a_filled_tag():
    run = pb.circuit(lambda x: pb.log(x)).run(-1.0)
    text = draw(run.view, run, Look(theme="light")).svg
    assert re.search(r'<rect class="pb-tag"[^>]*fill="#000000"/>\n<text[^>]*>NaN</text>', text)


def test_a_picture_is_saved_whole(tmp_path):
    picture = made()
    path = picture.save(tmp_path / "f.svg")
    assert path.read_text(encoding="utf-8") == picture.svg
    assert picture.save(str(tmp_path / "f.dot")).read_text(encoding="utf-8") == picture.dot
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.dot", "f.svg"]


def test_a_picture_knows_its_suffixes(tmp_path):
    with pytest.raises(OptionError, match=r"cannot be saved as '\.jpg'"):
        made().save(tmp_path / "f.jpg")
    with pytest.raises(RunError, match="cannot write"):
        made().save(tmp_path / "nowhere" / "f.svg")


@pytest.mark.parametrize(("suffix", "first"), [(".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_a_picture_is_saved_in_other_forms(tmp_path, suffix, first):
    try:
        import cairosvg  # noqa: F401
    except (ImportError, OSError):
        pytest.skip("CairoSVG, or the library cairo, is not on this machine")
    path = made().save(tmp_path / f"f{suffix}")
    assert path.read_bytes().startswith(first)


@pytest.mark.parametrize("error", [ImportError("no cairosvg"), OSError("no cairo")])
def test_the_extra_to_install_is_named(tmp_path, monkeypatch, error):
    def fails(_):
        raise error

    monkeypatch.setattr("pullback.lens.draw.import_module", fails)
    with pytest.raises(MissingExtra, match=r"CairoSVG.*no cairo") as caught:
        made().save(tmp_path / "f.png")
    assert caught.value.fix == 'pip install "pullback[pictures]"'
    assert not list(tmp_path.iterdir())


def test_a_run_and_its_source_show_themselves_in_a_notebook():
    f = pb.circuit("f = (x + y) * z")
    assert f.run(-2, 5, -4).draw().svg in f.run(-2, 5, -4)._repr_html_()
    source = pb.circuit(lambda x: pb.where(x < 1.0, x, 2.0), name="f").forward_source(1.0)
    assert "&lt; 1" in source._repr_html_()


def test_dot_has_an_edge_for_each_use_in_argument_order():
    text = made().dot
    nodes = dict(re.findall(r'(n\d+) \[label="([^"]*)"', text))
    edges = [(nodes[a], nodes[b]) for a, b in re.findall(r"(n\d+) -> (n\d+)", text)]
    assert edges == [("x", "+"), ("y", "+"), ("+", "×"), ("z", "×"), ("×", "f")]


@pytest.mark.parametrize(
    ("option", "value"), [("theme", "blue"), ("digits", 0), ("inputs", "right"), ("depth", -1)]
)
def test_a_wrong_look_is_refused_by_name(option, value):
    with pytest.raises(OptionError, match=rf"{option}\b.*{re.escape(repr(value))}"):
        Look(**{option: value})


def test_options_and_inputs_are_told_apart():
    look, values = look_of({"x": 1.0, "theme": "dark", "open": "layer1"}, ("x", "y"))
    assert (look.theme, look.open, values) == ("dark", ("layer1",), {"x": 1.0})
    assert look_of({"depth": 3.0}, ("depth",)) == (Look(), {"depth": 3.0})
    with pytest.raises(OptionError, match="no option or input 'them'"):
        look_of({"them": "dark"}, ("x",))
