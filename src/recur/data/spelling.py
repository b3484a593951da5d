"""What transcripts are made of: characters or words, numbered from 1, for 0 is the blank of CTC."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must, one_of

UNITS = ("characters", "words")
"""What CTC's labels are."""
OFTEN = 10
"""How often each word must be said, in the mean, to be told apart as a whole."""
MOST_WORDS = 100
"""Different words that are told apart as wholes, unless it is asked for."""


@dataclass(frozen=True)
class Spelling:
    """What is told apart.

    Attributes:
        label: whether "characters" or "words" are.
        labels: all of them, from CTC's label 1 on.
    """

    label: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        one_of("label", self.label, UNITS)
        if not self.labels or len(set(self.labels)) < len(self.labels):
            raise InputError(must("labels", "different ones, one at least", self.labels))

    @classmethod
    def fit(cls, transcripts: Sequence[str], label: str) -> Spelling:
        """All that stands in the transcripts.

        Args:
            transcripts: N of them.
            label: "characters", "words", or "found": words where they are few and each is said
                often, else characters.

        Raises:
            InputError: if there is nothing in them.
        """
        kind = unit_of(transcripts) if label == "found" else label
        return cls(kind, tuple(sorted({each for text in transcripts for each in cut(text, kind)})))

    def encode(self, transcripts: Sequence[str]) -> list[NDArray[np.int64]]:
        """The numbers of each transcript's labels; those that are not known are left out."""
        number = {label: n for n, label in enumerate(self.labels, start=1)}
        return [
            np.array([number[each] for each in cut(text, self.label) if each in number], np.int64)
            for text in transcripts
        ]

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of labels by their numbers, from 1."""
        text = (" " if self.label == "words" else "").join(self.labels[n - 1] for n in numbers)
        return " ".join(text.split())

    def unknown(self, transcripts: Sequence[str]) -> list[str]:
        """The labels of transcripts that are not known, in order."""
        said = {each for text in transcripts for each in cut(text, self.label)}
        return sorted(said.difference(self.labels))


def cut(text: str, label: str) -> list[str]:
    """A transcript as labels."""
    return text.split() if label == "words" else list(text)


def unit_of(transcripts: Sequence[str]) -> str:
    """Words, where they are few and each is said often; of sentences, characters."""
    said = [word for text in transcripts for word in text.split()]
    few = len(set(said)) <= MOST_WORDS and len(said) >= OFTEN * len(set(said))
    return "words" if few else "characters"


def least_steps(text: str, label: str) -> int:
    """The steps that the shortest alignment has which says a text.

    A step for each label, and one for the blank between two that are the same.
    """
    labels = cut(text, label)
    return len(labels) + sum(a == b for a, b in itertools.pairwise(labels))
