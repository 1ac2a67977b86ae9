"""The guide's 24 mistakes, each with its correction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Erratum:
    """One mistake: where the guide errs and what is true."""

    id: str
    where: str
    truth: str


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "E1",
        "a step of size 1 at x=-2, y=3",
        "the output is +1, not -1: f(s) = -6 + 13s - 6s^2 is best at"
        " s = 13/12 and worse than the start beyond 13/6",
    ),
    Erratum(
        "E2", "the pull of 1/a", "the pull from above is a factor that is missing: da = -dx/(a*a)"
    ),
    Erratum(
        "E3",
        "max(a, b) at a tie",
        "both inputs get the whole pull, which adds up to twice the pull; shares must"
        " add up to 1, here half each",
    ),
    Erratum(
        "E4", "the sigmoid's slope at 3", "0.0451767; 0.0475 results from 0.95, a rounded value"
    ),
    Erratum(
        "E5",
        "the six points",
        "table, programs and loss example use three different sets; all three are"
        " here, as seed_table, seed_code, seed_loss",
    ),
    Erratum(
        "E6",
        "the printed trace of the SVM",
        "accuracy after the first step is 4 of 6 whichever example comes"
        " first, and a spring of 1 comes to rest with one point on the wrong side",
    ),
    Erratum(
        "E7",
        "force and loss as the same thing",
        "up to constants: a spring of 1 felt with each of N examples"
        " is the penalty N/2 w^2, not 0.1 w^2",
    ),
    Erratum(
        "E8",
        "right means no cost",
        "no cost needs a margin of 1: the first example is right and costs 0.44",
    ),
    Erratum("E9", "costs are called positive", "they are not negative; zero is allowed and wanted"),
    Erratum(
        "E10",
        "numerical and analytic gradient are the same",
        "a forward difference with h = 0.0001 differs by"
        " about 1e-4 of the value, a central one by 1e-10",
    ),
    Erratum("E11", "the size of h", "0.0001 in the program, a tenth of it in the prose beside it"),
    Erratum(
        "E12",
        "how many evaluations",
        "N + 1 for forward differences, 2N for central ones; the program takes 6"
        " for 3 inputs and the prose says 3",
    ),
    Erratum(
        "E13",
        "comments beside the code",
        "'every 10 iterations' stands at a test for 25, a comment speaks of a"
        " positive example where the label is -1, the printed output is not what the program prints",
    ),
    Erratum(
        "E14",
        "names used twice",
        "one name for two pulls hides one of them, and = stands where a fork needs"
        " +=; printed programs here never reuse a name",
    ),
    Erratum("E15", "0.8825 and 0.006", "cut, not rounded: 0.88255018 and 0.00669"),
    Erratum("E16", "the drawing of (x+y)z", "the label of z stands on the edge of the picture"),
    Erratum(
        "E17",
        "backward costs as much as forward",
        "it costs a constant factor more, about twice as much for nets of matrix products",
    ),
    Erratum("E18", "spelling", "about twenty words, none of which changes the meaning"),
    Erratum(
        "E19",
        "the text's own standing",
        "its author no longer recommends it and points to a later course and a"
        " book; circuits, pulls and the chain rule hold as they did",
    ),
    Erratum(
        "E20",
        "the SVM is robust to outliers",
        "to outlying labels: the force on a score is 1 at most, but the"
        " pull on a weight is that times the feature, however large",
    ),
    Erratum("E21", "what a sigmoid is made of", "a negation too: neg, exp, + and 1/x"),
    Erratum(
        "E22",
        "a small pull towards zero",
        "the program's spring is as strong as the data; 0.1 would be small",
    ),
    Erratum("E23", "a step along the gradient raises the output", "not where the gradient is zero"),
    Erratum("E24", "the bigger step", "0.01 is called bigger, and is the one already in use"),
)


def erratum(asked: str) -> Erratum | None:
    """The mistake with this id.

    >>> erratum("e4").truth
    '0.0451767; 0.0475 results from 0.95, a rounded value'
    """
    return next((e for e in ERRATA if e.id == asked.upper()), None)
