"""Labelled texts in two parts, as every dataset of reviews is handed out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reviews:
    """Texts and labels for training and for testing.

    Attributes:
        train: the training texts.
        train_labels: their labels.
        test: the test texts.
        test_labels: their labels.
        about: what they are, in a line.
        notes: what must be said wherever a score on them is shown.
    """

    train: list[str]
    train_labels: list[str]
    test: list[str]
    test_labels: list[str]
    about: str
    notes: tuple[str, ...] = ()


def hold_out(labels: list[str], share: float, seed: int = 0) -> tuple[list[int], list[int]]:
    """Splits rows into (kept, held out), the same share of every label, always the same rows.

    The rows of each part are in a fixed random order, since many files are sorted by label.
    """
    chance = np.random.default_rng(seed)
    rows = chance.permutation(len(labels)).tolist()
    left = {label: round(labels.count(label) * share) for label in sorted(set(labels))}
    kept, held = [], []
    for row in rows:
        if left[labels[row]] > 0:
            left[labels[row]] -= 1
            held.append(row)
        else:
            kept.append(row)
    return kept, held


def split_reviews(
    texts: list[str], labels: list[str], share: float, about: str, notes: tuple[str, ...] = ()
) -> Reviews:
    """`Reviews` from texts without a test part of their own."""
    kept, held = hold_out(labels, share)
    return Reviews(
        [texts[row] for row in kept],
        [labels[row] for row in kept],
        [texts[row] for row in held],
        [labels[row] for row in held],
        about,
        notes,
    )
