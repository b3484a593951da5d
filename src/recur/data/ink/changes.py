"""Chance changes of handwriting, by which more is learnt from it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from recur.data.ink.strokes import Floats, Ink

PERIOD = 2.0
"""Sizes along the path over which a warp is about the same."""


@dataclass(frozen=True)
class Changes:
    """Each from 0, for none; of handwriting of size 1.

    Attributes:
        turn: it is turned by up to so many degrees.
        shear: it slants by up to so much more or less: x grows by this share of y.
        scale: it is up to this share wider or narrower, and, apart from that, higher or lower.
        warp: the path wanders by about so many sizes, slowly: letters get other widths and heights.
        drop: the share of its points that are left out, so that corners are cut.
    """

    turn: float = 0.0
    shear: float = 0.0
    scale: float = 0.0
    warp: float = 0.0
    drop: float = 0.0

    def __bool__(self) -> bool:
        return any(dataclasses.astuple(self))

    def __call__(self, ink: Ink, chance: np.random.Generator) -> Ink:
        """Handwriting as it might have been.

        Args:
            ink: of size 1.
            chance: where it is drawn from.
        """
        if self.drop:
            ink = ink.only(chance.random(len(ink.points)) >= self.drop)
        return ink.at((ink.points + self._wandering(ink, chance)) @ self._affine(chance).T)

    def _affine(self, chance: np.random.Generator) -> Floats:
        """(2, 2): wider and higher, then slanted, then turned."""
        angle = np.deg2rad(chance.uniform(-self.turn, self.turn))
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        slanted = np.array([[1.0, chance.uniform(-self.shear, self.shear)], [0.0, 1.0]])
        factors = np.log1p(self.scale) * chance.uniform(-1, 1, 2)
        found: Floats = turned @ slanted @ np.diag(np.exp(factors))
        return found

    def _wandering(self, ink: Ink, chance: np.random.Generator) -> Floats:
        """(P, 2) how far each point is moved: chance at some points, between them a line."""
        along = np.concatenate([[0.0], np.cumsum(ink.lengths())]) / PERIOD
        knots = np.arange(int(along[-1]) + 2)
        moves = self.warp * chance.standard_normal((len(knots), 2))
        return np.stack([np.interp(along, knots, each) for each in moves.T], axis=1)
