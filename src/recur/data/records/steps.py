"""Parts of series: the steps that are to be forecast, with all that came before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from recur.data.series import Series
from recur.data.splits import Records, Rows, Splits


@dataclass(frozen=True, eq=False)
class Part:
    """Steps `begin` to `end` of a series; those before them are known, not asked.

    Attributes:
        series: the whole series.
        begin: the first step.
        end: one after the last.
    """

    series: Series
    begin: int
    end: int


@dataclass(frozen=True, eq=False)
class Steps(Records):
    """Parts of one series or several.

    Attributes:
        parts: a part of each.
    """

    parts: tuple[Part, ...]
    noun: ClassVar[str] = "step"

    @classmethod
    def of(cls, series: Series, begin: int = 0, end: int | None = None) -> Self:
        """Steps of one series: all of them, unless it is said which."""
        return cls((Part(series, begin, len(series) if end is None else end),))

    def __len__(self) -> int:
        return sum(part.end - part.begin for part in self.parts)

    def take(self, rows: Rows) -> Self:
        """The parts at `rows`; steps are cut by time."""
        return type(self)(tuple(self.parts[row] for row in rows))

    @property
    def only(self) -> Part:
        """The one part that there is."""
        (part,) = self.parts
        return part


def whole(series: Series) -> Splits[Steps]:
    """Every step of a series, to be cut into parts by time."""
    return Splits(Steps.of(series), about=series.name, notes=series.notes)
