"""What words say of classes: counted by plain loops, and what follows from it."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from recur.data import evidence as module
from recur.data.evidence import OWN, SMOOTHING, evidence, runs_of

WORDS = {4: "red", 5: "reddish", 6: "blue", 7: "the", 8: "bluest", 9: "of"}
TEXTS = [[1, 4, 7, 4], [5, 7, 2], [6, 7, 9], [6, 6, 7], [7, 9], [30, 8]]
CLASSES = [0, 0, 1, 1, 2, 2]


def by_hand(texts, classes, many, size):
    """What speaks for each class's others, and how rare features are, from the weights in texts."""
    times = Counter(feature for text in texts for feature in text)
    rare = {f: math.log((1 + len(texts)) / (1 + n)) + 1 for f, n in times.items()}
    others = {f: [SMOOTHING] * many for f in range(size)}
    for text, own in zip(texts, classes, strict=True):
        length = math.sqrt(sum((w * rare[f]) ** 2 for f, w in text.items()))
        for f, weight in text.items():
            for c in range(many):
                others[f][c] += weight * rare[f] / length * (c != own)
    return others, rare


def test_words_are_counted_as_by_hand(monkeypatch):
    monkeypatch.setattr(module, "runs_of", lambda word: np.zeros(0, dtype=np.int64))
    monkeypatch.setattr(module, "AT_ONCE", 4)
    found = evidence(TEXTS, CLASSES, 3, WORDS)
    texts = [{w: 1 + math.log(n) for w, n in Counter(text).items() if w in WORDS} for text in TEXTS]
    others, rare = by_hand(texts, CLASSES, 3, 10)
    for word in WORDS:
        share = [math.log(others[word][c] / sum(o[c] for o in others.values())) for c in range(3)]
        want = [OWN * rare[word] * (sum(share) / 3 - each) for each in share]
        np.testing.assert_allclose(found[word], want, rtol=1e-4, atol=1e-5)
    assert found.shape == (10, 3)
    assert not found[:4].any()


def test_texts_that_are_counted_together_or_apart_say_the_same(monkeypatch):
    whole = evidence(TEXTS, CLASSES, 3, WORDS)
    monkeypatch.setattr(module, "AT_ONCE", 1)
    np.testing.assert_allclose(evidence(TEXTS, CLASSES, 3, WORDS), whole, rtol=1e-5)


def test_a_word_speaks_for_its_class_and_by_its_letters():
    found = evidence(TEXTS, CLASSES, 3, WORDS)
    assert found[[4, 5, 6, 8, 9]].argmax(axis=1).tolist() == [0, 0, 1, 2, 2]
    assert found[8, 1] > found[8, 0]  # never seen with it, but spelt as "blue"
    assert abs(found[7]).max() < abs(found[4]).max() / 3
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-4)


def test_runs_of_letters():
    assert len(runs_of("ab")) == len({" ab", "ab ", " ab "})
    assert set(runs_of("red")) & set(runs_of("reddish"))
    assert not len(runs_of(""))


@pytest.mark.parametrize("texts", [[[]] * 6, [[1], [2], [0], [1], [50], []]])
def test_texts_without_words_say_nothing(texts):
    assert np.isfinite(evidence(texts, CLASSES, 3, WORDS)).all()
    assert not evidence(texts, CLASSES, 3, {}).size
