"""The mistakes of the guide that show in numbers, one test each; what is right is computed by hand."""

from fractions import Fraction

import numpy as np
import pytest

import pullback as pb
from pullback.cli import answer
from pullback.data.seed import seed_code
from pullback.guide.learners import SVM

N = 6  # examples
A, B, C = 1.0, -2.0, -1.0  # where the guide's SVM starts
HINGE = pb.circuit("cost = relu(1 - label*(a*x + b*y + c)); cost")


def pull_of_all_examples(a, b, c):
    """The sum over the six examples of the pull on a and b, the cost pushed down."""
    data = seed_code()
    pulls = [
        HINGE.grad(a=a, b=b, c=c, x=x, y=y, label=label)
        for (x, y), label in zip(data.X.tolist(), data.y.tolist(), strict=True)
    ]
    return np.array([[-p["a"], -p["b"], -p["c"]] for p in pulls]).sum(axis=0)


@pytest.mark.parametrize(("alpha", "same"), [(N / 2, True), (0.1, False), (1.0, False)])
def test_E7_a_spring_felt_with_every_example_is_a_penalty_of_half_the_examples(alpha, same):
    by_spring = -N * np.array([A, B])  # -w with each of the six
    penalty = pb.circuit("alpha*(a*a + b*b)").grad(alpha=alpha, a=A, b=B)
    by_loss = -np.array([penalty["a"], penalty["b"]])
    assert np.array_equal(by_spring, by_loss) == same


@pytest.mark.parametrize("inputs", [1, 2, 3, 7])
def test_E12_a_gradient_of_n_inputs_costs_n_plus_1_or_2n_evaluations(inputs):
    f = pb.circuit("*".join(f"x{i}" for i in range(inputs)) + " + x0")
    values = {f"x{i}": 1.5 + i for i in range(inputs)}
    runs = {
        method: pb.nudge(f, **values, strategy="numerical", method=method).evaluations
        for method in ("forward", "central")
    }
    assert runs == {"forward": inputs + 1, "central": 2 * inputs}


def test_E15_the_figures_of_the_neuron_were_cut_and_not_rounded():
    neuron = pb.circuit("sig(a*x + b*y + c)")
    start = {"a": 1.0, "b": 2.0, "c": -3.0, "x": -1.0, "y": 3.0}
    pulls = neuron.grad(**start)
    after = neuron(**{name: start[name] + 0.01 * pulls[name] for name in start})
    low = pb.circuit("sig(x)")(-5.0)
    # By hand: 1/(1 + e^5) = 0.0066928..., the neuron after the step 0.8825501816...
    assert (f"{after:.4f}", int(after * 1e4) / 1e4) == ("0.8826", 0.8825)
    assert (f"{low:.3f}", int(low * 1e3) / 1e3) == ("0.007", 0.006)


def test_E19_the_texts_own_standing_is_told_and_what_still_holds(capsys):
    assert answer(["guide", "E19"]) == 0
    told = capsys.readouterr().out
    assert "no longer recommends it" in told
    assert "circuits, pulls and the chain rule hold" in told


def test_E22_the_spring_of_the_program_is_as_strong_as_the_data():
    # Where the spring of 1 and six examples are at rest, in exact fractions: the data pulls with
    # 37/60 and -2/15 an example, and point 1 lies on the wrong side. A tenth of it moves on.
    a, b, c = Fraction(37, 60), Fraction(-2, 15), Fraction(-4, 5)
    by_data = pull_of_all_examples(float(a), float(b), float(c)) / N
    assert by_data[:2] == pytest.approx([float(a), float(b)], abs=1e-12)
    first = seed_code().X[0].tolist()
    score = SVM(a=float(a), x=first[0], b=float(b), y=first[1], c=float(c))
    assert score < 0 < seed_code().y[0]
    assert np.all(np.abs(by_data[:2] - 0.1 * np.array([a, b], float)) > 0.1)
