"""Chapter 2 of the guide by id: forces, losses, the SVM and the 2-layer net. Bands come from many seeds."""

from functools import cache

import numpy as np
import pytest

from pullback.data.seed import seed_code, seed_loss, seed_table
from pullback.errors import CircuitError
from pullback.guide import chapter1, chapter2
from pullback.guide.chapter2 import net_histogram, receipt, rest, share_all_right
from pullback.guide.item import answered
from pullback.guide.learners import (
    NET,
    START,
    SVM,
    by_circuit,
    by_units,
    count_right,
    flat,
    net_start,
    orders,
    svm_start,
)
from pullback.lens.tug_of_war import tug_of_war
from pullback.nn.forces import (
    PAIRS,
    DerivedForce,
    HingeForce,
    LogisticForce,
    SquaredHingeForce,
    force_of,
    loss_of,
)

SEEDS = 1000
POINTS = np.linspace(-3.0, 3.0, 25)  # the margin itself, 1 and -1, is among them: a kink
OFF_KINK = POINTS[np.abs(np.abs(POINTS) - 1.0) > 1e-9]


def test_S38_the_sets_of_text_and_code_are_both_here():
    assert seed_table().X.shape == seed_code().X.shape == (6, 2)
    assert sorted(seed_code().y.tolist()) == [-1, -1, -1, 1, 1, 1]


def test_E5_rows_two_to_five_differ_between_text_and_code():
    differ = np.any(seed_table().X != seed_code().X, axis=1)
    assert differ.tolist() == [False, True, True, True, True, False]


def test_S39_scores_of_the_first_two_points():
    scores = [SVM({"x": x, "y": y, **START}) for x, y in seed_table().X[:2]]
    assert scores == pytest.approx([-1.2, -2.3], abs=1e-12)


def test_S40_data_are_pegs_and_parameters_respond():
    after = by_circuit(SVM, seed_code(), START, np.array([0])).weights
    assert after == pytest.approx(
        {"a": 1.0 + 0.01 * (1.2 - 1), "b": -2.0 + 0.01 * (0.7 + 2), "c": -0.99}
    )


def test_S41_the_force_specification_of_the_svm():
    force = HingeForce()
    assert [float(force(s, +1.0)) for s in (-1.2, 0.99, 1.0, 2.3)] == [1.0, 1.0, 0.0, 0.0]
    assert [float(force(s, -1.0)) for s in (-2.3, -1.0, -0.99, 2.3)] == [0.0, 0.0, -1.0, -1.0]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.slow
def test_S42_units_circuits_and_flat_code_agree_to_the_bit(seed):
    order = orders(400, 1, first=seed)[:, 0]
    ours = by_circuit(SVM, seed_code(), START, order).weights
    assert by_units(seed_code(), order) == flat(seed_code(), order) == ours


def test_S42_a_thousand_learners_side_by_side_are_the_same_as_one_by_one():
    order = orders(400, 50)
    many = by_circuit(SVM, seed_code(), svm_start(50), order).weights
    one_by_one = [flat(seed_code(), order[:, s]) for s in range(50)]
    assert [
        dict(zip("abc", row, strict=True)) for row in zip(*(many[n] for n in "abc"), strict=True)
    ] == one_by_one


@pytest.mark.parametrize("data", [seed_code(), seed_table()], ids=["code", "table"])
def test_S43_E6_after_the_first_step_four_of_six_are_right_whichever_comes_first(data):
    course = by_circuit(SVM, data, svm_start(6), np.arange(6)[None, :], 1.0, frozenset({0}))
    assert course.right[0].tolist() == [4] * 6


def test_S43_E22_a_spring_of_one_holds_the_svm_below_six_of_six():
    assert share_all_right(1.0, seeds=SEEDS) == pytest.approx(0.07, abs=0.025)


def test_S43_with_a_spring_of_a_tenth_most_runs_get_six_of_six():
    assert share_all_right(0.1, seeds=SEEDS) == pytest.approx(0.925, abs=0.025)


@pytest.mark.parametrize("spring", [1.0, 0.1])
def test_S43_the_table_set_is_never_all_right_in_400_steps(spring):
    assert share_all_right(spring, seeds=200, data=seed_table()) == 0.0


def test_S44_the_squared_hinge_pulls_harder_the_further_off():
    assert [float(SquaredHingeForce()(s, 1.0)) for s in (-1.0, 0.5, 2.0)] == [4.0, 1.0, 0.0]


def test_S45_the_net_under_a_spring_of_one_mostly_stays_at_three_of_six():
    found = net_histogram(1.0, seeds=SEEDS)
    assert found[3] / SEEDS == pytest.approx(0.67, abs=0.04)
    assert found[6] / SEEDS == pytest.approx(0.11, abs=0.03)


def test_S45_the_net_under_a_weak_spring_mostly_gets_six_of_six():
    assert net_histogram(0.1, seeds=SEEDS)[6] / SEEDS == pytest.approx(0.89, abs=0.03)


def test_S45_the_net_has_13_parameters_and_its_pulls_check_numerically():
    start = {name: float(values[0]) for name, values in net_start(1).items()}
    assert len(start) == 13
    assert NET.gradcheck({"x": 1.2, "y": 0.7, **start}).passed


def test_S46_the_cost_receipt():
    bill = receipt(seed_loss())
    assert bill["scores"] == pytest.approx([0.56, 0.37, 1.1])
    assert bill["each"] == pytest.approx([0.44, 1.37, 0.0])
    assert bill["total"] == pytest.approx(1.815)


