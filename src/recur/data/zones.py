"""Time zones: real time (UTC) to what the clocks of a zone show, and back.

A zone is a name of the IANA data base ("Europe/Berlin"), "UTC", or a fixed offset ("+02:00").
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError

Times = NDArray[np.datetime64]

_FIXED = re.compile(r"^([+-])(\d{2}):(\d{2})(?::(\d{2}))?$")
_CHANGE = "datetime64[m]", 15
"""Clocks are changed at whole quarters of an hour, so one look-up a quarter is enough."""


def fixed(zone: str) -> int | None:
    """The seconds that a zone of one offset for all times is ahead of UTC; None for others."""
    if zone == "UTC":
        return 0
    found = _FIXED.match(zone)
    if found is None:
        return None
    sign, hours, minutes, seconds = found.groups()
    return int(f"{sign}1") * (int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0))


def offset_zone(seconds: int) -> str:
    """The zone of an offset: "UTC", "+02:00"."""
    if not seconds:
        return "UTC"
    hours, rest = divmod(abs(seconds), 3600)
    text = f"{'-' if seconds < 0 else '+'}{hours:02d}:{rest // 60:02d}"
    return f"{text}:{rest % 60:02d}" if rest % 60 else text


def zone_name(zone: Any) -> str:
    """The name of a `datetime.tzinfo`, of whichever library.

    Raises:
        InputError: if it has neither a name of the IANA data base nor a fixed offset.
    """
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    offset = zone.utcoffset(None)
    if name in (None, "UTC") and offset is not None:
        return offset_zone(round(offset.total_seconds()))
    if not name:
        raise InputError(f"The time zone {zone} has no name. Convert the times to UTC first.")
    return str(name)


def clock(times: Times, zone: str) -> Times:
    """What clocks show at the real times (T,): local time in a zone; as they are without one."""
    if not zone:
        return times
    constant = fixed(zone)
    if constant is not None:
        return times + np.timedelta64(constant, "s")
    return times + _offsets(times, lambda moment: moment.replace(tzinfo=dt.UTC), _known(zone))


def real(shown: Times, zone: str) -> Times:
    """The real times (T,) at which clocks show the times given; the earlier one of two."""
    constant = fixed(zone)
    if constant is not None:
        return shown - np.timedelta64(constant, "s")
    known = _known(zone)
    return shown - _offsets(shown, lambda moment: moment.replace(tzinfo=known), known)


def _known(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        todo = "Install its data with: pip install tzdata"
        raise InputError(f"The time zone {zone!r} is not known here. {todo}") from error


def _offsets(times: Times, aware: Any, zone: ZoneInfo) -> NDArray[np.timedelta64]:
    """How far the zone is ahead of UTC at each time."""
    unit, every = _CHANGE
    quarters, at = np.unique(times.astype(unit).astype(np.int64) // every, return_inverse=True)
    moments = (quarters * every).astype(unit).astype(dt.datetime)
    seconds = [aware(moment).astimezone(zone).utcoffset().total_seconds() for moment in moments]
    return np.array(seconds, dtype=np.int64).astype("timedelta64[s]")[at]
