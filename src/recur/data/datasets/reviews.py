"""Labelled texts in two parts, as every dataset of reviews is handed out."""

from __future__ import annotations

from collections import Counter
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


def hold_out(
    texts: list[str], labels: list[str], share: float, seed: int = 0
) -> tuple[list[int], list[int]]:
    """Splits rows into (kept, held out), the same share of every label, always the same rows.

    A text that occurs twice is not divided between the two: what is held out was never seen. The
    rows of each part are in a fixed random order, since many files are sorted by label.
    """
    chance = np.random.default_rng(seed)
    rows = chance.permutation(len(labels)).tolist()
    times = Counter(texts)
    left = {label: round(number * share) for label, number in Counter(labels).items()}
    held_texts: dict[str, bool] = {}
    kept: list[int] = []
    held: list[int] = []
    for row in rows:
        text, label = texts[row], labels[row]
        if text not in held_texts:
            held_texts[text] = left[label] >= times[text]
            left[label] -= times[text] * held_texts[text]
        (held if held_texts[text] else kept).append(row)
    return kept, held


def split_reviews(
    texts: list[str], labels: list[str], share: float, about: str, notes: tuple[str, ...] = ()
) -> Reviews:
    """`Reviews` from texts without a test part of their own."""
    kept, held = hold_out(texts, labels, share)
    return Reviews(
        [texts[row] for row in kept],
        [labels[row] for row in kept],
        [texts[row] for row in held],
        [labels[row] for row in held],
        about,
        notes,
    )
