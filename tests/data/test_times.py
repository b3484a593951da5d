from __future__ import annotations

import numpy as np
import pytest

from recur.data.stamps import read_stamps
from recur.data.times import (
    continue_times,
    missing_after,
    off_rhythm,
    show_times,
    step_of,
    with_missing,
)


def times(*texts: str) -> np.ndarray:
    return read_stamps(texts).times


def every(start: str, stop: str, step: str, unit: str) -> np.ndarray:
    days = np.arange(
        np.datetime64(start, unit), np.datetime64(stop, unit), np.timedelta64(step, unit)
    )
    return days.astype("datetime64[s]")


def weekdays(start: str, number: int) -> np.ndarray:
    return np.busday_offset(start, np.arange(number)).astype("datetime64[s]")


HOURLY = every("2026-01-01T00", "2026-01-04T00", 1, "h")
DAILY = every("2026-01-01", "2026-02-10", 1, "D")
WEEKLY = every("2026-01-03", "2026-06-01", 7, "D")
MONTHLY = every("2025-01", "2026-12", 1, "M")
MONTH_ENDS = every("2025-02", "2027-01", 1, "M") - np.timedelta64(1, "D")
QUARTERLY = every("2020-01", "2026-01", 3, "M")
YEARLY = every("1990", "2026", 1, "Y")
BUSINESS = weekdays("2026-01-01", 60)
TEN_MINUTES = every("2026-01-01T00:00", "2026-01-01T05:00", 10, "m")
FOUR_WEEKS = every("2026-01-01", "2026-12-01", 28, "D")


@pytest.mark.parametrize(
    ("stamps", "rhythm"),
    [
        (HOURLY, "3600"),
        (DAILY, "86400"),
        (WEEKLY, str(7 * 86400)),
        (FOUR_WEEKS, str(28 * 86400)),
        (TEN_MINUTES, "600"),
        (MONTHLY, "month"),
        (MONTH_ENDS, "month"),
        (MONTHLY[:3], "month"),
        (QUARTERLY, "quarter"),
        (YEARLY, "year"),
        (BUSINESS, "business day"),
        (DAILY[:1], "86400"),
    ],
)
def test_the_rhythm(stamps, rhythm):
    assert step_of(stamps) == rhythm


@pytest.mark.parametrize(
    "stamps",
    [
        HOURLY,
        DAILY,
        WEEKLY,
        FOUR_WEEKS,
        TEN_MINUTES,
        MONTHLY,
        MONTH_ENDS,
        QUARTERLY,
        YEARLY,
        BUSINESS,
    ],
    ids=lambda stamps: str(stamps[1] - stamps[0]),
)
def test_times_go_on_as_they_did(stamps):
    kept = len(stamps) - 7
    assert continue_times(stamps[:kept], 7).tolist() == stamps[kept:].tolist()


def test_months_go_on_at_the_31st_where_there_is_one():
    stamps = times("2025-10-30", "2025-11-30", "2025-12-30", "2026-01-30")
    expected = ["2026-02-28", "2026-03-30", "2026-04-30"]
    assert show_times(continue_times(stamps, 3)) == expected
    # From a February on, too.
    assert show_times(continue_times(times("2025-12-30", "2026-01-30", "2026-02-28"), 1)) == [
        "2026-03-30"
    ]


def test_business_days_skip_the_weekend():
    friday = times("2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20")
    stamps = np.concatenate([friday - np.timedelta64(7, "D"), friday])
    assert show_times(continue_times(stamps, 2)) == ["2026-11-23", "2026-11-24"]


@pytest.mark.parametrize(
    ("stamps", "gap"),
    [
        (HOURLY, 5),
        (DAILY, 3),
        (WEEKLY, 1),
        (MONTHLY, 4),
        (MONTH_ENDS, 2),
        (QUARTERLY, 1),
        (YEARLY, 2),
        (BUSINESS, 8),
    ],
    ids=["hour", "day", "week", "month", "month end", "quarter", "year", "business day"],
)
def test_a_gap_is_found_and_filled_with_what_was_there(stamps, gap):
    cut = np.concatenate([stamps[:9], stamps[9 + gap :]])
    assert missing_after(cut) == [(8, gap)]
    assert with_missing(cut).tolist() == stamps.tolist()


def test_no_gap():
    for stamps in (HOURLY, MONTH_ENDS, QUARTERLY, YEARLY, BUSINESS):
        assert missing_after(stamps) == []


def test_a_holiday_is_no_gap():
    assert missing_after(np.delete(BUSINESS, [10, 30])) == []


def test_times_between_the_steps():
    assert off_rhythm(HOURLY) is None
    assert off_rhythm(BUSINESS) is None
    odd = HOURLY.copy()
    odd[7] += 60
    assert off_rhythm(odd) == 7


def test_times_are_shown_no_finer_than_needed():
    assert show_times(times("2026-11-24", "2026-11-25")) == ["2026-11-24", "2026-11-25"]
    assert show_times(times("2026-11-24", "2026-11-24 16:05"))[1] == "2026-11-24 16:05"
    assert show_times(times("2026-11-24 16:05:09")) == ["2026-11-24 16:05:09"]
