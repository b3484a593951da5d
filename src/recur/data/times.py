"""The regular step of time stamps, what is missing between them, and how they go on.

Times are in UTC where their zone is known (see `recur.data.zones`). Steps of whole days on the
clocks of a zone are counted by its calendar, whose days may have 23 or 25 hours; shorter ones by
real time.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from recur.data.zones import Times, clock, fixed, offset_zone, real

__all__ = [
    "Times",
    "continue_times",
    "missing_after",
    "off_rhythm",
    "show_times",
    "step_of",
    "with_missing",
]

_DAY = 86_400
MONTHS = {"year": 12, "quarter": 3, "month": 1}
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def step_of(times: Times, zone: str = "") -> str:
    """The rhythm of time stamps in order.

    Returns:
        "year", "quarter", "month" or "business day" (gaps of weekends and holidays), else the most
        common distance in seconds, as text ("3600", "0.25").
    """
    return _rhythm(_counted(times, zone))


def missing_after(times: Times, zone: str = "") -> list[tuple[int, int]]:
    """Gaps: (position before the gap, steps missing). Weekends and holidays are none."""
    return _missing_after(_counted(times, zone))


def off_rhythm(times: Times, zone: str = "") -> int | None:
    """The position of the first time between the steps of a fixed rhythm; None if there is none."""
    counted = _counted(times, zone)
    rhythm, between = _rhythm(counted), _distances(counted)
    if rhythm in MONTHS or rhythm == "business day":
        return None
    odd = np.flatnonzero(between % _step(rhythm, counted))
    return int(odd[0]) + 1 if len(odd) else None


def with_missing(times: Times, zone: str = "") -> Times:
    """The times and those missing between them (see `missing_after`)."""
    counted = _counted(times, zone)
    rhythm = _rhythm(counted)
    between = [_after(counted[: at + 1], rhythm, n) for at, n in _missing_after(counted)]
    return np.unique(
        np.concatenate([times, *(_real(each, times, counted, zone) for each in between)])
    )


def continue_times(times: Times, steps: int, zone: str = "") -> Times:
    """The `steps` time stamps that follow, in the rhythm of those given."""
    counted = _counted(times, zone)
    return _real(_after(counted, _rhythm(counted), steps), times, counted, zone)


def show_times(times: Times, zone: str = "") -> list[str]:
    """Time stamps as text, as the clocks of the zone show them, no finer than they need to be.

    Days, minutes, seconds or a fraction of them; with the offset from UTC if the zone is known.
    """
    shown = clock(times, zone)
    unit = next(u for u in ("D", "m", "s", "ms", "us", "ns") if _fits(shown, u))
    texts = [str(stamp).replace("T", " ") for stamp in shown.astype(f"datetime64[{unit}]")]
    if not zone or unit == "D":
        return texts
    ahead = (shown - times).astype("timedelta64[s]").astype(np.int64).tolist()
    names = {seconds: offset_zone(seconds).replace("UTC", "+00:00") for seconds in set(ahead)}
    return [text + names[seconds] for text, seconds in zip(texts, ahead, strict=True)]


def _fits(times: Times, unit: str) -> bool:
    return bool((times == times.astype(f"M8[{unit}]")).all())


def _counted(times: Times, zone: str) -> Times:
    """The times as their steps are counted: by the calendar of the zone, or real ones."""
    if not zone:
        return times
    shown = clock(times, zone)
    of_day = shown - shown.astype("datetime64[D]")
    by_calendar = fixed(zone) is not None or bool((of_day == of_day[:1]).all())
    return shown if by_calendar else times


def _real(stamps: Times, times: Times, counted: Times, zone: str) -> Times:
    """Stamps that were counted on from `counted`, as times of the kind of `times`."""
    return stamps if counted is times else real(stamps, zone)


def _rhythm(times: Times) -> str:
    between, second = _distances(times), _per_second(times)
    if not len(between):
        return str(_DAY)
    day = _DAY * second
    usual = int(np.median(between))
    # Neither months nor quarters are ever equally long three times in a row.
    if len(between) > 2 and (between == usual).all() and usual < 365 * day:
        return _seconds(usual, second)
    for word, low, high in (("year", 365, 366), ("quarter", 90, 92), ("month", 28, 31)):
        if low * day <= usual <= high * day:
            return word
    weekends = np.isin(between, [3 * day, 4 * day]).mean() > 0.1
    if usual == day and weekends and not np.isin(_weekday(times), [5, 6]).any():
        return "business day"
    values, counts = np.unique(between[between > 0], return_counts=True)
    return _seconds(int(values[np.argmax(counts)]), second) if len(values) else str(_DAY)


def _missing_after(times: Times) -> list[tuple[int, int]]:
    rhythm, between = _rhythm(times), _distances(times)
    day = _DAY * _per_second(times)
    if rhythm == "business day":
        weekdays = np.busday_count(_days(times[:-1]), _days(times[1:]))
        return [(int(i), int(weekdays[i]) - 1) for i in np.flatnonzero(between > 7 * day)]
    if rhythm not in MONTHS:
        step = _step(rhythm, times)
        return [(int(i), int(between[i]) // step - 1) for i in np.flatnonzero(between > step)]
    longest = {"year": 366, "quarter": 92, "month": 31}[rhythm] * day * 1.1
    steps = np.diff(_month(times).astype(np.int64)) // MONTHS[rhythm]
    where = np.flatnonzero((between > longest) & (steps > 1))
    return [(int(i), int(steps[i]) - 1) for i in where]


def _after(times: Times, rhythm: str, steps: int) -> Times:
    """The `steps` time stamps after the last, in a rhythm that `step_of` names."""
    last, ahead = times[-1], np.arange(1, steps + 1)
    if rhythm == "business day":
        day = last.astype("datetime64[D]")
        after: Times = np.busday_offset(day, ahead, roll="backward").astype(times.dtype)
        stamps: Times = after + (last - day)
        return stamps
    if rhythm in MONTHS:
        return _months_after(times, MONTHS[rhythm] * ahead)
    unit = np.datetime_data(times.dtype)[0]
    following: Times = last + (ahead * _step(rhythm, times)).astype(f"timedelta64[{unit}]")
    return following


def _months_after(times: Times, months: NDArray[np.int64]) -> Times:
    """Months later on the usual day, or the month's last where it has fewer (or always had it)."""
    day_of = times.astype("datetime64[D]")
    ends = bool((_month(day_of + 1) > _month(day_of)).all())
    days, times_seen = np.unique((day_of - _month(day_of)).astype(np.int64), return_counts=True)
    usual = int(days[np.argmax(times_seen)])
    following = _month(times[-1:]) + months
    length = (_days(following + 1) - _days(following)).astype(np.int64)
    offset = length - 1 if ends else np.minimum(usual, length - 1)
    stamps: Times = (_days(following) + offset).astype(times.dtype) + (times[-1] - day_of[-1])
    return stamps


def _month(times: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    return times.astype("datetime64[M]")


def _days(times: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    return times.astype("datetime64[D]")


def _distances(times: Times) -> NDArray[np.int64]:
    """In the unit of the times."""
    units: NDArray[np.int64] = times.astype(np.int64)
    between: NDArray[np.int64] = units[1:] - units[:-1]
    return between


def _per_second(times: Times) -> int:
    return _PER_SECOND[np.datetime_data(times.dtype)[0]]


def _seconds(units: int, per_second: int) -> str:
    whole, rest = divmod(units, per_second)
    return format((Decimal(units) / per_second).normalize(), "f") if rest else str(whole)


def _step(rhythm: str, times: Times) -> int:
    """A fixed rhythm in the unit of the times."""
    return int(Decimal(rhythm) * _per_second(times))


def _weekday(times: Times) -> NDArray[np.int64]:
    """0 for Monday. Day 0 of the epoch was a Thursday."""
    days: NDArray[np.int64] = times.astype("datetime64[D]").astype(np.int64)
    return (days + 3) % 7
