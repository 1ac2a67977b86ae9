"""Pull against score beside loss against score: the two curves say the same, and the picture is a picture."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import pullback as pb
from pullback.errors import CircuitError, OptionError
from pullback.nn.forces import PAIRS, HingeForce
from pullback.nn.losses import Hinge

LOSSES = [loss() for loss, _ in PAIRS]
FORCES = [force() for _, force in PAIRS]


def slopes(curve):
    """The steepness between neighbours, and how far it changes from each to the next."""
    x, y = np.array(curve).T
    slope = np.diff(y) / np.diff(x)
    return slope, np.abs(np.diff(slope)).max()


@pytest.mark.parametrize("rule", [*LOSSES, *FORCES], ids=lambda r: type(r).__name__)
def test_the_pull_drawn_is_minus_the_slope_of_the_loss_drawn(rule):
    seen = pb.two_views(rule)
    for label, losses in seen.losses.items():
        pull = np.array(seen.pulls[label])[:, 1]
        slope, bend = slopes(losses)
        assert (np.abs(slope + (pull[:-1] + pull[1:]) / 2) <= bend + 1e-9).all()
        assert np.ptp(pull) > 0.5


@pytest.mark.slow
def test_the_loss_of_a_rule_without_a_name_is_measured():
    seen = pb.two_views(lambda score, label: label - score**3, labels=[2.0], ends=(-1.0, 2.0))
    scores, losses = np.array(seen.losses[2.0]).T
    assert losses == pytest.approx(scores**4 / 4 - 2 * scores, abs=1e-9)


def test_S49_the_hinge_pulls_by_one_below_the_margin_and_costs_what_is_missing():
    seen = pb.two_views(Hinge(), ends=(-1.2, 2.3))
    assert seen.pulls[1.0][0] == (-1.2, 1.0)
    assert seen.losses[1.0][0] == pytest.approx((-1.2, 2.2))
    assert seen.pulls[-1.0][-1] == (2.3, -1.0)
    assert seen.losses[1.0][-1] == (2.3, 0.0)


def test_the_picture_is_one_svg_that_styles_nothing_but_itself(tmp_path):
    seen = pb.two_views(HingeForce())
    text = seen.save(tmp_path / "hinge.svg").read_text()
    root = ET.fromstring(text)
    scope = "#" + root.attrib["id"]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    selectors = re.findall(
        r"([^{}]+)\{[^{}]*\}", style.replace("@media (prefers-color-scheme:dark){", "")
    )
    assert [s for s in selectors if not s.strip().startswith(scope)] == []
    assert len(root.findall(".//{*}polyline")) == 4
    assert pb.two_views(HingeForce()).svg == text


def test_the_same_in_words():
    said = pb.two_views(HingeForce()).alt
    assert said.startswith(
        "HingeForce; label +1: the pull goes from 1 at score -3 to 0 at 3, the loss"
    )


@pytest.mark.parametrize("ends", [(1, 1), (2, -2), (np.nan, 1), (-np.inf, 1)])
def test_no_room_between_the_ends_is_said(ends):
    with pytest.raises(OptionError, match="left end lies below"):
        pb.two_views(Hinge(), ends=ends)


def test_more_labels_than_a_reader_can_tell_apart_are_refused():
    with pytest.raises(OptionError, match="room for 3"):
        pb.two_views(Hinge(), labels=[1.0, -1.0, 2.0, 3.0])


def test_only_an_svg_is_saved(tmp_path):
    with pytest.raises(OptionError, match="cannot be saved as '.png'"):
        pb.two_views(Hinge()).save(tmp_path / "x.png")


def test_a_rule_that_raises_raises():
    with pytest.raises(CircuitError, match="margin"):
        pb.two_views(refuses)


def refuses(score, label):
    raise CircuitError("no margin here.")
