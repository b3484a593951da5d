"""Baselines and errors against values worked out by hand, and seasons that people would expect."""

import numpy as np
import pytest

from recur.scoring import forecasts


def test_naive_repeats_the_last_known_value():
    values = np.array([1.0, 5.0, 2.0, 7.0])
    forecast = forecasts.naive(values, np.array([1, 3]), 2)
    assert forecast.tolist() == [[1.0, 1.0], [2.0, 2.0]]


def test_seasonal_naive_repeats_the_last_season():
    values = np.arange(10.0)
    forecast = forecasts.seasonal_naive(values, np.array([4, 6]), 5, season=3)
    assert forecast.tolist() == [[1, 2, 3, 1, 2], [3, 4, 5, 3, 4]]


def test_a_season_of_one_is_the_naive_forecast():
    values, starts = np.random.default_rng(0).normal(size=20), np.arange(3, 15)
    seasonal = forecasts.seasonal_naive(values, starts, 4, season=1)
    assert np.array_equal(seasonal, forecasts.naive(values, starts, 4))


def test_drift_goes_on_from_the_last_known_value():
    forecast = forecasts.drift(np.array([1.0, 5.0, 2.0]), np.array([2, 3]), 2, step=0.5)
    assert forecast.tolist() == [[5.5, 6.0], [2.5, 3.0]]


def test_errors_by_hand():
    found = forecasts.errors(np.array([[1.0, 2.0]]), np.array([[2.0, 5.0]]), scale=4.0)
    assert found == {"mae": 2.0, "rmse": pytest.approx(np.sqrt(5.0)), "mase": 0.5}


def test_the_seasonal_naive_forecast_has_a_mase_of_one_on_its_own_training_part():
    values = np.random.default_rng(0).normal(size=100)
    starts = np.arange(7, 100)
    forecast = forecasts.seasonal_naive(values, starts, 1, season=7)
    scale = forecasts.mase_scale(values, 7)
    assert forecasts.errors(values[starts][:, None], forecast, scale)["mase"] == pytest.approx(1.0)


def test_a_series_that_repeats_exactly_is_scaled_by_the_naive_error():
    assert forecasts.mase_scale(np.array([1.0, 3.0, 1.0, 3.0]), 2) == 2.0


def stamps(start, stop, step):
    return np.arange(start, stop, dtype=f"datetime64[{step}]").astype("datetime64[s]")


@pytest.mark.parametrize(
    ("times", "season"),
    [
        (stamps("2020-01-01", "2020-02-01", "h"), 24),
        (stamps("2020-01-01", "2020-06-01", "D"), 7),
        (stamps("2000-01", "2020-01", "M"), 12),
        (stamps("2000-01", "2040-01", "M")[::3], 4),
        (stamps("2000-01-01", "2010-01-01", "W"), 52),
    ],
)
def test_seasons_from_time_stamps(times, season):
    assert forecasts.season_of(times, np.random.default_rng(0).normal(size=len(times))) == season


def test_business_days_have_a_week_of_five():
    days = stamps("2020-01-01", "2021-01-01", "D")
    days = days[np.is_busday(days.astype("datetime64[D]"))]
    assert forecasts.season_of(days, np.zeros(len(days))) == 5


def test_a_season_that_does_not_fit_twice_is_none():
    hours = stamps("2020-01-01T00", "2020-01-02T06", "h")
    assert forecasts.season_of(hours, np.zeros(len(hours))) == 1


def test_season_from_values():
    steps = np.arange(300)
    noise = np.random.default_rng(0).normal(size=300)
    assert forecasts.season_of(None, np.sin(2 * np.pi * steps / 11) + 0.2 * noise) == 11
    assert forecasts.season_of(None, noise) == 1
    assert forecasts.season_of(None, np.cumsum(np.ones(300))) == 1
