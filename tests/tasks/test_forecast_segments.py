"""Forecasts by segments: several targets and series, what is known ahead, quantiles, backtests."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.tasks.test_forecast import TASK, answers, days, options, scored, table, walk, write

from recur import files, run, training
from recur.messages import InputError
from recur.tasks import preparing
from recur.tasks.task import Trained

QUICK = {"horizon": 3, "window": 6, "units": 8, "epochs": 1, "season": 1, "progress": False}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sales(path, steps=60, ahead=4, after=0.0):
    """Two stores, 1,000 times as large one as the other; a promotion that is known ahead."""
    rows = []
    for store, level in (("a", 1.0), ("b", 1000.0)):
        values = level * walk(steps, seed=len(rows))
        values[39 * steps // 60 :] += after  # where the training part ends
        for step, day in enumerate(days(steps + ahead)):
            known = step < steps
            rows.append((day, store, values[step] if known else "", step % 3, f"{level:g}"))
    files.write_csv(path, ("date", "store", "sales", "promotion", "size"), rows)


SALES = {
    "data": "sales.csv",
    "id_column": "store",
    "target": "sales",
    "known": "promotion",
    "static": "size",
    "calendar": True,
    "quantiles": "0.1, 0.9",
}


def untrained(**given):
    settings = options(**{"units": 8, "season": 1, **given})
    prepared = preparing.prepare(TASK, settings)
    model = TASK.model(settings, prepared.preprocessing)
    return Trained(settings, prepared.preprocessing, model), prepared


def test_no_series_learns_of_what_came_after_its_own_training_part(here):
    """Each is cut by time: what changes after that moves nothing that is learnt or measured."""
    sales("sales.csv")
    before = preparing.prepare(TASK, options(**SALES))
    sales("sales.csv", after=500.0)
    after = preparing.prepare(TASK, options(**SALES))
    every = np.arange(len(before.train))
    one, other = before.train.batch(every), after.train.batch(every)
    assert (one.x == other.x).all()
    assert (one.y == other.y).all()
    assert all((one.also[name] == other.also[name]).all() for name in ("known", "static"))
    for a, b in zip(before.preprocessing.series, after.preprocessing.series, strict=True):
        assert (a.scaler.mean == b.scaler.mean).all()
        assert (a.drift == b.drift).all()
        assert (a.mase_scale == b.mase_scale).all()


def test_training_targets_end_where_validation_and_testing_begin(here):
    """A value is its own time, in each series."""
    rows = [(day, s, 100 * n + t) for n, s in enumerate("ab") for t, day in enumerate(days(60))]
    files.write_csv("a.csv", ("date", "store", "x"), rows)
    given = options(data="a.csv", id_column="store", target="x", season=1)
    prepared = preparing.prepare(TASK, given)
    seen = []
    for part in (prepared.train, prepared.validation, prepared.test.examples):
        batch = part.batch(np.arange(len(part)))
        assert ((batch.x[:, -1] + batch.y.diff(dim=1)[:, 0]).isclose(batch.y[:, 0])).all()
        times = set()
        for measures, rows in zip(prepared.preprocessing.series, batch.y.chunk(2), strict=True):
            times |= set(np.round(measures.scaler.inverse(rows.numpy(), 0)).ravel().tolist())
        seen.append(times)
    assert not seen[0] & seen[1]
    assert not (seen[0] | seen[1]) & seen[2]
    assert len(seen[0] | seen[1] | seen[2]) == 2 * (60 - 6)


def test_a_run_of_several_series_answers_each_in_its_own_unit(here):
    sales("sales.csv")
    trained = run.train("forecast", out="run", **QUICK, **SALES)
    assert "Between the quantiles 0.1 and 0.9 lie" in str(trained.scores)
    assert {"linear_mae", "pinball", "below_0.1"} <= trained.scores.values.keys()
    small, large = trained.predict()
    assert small.times == days(63)[60:]
    assert str(small).splitlines()[:2] == [
        "sales of a of sales.csv",
        f"{'':<10}  {'sales':>6}     0.1     0.9",
    ]
    assert np.mean(large.values) > 300 * np.mean(small.values)
    for answer in (small, large):
        low, middle, high = answer.quantiles.values()
        assert all(a <= b <= c for a, b, c in zip(low, middle, high, strict=True))
        assert answer.values == middle
        json.dumps(answer.to_json())
    (here / "sales.csv").rename("newer.csv")
    opened = run.load("run")
    assert [each.values for each in opened.predict()] == [small.values, large.values]
    again = opened.predict("newer.csv")
    assert [each.values for each in again] == [small.values, large.values]
    assert len(opened.why("newer.csv")) == 2
    saved = opened.save(again, "answers")
    assert [path.name for path in saved] == ["forecast-a-sales.csv", "forecast-b-sales.csv"]
    assert files.read_text(saved[0]).splitlines()[0] == "time,sales,0.1,0.9"
    assert len(opened.draw(again)) == 2
    sales("newer.csv", ahead=2)
    with pytest.raises(InputError, match=r"knows ahead must be 3 steps; got 2 steps\. Add rows"):
        opened.predict("newer.csv")
    sales("newer.csv")
    files.write_text("newer.csv", files.read_text("newer.csv").replace(",b,", ",c,"))
    with pytest.raises(InputError, match=r"a series must be 'a' or 'b'; got 'c'"):
        opened.predict("newer.csv")


def test_a_training_of_several_series_goes_on(here):
    sales("sales.csv")
    given = {**QUICK, **SALES, "decay": False}  # with it, a step knows of the last one
    whole = run.train("forecast", out="whole", **{**given, "epochs": 2})
    run.train("forecast", out="part", **given)
    again = run.train("forecast", out="part", resume=True, epochs=2, progress=False)
    assert again.scores.values == whole.scores.values


def test_several_targets_are_compared_in_standard_deviations(here):
    table("a.csv", date=days(80), open=walk(80, 1), close=1000 * walk(80), volume=walk(80, 2))
    trained, prepared = untrained(data="a.csv", target="close,open", features="volume")
    fitted = prepared.preprocessing
    assert (fitted.columns, fitted.targets) == (("close", "open", "volume"), 2)
    every, _ = untrained(data="a.csv", target="all")
    assert every.preprocessing.targets == 3
    scores = scored(trained, prepared)
    values = np.column_stack([1000 * walk(80), walk(80, 1)])
    z = (values - values[:52].mean(axis=0)) / values[:52].std(axis=0)
    gaps = [z[at : at + 3] - z[at - 1] for at in range(64, 78)]
    assert scores["windows"] == 14
    assert scores["naive_mse"] == pytest.approx(np.square(gaps).mean())
    assert scores["naive_mae"] == pytest.approx(np.abs(gaps).mean())
    lines = TASK.report({**scores, "linear_mae": 1.0, "linear_mse": 1.0, "linear_mase": 1.0})
    assert lines.splitlines()[0].split() == ["test", "MSE", "MAE", "MASE"]
    assert [each.series.columns[0] for each in answers(trained)] == ["close", "open"]


def test_a_promotion_ahead_changes_the_forecast(here):
    sales("sales.csv")
    trained, _ = untrained(**SALES)
    (before, _), text = answers(trained, "sales.csv"), files.read_text("sales.csv")
    day = days(61)[60]
    files.write_text("sales.csv", text.replace(f"{day},a,,0", f"{day},a,,2"))
    after, _ = answers(trained, "sales.csv")
    assert before.values != after.values


def test_every_origin_is_answered_in_one_pass(here, monkeypatch):
    """No training in it; no more calls of the model than batches, of which the last counts too."""
    write("a.csv", walk(1500))
    trained, prepared = untrained(data="a.csv", decoder="segments")
    calls = []
    trained.model.register_forward_pre_hook(lambda _, given: calls.append(len(given[0])))
    monkeypatch.setattr(training, "fit", None)
    found = TASK.score(trained, prepared.test.records, prepared.test.examples)
    assert found.values["windows"] == 298
    assert calls == [256, 42]
    assert found.detail[0].forecast.shape == (298, 3)
    (figure,) = TASK.evaluation_figures(trained, found)
    assert figure[0] == "backtest"
    above, below = figure[1].axes
    assert below.get_legend_handles_labels()[1] == ["this model", "naive", "seasonal naive"]
    origins = [line for line in above.lines if line.get_color() != above.lines[0].get_color()]
    assert len(origins) == 41


@pytest.mark.parametrize("decoder", ["linear", "segments"])
def test_a_straight_line_is_forecast(here, decoder):
    """To a thousandth of a step."""
    write("a.csv", 5.0 + 3.0 * np.arange(120))
    given = {"data": "a.csv", "horizon": 4, "window": 8, "season": 1, "decoder": decoder}
    trained = run.train(
        "forecast", **given, epochs=60, learning_rate=0.01, units=16, patience=60, progress=False
    )
    (answer,) = trained.predict()
    expected = 5.0 + 3.0 * np.arange(120, 124)
    assert np.abs(np.array(answer.values) - expected).max() < 0.003


def test_returns_are_learnt_and_prices_answered(here):
    prices = np.exp(walk(300) / 50)
    write("a.csv", prices)
    trained = run.train(
        "forecast", data="a.csv", horizon=1, window=6, epochs=1, logarithm=True, progress=False
    )
    scores, returns = trained.scores.values, np.abs(np.diff(np.log(prices)))
    assert scores["naive_mae"] == pytest.approx(returns[239:].mean())
    moves = np.diff(np.log(prices))[239:]
    assert scores["up"] == pytest.approx((moves > 0).mean())
    assert "The next step goes the way foretold in" in str(trained.scores)
    (answer,) = trained.predict()
    assert answer.values[0] == pytest.approx(prices[-1], rel=0.2)
    assert answer.baselines["naive"][0] == pytest.approx(prices[-1])
    write("b.csv", walk(60) - 60)
    with pytest.raises(InputError, match="with a logarithm must be above 0; got"):
        trained.predict("b.csv")


def test_series_that_cannot_be_learnt_are_left_out_and_named(here):
    rows = [(day, "a", value) for day, value in zip(days(60), walk(60), strict=True)]
    rows += [(day, "b", 1.0) for day in days(60)] + [(day, "c", n) for n, day in enumerate(days(2))]
    files.write_csv("a.csv", ("date", "store", "x"), rows)
    _, prepared = untrained(data="a.csv", id_column="store")
    assert [each.recent.id for each in prepared.preprocessing.series] == ["a"]
    said = "2 of 3 series are left out, whose training part is too short or never changes"
    assert any(note.startswith(said) for note in prepared.test.notes)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"decoder": "linear", "quantiles": "0.1"}, "The decoder linear forecasts one target"),
        ({"quantiles": "0.1,ten"}, "quantiles must be numbers between 0 and 1 .*; got '0.1,ten'"),
        ({"quantiles": "1"}, "quantiles must be numbers between 0 and 1"),
        ({"decoder": "segments", "bidirectional": True}, "bidirectional is no option of the dec"),
        ({"id_column": "shop"}, "has no column 'shop'; it has"),
        ({"known": "promotoin", "target": "sales"}, "has no column 'promotoin'; it has"),
        ({"static": "promotion", "id_column": "store"}, "'promotion' of a of sales.csv must be th"),
        ({"id_column": "store", "target": "sales", "segment": 9}, "segment must be at most as lo"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(here, given, sentence):
    sales("sales.csv", ahead=0)
    with pytest.raises(InputError, match=sentence):
        untrained(data="sales.csv", **given)


def test_what_is_forecast_is_not_known_ahead_and_is_named_once(here):
    sales("sales.csv")
    with pytest.raises(
        InputError, match="known must be columns that are not forecast; got 'sales'"
    ):
        options(**{**SALES, "known": "promotion,sales"})
    twice = {**SALES, "target": "sales,sales", "known": "promotion, promotion"}
    fitted = preparing.prepare(TASK, options(**twice)).preprocessing
    assert (fitted.columns, fitted.targets, fitted.known) == (("sales", "promotion"), 1, 1)


def test_numbers_that_are_too_large_to_count_with_are_named(here):
    sales("sales.csv")
    trained, _ = untrained(**SALES, horizon=3, window=6)
    whole = files.read_text("sales.csv")
    rows = whole.splitlines()
    for wrong, words in (
        ([row.replace(",,", ",,1e30") if ",a,," in row else row for row in rows], "knows ahead"),
        (
            [row[: -len("1000")] + "1e300" if row.endswith("1000") else row for row in rows],
            "'size'",
        ),
    ):
        files.write_text("newer.csv", "\n".join(wrong) + "\n")
        with pytest.raises(InputError, match=words):
            answers(trained, "newer.csv")
    files.write_text("sales.csv", whole.replace(",1000\n", ",inf\n"))
    with pytest.raises(InputError, match="the static column 'size' must be within 1e"):
        preparing.prepare(TASK, options(**SALES))
