"""Pictures read step by step: rows, columns, a row and a column at once, or pixels in some order.

Letters: N pictures, B in a batch, C channels, S height and width, T steps, F numbers of a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recur.data.picture_changes import PictureChanges
from recur.data.pictures import Picture, Stored, measured
from recur.data.sequences import Batch
from recur.messages import InputError, must, one_of

ORDERS = ("rows", "columns", "both", "pixels", "permuted")
LARGEST = 64
"""Pixels of the height and width that pictures get where nobody says it."""
LOOKED_AT = 2000
"""Pictures whose mean and deviation are measured."""
Rows = Sequence[int] | NDArray[np.int64]


@dataclass(frozen=True)
class Scan:
    """How a picture becomes steps.

    Attributes:
        order: one of `ORDERS`.
        size: S.
        channels: C, 3 for colour, 1 for grey.
        mean: what is taken off the pixels, which go from 0 to 1.
        deviation: what the rest is divided by.
        permutation: (S * S,) which pixel comes when, of the order "permuted"; else empty.

    Raises:
        InputError: parts that do not fit together.
    """

    order: str
    size: int
    channels: int
    mean: float
    deviation: float
    permutation: tuple[int, ...]

    def __post_init__(self) -> None:
        one_of("order", self.order, ORDERS)
        if self.channels not in (1, 3) or self.size < 1 or not self.deviation > 0:
            got = f"{self.channels}, {self.size} and {self.deviation}"
            expected = "1 or 3 channels, a size of 1 at least and a deviation above 0"
            raise InputError(must("how pictures are read", expected, got))
        expected_pixels = range(self.size**2) if self.order == "permuted" else range(0)
        if sorted(self.permutation) != list(expected_pixels):
            got = f"{len(self.permutation):,} places"
            raise InputError(must("the permutation", f"of {len(expected_pixels):,} pixels", got))

    @classmethod
    def fit(
        cls,
        pictures: Sequence[Picture],
        order: str,
        *,
        size: int | None = None,
        channels: int | None = None,
    ) -> Self:
        """Measures pictures.

        Args:
            pictures: those that are learnt from.
            order: one of `ORDERS`.
            size: S; None: the height or width, whichever is larger, of the first picture, but at
                most 64.
            channels: C; None: 3 if one of the first pictures has colour.

        Raises:
            InputError: if one cannot be read.
        """
        seen = [measured(each) for each in pictures[:16]]
        size = size or min(max(seen[0][:2]), LARGEST)
        channels = channels or max(colours for _, _, colours in seen)
        stored = Stored(pictures[:LOOKED_AT], size, channels)
        # As they come, so that no more than one is in memory beside what is kept.
        sums = np.array([_sums(stored.at(row)) for row in range(len(stored.pictures))]).mean(axis=0)
        deviation = float(np.sqrt(max(sums[1] - sums[0] ** 2, 0.0)))
        places: list[int] = []
        if order == "permuted":
            places = np.random.default_rng(0).permutation(size**2).tolist()
        mean = round(float(sums[0]), 6)
        return cls(order, size, channels, mean, round(deviation, 6) or 1.0, tuple(places))

    @property
    def shape(self) -> tuple[int, int]:
        """T and F."""
        if self.line == 1:
            return self.size, self.size * self.channels * (2 if self.order == "both" else 1)
        return self.size**2, self.channels

    @property
    def line(self) -> int:
        """Steps that read as many pixels as a row has."""
        return self.size if self.order in ("pixels", "permuted") else 1

    def steps(self, pictures: Tensor) -> Tensor:
        """(B, C, S, S) pictures from 0 to 1, as (B, T, F)."""
        scaled = (pictures - self.mean) / self.deviation
        if self.line > 1:
            pixels = scaled.flatten(2).transpose(1, 2)
            return pixels[:, list(self.permutation)] if self.permutation else pixels.contiguous()
        rows, columns = scaled.transpose(1, 2), scaled.permute(0, 3, 1, 2)
        read = {"rows": [rows], "columns": [columns], "both": [rows, columns]}[self.order]
        return torch.cat([each.flatten(2) for each in read], dim=2)


def _sums(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    shares = pixels / 255.0
    return float(shares.mean()), float((shares**2).mean())


class Scanned:
    """Pictures as examples; those that vary are changed at random whenever a batch asks for them.

    The chances of a batch are drawn from `seed` and one number out of torch's random state, which
    `fit` seeds and keeps in its checkpoints: a training that goes on in the middle draws what it
    would have drawn.

    Args:
        pictures: N of them.
        scan: how they become steps.
        y: (N,) targets; None without.
        changes: how they are changed; None: not at all.
        seed: of the chance.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        scan: Scan,
        y: Any = None,
        *,
        changes: PictureChanges | None = None,
        seed: int = 0,
    ) -> None:
        self.scan, self.changes, self.seed = scan, changes, seed
        self._stored = Stored(pictures, scan.size, scan.channels)
        self._y = None if y is None else torch.as_tensor(y)

    @property
    def lengths(self) -> None:
        """None: all are as long."""
        return None

    @property
    def y(self) -> Tensor | None:
        """(N,) targets, or None."""
        return self._y

    def __len__(self) -> int:
        return len(self._stored.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor | None]:
        """Returns the steps (T, F) of picture `index`, and its target."""
        if not -len(self) <= index < len(self):
            raise IndexError(must("index", f"between {-len(self)} and {len(self) - 1}", index))
        batch = self.batch([index % len(self)])
        return batch.x[0], None if batch.y is None else batch.y[0]

    def pixels(self, rows: Rows) -> NDArray[np.uint8]:
        """(B, C, S, S) the pictures at `rows`, as they are."""
        return np.stack([self._stored.at(int(row)) for row in rows])

    def batch(self, indices: Rows) -> Batch:
        """Reads the pictures at `indices` as one batch, x (B, T, F)."""
        rows = torch.as_tensor(np.asarray(indices, dtype=np.int64))
        seen = torch.from_numpy(self.pixels(rows.tolist())).float() / 255
        if self.changes:
            drawn = int(torch.randint(2**31, ()))
            seen = self.changes.of(seen, np.random.default_rng([self.seed, drawn]))
        return Batch(self.scan.steps(seen), None, None if self._y is None else self._y[rows])
