"""What words say of classes: counted by plain loops, and what follows from it."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from recur.data import evidence as module
from recur.data import ngrams
from recur.data.evidence import OWN, SMOOTHING, runs_of

WORDS = {4: "red", 5: "reddish", 6: "blue", 7: "the", 8: "bluest", 9: "of"}
TEXTS = [[1, 4, 7, 4], [5, 7, 2], [6, 7, 9], [6, 6, 7], [7, 9], [30, 8]]
CLASSES = [0, 0, 1, 1, 2, 2]
KNOWN = np.array(sorted(WORDS))


def evidence(texts=TEXTS, words=WORDS):
    """(V, C) by token id."""
    counted, classes = ngrams.NGrams(1, 31, 4), np.array(CLASSES)
    said = module.evidence(lambda: counted.found(texts, KNOWN), KNOWN, classes, 3, words)
    found = np.zeros((10, 3), dtype=np.float32)
    found[KNOWN] = said
    return found


def by_hand(texts, classes, many, features):
    """What speaks for each class's others, and how rare features are, from the weights in texts."""
    times = Counter(feature for text in texts for feature in text)
    rare = {f: math.log((1 + len(texts)) / (1 + n)) + 1 for f, n in times.items()}
    others = {f: [SMOOTHING] * many for f in features}
    for text, own in zip(texts, classes, strict=True):
        length = math.sqrt(sum((w * rare[f]) ** 2 for f, w in text.items()))
        for f, weight in text.items():
            for c in range(many):
                others[f][c] += weight * rare[f] / length * (c != own)
    return others, rare


def test_words_are_counted_as_by_hand(monkeypatch):
    monkeypatch.setattr(module, "runs_of", lambda word: np.zeros(0, dtype=np.int64))
    monkeypatch.setattr(ngrams, "AT_ONCE", 4)
    found = evidence()
    texts = [{w: 1 + math.log(n) for w, n in Counter(text).items() if w in WORDS} for text in TEXTS]
    others, rare = by_hand(texts, CLASSES, 3, WORDS)
    for word in WORDS:
        share = [math.log(others[word][c] / sum(o[c] for o in others.values())) for c in range(3)]
        want = [OWN * rare[word] * (sum(share) / 3 - each) for each in share]
        np.testing.assert_allclose(found[word], want, rtol=1e-4, atol=1e-5)


def test_texts_that_are_counted_together_or_apart_say_the_same(monkeypatch):
    whole = evidence()
    monkeypatch.setattr(ngrams, "AT_ONCE", 1)
    np.testing.assert_allclose(evidence(), whole, rtol=1e-5)


def test_a_word_speaks_for_its_class_and_by_its_letters():
    found = evidence()
    assert found[[4, 5, 6, 8, 9]].argmax(axis=1).tolist() == [0, 0, 1, 2, 2]
    assert found[8, 1] > found[8, 0]  # never seen with it, but spelt as "blue"
    assert abs(found[7]).max() < abs(found[4]).max() / 3
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-4)


def test_runs_of_letters():
    assert len(runs_of("ab")) == len({" ab", "ab ", " ab "})
    assert set(runs_of("red")) & set(runs_of("reddish"))
    assert not len(runs_of(""))


@pytest.mark.parametrize("texts", [[[]] * 6, [[1], [2], [0], [1], [30], []]])
def test_texts_without_words_say_nothing(texts):
    assert np.isfinite(evidence(texts)).all()


def test_what_is_no_single_word_has_no_letters(monkeypatch):
    with_letters = evidence()
    assert not np.array_equal(with_letters, evidence(words={}))
    monkeypatch.setattr(module, "runs_of", lambda word: np.zeros(0, dtype=np.int64))
    np.testing.assert_array_equal(evidence(), evidence(words={}))
