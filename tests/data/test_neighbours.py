"""Pairs of neighbours, against counting them one by one."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from recur.data.neighbours import frequent_pairs


@pytest.mark.parametrize("seed", range(4))
def test_the_most_frequent_pairs_are_found(seed):
    rng = np.random.default_rng(seed)
    texts = [rng.integers(0, 9, rng.integers(0, 12)).tolist() for _ in range(60)]
    counts = Counter(pair for text in texts for pair in pairwise(text) if min(pair) >= 2)
    ranked = sorted(counts, key=lambda pair: (-counts[pair], pair))
    for size, least in ((5, 1), (1000, 3), (0, 1)):
        want = [pair for pair in ranked if counts[pair] >= least][:size]
        found = frequent_pairs(texts, size, first=2, least=least)
        assert found.shape == (len(want), 2)
        assert list(map(tuple, found.tolist())) == want


def test_no_text_has_none():
    for texts in ([], [[]], [[3], [4]]):
        assert frequent_pairs(texts, 5, least=1).shape == (0, 2)
