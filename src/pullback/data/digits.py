"""The digits: 1,797 real handwritten digits of 8 x 8 pixels, shipped with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from pullback.data.dataset import Dataset
from pullback.data.table import read_table

FILE = Path(__file__).parent / "files" / "digits.csv.gz"
PIXELS = tuple(f"p{i:02d}" for i in range(64))


@cache
def digits() -> Dataset:
    """Handwritten digits: X (1797, 64) from 0 (paper) to 16 (ink), y (1797,) from 0 to 9.

    Pixel `p00` is the top left one, `p07` the top right one. A random split has all 13 writers in
    every part, so a score here does not tell how a net does on a new writer's hand.

    Source: Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits, the test half.

    >>> digits()
    <Dataset digits: 1797 rows, 64 features, 10 classes>
    >>> digits().X[0].reshape(8, 8)[0]
    array([ 0.,  0.,  5., 13.,  9.,  1.,  0.,  0.])
    """
    table = read_table(FILE)
    return Dataset(
        name="digits",
        X=table.numbers(PIXELS),
        y=table.numbers(["digit"])[:, 0].astype(np.int64),
        feature_names=PIXELS,
        class_names=tuple("0123456789"),
        source="UCI Optical Recognition of Handwritten Digits, test half (Alpaydin, Kaynak 1998)",
        licence="CC BY 4.0",
    )
