"""What is answered of a text: a class, several of them, or nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from recur.data import labels
from recur.tasks.answers import Answer, Judgement
from recur.tasks.label_kinds import Kind


@dataclasses.dataclass(frozen=True)
class Labels(Answer):
    """The classes of what was asked, none to several.

    Attributes:
        text: what was asked.
        labels: the classes that reach their threshold, the most probable first.
        probabilities: of every class.
    """

    text: str
    labels: tuple[str, ...]
    probabilities: dict[str, float]

    def __str__(self) -> str:
        said = (f"{name} {self.probabilities[name]:.4f}" for name in self.labels)
        return f"{', '.join(said) or '(none)'}  {self.text}"


@dataclasses.dataclass(frozen=True)
class Nothing(Answer):
    """No answer: it keeps the place of a blank line.

    Attributes:
        text: what was asked, blank.
        label: none.
    """

    text: str
    label: None = None

    def __str__(self) -> str:
        return ""


def answered(
    text: str, row: list[float], chosen: tuple[int, ...], classes: Sequence[str], kind: Kind
) -> Answer:
    """An answer in words.

    Args:
        text: what was asked.
        row: (C,) the probabilities of the classes.
        chosen: the numbers of those that are answered.
        classes: C of them.
        kind: what labels are.
    """
    if not text.strip():
        return Nothing(text)
    if kind.name != labels.SEVERAL:
        return Judgement(text, classes[chosen[0]], row[chosen[0]])
    best = sorted(chosen, key=lambda index: -row[index])
    probabilities = dict(zip(classes, row, strict=True))
    return Labels(text, tuple(classes[index] for index in best), probabilities)
