"""Values and time steps that a series lacks: refused, filled or passed over, never in silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recur.data.times import Times, missing_after, off_rhythm, show_times, with_missing
from recur.messages import InputError, count

GAPS = ("refuse", "interpolate", "carry", "ignore")
"""What to do: say so; a line from the last value to the next one, which looks ahead; the last value
again, which does not; count rows as steps, whatever their times (missing values are refused)."""

FILL = "Fill it in, or choose gaps 'interpolate' (a line to the next value) or 'carry' (the last "
FILL += "value again)"


class Steps(NamedTuple):
    """T steps of F numbers, in order of time, with NaN where a value is missing."""

    values: NDArray[np.float64]
    times: Times | None
    zone: str = ""


def refuse_missing_values(
    name: str, columns: Sequence[str], values: NDArray[np.float64], rows: Sequence[int]
) -> None:
    """Names the first value that is missing; `rows` are the numbers of the rows, for a person.

    Raises:
        InputError: if there is one.
    """
    holes = np.argwhere(np.isnan(values))
    if len(holes):
        row, column = holes[0]
        raise InputError(
            f"{name} has no value in row {rows[row]} of the column {columns[column]!r} "
            f"({count(len(holes), 'value')} missing in all). {FILL}."
        )


def refuse_missing_steps(name: str, steps: Steps) -> None:
    """Names the first gap between the times.

    Raises:
        InputError: if there is one.
    """
    assert steps.times is not None
    missing = missing_after(steps.times, steps.zone)
    if missing:
        at, lacking = missing[0]
        after = show_times(steps.times, steps.zone)[at]
        raise InputError(
            f"{name} has a gap after {after}: {count(lacking, 'step')} missing "
            f"({count(len(missing), 'gap')} in all). {FILL}, or 'ignore' (count rows as steps)."
        )


def refuse_odd_times(name: str, steps: Steps) -> None:
    """Names the first time between the steps of a fixed rhythm.

    Raises:
        InputError: if there is one.
    """
    assert steps.times is not None
    odd = off_rhythm(steps.times, steps.zone)
    if odd is not None:
        shown = show_times(steps.times, steps.zone)[odd]
        raise InputError(
            f"{name} has the time {shown}, which is off the rhythm of its times. "
            "Bring them to a regular step, or choose gaps 'ignore' (count rows as steps)."
        )


def filled(name: str, columns: Sequence[str], steps: Steps, how: str) -> tuple[Steps, list[str]]:
    """Adds the steps that are missing, then the values, and says how many.

    Raises:
        InputError: if a column has no value at all, or none to carry on from.
    """
    steps = _with_every_step(steps)
    missing = np.isnan(steps.values)
    if not missing.any():
        return steps, []
    values = steps.values.copy()
    for column, label in zip(values.T, columns, strict=True):
        _fill(column, how, f"The column {label!r} of {name}")
    lacking = count(int(missing.any(axis=1).sum()), "missing step")
    done = "interpolated" if how == "interpolate" else "filled with the value before"
    return Steps(values, steps.times, steps.zone), [f"{lacking} of {name} {done}."]


def _with_every_step(steps: Steps) -> Steps:
    """Adds rows of NaN."""
    if steps.times is None:
        return steps
    times = with_missing(steps.times, steps.zone)
    values = np.full((len(times), steps.values.shape[1]), np.nan)
    values[np.searchsorted(times, steps.times)] = steps.values
    return Steps(values, times, steps.zone)


def _fill(column: NDArray[np.float64], how: str, what: str) -> None:
    """Fills a column in place."""
    known = np.flatnonzero(~np.isnan(column))
    if not len(known):
        raise InputError(f"{what} has no value at all.")
    every = np.arange(len(column))
    if how == "interpolate":
        column[:] = np.interp(every, known, column[known])
        return
    if known[0] > 0:
        todo = "Start the series there, or choose gaps 'interpolate'."
        raise InputError(f"{what} has no value before row {known[0] + 1}. {todo}")
    column[:] = column[known[np.searchsorted(known, every, side="right") - 1]]
