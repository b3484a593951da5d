"""Parts of series: the steps that are to be forecast, with all that came before them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from recur.data.series import Series
from recur.data.splits import Records, Rows, Splits
from recur.data.windows import split_by_time


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

    def changed(self, change: Callable[[Series], Series]) -> Self:
        """The same steps of each series after a change of it."""
        parts = (Part(change(part.series), part.begin, part.end) for part in self.parts)
        return type(self)(tuple(parts))

    def __len__(self) -> int:
        return sum(part.end - part.begin for part in self.parts)

    def take(self, rows: Rows) -> Self:
        """The parts at `rows`; steps are cut by time."""
        return type(self)(tuple(self.parts[row] for row in rows))

    def first(self, limit: int) -> Self:
        """The first steps of each part."""
        parts = (replace(part, end=min(part.end, part.begin + limit)) for part in self.parts)
        return self if len(self) <= limit else type(self)(tuple(parts))

    @property
    def only(self) -> Part:
        """The one part that there is."""
        (part,) = self.parts
        return part


def whole(*series: Series) -> Splits[Steps]:
    """Every step of a series or several, to be cut into parts by time."""
    every = Steps(tuple(Part(each, 0, len(each)) for each in series))
    notes = tuple(dict.fromkeys(note for each in series for note in each.notes))
    about = series[0].name
    if len(series) > 1:
        about = f"{series[0].name.removeprefix(f'{series[0].id} of ')} ({len(series):,} series)"
    return Splits(every, about=about, notes=notes)


def by_time(
    splits: Splits[Steps], *, validation: float, test: float, limit: int | None = None
) -> Splits[Steps]:
    """Cuts off the end of each series for validation and for testing, where no part is set apart.

    Args:
        splits: the series.
        validation: the share of the steps of each for validation.
        test: the share for testing.
        limit: steps of each at most.

    Raises:
        InputError: if the shares leave nothing for training.
    """
    if splits.test is not None:
        return splits.limited(limit)
    series = [part.series.first(limit) for part in splits.train.parts]
    cuts = [split_by_time(len(each), validation=validation, test=test) for each in series]
    train, middle, last = (
        Steps(tuple(Part(each, *cut[at]) for each, cut in zip(series, cuts, strict=True)))
        for at in range(3)
    )
    return replace(splits, train=train, validation=middle, test=last, cut=("test", "validation"))
