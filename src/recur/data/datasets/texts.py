"""Plain texts in three parts, as every dataset for language models is handed out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    """Documents for training, validation and testing.

    Attributes:
        train: the training documents.
        validation: those that choose the best epoch.
        test: those to test on.
        about: what they are, in a line.
        spaces: whether the text was cut into words before, with spaces between.
        notes: what must be said wherever a score on them is shown.
    """

    train: list[str]
    validation: list[str]
    test: list[str]
    about: str
    spaces: bool = False
    notes: tuple[str, ...] = ()
