"""Backtests: errors of several series and targets, directions, coverage, and a plain verdict."""

from __future__ import annotations

import numpy as np
import pytest

from recur.scoring import backtest, forecasts
from recur.scoring.ridge import Parts, ridge


def walk(steps=60, seed=0):
    return 50 + np.cumsum(np.random.default_rng(seed).normal(size=steps))


def of(values, forecast, starts, series="a", **given):
    how = {"season": 1, "drift": 0.0, "scale": 2.0, **given}
    return backtest.backtest(series, "x", values, starts, forecast, **how)


def naive(values, starts, horizon, more=0.0):
    return forecasts.naive(values, starts, horizon) + more


def test_errors_of_several_are_means_over_all_windows():
    few, many = np.arange(10, 20), np.arange(10, 40)
    one, other = walk(), walk(seed=1)
    first = of(one, naive(one, few, 3, 1.0), few, unit=2.0)
    second = of(other, naive(other, many, 3, 4.0), many, "b", unit=4.0, scale=8.0)
    found = backtest.scores([first, second], scaled=True)
    gaps = [(t.actual - t.forecast) / t.unit for t in (first, second)]
    assert found["mse"] == pytest.approx(np.square(np.concatenate(gaps)).mean())
    assert found["mae"] == pytest.approx(np.abs(np.concatenate(gaps)).mean())
    assert found["rmse"] == pytest.approx(np.sqrt(found["mse"]))
    errors = [np.abs(t.actual - t.forecast).mean() / t.scale for t in (first, second)]
    assert found["mase"] == pytest.approx(np.average(errors, weights=[10, 30]))
    plain = backtest.scores([first, second])
    assert plain["mae"] == pytest.approx(
        np.abs(np.concatenate([t.actual - t.forecast for t in (first, second)])).mean()
    )


def test_targets_of_the_same_windows_are_no_further_evidence():
    """The same target twice is as likely by chance as once."""
    values, starts = walk(200), np.arange(10, 190)
    forecast = naive(values, starts, 3) + np.random.default_rng(1).normal(size=(180, 3))
    one = of(values, forecast, starts)
    once = backtest.scores([one])["chance"]
    assert backtest.scores([one, one], scaled=True)["chance"] == pytest.approx(once)


def test_the_error_of_each_step_ahead():
    values, starts = np.arange(30.0), np.arange(5, 20)
    found = backtest.by_step([of(values, naive(values, starts, 3), starts, unit=2.0)])
    assert found["naive_"].tolist() == [0.5, 1.0, 1.5]


def test_directions_and_what_they_are_worth():
    values = np.tile([1.0, 2.0, 3.0], 40)  # up, up, down
    starts = np.arange(3, 119)
    right = values[starts][:, None]
    known = backtest.direction([of(values, right, starts)])
    assert known["direction"] == 1.0
    assert known["up"] == pytest.approx(2 / 3, abs=0.01)
    assert known["direction_chance"] < 1e-6
    up = backtest.direction([of(values, naive(values, starts, 1, 1.0), starts)])
    assert up["direction"] == up["up"]
    assert up["direction_chance"] == pytest.approx(0.5)
    scores = {"season": 1.0, **backtest.scores([of(values, right, starts)]), **known}
    assert backtest.report(scores).endswith("costs of trading are not counted.")
    scores = {"season": 1.0, **backtest.scores([of(values, right + 2, starts)]), **up}
    lines = backtest.report(scores).splitlines()
    assert lines[-1].startswith("The next step goes the way foretold in 66.4% of all cases; always")
    assert lines[-1].endswith("To someone who trades, these forecasts are worth nothing.")


def test_coverage_and_the_pinball_loss():
    values, starts = np.random.default_rng(0).normal(size=3000), np.arange(1, 3000)
    at = {level: np.full((2999, 1), z) for level, z in ((0.1, -1.2816), (0.5, 0.0), (0.9, 1.2816))}
    found = backtest.scores([of(values, at[0.5], starts, quantiles=at)])
    assert [found[f"below_{level:g}"] for level in at] == pytest.approx([0.1, 0.5, 0.9], abs=0.03)
    gaps = values[1:] + 1.2816
    by_hand = np.where(gaps > 0, 0.1 * gaps, -0.9 * gaps).mean()
    only = {0.1: at[0.1]}
    one = backtest.scores([of(values, at[0.5], starts, quantiles=only)])
    assert one["pinball"] == pytest.approx(by_hand)
    line = backtest.report({"season": 1.0, **found}).splitlines()[5]
    assert line.startswith("Between the quantiles 0.1 and 0.9 lie ")
    assert line.endswith("% of the values (80% should).")


@pytest.mark.parametrize("targets", [1, 2])
def test_ridge_regression_finds_a_linear_rule(targets):
    """A line and a wave: what follows is linear in the window."""
    steps = np.arange(300.0)
    columns = [np.sin(steps / (5 + each)) + 0.3 * steps for each in range(targets)]
    values = np.column_stack(columns)
    starts = [np.arange(*part) for part in ((8, 200), (200, 250), (250, 296))]
    (found,) = ridge([Parts(values, *starts)], 8, 4)
    actual = np.stack([values[starts[2] + step] for step in range(4)], axis=1)
    assert found.shape == (46, 4, targets)
    before = values[starts[2] - 1][:, None]
    assert np.abs(actual - found).mean() < 0.1 * np.abs(actual - before).mean()


def test_ridge_regression_learns_from_the_training_windows_alone():
    values = walk(300)[:, None] / 10
    starts = [np.arange(*part) for part in ((8, 200), (200, 250), (250, 296))]
    (before,) = ridge([Parts(values, *starts)], 8, 4)
    values[254:] += 100
    (after,) = ridge([Parts(values, *starts)], 8, 4)
    assert (before[:4] == after[:4]).all()


def test_a_forecast_that_is_better_in_one_error_alone_is_not_beaten():
    scores = {"season": 1.0, "chance": 0.001, "mae": 0.9, "mse": 0.9, "rmse": 0.9, "mase": 0.9}
    for prefix in (*backtest.SIMPLE, *backtest.LINEAR):
        scores |= {f"{prefix}{name}": 1.0 for name in ("mae", "mse", "rmse", "mase")}
    better = "The model beats them all: its MAE is 10.0% lower than the naive forecast's."
    assert backtest.report(scores).endswith(better)
    assert backtest.report({**scores, "linear_mse": 0.8}).endswith(
        "The linear forecast is not beaten: the model's MSE is 12.5% higher than the linear "
        "forecast's."
    )