def test_S47_the_cost_has_a_part_for_the_fit_and_a_part_for_the_weights():
    bill = receipt(seed_loss())
    assert bill["regularisation"] == pytest.approx(0.005)
    assert bill["total"] == pytest.approx(bill["each"].sum() + bill["regularisation"])


def test_S48_the_cost_is_the_circuit_and_its_gradient_leads_down():
    bill = receipt(seed_loss())
    assert bill["gradient"] == pytest.approx((-1.48, -0.16, 0.0))
    stepped = tuple(w - 0.01 * g for w, g in zip(chapter2.W, bill["gradient"], strict=True))
    assert receipt(seed_loss(), stepped)["total"] < bill["total"]


def test_S49_E7_the_spring_of_one_is_alpha_three_for_six_points():
    data, alpha, w = seed_code(), 3.0, (0.4, -0.3, 0.2)
    war = tug_of_war(SVM, HingeForce(), {"x": data.X[:, 0], "y": data.X[:, 1]}, data.y,
                     {"a": 1.0, "b": 1.0}, a=w[0], b=w[1], c=w[2])  # fmt: skip
    assert war.net == pytest.approx(-np.array(receipt(data, w, alpha)["gradient"]))


@pytest.mark.parametrize("c", [-0.8, -0.75, -0.7])
def test_E6_the_svm_rests_with_point_one_wrong(c):
    war = rest(c)
    assert war.net == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
    assert -0.190 <= war.scores[0] <= -0.048
    assert war.right == 5


def test_E6_at_rest_the_springs_hold_what_the_examples_pull():
    war = rest()
    assert war.by_spring == pytest.approx([-3.7, 0.8, 0.0])
    assert war.by_example.sum(axis=0) == pytest.approx([3.7, -0.8, 0.0])


def test_E8_a_point_on_the_right_side_still_costs_when_its_margin_is_short():
    bill = receipt(seed_loss())
    assert bill["scores"][0] > 0
    assert bill["each"][0] == pytest.approx(0.44)


def test_E9_a_cost_may_be_zero_but_never_below():
    bill = receipt(seed_loss())
    assert bill["each"][2] == 0.0
    assert min(bill["each"]) >= 0.0


def test_E20_an_outlying_feature_pulls_hard_though_the_force_is_one():
    war = tug_of_war("a*x + c", HingeForce(), {"x": [1.0, 1000.0]}, [1, -1], a=0.0, c=0.0)
    assert war.forces.tolist() == [1.0, -1.0]
    assert war.by_example[:, 0].tolist() == [1.0, -1000.0]


@pytest.mark.parametrize(("loss", "force"), PAIRS[:3] + PAIRS[4:], ids=lambda p: p.__name__)
@pytest.mark.parametrize("label", [-1.0, 1.0])
def test_force_is_minus_the_slope_of_its_loss(loss, force, label):
    labels = np.full_like(OFF_KINK, label)
    assert force()(OFF_KINK, labels) == pytest.approx(
        DerivedForce(loss())(OFF_KINK, labels), abs=1e-12
    )


def test_the_softmax_force_is_minus_the_slope_of_the_cross_entropy():
    loss, force = PAIRS[3]
    scores, labels = np.array([[0.3, -1.0, 2.0], [5.0, 5.0, -5.0]]), np.array([2, 0])
    assert force()(scores, labels) == pytest.approx(DerivedForce(loss())(scores, labels), abs=1e-12)


@pytest.mark.parametrize(("loss", "force"), PAIRS, ids=lambda p: p.__name__)
def test_forces_and_losses_convert_both_ways(loss, force):
    assert force_of(loss()) == force()
    assert loss_of(force()).__self__ == loss()


def test_a_force_of_ones_own_has_a_loss_by_the_work_it_does():
    measured = loss_of(lambda s, y: LogisticForce()(s, y))
    want = [np.log1p(np.exp(-s)) - np.log(2.0) for s in (-2.0, 0.5, 3.0)]
    assert [float(measured(s, 1.0)) for s in (-2.0, 0.5, 3.0)] == pytest.approx(want, abs=1e-12)


def test_a_force_that_goes_around_in_circles_has_no_loss():
    with pytest.raises(CircuitError, match="not the gradient of any loss"):
        loss_of(lambda s, y: np.array([s[1], -s[0]]), scores=2)


def test_count_right_counts_like_the_guide():
    assert int(count_right(SVM, seed_code(), {"a": 1.0, "b": -2.0, "c": -1.0})) == 4


@pytest.mark.parametrize("chapter", [chapter1, chapter2], ids=["1", "2"])
@pytest.mark.slow
def test_every_item_of_a_chapter_agrees_with_the_guide_or_says_why_not(chapter):
    assert [a.item.id for a in answers(chapter) if not a.holds] == []


@pytest.mark.parametrize("chapter", [chapter1, chapter2], ids=["1", "2"])
@pytest.mark.slow
def test_no_erratum_is_claimed_where_the_guide_is_right(chapter):
    silent = ("S27", "S34")  # the text's own digits hide it, or it prints none
    wrong = [a.item.id for a in answers(chapter) if a.item.erratum and a.agrees]
    assert [i for i in wrong if i not in silent] == []


@cache
def answers(chapter):
    return answered(chapter.ITEMS)
