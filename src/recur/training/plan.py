"""How to train: the arguments of `fit` that are neither model nor data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OnEpoch = Callable[[int, dict[str, float]], object]


@dataclass(frozen=True)
class Plan:
    """The arguments, checked.

    Attributes:
        epochs: passes over the data.
        clip_norm: the limit of the gradient's norm, or None.
        truncate: the steps of a piece, or None.
        shuffle: another order in every epoch.
        monitor: the column that says which epoch is best.
        up: whether more is better of it.
        patience: epochs to wait for a better one, or None.
        restore_best: end with the weights of the best epoch.
        folder: where the state is kept, or None.
        learning_rate: the step size asked for, or None.
        accumulate: batches of a step.
        ema: the decay of the average of the weights, or None.
        label_smoothing: the share of a target that goes to all classes alike.
        autocast: the type of the products in training, or None for the weights'.
    """

    epochs: int
    clip_norm: float | None
    truncate: int | None
    shuffle: bool
    monitor: str
    up: bool
    patience: int | None
    restore_best: bool
    folder: Path | None
    learning_rate: float | None
    accumulate: int
    ema: float | None
    label_smoothing: float
    autocast: str | None
