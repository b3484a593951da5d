"""Chance changes of numbers over time, by which more is learnt from few recordings.

Letters: T steps, F numbers of each.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KNOTS = 4
"""Points between which the speed of a warped recording changes evenly."""


@dataclass(frozen=True)
class Variations:
    """Chance changes of a recording, each from 0, for none (T. T. Um et al., arXiv:1706.00527).

    Attributes:
        scale: each channel is up to this share greater or smaller.
        noise: normal noise of this deviation is added.
        warp: it runs up to this share faster or slower, now more, now less.
        crop: up to this share of it is cut off, at the two ends together.
    """

    scale: float = 0.0
    noise: float = 0.0
    warp: float = 0.0
    crop: float = 0.0

    def __bool__(self) -> bool:
        return any(dataclasses.astuple(self))

    def __call__(self, values: Floats, chance: np.random.Generator) -> Floats:
        """(T', F) of (T, F), as they might have been; one step at least."""
        cut = int(chance.uniform(0, self.crop) * len(values))
        begin = int(chance.integers(0, cut + 1))
        kept = values[begin : len(values) - cut + begin]
        warped = at(kept, _warped(len(kept), self.warp, chance)) if self.warp else kept
        scaled = warped * chance.uniform(1 - self.scale, 1 + self.scale, values.shape[1:])
        noisy: Floats = scaled + self.noise * chance.standard_normal(scaled.shape)
        return noisy


def at(values: NDArray[np.floating], positions: Floats) -> Floats:
    """(P, ...) of values (T, ...): what lies at P places from 0 to T - 1, on straight lines."""
    low = np.clip(np.floor(positions).astype(int), 0, len(values) - 1)
    high = np.minimum(low + 1, len(values) - 1)
    share = (positions - low).reshape(-1, *[1] * (values.ndim - 1))
    found: Floats = values[low] * (1 - share) + values[high] * share
    return found


def evenly(values: NDArray[np.floating], steps: int) -> Floats:
    """(steps, ...) of values (T, ...), at equal distances from the first to the last."""
    return at(values, np.linspace(0, len(values) - 1, steps))


def _warped(steps: int, share: float, chance: np.random.Generator) -> Floats:
    """Places from 0 to steps - 1, at distances that change."""
    speeds = chance.uniform(1 - share, 1 + share, KNOTS)
    many = max(1, round(steps / speeds.mean()))
    if many == 1 or steps == 1:
        return np.zeros(1)
    distances = np.interp(np.linspace(0, KNOTS - 1, many - 1), np.arange(KNOTS), speeds)
    passed = np.concatenate([[0.0], np.cumsum(distances)])
    places: Floats = passed * (steps - 1) / passed[-1]
    return places
