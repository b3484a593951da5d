"""Scaling of numbers, fitted on the training part only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recur import schema

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Scaler:
    """Brings each column to mean 0 and standard deviation 1.

    Attributes:
        mean: (F,) of the training part.
        deviation: (F,) of the training part; 1 for a column that never changes.
    """

    mean: Values
    deviation: Values

    @classmethod
    def fit(cls, values: Values) -> Self:
        """Measures values (T, F), of the training part only."""
        # The deviation of equal numbers is not always exactly 0.
        changes = np.ptp(values, axis=0) > 0
        # Squares of the smallest numbers are 0: brought near 1 first.
        _, power = np.frexp(np.abs(values - values.mean(axis=0)).max(axis=0))
        near_one = np.ldexp(values, -power)
        deviation = np.ldexp(near_one.std(axis=0), power)
        return cls(values.mean(axis=0), np.where(changes, deviation, 1.0))

    def transform(self, values: Values) -> Values:
        """Scales values (..., F)."""
        return (values - self.mean) / self.deviation

    def inverse(self, values: Values, column: int) -> Values:
        """Turns scaled values of one column, of any shape, back into its unit."""
        unscaled: Values = values * self.deviation[column] + self.mean[column]
        return unscaled

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again.

        Raises:
            InputError: if `stored` is not what `to_json` gave.
        """
        return schema.read(cls, stored, "a scaling")
