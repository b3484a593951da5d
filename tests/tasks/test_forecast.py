"""Forecast: nothing leaks, numbers are in their units, dates go on, and honesty about baselines."""

from __future__ import annotations

import io
import json
import math
import os

import numpy as np
import pytest

from recur import files, run, tasks
from recur.data.series import Series
from recur.messages import InputError
from recur.scoring import forecasts
from recur.tasks import forecast_answers, preparing
from recur.tasks.task import Trained

TASK = tasks.find("forecast")
REAL = pytest.mark.skipif(
    not os.path.exists(os.path.join(os.environ.get("RECUR_DATA", ""), "ett")),
    reason="RECUR_DATA has no ETTh1",
)


def days(steps, start="2024-01-01"):
    first = np.datetime64(start, "D")
    return [str(first + step) for step in range(steps)]


def write(path, values, name="close", times=True):
    columns = ("date", name) if times else (name,)
    rows = [
        (day, value) if times else (value,)
        for day, value in zip(days(len(values)), values, strict=True)
    ]
    files.write_csv(path, columns, rows)


def walk(steps=200, seed=0):
    return 50 + np.cumsum(np.random.default_rng(seed).normal(size=steps))


def options(**given):
    return TASK.options.of("forecast", {"horizon": 3, "window": 6, **given})


def answers(trained, *inputs):
    return TASK.answer(trained, TASK.asked(trained, inputs), TASK.answering())


def scored(trained, prepared):
    return TASK.score(trained, prepared.test.records, prepared.test.examples).values


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_after_the_training_part_reaches_what_is_learnt(here):
    values = walk()
    write("a.csv", values)
    changed = values.copy()
    changed[160:] += 1000.0  # the test part
    write("b.csv", changed)
    before, after = (
        preparing.prepare(TASK, options(data="a.csv")),
        preparing.prepare(TASK, options(data="b.csv")),
    )
    for part in ("train", "validation"):
        one, other = getattr(before, part), getattr(after, part)
        assert len(one) == len(other)
        for index in range(len(one)):
            assert all((a == b).all() for a, b in zip(one[index], other[index], strict=True))
    first, second = before.preprocessing.to_json(), after.preprocessing.to_json()
    assert first.pop("recent") != second.pop("recent")
    assert first == second
    changed = values.copy()
    changed[129:160] += 1000.0  # validation and what follows training directly
    write("c.csv", changed)
    third = preparing.prepare(TASK, options(data="c.csv")).preprocessing.to_json()
    third.pop("recent")
    assert third == first


def test_examples_are_changes_from_the_last_known_value(here):
    values = np.arange(100.0) ** 2
    write("a.csv", values)
    settings = options(data="a.csv")
    prepared = preparing.prepare(TASK, settings)
    x, y = prepared.train[4]
    deviation = prepared.preprocessing.only.scaler.deviation[0]
    assert x[-1].tolist() == [0.0]
    assert np.allclose(x[:, 0] * deviation, values[4:10] - values[9], rtol=1e-5)
    assert np.allclose(y * deviation, values[10:13] - values[9], rtol=1e-5)
    plain = preparing.prepare(TASK, options(data="a.csv", differences=False)).train[4][0]
    mean = prepared.preprocessing.only.scaler.mean[0]
    assert np.allclose(plain[:, 0] * deviation + mean, values[4:10], rtol=1e-5)


@pytest.mark.parametrize("differences", [True, False])
def test_forecasts_come_back_in_the_unit_of_the_series(here, differences):
    """A model that says 0 forecasts the last value, or the mean, whatever the unit."""
    values = 1e6 + 1e4 * walk()
    write("a.csv", values)
    settings = options(data="a.csv", differences=differences)
    prepared = preparing.prepare(TASK, settings)
    model = TASK.model(settings, prepared.preprocessing)
    for parameter in model.parameters():
        parameter.data.zero_()
    trained = Trained(settings, prepared.preprocessing, model)
    (answer,) = answers(trained)
    expected = values[-1] if differences else values[:128].mean()
    assert answer.values == pytest.approx([expected] * 3, rel=1e-6)
    scores = scored(trained, prepared)
    if differences:
        for name in ("mae", "rmse", "mase"):
            assert scores[name] == pytest.approx(scores[f"naive_{name}"], rel=1e-5)


