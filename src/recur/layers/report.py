"""What became of the layers of somebody's model or program, as rows and as a table."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType

LEFT = "the program asked for that"


@dataclass(frozen=True)
class Swap:
    """What was made of one layer."""

    path: str  # as in `named_modules`, "" is the model itself; or where the layer was made
    kind: str  # the class it had, with its module
    swapped: bool
    about: str  # what it became, or why it stayed


@dataclass(frozen=True)
class Acceleration:
    """A row for each recurrent or embedding layer. Prints as a table."""

    rows: tuple[Swap, ...]

    @property
    def swapped(self) -> tuple[str, ...]:
        """The paths of the layers that were swapped."""
        return tuple(row.path for row in self.rows if row.swapped)

    @property
    def kept(self) -> tuple[str, ...]:
        """The paths of those that were not."""
        return tuple(row.path for row in self.rows if not row.swapped)

    def __str__(self) -> str:
        if not self.rows:
            return "There is no recurrent and no embedding layer in this model."
        return "\n".join(_lines(self.rows))


class Patch:
    """What a patch has met so far; it grows with the program, and prints as a table.

    As a context manager it takes the patch back at its end.
    """

    def __init__(self, undo: Callable[[], None]) -> None:
        self._undo = undo
        self._met: Counter[Swap] = Counter()
        self._places: dict[tuple[str, str], int] = {}  # in the order of meeting
        self._lock = threading.Lock()

    def met(self, row: Swap, before: Swap | None = None) -> None:
        """Notes one layer; the same row again is counted.

        Args:
            row: what is done with the layer.
            before: the row that was noted of this layer, and holds no longer.
        """
        with self._lock:
            self._places.setdefault((row.path, row.kind), len(self._places))
            self._met[row] += 1
            if before is not None:
                self._met[before] -= 1
                self._met = +self._met

    @property
    def rows(self) -> tuple[Swap, ...]:
        """A row for each kind of layer met, in the order of meeting."""
        met = sorted(self._met.items(), key=lambda item: self._places[item[0].path, item[0].kind])
        return tuple(
            row if count == 1 else replace(row, about=f"{row.about} ({count} times)")
            for row, count in met
        )

    def __str__(self) -> str:
        return "\n".join(_lines(self.rows)) or "No recurrent and no embedding layer was met."

    def __enter__(self) -> Patch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo()


def _lines(rows: tuple[Swap, ...]) -> list[str]:
    paths = [row.path or "the model" for row in rows]
    wide = max(map(len, paths), default=0), max((len(row.kind) for row in rows), default=0)
    return [
        f"{path:{wide[0]}}  {row.kind:{wide[1]}}  "
        f"{'swapped' if row.swapped else 'not swapped'}: {row.about}"
        for path, row in zip(paths, rows, strict=True)
    ]
