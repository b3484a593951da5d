"""Facts about single series, as their publishers state them."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from recur import FailedError, InputError
from recur.data.datasets import co2, ett, stocks, sunspots
from recur.data.times import missing_after, step_of

STOCKS = """Date,Open,High,Low,Close,Adj Close,Volume,Name
2026-01-02,1,3,1,2,2,100,AB
2026-01-05,2,4,2,3,3,200,AB
2026-01-02,9,9,9,9,9,900,CD
"""


def needs(module) -> None:
    if module.SOURCE.here() is None:
        pytest.skip(f"needs {module.SOURCE.local or module.SOURCE.package} (RECUR_DATA)")


def test_co2():
    needs(co2)
    series = co2.load().train.only.series
    assert len(series) == 2284
    assert step_of(series.times) == str(7 * 86400)
    assert str(series.times[0]).startswith("1958-03-29")
    assert series.notes == ("59 missing steps of Mauna Loa CO2 interpolated.",)
    assert 310 < series.values.min() < series.values.max() < 380


def test_sunspots():
    needs(sunspots)
    series = sunspots.load().train.only.series
    assert len(series) == 309
    assert step_of(series.times) == "year"
    assert str(series.times[0]).startswith("1700")


def test_ett():
    needs(ett)
    series = ett.load().train.only.series
    assert series.columns == ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
    assert len(series) == 17_420
    assert step_of(series.times) == "3600"
    assert missing_after(series.times) == []


def test_stocks():
    needs(stocks)
    apple = stocks.load("aapl").train.only.series
    assert apple.name == "AAPL"
    assert len(apple) == 1259
    assert step_of(apple.times) == "business day"
    assert (apple.values[:, apple.index("High")] >= apple.values[:, apple.index("Low")]).all()
    assert len(stocks.load("JNJ").train.only.series) == 1256
    with pytest.raises(
        InputError, match=r"stock must be AAPL, .*; got 'AAPPL'\. Did you mean 'AAPL'"
    ):
        stocks.load("AAPPL")


@pytest.fixture
def own(monkeypatch, tmp_path):
    monkeypatch.setenv("RECUR_DATA", str(tmp_path))
    return tmp_path / "sp500_20_tickers_2015_2020.csv.gz"


def test_a_file_of_stocks(own):
    own.write_bytes(gzip.compress(STOCKS.encode(), mtime=0))
    series = stocks.load("AB").train.only.series
    assert series.columns == ("Open", "High", "Low", "Close", "Volume")
    assert series.values.tolist() == np.array([[1, 3, 1, 2, 100], [2, 4, 2, 3, 200]]).tolist()


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"not packed", FailedError, r"csv\.gz is damaged: .*\. Remove it and get it again"),
        (gzip.compress(STOCKS.encode(), mtime=0)[:-9], FailedError, r"csv\.gz is damaged"),
        (gzip.compress(b"\xff", mtime=0), FailedError, r"csv\.gz is damaged"),
        (
            gzip.compress(b"Date,Name\n2026-01-02,AB\n", mtime=0),
            InputError,
            r"has no column 'Open'; it has",
        ),
        (gzip.compress(b"", mtime=0), InputError, r"has no column 'Date'"),
    ],
)
def test_a_damaged_file(own, content, error, message):
    own.write_bytes(content)
    with pytest.raises(error, match=message):
        stocks.load("AB")


def test_the_months_that_papers_measure_on():
    needs(ett)
    splits = ett.load("12/4/4")
    parts = (splits.train.only, splits.validation.only, splits.test.only)
    assert [(part.begin, part.end) for part in parts] == [
        (0, 8640),
        (8640, 11520),
        (11520, 14400),
    ]
    assert splits.cut == ()
    with pytest.raises(InputError, match=r"the part of ett must be 12/4/4; got '12/4/8'"):
        ett.load("12/4/8")