def test_scores_are_those_worked_out_by_hand(here):
    values = walk()
    write("a.csv", values)
    settings = options(data="a.csv", season=5)
    prepared = preparing.prepare(TASK, settings)
    model = TASK.model(settings, prepared.preprocessing)
    scores = scored(Trained(settings, prepared.preprocessing, model), prepared)
    gaps, seasonal = [], []
    for start in range(160, 198):
        gaps.append(values[start : start + 3] - values[start - 1])
        seasonal.append(values[start : start + 3] - values[start - 5 : start - 2])
    assert prepared.preprocessing.only.drift == pytest.approx(np.diff(values[:128]).mean())
    scale = np.abs(values[5:128] - values[:123]).mean()
    assert scores["windows"] == 38
    assert scores["naive_mae"] == pytest.approx(np.abs(gaps).mean())
    assert scores["naive_rmse"] == pytest.approx(np.sqrt(np.square(gaps).mean()))
    assert scores["seasonal_naive_mae"] == pytest.approx(np.abs(seasonal).mean())
    assert scores["naive_mase"] == pytest.approx(np.abs(gaps).mean() / scale)


def test_a_series_that_can_be_learnt_beats_both_and_says_so(here):
    steps = np.arange(400)
    values = 20 + np.sin(steps / 5) + 0.01 * steps
    write("a.csv", values)
    trained = run.train(
        "forecast", data="a.csv", horizon=3, window=20, season=7, epochs=8, progress=False
    )
    scores = trained.scores.values
    assert scores["mae"] < 0.5 * min(scores["naive_mae"], scores["seasonal_naive_mae"])
    assert "The model beats them all" in str(trained.scores)


def report(**given):
    scores = {"season": 5.0, "windows": 9.0, "chance": 0.5}
    for prefix, mae in (("", 1.0), ("naive_", 2.0), ("seasonal_naive_", 3.0), ("drift_", 2.5)):
        scores |= {f"{prefix}mae": mae, f"{prefix}rmse": mae, f"{prefix}mase": mae}
    return TASK.report({**scores, **given})


def test_all_forecasts_are_always_printed_together():
    lines = report().splitlines()
    assert lines[0].split() == ["test", "MAE", "RMSE", "MASE"]
    assert [line.split("  ")[0] for line in lines[1:5]] == [
        "this model",
        "naive (last value)",
        "seasonal naive (5 steps)",
        "drift (last value, mean change)",
    ]
    assert "no season found" in report(season=1.0)


def test_it_is_said_plainly_whether_the_simple_forecasts_are_beaten():
    lowest = "its MAE is 50.0% lower than the naive forecast's."
    assert report(chance=0.001).endswith(f"The model beats them all: {lowest}")
    assert "The naive forecast is not beaten beyond chance" in report(chance=0.3)
    assert report(mae=2.2).endswith(
        "The naive forecast is not beaten: the model's MAE is 10.0% higher than the naive "
        "forecast's."
    )
    assert "The naive and the drift forecast are not beaten" in report(mae=2.6, drift_mae=1.5)
    assert "The seasonal naive forecast is not beaten" in report(seasonal_naive_mae=0.5)
    assert "The naive, the seasonal naive and the drift forecast are not" in report(mae=math.nan)


def test_dates_go_on_and_steps_are_counted(here):
    write("a.csv", walk(60))
    write("b.csv", walk(60), times=False)
    quick = {"horizon": 3, "window": 6, "epochs": 1, "progress": False}
    (dated,) = run.train("forecast", data="a.csv", **quick).predict()
    assert dated.times == days(63)[60:]
    assert str(dated).splitlines()[0] == "close of a.csv"
    assert str(dated).splitlines()[1].startswith("2024-03-01  ")
    trained = run.train("forecast", data="b.csv", **quick)
    (counted,) = trained.predict()
    assert counted.times == ["+1", "+2", "+3"]
    assert all(path.stat().st_size > 5000 for path in trained.draw([dated, counted]))


def test_a_loaded_run_forecasts_without_its_data_and_with_newer_ones(here):
    write("a.csv", walk(60))
    trained = run.train(
        "forecast", data="a.csv", horizon=3, window=6, epochs=1, out="run", progress=False
    )
    expected = trained.predict()[0].values
    write("newer.csv", walk(80))
    (here / "a.csv").unlink()
    loaded = run.load("run")
    assert loaded.predict()[0].values == expected
    (newer,) = loaded.predict("newer.csv")
    assert newer.times == days(83)[80:]
    assert newer.values != expected
    assert loaded.evaluate("newer.csv").values["windows"] == 80 - 7 - 3 + 1
    with pytest.raises(InputError, match=r"There is no file .*a.csv"):
        loaded.evaluate()


