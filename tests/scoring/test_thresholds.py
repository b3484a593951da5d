"""Thresholds, the level of late, and what stands beside a network."""

from __future__ import annotations

import numpy as np
import pytest

from recur import InputError
from recur.scoring.anomalies import isolation, jumps
from recur.scoring.forests import forest
from recur.scoring.thresholds import Level, of_clean, threshold


def test_the_threshold():
    scores, strange = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]), np.array([0, 0, 0, 1, 1, 1])
    assert 0.3 <= threshold(scores, strange) < 0.7
    usual = np.linspace(0, 1, 101)
    both = np.concatenate([usual, [2.0]])
    line = threshold(both, [False] * 101 + [True], false_alarms=0.05)
    assert (usual > line).mean() <= 0.05
    for wrong in ([0] * 6, [1] * 6, [1]):
        with pytest.raises(InputError):
            threshold(scores, wrong)


def test_weights_make_rare_anomalies_count():
    usual, often, rare = np.linspace(0, 0.5, 50), [0.9] * 90, [0.3] * 2
    scores = np.concatenate([usual, often, rare])
    strange = np.arange(len(scores)) >= 50
    assert 0.5 <= threshold(scores, strange) < 0.9
    assert threshold(scores, strange, weights=[1.0] * 140 + [90.0] * 2) < 0.3


def test_the_threshold_of_rows_without_labels():
    scores = np.exp(np.random.default_rng(0).normal(size=10_000))
    line = of_clean(scores, false_alarms=0.01)
    assert 0.009 < (scores > line).mean() < 0.011
    foul = np.concatenate([scores, np.full(1000, 1e3)])
    assert of_clean(foul, false_alarms=0.01) == pytest.approx(line, rel=0.05)
    told = of_clean(foul, false_alarms=0.01, contamination=1000 / 11_000)
    assert told == pytest.approx(line, rel=0.05)
    assert of_clean(foul, false_alarms=0.01, contamination=0.0) == 1e3
    with pytest.raises(InputError):
        of_clean([], false_alarms=0.01)


@pytest.mark.parametrize("window", [1, 2, 5, 8])
def test_the_level_is_the_median_of_the_last_and_goes_on(window):
    scores = np.random.default_rng(window).integers(1, 6, 60) + 0.5
    found = Level(window).relative(scores)
    want = [
        scores[n] / np.sort(scores[max(0, n - window) : n])[min(n, window) // 2]
        for n in range(1, 60)
    ]
    assert found[0] == 1
    np.testing.assert_allclose(found[1:], want)
    level = Level(window)
    level.relative(scores[:25])
    np.testing.assert_array_equal(Level(window, level.recent).relative(scores[25:]), found[25:])


def test_the_forest_knows_symbols_and_gaps():
    rows = {"flag": np.array(["a", "b"] * 20, dtype=object), "size": np.full(40, np.nan)}
    asked = {"flag": np.array(["a", "b", "c"], dtype=object), "size": np.array([np.nan, 1, 2])}
    kinds, found = forest(rows, ["normal", "flood"] * 20, asked)
    assert kinds == ["flood", "normal"]
    assert found[0, 0] < 0.5 < found[1, 0]


def test_what_knows_of_no_network_finds_what_stands_out():
    usual = np.random.default_rng(0).normal(size=(300, 2))
    asked = np.zeros((20, 2))
    asked[10] = 9
    for judge in (isolation, jumps):
        clean, found = judge(usual[:200], usual[200:], asked)
        assert len(clean) == 100
        assert found.argmax() == 10
