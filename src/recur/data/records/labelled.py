"""Texts with labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from recur.data.splits import Records, Rows, Rule, by_label
from recur.messages import InputError


@dataclass(frozen=True)
class LabelledTexts(Records):
    """Texts and their labels; labels are empty where texts are only asked about.

    Attributes:
        texts: N of them.
        labels: a class for each, or for each a tuple of classes; or none at all.
        kind: what labels are, one of `recur.data.labels.KINDS`; empty: not known yet.
    """

    texts: list[str]
    labels: list[Any]
    kind: str = ""
    noun: ClassVar[str] = "text"

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        labels = [self.labels[row] for row in rows] if self.labels else []
        return replace(self, texts=[self.texts[row] for row in rows], labels=labels)

    @classmethod
    def asked(cls, inputs: Sequence[object], task: str, example: str) -> Self:
        """Texts without labels, for an answer; some may be blank, as lines of a file are.

        Raises:
            InputError: if one is no text, or none but blank ones are there.
        """
        texts = [each for each in inputs if isinstance(each, str)]
        if len(texts) != len(inputs) or not any(map(str.strip, texts)):
            raise InputError(f"{task} needs a text that is not empty, such as {example}.")
        return cls(texts, [])


class Opinions(LabelledTexts):
    """Texts for or against something."""


def _texts(records: LabelledTexts) -> list[str]:
    return records.texts


def _labels(records: LabelledTexts) -> Sequence[Hashable]:
    """What is held out alike: classes; of several the rarest, as most sets of them are unique."""
    if not any(isinstance(label, tuple) for label in records.labels):
        return records.labels
    times = Counter(name for names in records.labels for name in names)
    return [
        min(names, key=lambda name: (times[name], name), default="") for names in records.labels
    ]


stratified: Rule[Any] = by_label(_labels, same=_texts)
"""Holds out the same share of every label; a text that occurs twice stands on one side."""