def test_a_file_that_grew_is_tested_from_the_same_step_on(here):
    write("a.csv", walk(100))
    trained = run.train(
        "forecast", data="a.csv", horizon=3, window=6, epochs=1, out="run", progress=False
    )
    write("a.csv", walk(120))
    windows = run.load("run").evaluate().values["windows"]
    assert windows == trained.scores.values["windows"] + 20


def table(path, **columns):
    files.write_csv(path, tuple(columns), list(zip(*columns.values(), strict=True)))


def test_target_and_features(here):
    table("a.csv", date=days(80), open=walk(80, 1), close=walk(80), volume=walk(80, 2))
    assert preparing.prepare(TASK, options(data="a.csv")).preprocessing.columns == ("volume",)
    named = preparing.prepare(TASK, options(data="a.csv", target="close", features="open"))
    assert named.preprocessing.columns == ("close", "open")
    whole = preparing.prepare(TASK, options(data="a.csv", target="close", features="all"))
    assert whole.preprocessing.columns == ("close", "open", "volume")
    assert whole.train[0][0].shape == (6, 3)


def test_other_data_may_have_other_names_for_the_columns(here):
    table("a.csv", date=days(60), close=walk(60), open=walk(60, 1), low=walk(60, 2))
    given = {"horizon": 3, "window": 6, "epochs": 1, "progress": False}
    named = {"target": "close", "features": "low,open"}
    trained = run.train("forecast", data="a.csv", out="run", **named, **given)
    table("same.csv", date=days(80), close=walk(80), open=walk(80, 1), low=walk(80, 2))
    table("b.csv", when=days(80), o=walk(80, 1), l=walk(80, 2), c=walk(80), open=walk(80, 3))
    scores = trained.evaluate("same.csv").values
    how = {"target": "c", "features": "l,o", "time": "when"}
    assert trained.evaluate("b.csv", **how).values == scores
    whole = run.train("forecast", data="a.csv", features="all", target="close", **given)
    assert whole.evaluate("b.csv", target="c", features="o,l").values
    with pytest.raises(
        InputError, match=r"no column 'close'; .* options of evaluate: .*, target, "
    ):
        trained.evaluate("b.csv")
    with pytest.raises(InputError, match="that the model knows: 'low' and 'open', in this order"):
        trained.evaluate("b.csv", target="c", features="o")


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-320, 1e308])
def test_what_no_training_measures_is_refused(here, value):
    write("a.csv", walk(60))
    stored = preparing.prepare(TASK, options(data="a.csv")).preprocessing.to_json()
    for changed in ({"mase_scale": value}, {"scaler": {"mean": [0.0], "deviation": [value]}}):
        with pytest.raises(InputError, match=r"must be from 1e-\d+ to 1e\+141; got"):
            TASK.preprocessing.from_json(stored | changed)
    TASK.preprocessing.from_json(stored)


def test_other_columns_may_have_gaps(here):
    holes = ["", *walk(79, 1)]
    table("a.csv", date=days(80), close=walk(80), volume=holes)
    assert preparing.prepare(TASK, options(data="a.csv", target="close")).preprocessing.columns == (
        "close",
    )
    with pytest.raises(InputError, match="has no value in row 1 of the column 'volume'"):
        preparing.prepare(TASK, options(data="a.csv", target="close", features="volume"))


@pytest.mark.parametrize(
    ("values", "given", "sentence"),
    [
        (walk(8), {}, "at least as long as one window"),
        (walk(60), {"target": "clsoe"}, "has no column 'clsoe'; it has"),
        (walk(60), {"features": "opn", "target": "close"}, "has no column 'opn'; it has"),
        ([5.0] * 60, {}, "must be values that change; got 5 in all 39 steps"),
        (walk(60), {"season": 30}, "season must be at most half of the training part; got 30"),
        (walk(60), {"horizon": 0}, "horizon must be at least 1; got 0."),
        (walk(60), {"gaps": "mend"}, "gaps must be refuse, interpolate, carry or ignore"),
        (walk(60), {"limit": 5}, "at least as long as one window"),
        (walk(60), {"test_split": 0.99}, "must be at least 3 steps long; got 1 step."),
    ],
)
def test_what_cannot_be_learnt_gets_a_sentence(here, values, given, sentence):
    write("a.csv", values)
    with pytest.raises(InputError) as error:
        preparing.prepare(TASK, options(data="a.csv", **given))
    assert sentence in str(error.value)


