from __future__ import annotations

import numpy as np
import pytest

from recur import FailedError
from recur.data.stamps import NoTimeError, is_time, read_stamps
from recur.data.times import continue_times, off_rhythm, show_times, step_of, with_missing
from recur.data.zones import clock, real


@pytest.mark.parametrize(
    ("text", "stamp", "zone"),
    [
        ("2026-11-24", "2026-11-24T00:00:00", ""),
        (" 2026-11-24 16:05 ", "2026-11-24T16:05:00", ""),
        ("2026-11-24T16:05:09Z", "2026-11-24T16:05:09", "UTC"),
        ("2026-11-24T16:05:09.250+05:30", "2026-11-24T10:35:09.250", "+05:30"),
        ("2026-11-24 16:05:09.000000-0800", "2026-11-25T00:05:09", "-08:00"),
        ("2026-11-24T16:05:09.123456789", "2026-11-24T16:05:09.123456789", ""),
        ("20261124", "2026-11-24T00:00:00", ""),
        ("2026-11", "2026-11-01T00:00:00", ""),
        ("2026/1/5 7:05", "2026-01-05T07:05:00", ""),
        ("1700", "1700-01-01T00:00:00", ""),
        ("24.11.2026 16:05", "2026-11-24T16:05:00", ""),
        ("11/24/2026, 4:05 PM", "2026-11-24T16:05:00", ""),
        ("11/24/26 12:05 am", "2026-11-24T00:05:00", ""),
    ],
)
def test_stamps_that_are_read(text, stamp, zone):
    found = read_stamps([text])
    assert (str(found.times[0]), found.zone) == (stamp, zone)
    assert is_time(text)


@pytest.mark.parametrize(
    "text", ["2026-02-31", "soon", "", "3.5", "2026.5", "10:30", "Jan 5", "24"]
)
def test_stamps_that_are_not(text):
    assert not is_time(text)
    with pytest.raises(NoTimeError):
        read_stamps([text])


@pytest.mark.parametrize(
    ("column", "row", "expected"),
    [
        (["2026-11-24", "24.11.2026"], 1, "such as '2026-11-24' in row 1"),
        (["2026-11-24", "2026-11-31"], 1, "a time such as"),
        (["13/01/2026", "01/02/2026", "01/13/2026"], 2, "the day first"),
        (["2026-11-24 10:00Z", "2026-11-24 11:00"], 1, "with an offset"),
    ],
)
def test_a_column_is_of_one_form(column, row, expected):
    with pytest.raises(NoTimeError) as error:
        read_stamps(column)
    assert error.value.row == row
    assert expected in error.value.expected


@pytest.mark.parametrize(
    ("column", "hint", "second", "words"),
    [
        (["01/02/2026", "13/02/2026"], None, "2026-02-13", "day first, as the column needs it"),
        (["01/02/2026", "01/13/2026"], True, "2026-01-13", "month first, as the column needs it"),
        (["01/02/2026", "01/03/2026"], None, "2026-01-03", "month first; the column fits both"),
        (["01/02/2026", "01/03/2026"], True, "2026-03-01", "for the month first, give the time"),
        (["01.02.2026", "01.03.2026"], None, "2026-03-01", "format '%m.%d.%Y'"),
    ],
)
def test_the_whole_column_says_whether_the_day_is_first(column, hint, second, words):
    found = read_stamps(column, day_first=hint)
    assert str(found.times[1])[:10] == second
    assert len(found.notes) == 1
    assert words in found.notes[0]
    assert f"{column[0]!r} is {str(found.times[0])[:10]}" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "form", "stamp"),
    [
        ("24 11 26 07h", "%d %m %y %Hh", "2026-11-24T07:00:00"),
        ("24.11.2026 07:00 +0100", "%d.%m.%Y %H:%M %z", "2026-11-24T06:00:00"),
        ("1764000000", "unix", "2025-11-24T16:00:00"),
        ("1764000000250", "unix", "2025-11-24T16:00:00.250"),
        ("1764000000.5", "unix", "2025-11-24T16:00:00.500"),
    ],
)
def test_a_form_that_is_given(text, form, stamp):
    assert str(read_stamps([text], form).times[0]) == stamp
    with pytest.raises(NoTimeError):
        read_stamps([text, "soon"], form)


