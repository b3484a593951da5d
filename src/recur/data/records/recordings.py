"""Recordings of sensors with what was done in them, and by whom.

Letters: T steps, F channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from recur.data.splits import Records, Rows, by_group_or_label
from recur.messages import InputError, count, must

Floats = NDArray[np.float64]

LARGEST = 1e30
"""What single precision holds, with room for sums of squares of what is scaled."""
MISSING = ("refuse", "fill")
"""What becomes of a missing value: an error, or a straight line between its neighbours."""
MOST_NAMED = 3
"""Recordings left out that a note names."""


@dataclass(frozen=True, eq=False)
class Recordings(Records):
    """Recordings; labels and subjects are empty where they are only asked about or not known.

    Attributes:
        values: N of them, (T, F) each.
        labels: the class of each, or none at all.
        subjects: who it is of, or none at all.
        names: what messages call each.
        channels: (F,) the names of the channels.
        varied: they are to be learnt from with changes by chance.
    """

    values: list[Floats]
    labels: list[str]
    subjects: list[str]
    names: list[str]
    channels: tuple[str, ...]
    varied: bool = False
    noun: ClassVar[str] = "recording"

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        lists = {name: getattr(self, name) for name in ("values", "labels", "subjects", "names")}
        taken: dict[str, Any] = {n: [x[row] for row in rows] if x else [] for n, x in lists.items()}
        return replace(self, **taken)


def _subjects(records: Recordings) -> list[str]:
    return records.subjects


def _labels(records: Recordings) -> list[str]:
    return records.labels


apart = by_group_or_label(_subjects, _labels)
"""Holds out whole subjects; where there are not two, the same share of every label."""


class How(NamedTuple):
    """How recordings are read.

    Attributes:
        label: the column of the classes, in a table of many recordings.
        recording: the column that says which recording a row is of.
        subject: the column of the subjects; a table may lack it.
        ignored: columns that are no channels.
        missing: one of `MISSING`.
        drop_bad: leave out what cannot be read, and name it.
        delimiter: of a table, as `recur.data.tables.read_table` takes it.
        encoding: likewise.
    """

    label: str = "label"
    recording: str = "recording"
    subject: str = "subject"
    ignored: tuple[str, ...] = ()
    missing: str = "refuse"
    drop_bad: bool = False
    delimiter: str = ""
    encoding: str = ""


USUAL = How()
Measured = tuple[Floats, tuple[str, ...]]
"""(T, F), and the names of the channels."""


class Raw(NamedTuple):
    """A recording that is not read yet.

    Attributes:
        name: what messages call it.
        label: its class, or nothing.
        subject: who it is of, or nothing.
        read: gives its values and the names of its channels.
    """

    name: str
    label: str
    subject: str
    read: Callable[[], Measured]


def gathered(
    raws: Iterator[Raw],
    how: How,
    name: str,
    channels: tuple[str, ...] = (),
    *,
    labelled: bool = True,
) -> tuple[Recordings, *tuple[str, ...]]:
    """The recordings, and notes about those that were left out or filled up."""
    kept: list[tuple[Raw, Floats]] = []
    bad: list[str] = []
    filled = 0
    for raw in raws:
        try:
            if labelled and not raw.label:
                raise InputError(must(raw.name, "with a label", "none"))
            values, channels = _in_order(raw, channels)
            values, missing = complete(values, channels, raw.name, how.missing)
        except InputError:
            if not how.drop_bad:
                raise
            bad.append(raw.name)
            continue
        filled += missing
        kept.append((raw, values))
    if not kept:
        raise InputError(must(name, "recordings that can be read", "none"))
    known = all(raw.subject for raw, _ in kept)
    found = Recordings(
        [values for _, values in kept],
        [raw.label for raw, _ in kept],
        [raw.subject for raw, _ in kept] if known else [],
        [raw.name for raw, _ in kept],
        channels,
    )
    return found, *_notes(bad, filled)


def opened(raws: Iterator[Raw], name: str) -> Recordings:
    """The recordings with their labels, each of which must be whole.

    Raises:
        InputError: if one is not, or there is none.
    """
    return gathered(raws, USUAL, name)[0]


def _notes(bad: list[str], filled: int) -> Iterator[str]:
    if bad:
        named = ", ".join(bad[:MOST_NAMED]) + (" and others" if len(bad) > MOST_NAMED else "")
        yield f"{count(len(bad), 'recording')} left out ({named}): not to be read."
    if filled:
        yield f"{count(filled, 'missing value')} filled up from the values around."


def _in_order(raw: Raw, channels: tuple[str, ...]) -> Measured:
    """The values of a recording, its channels in the order of the others'."""
    values, names = raw.read()
    if not channels or names == channels:
        return values, names
    for name in (*channels, *names):
        if name not in names or name not in channels:
            lacks = f"the channel {name!r}, as the others have it"
            has = f"no channel {name!r}, as the others"
            expected = f"with {lacks}" if name not in names else f"with {has}"
            raise InputError(must(raw.name, expected, ", ".join(names)))
    return values[:, [names.index(name) for name in channels]], channels


def complete(
    values: Floats, channels: Sequence[str], name: str, missing: str = "refuse"
) -> tuple[Floats, int]:
    """Values (T, F) without gaps, and how many were filled up.

    Args:
        values: NaN where one is missing.
        channels: (F,) names.
        name: what messages call the recording.
        missing: one of `MISSING`.

    Raises:
        InputError: if there is no step, one is infinite, or one is missing and must not be; or a
            whole channel is.
    """
    if not len(values):
        raise InputError(must(name, "of one step at least", "none"))
    infinite, gaps = np.abs(values) > LARGEST, np.isnan(values)
    if infinite.any():
        step, channel = np.argwhere(infinite)[0].tolist()
        where = f"step {step + 1:,} of {channels[channel]!r} of {name}"
        expected = f"finite, of at most {LARGEST:g}"
        raise InputError(must(where, expected, f"{values[step, channel]:g}"))
    if not gaps.any():
        return values, 0
    if missing == "refuse":
        step, channel = np.argwhere(gaps)[0].tolist()
        where = f"step {step + 1:,} of {channels[channel]!r} of {name}"
        todo = "Leave the recording out (drop bad), or fill such gaps up (missing fill)."
        raise InputError(must(where, "a value", "none", todo))
    for channel in np.flatnonzero(gaps.all(axis=0)).tolist():
        todo = "Leave the recording out (drop bad), or the channel (ignored)."
        raise InputError(
            must(f"{channels[channel]!r} of {name}", "one value at least", "none", todo)
        )
    whole = values.copy()
    steps = np.arange(len(values))
    for n in range(values.shape[1]):
        there = ~gaps[:, n]
        whole[:, n] = np.interp(steps, steps[there], values[there, n])
    return whole, int(gaps.sum())
