"""Which ids of a vocabulary have a meaning of their own: padding, start, end, unknown."""

from __future__ import annotations

from dataclasses import dataclass

from recur.data.text import UNKNOWN_WORD
from recur.messages import InputError, must, whole


@dataclass(frozen=True)
class Numbering:
    """Which ids have a meaning of their own, and from where on pieces follow.

    Attributes:
        first: the id of the first piece.
        padding: the id of padding, or of CTC's blank; None if there is none. The same holds for
            the others.
        start: the id that stands before a text.
        end: the id that stands after it.
        unknown: the id of what is not in the vocabulary.
    """

    first: int
    padding: int | None = None
    start: int | None = None
    end: int | None = None
    unknown: int | None = None

    def __post_init__(self) -> None:
        whole("the id of the first piece", self.first, 0)
        ids = [number for number, _ in self.special()]
        if len(set(ids)) < len(ids) or not all(0 <= number < self.first for number in ids):
            expected = f"different ids below {self.first}, where pieces begin"
            raise InputError(must("padding, start, end and unknown", expected, ids))

    def special(self) -> list[tuple[int, str]]:
        """The ids that there are of padding, start, end and unknown, and what people call them."""
        named = ((self.padding, "<pad>"), (self.start, "<s>"), (self.end, "</s>"))
        pairs = (*named, (self.unknown, UNKNOWN_WORD))
        return [(number, name) for number, name in pairs if number is not None]


KERAS = Numbering(padding=0, start=1, unknown=2, first=4)
"""That of Keras' IMDB data, so that both can be used side by side; 3 is not used."""
UNKNOWN_FIRST = Numbering(unknown=0, first=1)
"""0 stands for what is not known: for language models."""
TARGETS = Numbering(padding=0, start=1, end=2, unknown=3, first=4)
"""For sequences that are written, and end somewhere."""
END_FIRST = Numbering(end=0, unknown=1, first=2)
"""For sequences that are written by a model that knows where they start."""
BLANK_FIRST = Numbering(padding=0, first=1)
"""0 is CTC's blank; what is not known is refused."""
PIECES_ONLY = Numbering(first=0)
"""For tags and other classes; what is not known is refused."""
