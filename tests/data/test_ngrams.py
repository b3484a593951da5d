"""N-grams against plain loops."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from recur.data import ngrams as module
from recur.data.ngrams import NONE, NGrams
from recur.messages import InputError

FIRST = 4
CHANCE = np.random.default_rng(0)
TEXTS = [CHANCE.integers(0, 9, length).tolist() for length in (0, 1, 2, 7, 30, 12, 3)]


def of_words(text, longest):
    """The n-grams of a text as tuples; none holds a token that is no word."""
    grams = [
        tuple(text[a : a + n]) for n in range(1, longest + 1) for a in range(len(text) - n + 1)
    ]
    return [gram for gram in grams if min(gram) >= FIRST]


def number(gram, base):
    return sum(token * base**n for n, token in enumerate(reversed(gram)))


@pytest.mark.parametrize(("longest", "once"), [(1, False), (2, True), (3, False)])
def test_those_that_stand_twice_are_known_and_found(longest, once, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 3)
    grams = NGrams(longest, 9, FIRST, once)
    counts = Counter(gram for text in TEXTS for gram in of_words(text, longest))
    often = [gram for gram, times in counts.items() if times >= 2]
    known = grams.known(TEXTS, 1000)
    assert known.tolist() == sorted(number(gram, 9) for gram in often)
    few = grams.known(TEXTS, 4).tolist()
    least = sorted(counts.values())[-4]
    assert len(few) == 4
    assert {number(g, 9) for g, times in counts.items() if times > least} <= set(few)
    found = {}
    for each in grams.found(TEXTS, known):
        found |= dict(
            zip(
                zip(each.text.tolist(), each.feature.tolist(), strict=True),
                each.weight,
                strict=True,
            )
        )
    want = {}
    for row, text in enumerate(TEXTS):
        for gram, times in Counter(of_words(text, longest)).items():
            if gram in often:
                want[row, known.tolist().index(number(gram, 9))] = 1 + (not once) * math.log(times)
    assert found == pytest.approx(want)


def test_a_batch_is_numbered_as_its_rows():
    grams = NGrams(3, 9, FIRST)
    rows = torch.randint(0, 9, (5, 6), generator=torch.Generator().manual_seed(0))
    for n, numbers in enumerate(grams.numbers(rows), start=1):
        assert numbers.shape == (5, 6 - n + 1)
        for row, of_row in zip(rows.tolist(), numbers.tolist(), strict=True):
            for at, got in enumerate(of_row):
                gram = row[at : at + n]
                assert got == (number(gram, 9) if min(gram) >= FIRST else NONE)
    assert [each.shape for each in grams.numbers(rows[:, :1])] == [(5, 1), (5, 0), (5, 0)]


def test_nothing_known_and_numbers_that_do_not_fit():
    grams = NGrams(2, 9, FIRST)
    assert len(grams.known([], 5)) == len(grams.known([[4, 5], [6]], 5)) == 0
    assert not list(grams.found(TEXTS, np.zeros(0, dtype=np.int64)))
    with pytest.raises(InputError, match="the vocabulary must be small enough for n-grams of 3"):
        NGrams(3, 3_000_000, FIRST)
    with pytest.raises(InputError, match="the longest n-gram"):
        NGrams(4, 9, FIRST)
