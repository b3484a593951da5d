"""Time stamps: read from text, their regular step, and how they go on."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.datetime64]

_COMPACT = re.compile(r"^\d{8}$")
_ISO = re.compile(r"^\d{4}(-\d{2}(-\d{2}([ T]\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?)?)?)?$")
_DAY = 86_400
MONTHS = {"year": 12, "quarter": 3, "month": 1}


def parse_times(texts: Sequence[str]) -> Times | None:
    """Reads ISO 8601 dates and times, 20261124, or years; None if one of them is something else."""
    stamps = []
    for text in texts:
        stamp = text.strip().removesuffix("Z")
        if _COMPACT.match(stamp):
            stamp = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:]}"
        if not _ISO.match(stamp):
            return None
        stamps.append(stamp.replace(" ", "T"))
    try:
        return np.array(stamps, dtype="datetime64[s]")
    except ValueError:
        return None  # the 31st of February


def step_of(times: Times) -> str:
    """The rhythm of time stamps in order.

    Returns:
        "year", "quarter", "month" or "business day" (gaps of weekends and holidays), else the most
        common distance in seconds, as text.
    """
    seconds = _distances(times)
    if not len(seconds):
        return str(_DAY)
    usual = int(np.median(seconds))
    # Neither months nor quarters are ever equally long three times in a row.
    if len(seconds) > 2 and (seconds == usual).all() and usual < 365 * _DAY:
        return str(usual)
    for word, low, high in (("year", 365, 366), ("quarter", 90, 92), ("month", 28, 31)):
        if low * _DAY <= usual <= high * _DAY:
            return word
    weekends = np.isin(seconds, [3 * _DAY, 4 * _DAY]).mean() > 0.1
    if usual == _DAY and weekends and not np.isin(_weekday(times), [5, 6]).any():
        return "business day"
    values, counts = np.unique(seconds, return_counts=True)
    return str(int(values[np.argmax(counts)]))


def missing_after(times: Times) -> list[tuple[int, int]]:
    """Gaps: (position before the gap, steps missing). Weekends and holidays are none."""
    rhythm, seconds = step_of(times), _distances(times)
    if rhythm == "business day":
        weekdays = np.busday_count(
            times[:-1].astype("datetime64[D]"), times[1:].astype("datetime64[D]")
        )
        return [(int(i), int(weekdays[i]) - 1) for i in np.flatnonzero(seconds > 7 * _DAY)]
    if rhythm.isdigit():
        step = int(rhythm)
        return [(int(i), int(seconds[i]) // step - 1) for i in np.flatnonzero(seconds > step)]
    longest = {"year": 366, "quarter": 92, "month": 31}[rhythm] * _DAY * 1.1
    steps = np.diff(_month(times).astype(np.int64)) // MONTHS[rhythm]
    where = np.flatnonzero((seconds > longest) & (steps > 1))
    return [(int(i), int(steps[i]) - 1) for i in where]


def off_rhythm(times: Times) -> int | None:
    """The position of the first time between the steps of a fixed rhythm; None if there is none."""
    rhythm, seconds = step_of(times), _distances(times)
    if not rhythm.isdigit():
        return None
    odd = np.flatnonzero(seconds % int(rhythm))
    return int(odd[0]) + 1 if len(odd) else None


def with_missing(times: Times) -> Times:
    """The times and those missing between them (see `missing_after`)."""
    rhythm = step_of(times)
    between = [_after(times[: at + 1], rhythm, steps) for at, steps in missing_after(times)]
    return np.unique(np.concatenate([times, *between]))


def continue_times(times: Times, steps: int) -> Times:
    """The `steps` time stamps that follow, in the rhythm of those given."""
    return _after(times, step_of(times), steps)


def show_times(times: Times) -> list[str]:
    """Time stamps as text, no finer than they need to be: days, minutes or seconds."""
    unit = next(u for u in ("D", "m", "s") if u == "s" or (times == times.astype(f"M8[{u}]")).all())
    return [str(stamp).replace("T", " ") for stamp in times.astype(f"datetime64[{unit}]")]


def _after(times: Times, rhythm: str, steps: int) -> Times:
    """The `steps` time stamps after the last, in a rhythm that `step_of` names."""
    last, ahead = times[-1], np.arange(1, steps + 1)
    if rhythm == "business day":
        day = last.astype("datetime64[D]")
        after: Times = np.busday_offset(day, ahead, roll="backward").astype("datetime64[s]")
        stamps: Times = after + (last - day)
        return stamps
    if rhythm.isdigit():
        following: Times = last + ahead * np.timedelta64(int(rhythm), "s")
        return following
    return _months_after(times, MONTHS[rhythm] * ahead)


def _months_after(times: Times, months: NDArray[np.int64]) -> Times:
    """Months later on the usual day, or the month's last where it has fewer (or always had it)."""
    day_of = times.astype("datetime64[D]")
    ends = bool((_month(day_of + 1) > _month(day_of)).all())
    days, times_seen = np.unique((day_of - _month(day_of)).astype(np.int64), return_counts=True)
    usual = int(days[np.argmax(times_seen)])
    following = _month(times[-1:]) + months
    length = (_days(following + 1) - _days(following)).astype(np.int64)
    offset = length - 1 if ends else np.minimum(usual, length - 1)
    stamps: Times = (_days(following) + offset).astype("datetime64[s]") + (times[-1] - day_of[-1])
    return stamps


def _month(times: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    return times.astype("datetime64[M]")


def _days(times: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    return times.astype("datetime64[D]")


def _distances(times: Times) -> NDArray[np.int64]:
    seconds: NDArray[np.int64] = times.astype("datetime64[s]").astype(np.int64)
    between: NDArray[np.int64] = seconds[1:] - seconds[:-1]
    return between


def _weekday(times: Times) -> NDArray[np.int64]:
    """0 for Monday. Day 0 of the epoch was a Thursday."""
    days: NDArray[np.int64] = times.astype("datetime64[D]").astype(np.int64)
    return (days + 3) % 7
