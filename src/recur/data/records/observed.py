"""Rows of a table in which anomalies are looked for: alone, or one after another in time."""

from __future__ import annotations

from typing import ClassVar

from recur.data.splits import Records


class Observed(Records):
    """Rows of a table.

    Attributes:
        places: what messages and answers call each row.
    """

    places: list[str]
    noun: ClassVar[str] = "row"

    def __len__(self) -> int:
        return len(self.places)
