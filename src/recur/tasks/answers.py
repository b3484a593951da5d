"""Answers: what every one promises, and the usual ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any


class Answer:
    """One answer, a dataclass. Its `str()` is what a person reads."""

    def rest(self) -> str:
        """Returns what a person has still to read where the text was shown as it was written."""
        return str(self)

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON: its fields, unless it says otherwise."""
        return dataclasses.asdict(self)  # type: ignore[call-overload,no-any-return]

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yields what the answer is as files, a name and a content each: music, sound, pictures."""
        yield from ()


@dataclasses.dataclass(frozen=True)
class Judgement(Answer):
    """The most probable class of what was asked.

    Attributes:
        text: what was asked.
        label: the class.
        probability: of the class.
    """

    text: str
    label: str
    probability: float

    def __str__(self) -> str:
        return f"{self.label}  {self.probability:.4f}  {self.text}"
