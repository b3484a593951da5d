"""Series as the options of a forecast name them: targets first, then others, then what is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.data.panel import Panel, read_panel
from recur.data.records.steps import Steps, whole
from recur.data.series import Reading, Series
from recur.data.splits import Splits
from recur.messages import InputError, listed, must
from recur.tasks.scaled_series import LARGEST, ForecastPreprocessing
from recur.tasks.sources import loaded

if TYPE_CHECKING:
    from types import ModuleType

    from recur.tasks.forecast import ForecastOptions


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of a series by what they are to the model.

    Attributes:
        targets: those that are forecast.
        others: those that are known until now.
        known: those of which the future is known.
    """

    targets: tuple[str, ...]
    others: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, in this order."""
        return (*self.targets, *self.others, *self.known)


def names(text: str) -> list[str]:
    """The names in a list with commas between, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def read(
    options: ForecastOptions, source: Any, named: ModuleType | None, day_first: bool | None = None
) -> tuple[Splits[Steps], Columns]:
    """Reads the series that options name, their columns in the order of `Columns`.

    Args:
        options: the options.
        source: a table; None: the file that `options.data` names.
        named: the dataset that it names; None: no dataset.
        day_first: which stands first in dates, where they fit both ways.

    Raises:
        InputError: as `recur.data.panel.read_panel`, or columns that are not there.
        FailedError: as that.
    """
    if named is None:
        series = _of_table(options, options.data if source is None else source, day_first)
        splits, usual = whole(*series), ""
    else:
        splits, usual = loaded(named, options.data), named.TARGET
    columns = columns_of(options, splits.train.parts[0].series, usual)
    parts = (splits.train, splits.validation, splits.test)
    train, validation, test = (
        None
        if part is None
        else part.changed(lambda series: _chosen(series, columns, options.logarithm))
        for part in parts
    )
    assert train is not None
    return dataclasses.replace(splits, train=train, validation=validation, test=test), columns


def named_like(options: ForecastOptions, fitted: ForecastPreprocessing) -> ForecastOptions:
    """The options that read the columns that a model knows, under the names they have elsewhere.

    The names that the options give stand for those of the training, in order.

    Raises:
        InputError: options that name more or fewer.
    """
    cut = len(fitted.columns) - fitted.known
    targets = _as_many("target", options.target, fitted.columns[: fitted.targets])
    others = fitted.columns[fitted.targets : cut]
    features = _as_many("features", options.features, others, but=targets)
    known = _as_many("known", options.known, fitted.columns[cut:])
    return dataclasses.replace(
        options, target=",".join(targets), features=",".join(features), known=",".join(known)
    )


def _as_many(
    option: str, given: str, known: Sequence[str], but: Sequence[str] = ()
) -> Sequence[str]:
    """The names given for columns that the model knows; their own where none are."""
    if given in ("", "all"):
        return known
    found = [name for name in names(given) if name not in but]
    if len(found) != len(known):
        called = listed(map(repr, known), "and") or "none"
        expected = f"a name for each that the model knows: {called}, in this order"
        raise InputError(must(option, expected, repr(given)))
    return found


def _of_table(options: ForecastOptions, source: Any, day_first: bool | None) -> list[Series]:
    how = Reading(
        options.time or None, _wanted(options), options.gaps, options.time_format, day_first
    )
    panel = Panel(options.id_column, tuple(names(options.known)), tuple(names(options.static)))
    given = {"encoding": options.encoding, "decimal": options.decimal}
    return read_panel(source, panel, how, delimiter=options.delimiter, **given)


def _wanted(options: ForecastOptions) -> list[str] | None:
    """The columns to read from a file: those named, so that gaps elsewhere do not matter."""
    if options.target in ("", "all") or options.features == "all":
        return None
    targets, features = names(options.target), names(options.features)
    return list(dict.fromkeys([*targets, *features, *names(options.known)]))


def columns_of(options: ForecastOptions, series: Series, usual: str) -> Columns:
    """What each column is; `usual` is the target where none is named, else the last one is."""
    known, features = names(options.known), names(options.features)
    measured = [name for name in series.columns if name not in known]
    if options.target == "all":
        targets = [name for name in measured if name not in features]
    else:
        targets = names(options.target) or [usual or measured[-1]]
    others = measured if options.features == "all" else features
    return Columns(
        tuple(targets), tuple(name for name in others if name not in targets), tuple(known)
    )


def _chosen(series: Series, columns: Columns, logarithm: bool) -> Series:
    """The series with those columns only, its values checked; its targets' logarithms if asked."""
    chosen = series.select(columns.all)
    largest = float(np.abs(chosen.values).max(initial=0.0))
    if largest > LARGEST:
        todo = "Give them in a larger unit, or check the file."
        raise InputError(must(f"the values of {chosen.name}", f"up to {LARGEST:g}", largest, todo))
    return _with_logarithms(chosen, len(columns.targets)) if logarithm else chosen


def _with_logarithms(series: Series, targets: int) -> Series:
    """The series with the logarithms of its targets, whose differences are returns."""
    least = float(series.values[:, :targets].min(initial=np.inf))
    if least <= 0:
        todo = "Leave logarithm out."
        raise InputError(must(f"values of {series.name} with a logarithm", "above 0", least, todo))
    values = series.values.copy()
    values[:, :targets] = np.log(values[:, :targets])
    return dataclasses.replace(series, values=values)
