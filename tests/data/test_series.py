from __future__ import annotations

import datetime
import re

import numpy as np
import pytest

from recur import InputError, read_series
from recur.data.series import parse_series
from recur.data.times import show_times

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
        ('x\n"1,23,4"\n', {"columns": ["x"]}, "row 1 of the column 'x' .* number; got '1,23,4'"),
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


# Times of other forms.

FORMS = {
    "german": ("Datum", "%d.%m.%Y", ""),
    "american": ("trade_date", "%m/%d/%Y", ""),
    "with an offset": ("utc_timestamp", "%Y-%m-%dT%H:%M:%S+00:00", "UTC"),
    "of pandas": ("Tag", "%d %b %Y", ""),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_newest_first_in_other_forms(form):
    name, written, zone = FORMS[form]
    if form == "of pandas":
        pytest.importorskip("pandas")
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(days=n) for n in range(40)]
    rows = [f"{number},{day.strftime(written)}" for number, day in enumerate(days)]
    series = parse("\n".join([f"x,{name}", *rows[::-1]]))
    assert series.columns == ("x",)
    assert series.values.ravel().tolist() == list(range(40))
    assert show_times(series.times, series.zone)[-1] == "2026-02-09"
    assert series.zone == zone
    assert series.notes[0] == f"The times are those of '{name}'."
    with pytest.raises(InputError, match="has a gap after 2026-01-10: 1 step missing"):
        parse("\n".join([f"x,{name}", *rows[:10], *rows[11:]]))
    known = parse(
        "\n".join([f"x,{name}", *rows]), time=name, time_format=written.replace("+00:00", "%z")
    )
    assert (known.times == series.times).all()


def test_a_frame_keeps_its_zone():
    pd = pytest.importorskip("pandas")
    index = pd.date_range("2024-10-26", periods=48, freq="h", tz="Europe/Berlin")
    series = read_series(pd.DataFrame({"x": np.arange(48.0)[::-1]}, index=index[::-1]))
    assert series.values.ravel().tolist() == list(range(48))
    assert series.zone == "Europe/Berlin"
    assert series.notes == ()
    assert show_times(series.times, series.zone)[27] == "2024-10-27 02:00+01:00"
    with pytest.raises(InputError, match=r"gap after 2024-10-26 04:00\+02:00: 3 steps missing"):
        read_series(pd.DataFrame({"x": 1.0}, index=index.delete([5, 6, 7])))
    fixed = pd.date_range("2024-01-01", periods=3, freq="500ms", tz="+02:00")
    assert read_series(pd.Series([1.0, 2, 3], index=fixed)).zone == "+02:00"
    texts = pd.DataFrame({"x": [1.0, 2]}, index=["2026-01-02", "2026-01-01"])
    assert read_series(texts).values.ravel().tolist() == [2, 1]
    with pytest.raises(InputError, match=r"row 2 of the column 'when' .* must be a time; got none"):
        read_series(pd.DataFrame({"when": [index[0], pd.NaT], "x": [1, 2]}))


@pytest.mark.parametrize("backwards", [False, True])
def test_the_hour_that_comes_twice(backwards):
    quarters = [f"2024-10-27 02:{minute:02d}" for minute in range(0, 60, 15)]
    rows = [f"{stamp},{n}" for n, stamp in enumerate([*quarters, *quarters])]
    text = "\n".join(["t,x", *(rows[::-1] if backwards else rows)])
    for gaps in ("refuse", "carry", "interpolate"):
        with pytest.raises(InputError, match=r"02:00 more than once.* the hour that comes twice"):
            parse(text, gaps=gaps)
    series = parse(text, gaps="ignore")
    assert series.values.ravel().tolist() == list(range(8))
    assert "has the time 2024-10-27 02:00 more than once; rows are counted" in series.notes[-1]


