"""What chance makes of the picture of a line, so that more is learnt from it.

All of it is a single look-up of each pixel in the line (rotation, slant, width, and a soft push of
each part), and some arithmetic: a fraction of what a network costs. Soft pushes: P. Y. Simard,
D. Steinkraus and J. C. Platt, ICDAR 2003.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recur.data.line_pictures import Line
from recur.messages import InputError, must

MOST_TILT = 0.25
"""Of the height: how far rotation may move the ends of a line, however long it is."""
BOUNDS = {"rotation": 45.0, "slant": 1.0, "scale": 0.9, "blur": 0.5, "contrast": 0.9}
"""The strongest that each may be."""
SPACING = 8
"""Pixels from one soft push to the next."""


@dataclass(frozen=True)
class Distortions:
    """Changes by chance, each drawn evenly up to its bound; 0 turns it off.

    Attributes:
        rotation: degrees, either way; less where it would move a long line's ends out of sight.
        slant: columns that the top moves against the bottom, in heights of the line, either way.
        scale: share by which letters become wider or narrower, and higher or lower.
        elastic: pixels by which parts are pushed softly, as a standard deviation.
        blur: how much of a pixel goes to its neighbours, at most a half.
        noise: standard deviation of what is added to each pixel, where ink is 1.
        contrast: share of the ink's strength that may be lost, and how far greys may move.

    Raises:
        InputError: values out of bounds.
    """

    rotation: float = 0.0
    slant: float = 0.0
    scale: float = 0.0
    elastic: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    contrast: float = 0.0

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            most = BOUNDS.get(name, math.inf)
            if not 0 <= value <= most:
                raise InputError(must(name, f"from 0 to {most:g}", f"{value:g}"))

    def __bool__(self) -> bool:
        return any(dataclasses.astuple(self))

    def times(self, strength: float) -> Distortions:
        """All of them so many times as strong, within their bounds."""
        given = dataclasses.asdict(self).items()
        return Distortions(
            **{name: min(value * strength, BOUNDS.get(name, math.inf)) for name, value in given}
        )

    def __call__(self, line: Line, chance: np.random.Generator, least: int = 1) -> Line:
        """A line as it might have been written.

        Args:
            line: (W, H) from 0 for the ground to 1 for the ink.
            chance: where it is drawn from.
            least: columns that must be left.

        Returns:
            (W', H).
        """
        changed = self._moved(line, chance, least)
        share = np.float32(chance.uniform(0, self.blur) / 2)
        if share:
            changed = _softened(_softened(changed, share).T, share).T
        if self.contrast:
            bent = math.exp(chance.uniform(-self.contrast, self.contrast))
            kept = np.float32(1 - chance.uniform(0, self.contrast))
            changed = kept * changed.clip(0, 1) ** np.float32(bent)
        if self.noise:
            strength = np.float32(chance.uniform(0, self.noise))
            changed = changed + strength * chance.standard_normal(changed.shape, np.float32)
        return np.ascontiguousarray(changed, dtype=np.float32)

    def _moved(self, line: Line, chance: np.random.Generator, least: int) -> Line:
        if not (self.rotation or self.slant or self.scale or self.elastic):
            return line
        wide, high = line.shape
        across, up = (math.exp(chance.uniform(-1, 1) * self.scale) for _ in range(2))
        new = max(round(wide * across), least, 1)
        tilt = math.tan(math.radians(chance.uniform(-self.rotation, self.rotation)))
        most = 2 * MOST_TILT * high / new
        tilt = min(max(tilt, -most), most)
        slant = chance.uniform(-self.slant, self.slant)
        columns = np.arange(new, dtype=np.float32)[:, None] - np.float32((new - 1) / 2)
        rows = np.arange(high, dtype=np.float32)[None] - np.float32((high - 1) / 2)
        x = columns * np.float32(wide / new) + (slant - tilt) * rows + np.float32((wide - 1) / 2)
        y = rows / np.float32(up) + tilt * columns + np.float32((high - 1) / 2)
        if self.elastic:
            x, y = (to + _pushed(new, high, self.elastic, chance) for to in (x, y))
        return looked_up(line, x, y)


def looked_up(line: Line, x: Line, y: Line) -> Line:
    """The line (W, H) at places (W', H') between its pixels; outside of it is ground."""
    wide, high = line.shape
    padded = np.pad(line, 1)
    x, y = (x + 1).clip(0, wide + 0.999), (y + 1).clip(0, high + 0.999)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, below = (x - left).astype(np.float32), (y - top).astype(np.float32)
    flat, at = padded.ravel(), left * (high + 2) + top
    upper = flat[at] + right * (flat[at + high + 2] - flat[at])
    at += 1
    lower = flat[at] + right * (flat[at + high + 2] - flat[at])
    found: Line = upper + below * (lower - upper)
    return found


def _pushed(wide: int, high: int, strength: float, chance: np.random.Generator) -> Line:
    """(W, H) numbers that change softly from pixel to pixel."""
    rough = chance.standard_normal((wide // SPACING + 2, high // SPACING + 2), np.float32)
    return (strength * (_between(wide) @ rough @ _between(high).T)).astype(np.float32)


def _between(size: int) -> NDArray[np.float32]:
    """(size, knots) how much each knot counts at each pixel, in a straight line between two."""
    places = np.arange(size, dtype=np.float32)[:, None] / SPACING
    return (1 - np.abs(places - np.arange(size // SPACING + 2, dtype=np.float32))).clip(0)


def _softened(line: Line, share: np.float32) -> Line:
    """Each column with a share of its neighbours."""
    padded = np.pad(line, ((1, 1), (0, 0)), mode="edge")
    found: Line = (1 - 2 * share) * line + share * (padded[:-2] + padded[2:])
    return found
