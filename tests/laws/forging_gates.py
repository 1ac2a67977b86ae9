"""Gates made up for one test, right or wrong, and a registry that forgets them afterwards."""

from contextlib import contextmanager

from pullback.core.gate import GATES as G
from pullback.core.gate import Declaration, Gate


def broken(rule, inputs=1):
    """A gate outside the registry with this pull rule."""
    body = (lambda x: x * x) if inputs == 1 else (lambda x, y: x * y)
    body.__name__ = "twin"
    made = Gate(body, Declaration(), recipe=False)
    if rule:
        made.pulls(rule)
    return made


@contextmanager
def listed(gate):
    """While it lasts, the registry knows the gate."""
    G[gate.name] = gate
    try:
        yield gate
    finally:
        del G[gate.name]


def recipe_of(body):
    """A recipe outside the registry."""
    return Gate(body, Declaration(takes="any"), recipe=True)