def test_other_forms_are_left_to_pandas():
    pytest.importorskip("pandas")
    column = ["24 Nov 2026", "Nov 25, 2026", "Thursday, November 26th 2026 4 PM"]
    assert show_times(read_stamps(column).times)[-1] == "2026-11-26 16:00"
    mixed = read_stamps(["24 Nov 2026 10:00 +0100", "24 Nov 2026 10:00 +0200"])
    assert show_times(mixed.times) == ["2026-11-24 09:00", "2026-11-24 08:00"]
    for wrong in ("Jan-24", "31 Feb 2026", "Nov 26 soon"):
        with pytest.raises(NoTimeError):
            read_stamps(["24 Nov 2026", wrong])


def test_without_pandas_it_is_said(monkeypatch):
    def none(name):
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", none)
    with pytest.raises(FailedError, match=r"pip install 'recur\[series\]'"):
        read_stamps(["24 Nov 2026"])
    assert len(read_stamps(["24.11.2026"]).times) == 1


# Zones.

HOURS = np.arange("2024-10-26T12", "2024-10-28T12", dtype="datetime64[h]").astype("datetime64[s]")


def test_clocks_of_a_zone_and_back():
    shown = clock(HOURS, "Europe/Berlin")
    assert len(np.unique(shown)) == len(HOURS) - 1  # the hour that comes twice
    assert (real(shown, "Europe/Berlin") == HOURS).sum() == len(HOURS) - 1
    assert clock(HOURS, "-03:30")[0] == HOURS[0] - np.timedelta64(210, "m")


def test_hours_go_on_by_real_time_and_days_by_the_calendar():
    known = HOURS[:12]
    assert show_times(continue_times(known, 3, "Europe/Berlin"), "Europe/Berlin") == [
        "2024-10-27 02:00+02:00",
        "2024-10-27 02:00+01:00",
        "2024-10-27 03:00+01:00",
    ]
    days = real(
        np.arange("2024-10-20", "2024-10-30", dtype="datetime64[D]").astype("M8[s]"),
        "Europe/Berlin",
    )
    assert step_of(days, "Europe/Berlin") == "86400"
    assert off_rhythm(days, "Europe/Berlin") is None
    assert off_rhythm(days) is not None
    assert (
        show_times(continue_times(days[:6], 4, "Europe/Berlin"), "Europe/Berlin")[-1]
        == "2024-10-29"
    )
    assert (with_missing(np.delete(days, [6, 7]), "Europe/Berlin") == days).all()
    months = real(np.arange("2024-01", "2024-12", dtype="datetime64[M]").astype("M8[s]"), "+02:00")
    assert step_of(months, "+02:00") == "month"
    assert show_times(continue_times(months, 1, "+02:00"), "+02:00") == ["2024-12-01"]


def test_offsets_that_change():
    hours = ["2024-10-27T02:00+02:00", "2024-10-27T02:00+01:00", "2024-10-27T03:00+01:00"]
    found = read_stamps(hours)
    assert np.diff(found.times).astype(int).tolist() == [3600, 3600]
    assert found.zone == "+01:00"
    assert "shown with the last one, +01:00" in found.notes[0]
    days = read_stamps(
        ["2024-10-26T00:00+02:00", "2024-10-27T00:00+02:00", "2024-10-28T00:00+01:00"]
    )
    assert show_times(days.times) == ["2024-10-26", "2024-10-27", "2024-10-28"]
    assert (days.zone, len(days.notes)) == ("", 1)


@pytest.mark.parametrize("step", ["250 ms", "1 ms", "20 us", "5 ns"])
def test_steps_below_a_second(step):
    number, unit = step.split()
    stamps = np.datetime64("2026-01-01T00:00:00", unit) + np.arange(9) * np.timedelta64(
        int(number), unit
    )
    found = read_stamps(stamps.astype(str).tolist()).times
    assert (found == stamps).all()
    assert off_rhythm(found) is None
    assert (with_missing(np.delete(found, [3, 4])) == stamps).all()
    assert (continue_times(found[:5], 4) == stamps[5:]).all()
    assert show_times(found)[1].endswith(str(stamps[1])[-3:])
