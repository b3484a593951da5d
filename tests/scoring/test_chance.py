"""The test of Diebold and Mariano, corrected for few windows, against values of other programs."""

from __future__ import annotations

import numpy as np
import pytest

from recur.scoring import forecasts


@pytest.mark.parametrize("freedom", [1, 2, 5, 30, 5000])
def test_students_distribution(freedom):
    stats = pytest.importorskip("scipy.stats")
    for statistic in (0.0, 0.5, 1.96, 4.0, 10.0):
        expected = 2 * stats.t.sf(statistic, freedom)
        assert forecasts._beyond(statistic, freedom) == pytest.approx(expected, rel=1e-6)


def test_one_step_ahead_by_hand():
    """The correction of Harvey, Leybourne and Newbold (1997), equation 9, with h = 1."""
    stats = pytest.importorskip("scipy.stats")
    actual, one, other = np.random.default_rng(0).normal(size=(3, 20, 1))
    gain = (np.abs(actual - other) - np.abs(actual - one))[:, 0]
    centred = gain - gain.mean()
    covariances = [centred[lag:] @ centred[: 20 - lag] / 20 for lag in range(3)]
    variance = (covariances[0] + 2 * (2 / 3 * covariances[1] + 1 / 3 * covariances[2])) / 20
    statistic = np.sqrt((20 + 1 - 2) / 20) * abs(gain.mean()) / np.sqrt(variance)
    expected = 2 * stats.t.sf(statistic, 19)
    assert forecasts.chance(actual, one, other) == pytest.approx(expected, rel=1e-6)


def test_few_windows_prove_little():
    actual = np.zeros((4, 6))
    one, other = 1.0 + 0.01 * np.arange(24.0).reshape(4, 6), np.full((4, 6), 2.0)
    assert forecasts.chance(actual, one, other) == 1.0
