"""Log-count ratios weighed by logistic regression."""

from __future__ import annotations

import numpy as np
import pytest

from recur.data.ngrams import NGrams
from recur.messages import FailedError
from recur.scoring import log_ratios
from recur.scoring.log_ratios import log_ratio_regression

GRAMS = NGrams(2, 20, 1)


def texts(n=200):
    """Texts of two words each; the pair of them tells the answer, no word does."""
    chance = np.random.default_rng(0)
    rows = [[1, 3], [2, 4], [1, 4], [2, 3]]
    which = chance.integers(0, 4, n)
    return [[*rows[w], *chance.integers(5, 20, 3)] for w in which], which < 2


def test_pairs_tell_what_no_word_does():
    rows, right = texts()
    known = GRAMS.known(rows, 1000)
    yes = np.stack([right, ~right, np.zeros_like(right), np.ones_like(right)], axis=1)
    found = list(GRAMS.found(rows, known))
    weights, bias = log_ratio_regression(found, len(known), yes)
    assert weights.shape == (len(known), 4)
    said = np.zeros(yes.shape)
    for each in found:
        length = np.sqrt(np.bincount(each.text, each.weight**2))
        values = (each.weight / length[each.text])[:, None] * weights[each.feature]
        np.add.at(said, each.text, values)
    said += bias
    assert ((said[:, :2] > 0) == yes[:, :2]).mean() > 0.98
    place = dict(zip(known.tolist(), weights, strict=True))
    assert min(place[1 * 20 + 3][0], place[2 * 20 + 4][0]) > 0
    assert max(place[1 * 20 + 4][0], place[2 * 20 + 3][0]) < 0
    # A question with one answer is answered without looking.
    assert not weights[:, 2:].any()
    assert bias[2] < -5 < 5 < bias[3]


def test_one_seed_one_model():
    rows, right = texts()
    known = GRAMS.known(rows, 1000)
    first, second = (
        log_ratio_regression(GRAMS.found(rows, known), len(known), right[:, None])[0]
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_without_scikit_learn_it_says_so(monkeypatch):
    def missing(name):
        raise FailedError("Install it with: pip install 'recur[scores]'")

    monkeypatch.setattr(log_ratios, "package", missing)
    with pytest.raises(FailedError, match=r"recur\[scores\]"):
        log_ratios.needed()
