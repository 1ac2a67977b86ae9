"""A mask is no index: whoever writes x[x > 0] is told what keeps the shape, never to cast it to places."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import DtypeError

X = np.array([1.0, -2.0])
TABLE = np.array([[1.0, -2.0], [-3.0, 4.0]])


def traced(function, x=X):
    return lambda: pb.circuit(lambda x: pb.sum(function(x)))(x)


MASKS = {
    "x[x > 0]": traced(lambda x: x[x > 0]),
    "x[x > 0] * 2": traced(lambda x: x[x > 0.0] * 2.0),
    "x[x <= 0]": traced(lambda x: x[x <= 0]),
    "x[x == x]": traced(lambda x: x[x == x]),
    "a mask that is known": traced(lambda x: x[np.array([True, False])]),
    "a list of yes and no": traced(lambda x: x[[True, False]]),
    "a table": traced(lambda x: x[x > 0], TABLE),
    "rows of a table": traced(lambda x: x[x[:, 0] > 0], TABLE),
    "gather": traced(lambda x: pb.gather(x, x > 0)),
    "gather of numbers": lambda: pb.gather(X, X > 0),
    "pick": traced(lambda x: pb.pick(x, x[:, 0] > 0), TABLE),
    "pick of numbers": lambda: pb.pick(TABLE, TABLE[:, 0] > 0),
    "scatter_add": traced(lambda x: pb.scatter_add(x, x > 0, size=2)),
}


@pytest.mark.parametrize("ask", [*MASKS.values()], ids=[*MASKS])
def test_a_mask_as_an_index_is_refused_and_where_is_the_way_out(ask):
    with pytest.raises(DtypeError, match=r"'index' is a mask \(bool\)") as refused:
        ask()
    assert "where(index, x, 0.0)" in refused.value.fix
    assert "cast" not in str(refused.value)


@pytest.mark.parametrize(("x", "total", "pull"), [(X, 1.0, [1.0, 0.0]), (-X, 2.0, [0.0, 1.0])])
def test_what_the_fix_says_sums_what_the_mask_keeps(x, total, pull):
    kept = pb.circuit(lambda x: pb.sum(pb.where(x > 0, x, 0.0)))
    assert kept(x) == x[x > 0].sum() == total
    assert kept.grad(x)["x"].tolist() == pull