def test_a_column_of_seconds_puts_rows_in_order():
    series = parse("time,x\n2,7\n1,6\n0,5\n")
    assert series.values.ravel().tolist() == [5, 6, 7]
    assert "put in their order and counted" in series.notes[0]
    epoch = "timestamp,x\n1764000060,2\n1764000000,1\n"
    assert "give the time format 'unix'" in parse(epoch).notes[0]
    assert show_times(parse(epoch, time_format="unix").times) == [
        "2025-11-24 16:00",
        "2025-11-24 16:01",
    ]


# Files as they come.


@pytest.mark.parametrize(
    ("text", "values", "how"),
    [
        (
            "Datum;x;y\n01.02.2026;1,5;1.011,08\n13.02.2026;2;7\n",
            [[1.5, 1011.08], [2, 7]],
            "a decimal comma",
        ),
        ("day\tx\n2026-01-01\t1.5\n2026-01-02\t2\n", [[1.5], [2]], ""),
        ("day|x\n2026-01-01|1\n2026-01-02|2\n", [[1], [2]], ""),
        (
            'day,x\n2026-01-01,"1,011.08"\n2026-01-02,3\n',
            [[1011.08], [3]],
            "thousands separators: '1,011.08' in row 1 is 1011.08",
        ),
        ('x,y\n"1,5","1.234"\n', [[1.5, 1234]], "a decimal comma"),
        ('x,d\n"1,234",01.02.2026\n', [[1234]], "thousands separators .the column fits both"),
        ("x;y\n1.234;5\n", [[1.234, 5]], "a decimal point .the column fits both"),
        ("sep=;\nx;y\n1;5\n", [[1, 5]], ""),
        ("x;y\n1,234;0\n", [[1.234, 0]], "a decimal comma .the column fits both; decimal"),
        ('x\n"1,234"\n', [[1234]], "thousands separators .the column fits both; decimal"),
        ("x\n1 011\n-1\u202f234.5\n", [[1011], [-1234.5]], "thousands separators"),
        ("x,y\n$5.5,5%\n\u22126,\n", [[5.5, 5], [-6, np.nan]], "'%' left out"),
    ],
)
def test_numbers_as_people_write_them(text, values, how):
    columns = ["x", "y"][: len(values[0])]
    series = parse(text, columns=columns, gaps="ignore" if "\n\u2212" not in text else "carry")
    expected = np.nan_to_num(np.array(values, dtype=float), nan=5)
    assert series.values.tolist() == expected.tolist()
    said = " ".join(series.notes)
    assert re.search(how, said) if how else "read with" not in said


def test_numbers_of_two_kinds_are_refused():
    with pytest.raises(InputError, match=r"row 2 of the column 'x' .* a number; got '1\.5,5'"):
        parse('x\n"1,234.5"\n"1.5,5"\n', columns=["x"])
    with pytest.raises(InputError, match="decimal must be"):
        read_series("none.csv", decimal=";")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings(tmp_path, encoding):
    path = tmp_path / "prices.csv"
    path.write_bytes("Tag;Größe €\n2026-01-01;1,5\n2026-01-02;2,5\n".encode(encoding))
    named = {"encoding": "cp1252"} if encoding == "cp1252" else {}
    assert read_series(path, **named).columns == ("Größe €",)
    with pytest.raises(InputError, match="encoding must be one that Python knows; got 'latin-99'"):
        read_series(path, encoding="latin-99")


def test_many_columns_are_read_in_a_moment():
    many = 20_000
    text = "\n".join([",".join(f"c{n}" for n in range(many)), ",".join(["1"] * many)])
    series = parse(text)
    assert len(series.select(series.columns).columns) == many
    with pytest.raises(InputError) as error:
        series.index("d")
    assert "and 19,980 more" in str(error.value)
    with pytest.raises(InputError, match="of different names; got 'c5'"):
        parse(text.replace("c19999", "c5"))


def test_a_cell_longer_than_csv_allows_by_default():
    assert parse(f"note,x\n{'a' * 200_000},1\n").columns == ("x",)
