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
        longest = np.full(len(seconds), 7 * _DAY)
        step = _DAY
    elif rhythm.isdigit():
        step = int(rhythm)
        longest = np.full(len(seconds), step)
    else:
        step = {"year": 365, "quarter": 91, "month": 30}[rhythm] * _DAY
        longest = np.full(len(seconds), int(step * 1.1))
    where = np.flatnonzero(seconds > longest)
    return [(int(i), max(1, round(int(seconds[i]) / step) - 1)) for i in where]


def continue_times(times: Times, steps: int) -> Times:
    """The `steps` time stamps that follow, in the rhythm of those given."""
    rhythm, last = step_of(times), times[-1]
    if rhythm == "business day":
        day = last.astype("datetime64[D]")
        after = np.busday_offset(day, np.arange(1, steps + 1), roll="backward")
        stamps: Times = after.astype("datetime64[s]")
        return stamps
    if rhythm.isdigit():
        evenly: Times = last + np.arange(1, steps + 1) * np.timedelta64(int(rhythm), "s")
        return evenly
    months = {"year": 12, "quarter": 3, "month": 1}[rhythm]
    return _months_after(times, months * np.arange(1, steps + 1))


def show_times(times: Times) -> list[str]:
    """Time stamps as text: years, or dates, where nothing is lost by it; else with the time."""
    unit = next(u for u in "YDms" if u == "s" or bool((times == times.astype(f"M8[{u}]")).all()))
    return [str(stamp).replace("T", " ") for stamp in times.astype(f"datetime64[{unit}]")]


def _months_after(times: Times, months: NDArray[np.int64]) -> Times:
    """Months later on the same day, or the month's last where it has fewer (or always had it)."""
    last = times[-1]
    month = last.astype("datetime64[M]")
    day = int((last.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(int))
    following = month + months
    length = ((following + 1).astype("datetime64[D]") - following.astype("datetime64[D]")).astype(
        int
    )
    ends = bool(
        (
            (times.astype("datetime64[D]") + 1).astype("datetime64[M]")
            > times.astype("datetime64[M]")
        ).all()
    )
    days = length - 1 if ends else np.minimum(day, length - 1)
    within = last - last.astype("datetime64[D]")
    stamps: Times = (following.astype("datetime64[D]") + days).astype("datetime64[s]") + within
    return stamps


def _distances(times: Times) -> NDArray[np.int64]:
    seconds: NDArray[np.int64] = times.astype("datetime64[s]").astype(np.int64)
    between: NDArray[np.int64] = seconds[1:] - seconds[:-1]
    return between


def _weekday(times: Times) -> NDArray[np.int64]:
    """0 for Monday. Day 0 of the epoch was a Thursday."""
    days: NDArray[np.int64] = times.astype("datetime64[D]").astype(np.int64)
    return (days + 3) % 7
