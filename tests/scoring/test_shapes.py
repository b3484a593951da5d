"""The nearest shape: against all distances, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from recur import InputError
from recur.scoring import shapes
from recur.scoring.shapes import NearestShape


def test_the_nearest_of_all(monkeypatch):
    monkeypatch.setattr(shapes, "AT_ONCE", 3)
    rng = np.random.default_rng(0)
    known, asked = rng.normal(size=(9, 4, 2)), rng.normal(size=(7, 4, 2))
    labels = [f"shape {n}" for n in range(9)]
    want = [labels[((known - each) ** 2).sum(axis=(1, 2)).argmin()] for each in asked]
    assert NearestShape(list(known), labels).answers(list(asked)) == want


def test_what_is_refused():
    with pytest.raises(InputError):
        NearestShape([], [])
    with pytest.raises(InputError, match="shapes must be as those that are known; got"):
        NearestShape([np.zeros((4, 2))], ["a"]).answers([np.zeros((5, 2))])
