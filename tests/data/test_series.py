from __future__ import annotations

import numpy as np
import pytest

from recur import InputError, read_series
from recur.data.series import parse_series

PRICES = "Date,Close,Volume\n2026-01-01,1.5,10\n2026-01-02,2.5,20\n2026-01-03,3.5,30\n"
HOLES = "date,x,y\n2026-01-01,1,\n2026-01-02,,5\n2026-01-03,3,nan\n2026-01-04,4,7\n"
JUMP = "date,x\n2026-01-01,1\n2026-01-02,2\n2026-01-03,3\n2026-01-06,6\n"
ODD = "t,x\n2026-01-01 00:00,1\n2026-01-01 01:00,2\n2026-01-01 01:30,3\n2026-01-01 02:30,4\n"


def parse(text: str, **options):
    return parse_series(text, name="prices.csv", **options)


# Reading.


def test_a_csv_file(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text(PRICES, encoding="utf-8")
    series = read_series(path)
    assert series.name == "prices.csv"
    assert series.columns == ("Close", "Volume")
    assert series.values.tolist() == [[1.5, 10], [2.5, 20], [3.5, 30]]
    assert series.values.dtype == np.float64
    assert series.times is not None
    assert str(series.times[1]) == "2026-01-02T00:00:00"
    assert series.notes == ()
    assert len(series) == 3


def test_columns_by_name_in_the_order_asked_for():
    assert parse(PRICES, columns=["Volume", "Close"]).values[0].tolist() == [10, 1.5]
    picked = parse(PRICES).select(["Volume"])
    assert picked.values.tolist() == [[10], [20], [30]]
    assert picked.index("Volume") == 0
    assert len(parse(PRICES).first(2)) == 2
    assert len(parse(PRICES).first(None)) == 3


def test_rows_are_brought_in_order_of_time():
    lines = PRICES.splitlines()
    assert (
        parse("\n".join([lines[0], *lines[:0:-1]])).values.tolist() == parse(PRICES).values.tolist()
    )


def test_the_time_is_found_by_name_or_by_content():
    named = "x,timestamp\n1,2026-01\n2,2026-02\n"
    assert parse(named).columns == ("x",)
    first = "when,x\n2026-01-01,1\n2026-01-02,2\n"
    assert parse(first).times is not None
    given = "a,b\n1,2026-01-01\n2,2026-01-02\n"
    assert parse(given, time="b").times is not None
    assert parse("a,b\n1,2\n3,4\n").times is None


def test_seconds_are_counted_as_rows_and_it_is_said():
    series = parse("time,x\n0.0,5\n0.1,6\n")
    assert series.columns == ("x",)
    assert series.times is None
    assert series.notes == (
        "The column 'time' holds numbers, not times: rows are counted instead.",
    )


def test_columns_of_text_and_the_row_numbers_of_pandas_are_left_out():
    series = parse(",date,ticker,x\n0,2026-01-01,AB,1\n1,2026-01-02,AB,2\n")
    assert series.columns == ("x",)


def test_a_data_frame():
    pd = pytest.importorskip("pandas")
    index = pd.date_range("2026-01-01", periods=3, freq="D")
    frame = pd.DataFrame({"x": [1, 2.5, 3], "label": ["a", "b", "c"]}, index=index)
    series = read_series(frame)
    assert series.name == "the DataFrame"
    assert series.columns == ("x",)
    assert series.values.tolist() == [[1], [2.5], [3]]
    assert series.times is not None
    assert series.times.tolist() == index.to_numpy().astype("datetime64[s]").tolist()
    columns = frame.reset_index(names="date")
    assert read_series(columns).times.tolist() == series.times.tolist()


def test_a_pandas_series_and_periods():
    pd = pytest.importorskip("pandas")
    index = pd.period_range("2026-01", periods=3, freq="M")
    series = read_series(pd.Series([1.0, 2, 3], index=index, name="price"))
    assert series.columns == ("price",)
    assert series.times is not None
    assert str(series.times[2]) == "2026-03-01T00:00:00"
    assert read_series(pd.Series([1.0, 2])).columns == ("value",)


def test_missing_values_of_a_data_frame():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": pd.array([1, None, 3], dtype="Int64")})
    with pytest.raises(InputError, match="the DataFrame has no value in row 2 of the column 'x'"):
        read_series(frame)
    assert read_series(frame, gaps="carry").values.tolist() == [[1], [1], [3]]


# Gaps.


def test_missing_values_are_refused_by_name():
    message = r"prices\.csv has no value in row 1 of the column 'y' \(3 values missing in all\)\. "
    with pytest.raises(InputError, match=message + "Fill it in, or choose gaps 'interpolate'"):
        parse(HOLES, columns=["x", "y"])


def test_the_row_is_that_of_the_file_and_not_of_time():
    with pytest.raises(InputError, match="no value in row 1 of the column 'x'"):
        parse("date,x\n2026-01-03,\n2026-01-01,1\n2026-01-02,2\n", columns=["x"])


def test_interpolated_values_are_counted_in_a_note():
    series = parse(HOLES, gaps="interpolate")
    assert series.values.tolist() == [[1, 5], [2, 5], [3, 6], [4, 7]]
    assert series.notes == ("3 missing steps of prices.csv interpolated.",)


def test_carried_values_never_come_from_the_future():
    text = "date,x\n2026-01-01,1\n2026-01-02,\n2026-01-03,\n2026-01-04,4\n"
    series = parse(text, gaps="carry")
    assert series.values.ravel().tolist() == [1, 1, 1, 4]
    assert series.notes == ("2 missing steps of prices.csv filled with the value before.",)
    with pytest.raises(
        InputError, match=r"The column 'y' of prices\.csv has no value before row 2"
    ):
        parse(HOLES, gaps="carry")


def test_missing_steps():
    message = r"has a gap after 2026-01-03: 2 steps missing \(1 gap in all\)"
    with pytest.raises(InputError, match=message):
        parse(JUMP)
    assert parse(JUMP, gaps="interpolate").values.ravel().tolist() == [1, 2, 3, 4, 5, 6]
    assert parse(JUMP, gaps="carry").values.ravel().tolist() == [1, 2, 3, 3, 3, 6]
    ignored = parse(JUMP, gaps="ignore")
    assert ignored.values.ravel().tolist() == [1, 2, 3, 6]
    assert ignored.times is not None
    assert len(ignored.times) == 4


def test_missing_months_are_filled_too():
    text = "month,x\n2026-01,1\n2026-02,2\n2026-03,3\n2026-05,5\n2026-06,6\n"
    series = parse(text, gaps="interpolate")
    assert series.values.ravel().tolist() == [1, 2, 3, 4, 5, 6]


def test_times_off_the_rhythm():
    for gaps in ("refuse", "interpolate", "carry"):
        with pytest.raises(
            InputError, match="has the time 2026-01-01 01:30, which is off the rhythm"
        ):
            parse(ODD, gaps=gaps)
    assert len(parse(ODD, gaps="ignore")) == 4


def test_missing_values_are_refused_where_gaps_are_ignored():
    with pytest.raises(InputError, match="has no value in row 2"):
        parse(HOLES, columns=["x"], gaps="ignore")


# What is wrong gets one sentence.


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "prices.csv is empty. It needs a header and a row for each step"),
        ("Date,Close\n", {}, "prices.csv is empty"),
        (PRICES, {"columns": ["close"]}, "has no column 'close'; it has 'Date', 'Close' and"),
        (PRICES, {"time": "Day"}, "has no column 'Day'; it has 'Date', 'Close' and 'Volume'"),
        (
            "date,x\n2026-01-01,1\n2026-01-02,1O\n",
            {},
            "row 2 of the column 'x' of prices.csv must be a number; got '1O'",
        ),
        ('x\n"1,234"\n', {"columns": ["x"]}, "row 1 of the column 'x' .* a number; got '1,234'"),
        ("x\n1_000\n", {"columns": ["x"]}, "row 1 of the column 'x' .* a number; got '1_000'"),
        ("x\n1\ninf\n", {}, "row 2 of the column 'x' of prices.csv must be finite; got inf"),
        (
            "date,x\n2026-01-01,1\n02.01.2026,2\n",
            {},
            "row 2 of the column 'date' of prices.csv must be a time such as .*; got '02.01.2026'",
        ),
        ("date,x\nsoon,1\n", {}, "row 1 of the column 'date' .* must be a time"),
        (
            "date,x\n2026-01-01,1\n2026-01-01,2\n",
            {},
            "has the time 2026-01-01 more than once. Keep one row for each time",
        ),
        ("date,x\n2026-01-01,1\n2026-01-02\n", {}, r"row 2 of prices.csv must be as wide as the"),
        ("x,x\n1,2\n", {}, "the columns of prices.csv must be of different names; got 'x'"),
        ("a,b\nx,y\n", {}, "has no column of numbers; it has 'a' and 'b'"),
        ('a\n1\n"2\n3\n', {}, "prices.csv is damaged after row 1: unexpected end of data. Check"),
        ('a\n"1\n2\n', {}, "prices.csv is damaged after its header: unexpected end of data"),
        ("x,y\n1,\n2,\n", {"gaps": "interpolate", "columns": ["y"]}, "'y' .* has no value at all"),
        (PRICES, {"gaps": "interpolat"}, "gaps must be .*; got 'interpolat'. Did you mean"),
    ],
)
def test_wrong_tables(text, options, message):
    with pytest.raises(InputError, match=message):
        parse(text, **options)


def test_wrong_files(tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*none\.csv"):
        read_series(tmp_path / "none.csv")
    path = tmp_path / "latin.csv"
    path.write_bytes(b"date,caf\xe9\n2026-01-01,1\n")
    with pytest.raises(InputError, match="is not UTF-8 text: line 1 has the byte 0xe9"):
        read_series(path)
    with pytest.raises(InputError, match="is a folder"):
        read_series(tmp_path)


def test_an_unknown_column_of_a_series():
    with pytest.raises(InputError, match=r"has no column 'Clos'; .* Did you mean 'Close'\?"):
        parse(PRICES).index("Clos")
