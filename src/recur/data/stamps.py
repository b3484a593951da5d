"""Time stamps: read from the text of a whole column, with their zone.

Numbers with separators (2026-11-24 16:05:09.25+01:00, 24.11.2026, 11/24/2026 4:05 PM), 20261124
and years are read here; whether the day or the month stands first is decided by the whole column.
Other forms, such as "24 Nov 2026", are left to pandas.
"""

from __future__ import annotations

import datetime as dt
import importlib
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from recur.data.zones import Times, offset_zone
from recur.messages import FailedError

EXAMPLE = "a time such as 2026-11-24 or 2026-11-24 16:00"
UNIX = "unix"
"""The time format of seconds (or thousandths, millionths ...) since 1970."""

_STAMP = re.compile(
    r"(?P<compact>\d{8})"
    r"|(?P<first>\d{1,4})(?:(?P<mark>[-/.])(?P<second>\d{1,2})(?:(?P=mark)(?P<third>\d{1,4}))?)?"
    r"(?:(?:T|,?[ ]+)(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<seconds>\d{2})"
    r"(?:[.,](?P<fraction>\d{1,9}))?)?)?(?:[ ]?(?P<half>[AP])\.?M\.?)?"
    r"(?:[ ]?(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?)?",
    re.IGNORECASE | re.ASCII,
)
# The commonest form, which goes to numpy as it is, many times as fast.
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)?)?)(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_UNITS = (("s", 0), ("ms", 3), ("us", 6), ("ns", 9))
_WORDS = re.compile(r"[A-Za-z]+")
_KNOWN_WORD = re.compile(
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)[a-z]*"
    r"|[aptzq]|am|pm|utc|gmt|st|nd|rd|th|of",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?")


class Stamps(NamedTuple):
    """The times of a column.

    Attributes:
        times: (T,) in the order of the rows, no coarser than the data: in UTC if the zone is
            known, else as they were written.
        zone: see `recur.data.zones`; empty if the stamps do not say.
        day_first: whether the day was read before the month; None where there was no question.
        notes: what must be said about how they were read.
    """

    times: Times
    zone: str = ""
    day_first: bool | None = None
    notes: tuple[str, ...] = ()


class NoTimeError(ValueError):
    """A cell is no time; `row` counts from 0, `expected` says what it must be."""

    def __init__(self, row: int, expected: str = EXAMPLE) -> None:
        super().__init__(row, expected)
        self.row, self.expected = row, expected


def read_stamps(cells: Sequence[str], form: str = "", *, day_first: bool | None = None) -> Stamps:
    """Reads the stamps of a column.

    Args:
        cells: one a row.
        form: their form as for `datetime.strptime` ("%d.%m.%Y %H:%M"), or "unix"; empty: found.
        day_first: what stands first in dates such as 01/02/2026, if the column does not say.

    Raises:
        NoTimeError: if a cell is no time, or not of the form of the others.
        FailedError: if pandas is needed for them and not installed.
    """
    texts = [cell.strip() for cell in cells]
    if form == UNIX:
        return Stamps(_since_1970(texts), "UTC")
    if form:
        return _moments([_strptime(text, form, row) for row, text in enumerate(texts)])
    if _STAMP.fullmatch(texts[0]) is None:
        return _by_pandas(texts)
    matches = list(map(_ISO.fullmatch, texts))
    if None in matches:
        return _numeric(texts, day_first)
    return _iso([match.groups() for match in matches if match is not None])


def is_time(cell: str) -> bool:
    """Whether a single cell looks like a time, in any form that is read."""
    found = _STAMP.fullmatch(cell.strip())
    if found is None:
        return _plausible(cell)
    try:
        return bool(len(_numeric([cell.strip()], None).times))
    except NoTimeError:
        return False


def coarsest(times: Times) -> Times:
    """The same times in the coarsest unit that holds them all, from seconds down."""
    for unit, _ in _UNITS:
        in_unit = times.astype(f"datetime64[{unit}]")
        if (in_unit == times).all():
            return in_unit
    return times


def _iso(found: Sequence[tuple[str | None, ...]]) -> Stamps:
    stamps = [(stamp or "").replace(" ", "T") for stamp, _, _ in found]
    unit = _unit(fraction for _, fraction, _ in found)
    return _with_offsets(_array(stamps, unit), [_offset(zone) for _, _, zone in found], (), None)


def _numeric(texts: Sequence[str], day_first: bool | None) -> Stamps:
    found = []
    for row, text in enumerate(texts):
        match = _STAMP.fullmatch(text)
        if match is None:
            raise NoTimeError(row)
        found.append(match.groupdict())
    year_first = _year_first(found[0])
    other = next((row for row, each in enumerate(found) if _year_first(each) != year_first), None)
    if other is not None:
        raise NoTimeError(other, f"a time such as {texts[0]!r} in row 1")
    notes: tuple[str, ...] = ()
    if year_first:
        dates, day_first = [_date_of_year_first(each) for each in found], None
    else:
        day_first, words = _order(found, texts, day_first)
        dates = [_date(each, day_first) for each in found]
    stamps = [_stamp(date, each) for date, each in zip(dates, found, strict=True)]
    shown = _array(stamps, _unit(each["fraction"] for each in found))
    if not year_first:
        example = f"row 1: {texts[0]!r} is {str(shown[0])[:10]}"
        notes = (f"Dates are read with the {words} ({example}).",)
    return _with_offsets(shown, [_offset(each["zone"]) for each in found], notes, day_first)


def _year_first(found: dict[str, str | None]) -> bool:
    first, third = found["first"], found["third"]
    return found["compact"] is not None or first is None or len(first) == 4 or third is None


def _date_of_year_first(found: dict[str, str | None]) -> str:
    if found["compact"]:
        compact = found["compact"]
        return f"{compact[:4]}-{compact[4:6]}-{compact[6:]}"
    date = [f"{int(found[key] or 1):02d}" for key in ("second", "third")]
    year = found["first"] or ""
    # "24", "3.5" and 2026.5 are no dates; numpy says so.
    odd = len(year) != 4 or (found["mark"] == "." and found["third"] is None)
    return "-".join(["no year" if odd else year, *date])


def _date(found: dict[str, str | None], day_first: bool) -> str:
    fields = [int(found["first"] or 0), int(found["second"] or 0)]
    day, month = fields if day_first else fields[::-1]
    year = found["third"] or ""
    if len(year) == 2:  # as POSIX reads it
        year = f"{19 if int(year) > 68 else 20}{year}"
    return f"{year}-{month:02d}-{day:02d}" if len(year) == 4 else "no year"


def _order(
    found: Sequence[dict[str, str | None]], texts: Sequence[str], wanted: bool | None
) -> tuple[bool, str]:
    """Whether the day stands first in all of a column, and how sure that is, in words."""
    first = np.array([int(each["first"] or 0) for each in found])
    second = np.array([int(each["second"] or 0) for each in found])
    if first.max() > 12:
        if second.max() > 12:
            day_first = int(np.argmax(first > 12)) < int(np.argmax(second > 12))
            wrong = second if day_first else first
            order = f"a date with the {'day' if day_first else 'month'} first, as rows before it"
            raise NoTimeError(int(np.argmax(wrong > 12)), order)
        return True, "day first, as the column needs it"
    if second.max() > 12:
        return False, "month first, as the column needs it"
    mark = found[0]["mark"]
    day_first = mark == "." if wanted is None else wanted
    order, other = ("day", "month") if day_first else ("month", "day")
    form = f"%m{mark}%d{mark}%Y" if day_first else f"%d{mark}%m{mark}%Y"
    todo = f"the column fits both: for the {other} first, give the time format {form!r}"
    return day_first, f"{order} first; {todo}"


def _stamp(date: str, found: dict[str, str | None]) -> str:
    if found["hour"] is None:
        return date
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            return "no hour"
        hour = hour % 12 + 12 * (found["half"].upper() == "P")
    minute, second = found["minute"] or "00", found["seconds"] or "00"
    fraction = (found["fraction"] or "").rstrip("0")
    return f"{date}T{hour:02d}:{minute}:{second}" + (f".{fraction}" if fraction else "")


def _unit(fractions: Iterable[str | None]) -> str:
    digits = max(len((fraction or "").rstrip("0")) for fraction in fractions)
    return next(unit for unit, holds in _UNITS if digits <= holds)


def _array(stamps: Sequence[str], unit: str) -> Times:
    """Stamps of ISO 8601; what is finer than the unit is 0."""
    try:
        return np.array(stamps, dtype=f"datetime64[{unit}]")
    except ValueError:  # the 31st of February
        raise NoTimeError(
            next(row for row, stamp in enumerate(stamps) if not _is_stamp(stamp))
        ) from None


def _is_stamp(stamp: str) -> bool:
    try:
        return bool(np.datetime64(stamp, "ns") == np.datetime64(stamp, "ns"))
    except ValueError:
        return False


def _offset(zone: str | None) -> int | None:
    """Seconds ahead of UTC; None if a stamp does not say."""
    if zone is None:
        return None
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return int(f"{zone[0]}1") * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def _with_offsets(
    shown: Times, offsets: Sequence[int | None], notes: tuple[str, ...], day_first: bool | None
) -> Stamps:
    """What clocks showed, and how far they were ahead of UTC, as real times."""
    without = [row for row, offset in enumerate(offsets) if offset is None]
    if len(without) == len(offsets):
        return Stamps(shown, "", day_first, notes)
    if without:
        odd = without[0] or next(row for row, each in enumerate(offsets) if each is not None)
        expected = "with an offset from UTC" if without[0] else "without an offset from UTC"
        raise NoTimeError(odd, f"{expected}, as those before it")
    seconds = np.array(offsets, dtype=np.int64)
    if (seconds == seconds[0]).all():
        times = shown - seconds.astype("timedelta64[s]")
        return Stamps(times, offset_zone(int(seconds[0])), day_first, notes)
    if _whole_days(shown):
        note = "The offsets from UTC change, and days are counted by the calendar: no zone is kept."
        return Stamps(shown, "", day_first, (*notes, note))
    times = shown - seconds.astype("timedelta64[s]")
    last = offset_zone(int(seconds[np.argmax(times)]))
    note = f"The offsets from UTC change; times are shown with the last one, {last}."
    return Stamps(times, last, day_first, (*notes, note))


def _whole_days(times: Times) -> bool:
    days = times.astype("datetime64[D]")
    of_day = times - days
    return bool((of_day == of_day[0]).all()) and len(np.unique(days)) == len(days)


def _moments(moments: Sequence[dt.datetime]) -> Stamps:
    plain = np.array([moment.replace(tzinfo=None) for moment in moments], dtype="datetime64[us]")
    ahead = [moment.utcoffset() for moment in moments]
    offsets = [None if each is None else round(each.total_seconds()) for each in ahead]
    return _with_offsets(coarsest(plain), offsets, (), None)


def _strptime(text: str, form: str, row: int) -> dt.datetime:
    try:
        return dt.datetime.strptime(text, form)
    except (ValueError, re.error):
        raise NoTimeError(row, f"a time of the form {form!r}") from None


def _since_1970(texts: Sequence[str]) -> Times:
    """Seconds, or the finer unit that brings the largest below the year 5138."""
    numbers = []
    for row, text in enumerate(texts):
        try:
            numbers.append(float(text))
        except ValueError:
            numbers.append(np.nan)
        if not np.isfinite(numbers[-1]):
            raise NoTimeError(row, "seconds since 1970")
    largest = max(map(abs, numbers))
    unit, power = next(((u, p) for u, p in _UNITS if largest < 10.0 ** (11 + p)), _UNITS[-1])
    whole = [int(text) if text.lstrip("+-").isdigit() else None for text in texts]
    if None not in whole:
        return coarsest(np.array(whole, dtype=np.int64).astype(f"datetime64[{unit}]"))
    micro = np.round(np.array(numbers) * 10.0 ** (6 - min(power, 6))).astype(np.int64)
    return coarsest(micro.astype("datetime64[us]"))


def _plausible(cell: str) -> bool:
    """Whether a text is made of the names and numbers of a date, its year among them."""
    words = _WORDS.findall(cell)
    if not words or len(cell) > 60 or not all(map(_KNOWN_WORD.fullmatch, words)):
        return False
    numbers = re.findall(r"\d+", _CLOCK.sub(" ", cell))
    named = any(len(word) > 2 for word in words)
    return any(len(number) == 4 for number in numbers) or (named and len(numbers) >= 2)


def _by_pandas(texts: Sequence[str]) -> Stamps:
    wrong = next((row for row, text in enumerate(texts) if not _plausible(text)), None)
    if wrong is not None:
        raise NoTimeError(wrong)
    try:
        pandas = importlib.import_module("pandas")
    except ImportError as error:
        raise FailedError(
            f"Times such as {texts[0]!r} need the package pandas, which is not installed. Install "
            "it with: pip install 'recur[series]' (or give the time format, such as '%d %b %Y')."
        ) from error
    found = _to_datetime(pandas, texts)
    return _moments([moment.to_pydatetime(warn=False) for moment in found])


def _to_datetime(pandas: Any, texts: Sequence[str]) -> list[Any]:
    """Time stamps of pandas; a year below 1000 is one that it made up."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # how it guesses is no news to anyone here
        try:
            moments = list(pandas.to_datetime(list(texts)))
        except (ValueError, OverflowError, TypeError):  # not of one form, or of several offsets
            moments = [_timestamp(pandas, text, row) for row, text in enumerate(texts)]
    for row, moment in enumerate(moments):
        if moment is pandas.NaT or moment.year < 1000:
            raise NoTimeError(row)
    return moments


def _timestamp(pandas: Any, text: str, row: int) -> Any:
    try:
        return pandas.to_datetime(text)
    except (ValueError, OverflowError, TypeError):
        raise NoTimeError(row) from None
