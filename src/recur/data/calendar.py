"""What a calendar says of a step: the hour, the day of the week, the day of the year.

Each is a point on a circle, since 23 o'clock is near 0 o'clock; they are known of every step ahead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recur.data.times import MONTHS, Times, step_of
from recur.data.zones import clock

DAY = 86_400
CIRCLES = {"hour": DAY, "weekday": 7 * DAY, "yearday": 365.2425 * DAY}
"""The circles, in seconds."""


def circles(times: Times, zone: str = "") -> tuple[str, ...]:
    """The circles that steps of this rhythm go around: none that a step jumps over.

    Args:
        times: (T,) in order.
        zone: of the times; see `recur.data.zones`.
    """
    rhythm = step_of(times, zone)
    words = {"business day": DAY} | {word: months * 28 * DAY for word, months in MONTHS.items()}
    step = float(words[rhythm]) if rhythm in words else float(rhythm)
    return tuple(name for name, length in CIRCLES.items() if 2 * step <= length)


def calendar(times: Times, names: tuple[str, ...], zone: str = "") -> NDArray[np.float64]:
    """(T, 2 * names) where each step lies on each circle: its sine and cosine.

    Args:
        times: (T,).
        names: of circles.
        zone: of the times: the clocks of it count.
    """
    shown = clock(times, zone)
    days, years = shown.astype("datetime64[D]"), shown.astype("datetime64[Y]")
    of_day = (shown - days) / np.timedelta64(1, "s")
    day = days.astype(np.int64)
    # Day 0 of the epoch was a Thursday.
    seconds = {"hour": of_day, "weekday": (day + 3) % 7 * DAY + of_day}
    seconds["yearday"] = (days - years) / np.timedelta64(1, "s") + of_day
    angles = [2 * np.pi * seconds[name] / CIRCLES[name] for name in names]
    columns = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    return np.column_stack(columns) if columns else np.empty((len(times), 0))
