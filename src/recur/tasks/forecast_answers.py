"""The answer of a forecast: a table of times, values and quantiles, and its picture."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur import plots
from recur.data.series import Series
from recur.data.times import continue_times, show_times
from recur.data.zones import clock
from recur.messages import count
from recur.tasks.answers import Answer
from recur.tasks.scaled_series import SHOWN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIDDLE = "0.5"


@dataclasses.dataclass(frozen=True)
class Forecast(Answer):
    """An answer: the values that follow a series.

    Attributes:
        series: The series as far as it is known (its last steps); the target is its first column.
        times: (H,) time stamps as text, or step numbers after the last known.
        values: (H,) in the unit of the series.
        baselines: Other forecasts by name, (H,) each.
        quantiles: (H,) each, by their level as text, such as "0.1".
    """

    series: Series
    times: list[str]
    values: list[float]
    baselines: dict[str, list[float]]
    quantiles: dict[str, list[float]] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        digits = decimals([*self.values, *(v for each in self.quantiles.values() for v in each)])
        columns = [[f"{value:.{digits}f}" for value in each] for each in self._columns()]
        title = f"{self.series.columns[0]} of {self.series.name}"
        if not self.quantiles:
            rows = [f"{time}  {value}" for time, value in zip(self.times, *columns, strict=True)]
            return "\n".join([title, *rows, *self.series.notes])
        wide = [
            max(map(len, [head, *cells]))
            for head, cells in zip(self._heads(), columns, strict=True)
        ]
        first = max(map(len, self.times))
        lines = [self._line("", self._heads(), first, wide)]
        lines += [
            self._line(time, cells, first, wide)
            for time, *cells in zip(self.times, *columns, strict=True)
        ]
        return "\n".join([title, *lines, *self.series.notes])

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""
        name, target = self.series.name, self.series.columns[0]
        answer = {"series": name, "target": target, "times": self.times, "values": self.values}
        more: dict[str, Any] = {"quantiles": self.quantiles} if self.quantiles else {}
        notes = {"notes": list(self.series.notes)} if self.series.notes else {}
        return {**answer, **more, **self.baselines, **notes}

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yields a CSV file with a row for each step."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["time", *self._heads()])
        table.writerows(zip(self.times, *self._columns(), strict=True))
        parts = ["forecast", self.series.id, self.series.columns[0]]
        yield "-".join(filter(None, parts)) + ".csv", text.getvalue().encode()

    def _heads(self) -> list[str]:
        return [self.series.columns[0], *self._levels()]

    def _columns(self) -> list[list[float]]:
        return [self.values, *(self.quantiles[level] for level in self._levels())]

    def _levels(self) -> list[str]:
        """Without the middle one, which the values are."""
        return [level for level in self.quantiles if level != MIDDLE]

    @staticmethod
    def _line(time: str, cells: Sequence[str], first: int, wide: Sequence[int]) -> str:
        row = [f"{cell:>{width}}" for cell, width in zip(cells, wide, strict=True)]
        return "  ".join([f"{time:<{first}}", *row])

    def picture(self) -> Figure:
        """Draws it at the end of its series."""
        known = self.series.values[-SHOWN:, 0]
        times = self.series.times
        before = after = None
        if times is not None:
            zone = self.series.zone
            following = continue_times(times, len(self.values), zone)
            before, after = list(clock(times[-SHOWN:], zone)), list(clock(following, zone))
        levels = list(self.quantiles.values())
        return plots.forecast(
            known.tolist(),
            self.values,
            naive=self.baselines["naive"],
            low=levels[0] if len(levels) > 1 else None,
            high=levels[-1] if len(levels) > 1 else None,
            past_times=before,
            times=after,
            title=f"{self.series.name}: the next {count(len(self.values), 'step')}",
            value=self.series.columns[0],
        )


def following(series: Series, horizon: int) -> list[str]:
    """The time stamps that follow a series, as text; or step numbers."""
    if series.times is None:
        return [f"+{step}" for step in range(1, horizon + 1)]
    return show_times(continue_times(series.times, horizon, series.zone), series.zone)


def decimals(values: Sequence[float]) -> int:
    """Decimals that show five significant digits of the largest value."""
    largest = max(abs(value) for value in values)
    return max(0, 4 - int(np.floor(np.log10(largest)))) if largest > 0 else 1
