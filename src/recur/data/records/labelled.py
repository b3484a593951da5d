"""Texts with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from recur.data.splits import Records, Rows, by_label
from recur.messages import InputError


@dataclass(frozen=True)
class LabelledTexts(Records):
    """Texts and their labels; labels are empty where texts are only asked about.

    Attributes:
        texts: N of them.
        labels: a label for each, or none at all.
    """

    texts: list[str]
    labels: list[str]
    noun: ClassVar[str] = "text"

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        labels = [self.labels[row] for row in rows] if self.labels else []
        return type(self)([self.texts[row] for row in rows], labels)

    @classmethod
    def asked(cls, inputs: Sequence[object], task: str, example: str) -> Self:
        """Texts without labels, for an answer.

        Raises:
            InputError: if there is none, or one is empty or no text.
        """
        texts = [each for each in inputs if isinstance(each, str) and each.strip()]
        if not texts or len(texts) != len(inputs):
            raise InputError(f"{task} needs a text that is not empty, such as {example}.")
        return cls(texts, [])


def _texts(records: LabelledTexts) -> list[str]:
    return records.texts


def _labels(records: LabelledTexts) -> list[str]:
    return records.labels


stratified = by_label(_labels, same=_texts)
"""Holds out the same share of every label; a text that occurs twice stands on one side."""
