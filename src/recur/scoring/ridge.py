"""A linear forecast beside a network's: from the window to the horizon, by ridge regression.

A linear map, the same at every origin, is hard to beat on long horizons (A. Zeng et al., "Are
transformers effective for time series forecasting?", AAAI 2023; W. Toner and L. Darlow, "An
analysis of linear time series forecasting models", ICML 2024). It has a closed form.

Legend: T steps, C targets, N windows of L known steps and H steps of the horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recur.scoring.forecasts import Values

Starts = NDArray[np.int64]
PENALTIES = (1e-6, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Shares of the number of windows; the one that does best on the validation part is taken."""
ROWS = 4096
"""Windows at a time."""


class Parts(NamedTuple):
    """A series and its windows.

    Attributes:
        values: (T, C), of the same scale for all series.
        train: (N,) the step of each first target to learn from.
        validation: so of those to choose the penalty by.
        test: so of those asked for.
    """

    values: Values
    train: Starts
    validation: Starts
    test: Starts


def ridge(series: Sequence[Parts], window: int, horizon: int) -> list[Values]:
    """Returns linear forecasts (N, H, C) of the test windows of each series.

    A map for each target, learnt from the windows of all series. The last known value is taken off
    the window and added to the forecast.

    Args:
        series: the series.
        window: L.
        horizon: H.
    """
    targets = series[0].values.shape[1]
    maps = [_maps(series, target, window, horizon) for target in range(targets)]
    losses = sum(
        np.array([_loss(series, at, each, horizon) for each in found])
        for at, found in enumerate(maps)
    )
    best = int(np.argmin(losses))
    return [
        np.stack(
            [
                _forecast(each.values[:, at], each.test, found[best])
                for at, found in enumerate(maps)
            ],
            axis=2,
        )
        for each in series
    ]


def _maps(series: Sequence[Parts], target: int, window: int, horizon: int) -> list[Values]:
    """(L, H) for each penalty."""
    gram, cross, number = np.zeros((window, window)), np.zeros((window, horizon)), 0
    for each in series:
        for starts in _pieces(each.train):
            x, y, _ = _cut(each.values[:, target], starts, window, horizon)
            gram += x.T @ x
            cross += x.T @ y
            number += len(starts)
    sizes, vectors = np.linalg.eigh(gram)
    turned = vectors.T @ cross
    sizes = np.maximum(sizes, 0)[:, None]
    return [vectors @ (turned / (sizes + penalty * max(number, 1))) for penalty in PENALTIES]


def _loss(series: Sequence[Parts], target: int, learnt: Values, horizon: int) -> float:
    """The sum of squared errors on the validation parts."""
    total = 0.0
    for each in series:
        for starts in _pieces(each.validation):
            x, y, _ = _cut(each.values[:, target], starts, len(learnt), horizon)
            total += float(((x @ learnt - y) ** 2).sum())
    return total


def _forecast(values: Values, starts: Starts, learnt: Values) -> Values:
    rows = [_cut(values, piece, len(learnt), 0) for piece in _pieces(starts)]
    found = [x @ learnt + last for x, _, last in rows]
    return np.concatenate(found) if found else np.empty((0, learnt.shape[1]))


def _pieces(starts: Starts) -> list[Starts]:
    return [starts[at : at + ROWS] for at in range(0, len(starts), ROWS)]


def _cut(
    values: Values, starts: Starts, window: int, horizon: int
) -> tuple[Values, Values, Values]:
    """What is known and what follows, the last known value taken off; and that value, (N, 1)."""
    x = values[starts[:, None] + np.arange(-window, 0)]
    y = values[starts[:, None] + np.arange(horizon)]
    return x - x[:, -1:], y - x[:, -1:], x[:, -1:]
