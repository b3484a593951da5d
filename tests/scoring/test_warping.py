"""Dynamic time warping, beside the textbook's loop."""

from __future__ import annotations

import numpy as np
import pytest

from recur import InputError
from recur.scoring import warping
from recur.scoring.warping import NearestByWarping, warped


def textbook(a, b):
    table = np.full((len(a) + 1, len(b) + 1), np.inf)
    table[0, 0] = 0
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            near = min(table[i, j + 1], table[i + 1, j], table[i, j])
            table[i + 1, j + 1] = np.square(x - y).sum() + near
    return table[-1, -1]


def test_it_is_the_textbooks_whatever_the_lengths():
    rng = np.random.default_rng(0)
    for time in (1, 2, 7):
        query = rng.normal(size=(time, 2))
        lengths = np.array([1, 3, 9, 4])
        known = rng.normal(size=(4, 9, 2))
        each = [textbook(query, one[:n]) for one, n in zip(known, lengths, strict=True)]
        assert np.allclose(warped(query, known, lengths), each)


def test_a_slower_one_is_near_and_many_are_thinned(monkeypatch):
    time = np.linspace(0, 6, 30)
    known = [np.sin(time)[:, None], np.cos(time)[:, None]]
    asked = [np.sin(np.linspace(0, 6, 47))[:, None], np.cos(np.linspace(0, 6, 22))[:, None]]
    model = NearestByWarping(known, ["sine", "cosine"])
    assert model.answers(asked) == ["sine", "cosine"]
    monkeypatch.setattr(warping, "MOST_CELLS", 4 * 12**2)
    assert model.answers(asked) == ["sine", "cosine"]
    monkeypatch.setattr(warping, "MOST_CELLS", 4 * 9**2)
    with pytest.raises(InputError, match="sequences to compare must be fewer; got 2 times 2"):
        model.answers(asked)
