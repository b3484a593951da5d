"""What happened in each epoch, in rows."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from recur import files
from recur.files import PathLike
from recur.messages import InputError, one_of
from recur.training.metrics import up_by_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MOST_COLUMNS = 10_000
"""Of a file: no training has more."""


class History:
    """A row of numbers for each epoch.

    `history["loss"]` and `history.loss` are lists with a number an epoch; the columns are `loss`,
    the metrics by name, the same with `val_` in front where there is validation data,
    `gradient_norm` and `gradient_norm_max` (before clipping: the mean and the greatest of the
    epoch), `learning_rate` and `seconds`.

    Attributes:
        rows: a dict an epoch.
        notes: sentences about what went on (exploding gradients, an early stop).
        higher_is_better: which way each column is up, by name, where that is known: `fit` knows it
            of the loss and its metrics.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.notes: list[str] = []
        self.higher_is_better: dict[str, bool] = {}

    def append(self, row: Mapping[str, float]) -> None:
        """Adds an epoch."""
        self.rows.append(dict(row))

    @property
    def columns(self) -> list[str]:
        """The names, in the order in which they appeared."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @property
    def history(self) -> dict[str, list[float]]:
        """All columns by name, as Keras' `History.history`; NaN where an epoch lacks one."""
        return {name: [row.get(name, math.nan) for row in self.rows] for name in self.columns}

    def __getitem__(self, name: str) -> list[float]:
        """One column.

        Raises:
            InputError: if there is none of that name; the text names those there are.
        """
        return self.history[one_of("a column of the history", name, self.columns)]

    def __getattr__(self, name: str) -> list[float]:
        if name.startswith("_") or name in ("rows", "notes", "higher_is_better"):
            raise AttributeError(name)
        if any(name in row for row in self.rows):
            return self[name]
        raise AttributeError(f"the history has no column {name!r}; it has {self.columns}")

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"History({len(self)} epochs: {', '.join(self.columns)})"

    @property
    def epoch(self) -> list[int]:
        """The numbers of the epochs, from 1."""
        return list(range(1, len(self) + 1))

    def best_epoch(self, monitor: str | None = None) -> int:
        """The epoch (from 1) with the best value of a column; the first of equals.

        Args:
            monitor: the column; None: "val_loss", or "loss" where there is none. Which way it is up
                says `higher_is_better`; where that says nothing of it, columns named after an
                accuracy, a score or the like are best when high, others when low.

        Raises:
            InputError: if there is no such column, or nothing finite in it.
        """
        name = monitor or ("val_loss" if "val_loss" in self.columns else "loss")
        sign = 1 if self.higher_is_better.get(name, up_by_name(name)) else -1
        values = [(sign * value, -i) for i, value in enumerate(self[name]) if math.isfinite(value)]
        if not values:
            raise InputError(f"The history has no finite value of {name!r} yet.")
        return 1 - max(values)[1]

    @overload
    def plot(self, path: None = None) -> Figure: ...

    @overload
    def plot(self, path: PathLike) -> list[Path]: ...

    def plot(self, path: PathLike | None = None) -> Figure | list[Path]:
        """Draws training and validation curves of the loss and the metrics.

        Args:
            path: a folder, to save a figure each as loss.png, accuracy.png ...; or a file name
                that ends in .png, .svg or .pdf, to save one figure with all of them.

        Returns:
            The paths of the files; without `path` one figure with all curves, which a notebook
            shows.

        Raises:
            InputError: if there is no epoch yet.
            FailedError: if a file cannot be written.
        """
        from recur import plots

        columns: dict[str, Any] = {"epoch": self.epoch, **self.history}
        if path is None:
            return plots.overview(columns)
        if Path(path).suffix:
            return [plots.save(plots.overview(columns), path)]
        return plots.save_each(plots.curves(columns), path)

    def to_csv(self, path: PathLike) -> None:
        """Writes the rows, whole or not at all; `epoch` counts from 1.

        Notes and `higher_is_better` are no rows, and not in it: a run keeps them in metrics.json.

        Raises:
            FailedError: if the file cannot be written.
        """
        columns = self.columns
        rows = [
            [i + 1, *[row.get(name, "") for name in columns]] for i, row in enumerate(self.rows)
        ]
        files.write_csv(path, ["epoch", *columns], rows)

    @classmethod
    def from_csv(cls, path: PathLike) -> History:
        """Reads what `to_csv` wrote.

        Raises:
            InputError: if there is no such file or it is damaged.
        """
        history = cls()
        try:
            rows = csv.DictReader(io.StringIO(files.read_text(path)), strict=True)
            if len(rows.fieldnames or ()) > MOST_COLUMNS:
                raise ValueError(f"it has {len(rows.fieldnames or ()):,} columns")
            for row in rows:
                history.append({n: float(v) for n, v in row.items() if n != "epoch" and v != ""})
        except (TypeError, ValueError, AttributeError, csv.Error) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path} is damaged: {error}.") from error
        return history