def test_a_forecast_needs_a_window(here):
    write("a.csv", walk(60))
    write("short.csv", walk(4))
    trained = run.train("forecast", data="a.csv", horizon=3, window=6, epochs=1, progress=False)
    with pytest.raises(InputError, match=r"short.csv must be at least 7 steps long; got 4 steps."):
        trained.predict("short.csv")


def test_a_table_may_come_by_standard_input(here, monkeypatch):
    write("a.csv", walk(60))
    trained = run.train("forecast", data="a.csv", horizon=3, window=6, epochs=1, progress=False)
    write("newer.csv", walk(80))
    text = io.TextIOWrapper(io.BytesIO((here / "newer.csv").read_bytes()))
    monkeypatch.setattr("sys.stdin", text)
    (piped,) = trained.predict(TASK.inputs_of("-"))
    (read,) = trained.predict("newer.csv")
    assert piped.values == read.values
    assert str(piped).startswith("close of standard input\n2024-03-21  ")


def test_unknown_datasets(here):
    with pytest.raises(InputError, match=r"data must be a file, or the dataset .*'etth'.*'ett'"):
        preparing.prepare(TASK, options(data="etth"))
    with pytest.raises(InputError, match="The dataset co2 has no parts; got 'co2:weekly'"):
        preparing.prepare(TASK, options(data="co2:weekly"))
    with pytest.raises(InputError, match=r"There is no file prices.csv"):
        preparing.prepare(TASK, options(data="prices.csv"))


def test_digits_fit_the_values():
    assert [forecast_answers.decimals([value]) for value in (0.0, 0.01234, 3.2, 309.9, 1e6)] == [
        1, 6, 4, 2, 0,
    ]  # fmt: skip


@REAL
def test_etth1_and_a_stock_by_name():
    """The naive scores are those of the data, whatever the model."""
    prepared = preparing.prepare(TASK, TASK.options.of("forecast", {"data": "ett", "horizon": 24}))
    assert prepared.preprocessing.columns == ("OT",)
    assert prepared.preprocessing.season == 24
    stock = preparing.prepare(TASK, TASK.options.of("forecast", {"data": "stocks:MSFT"}))
    assert stock.preprocessing.columns == ("Close",)
    assert stock.preprocessing.season == 5
    assert "MSFT" in stock.about
    with pytest.raises(InputError, match=r"stock must be AAPL, .*'MSTF'"):
        preparing.prepare(TASK, TASK.options.of("forecast", {"data": "stocks:MSTF"}))


def test_the_default_series_comes_with_a_package():
    pytest.importorskip("statsmodels")
    prepared = preparing.prepare(TASK, TASK.options.of("forecast", {"limit": 600}))
    assert prepared.preprocessing.season == 52
    assert any("interpolated" in note or "carried" in note for note in prepared.test.notes)


def test_chance_knows_equal_forecasts_from_different_ones():
    rng = np.random.default_rng(0)
    actual = rng.normal(size=(400, 3))
    same_skill = [actual + rng.normal(size=actual.shape) for _ in range(2)]
    worse = actual + 1.5 * rng.normal(size=actual.shape)
    assert forecasts.chance(actual, *same_skill) > 0.05
    assert forecasts.chance(actual, same_skill[0], worse) < 0.001
    assert forecasts.chance(actual, worse, worse) == 1.0


