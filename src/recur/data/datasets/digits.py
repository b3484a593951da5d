"""Handwritten digits of 8 by 8 pixels, which the package scikit-learn carries.

The test part of E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI Machine
Learning Repository, 1998, doi:10.24432/C50P49: 1,797 digits by 13 writers.
"""

from __future__ import annotations

import gzip
import itertools

import numpy as np

from recur.data.datasets.archives import damaged
from recur.data.datasets.source import Source
from recur.data.records.pictured import LabelledPictures, in_memory
from recur.data.splits import Splits

SOURCE = Source(
    name="digits",
    title="handwritten digits of 8 by 8 pixels",
    task="image",
    licence="CC BY 4.0",
    homepage="https://archive.ics.uci.edu/dataset/80",
    size="0.1 MB",
    package=("sklearn", "datasets/data/digits.csv.gz", "scikit-learn"),
)
RECORDS = LabelledPictures
HELD = 360
"""Digits of the validation part, and of the test part."""
NOTE = (
    "Nothing says who wrote which digit; a writer's lie together, so the last fifth is tested on, "
    "and nearly all of its writers were never learnt from."
)


def load() -> Splits[LabelledPictures]:
    """Returns 1,077 digits to learn from, and after them 360 each to validate and to test on.

    Raises:
        FailedError: if the package is not installed, or its file is damaged.
    """
    path = SOURCE.find()
    with damaged(path), gzip.open(path, "rt", encoding="ascii") as opened:
        rows = np.loadtxt(opened, delimiter=",", dtype=np.int64)
    pixels = (rows[:, :-1] * 255 // 16).astype(np.uint8).reshape(-1, 8, 8)
    whole = LabelledPictures(in_memory(pixels, "digit"), [str(row[-1]) for row in rows])
    ends = (0, len(whole) - 2 * HELD, len(whole) - HELD, len(whole))
    train, validation, test = (whole.take(range(*each)) for each in itertools.pairwise(ends))
    return Splits(train, validation, test, about="handwritten digits (scikit-learn)", notes=(NOTE,))