def test_chance_is_a_probability_where_windows_overlap():
    """Two forecasts of a random walk, each off by its own noise: about 5% fall below 0.05."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        values = np.cumsum(rng.normal(size=312))
        actual = np.lib.stride_tricks.sliding_window_view(values[1:], 6)
        last = values[: len(actual), None]
        noise = [np.convolve(rng.normal(size=len(last)), np.ones(6), "same") for _ in range(2)]
        one, other = (last + each[:, None] / 3 for each in noise)
        found.append(forecasts.chance(actual, one, other))
    share = np.mean(np.array(found) < 0.05)
    assert 0.01 < share < 0.11


def test_series_in_preprocessing_keep_their_times(here):
    write("a.csv", walk(60))
    fitted = preparing.prepare(TASK, options(data="a.csv")).preprocessing
    again = TASK.preprocessing.from_json(fitted.to_json())
    assert isinstance(again.only.recent, Series)
    assert (again.only.recent.times == fitted.only.recent.times).all()


def test_a_run_written_before_times_had_zones_opens(here):
    write("a.csv", walk(60))
    fitted = preparing.prepare(TASK, options(data="a.csv")).preprocessing
    stored = fitted.to_json()
    del stored["recent"]["zone"], stored["recent"]["day_first"]
    again = TASK.preprocessing.from_json(stored)
    assert (again.only.recent.times == fitted.only.recent.times).all()
    assert again.only.recent.zone == ""


def answered(text, **given):
    """What a model that says 0 answers for a series: its last value, at the times that follow."""
    with open("a.csv", "w", encoding="utf-8") as file:
        file.write(text)
    settings = options(data="a.csv", **given)
    prepared = preparing.prepare(TASK, settings)
    fitted = TASK.preprocessing.from_json(json.loads(json.dumps(prepared.preprocessing.to_json())))
    model = TASK.model(settings, fitted)
    for parameter in model.parameters():
        parameter.data.zero_()
    return Trained(settings, fitted, model), prepared


@pytest.mark.parametrize(
    ("stamps", "following"),
    [
        (lambda n: f"2026-01-01T00:00:{n:02d}.250+01:00", "2026-01-01 00:01:00.250+01:00"),
        (lambda n: f"2026-01-01T00:00:00.{n:02d}0", "2026-01-01 00:00:00.600"),
        (lambda n: f"2026-01-01 00:{n:02d}Z", "2026-01-01 01:00+00:00"),
    ],
)
def test_forecasts_keep_the_zone_and_the_resolution(here, stamps, following):
    rows = [f"{stamps(n)},{value}" for n, value in enumerate(walk(60))]
    trained, _ = answered("\n".join(["when,x", *rows[::-1]]))
    (answer,) = answers(trained)
    assert answer.times[0] == following
    assert len(list(TASK.figures(trained, [answer]))) == 1


def test_newer_values_are_read_as_the_training_data_were(here):
    rows = [f"{day[8:]}/{day[5:7]}/{day[:4]},{n % 7}" for n, day in enumerate(days(60))]
    trained, prepared = answered("\n".join(["day,x", *rows]))
    assert "day first, as the column needs it" in prepared.test.notes[0]
    with open("newer.csv", "w", encoding="utf-8") as file:
        file.write("\n".join(["day,x", *rows[31:43]]))  # the first twelve days of a month
    (answer,) = answers(trained, "newer.csv")
    assert answer.times[0] == "2024-02-13"
    assert "day first; the column fits both" in str(answer)
    assert answer.to_json()["notes"] == list(answer.series.notes)


def test_a_straight_line_is_forecast_by_the_drift_and_that_is_said(here):
    trained, prepared = answered("\n".join(["x", *map(str, range(100))]))
    scores = scored(trained, prepared)
    assert scores["drift_mae"] == 0
    assert scores["mae"] == pytest.approx(2, rel=1e-5)
    said = "The naive, the seasonal naive and the drift forecast are not beaten: the model's MAE is"
    report = TASK.report(scores)
    assert said in report
    assert report.endswith("is 2, the drift forecast's 0.")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([1e308, -1e308] * 40, "the values of a.csv must be up to 1e+140; got 1e+308"),
        (
            [5e-324, 1e-323, 0.0] * 30,
            "must be values that differ by 1e-140 or more; got a standard",
        ),
        ([1.0, 2.0] * 30 + [1e30] * 20, "a.csv must be values within 1e+18 standard deviations of"),
    ],
)
def test_numbers_near_the_end_of_what_there_is_get_a_sentence(here, values, sentence):
    write("a.csv", values)
    with pytest.raises(InputError) as error:
        preparing.prepare(TASK, options(data="a.csv"))
    assert sentence in str(error.value)


@pytest.mark.parametrize("power", [-430, 430])
def test_far_numbers_are_scaled_as_near_ones_are(here, power):
    write("a.csv", walk(80))
    near = preparing.prepare(TASK, options(data="a.csv"))
    write("b.csv", walk(80) * 2.0**power)
    far = preparing.prepare(TASK, options(data="b.csv"))
    assert (near.train[5][0] == far.train[5][0]).all()
