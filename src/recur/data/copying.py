"""Words that only one text has: numbered after a vocabulary, so that they can be copied from it.

A. See et al., "Get to the point: summarization with pointer-generator networks", arXiv:1704.04368,
section 2.2: the extended vocabulary of a source.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from recur.data.vocabulary import Vocabulary


class OwnWords:
    """The numbers of a source's words: a vocabulary's, and after them those that it lacks.

    Args:
        vocabulary: the words that all texts share; it has a number for unknown ones.
        source: the text that words can be copied from.
        maxlen: how many of its words are read, the first ones.
        room: how many of these may have a number of their own, in the order in which they come.

    Attributes:
        words: those that the vocabulary lacks, as it would write them.
    """

    def __init__(self, vocabulary: Vocabulary, source: str, maxlen: int, room: int) -> None:
        self.vocabulary = vocabulary
        self.pieces = vocabulary.split(source)[:maxlen]
        lacking = (piece for piece in self.pieces if piece not in vocabulary.ids)
        self.words: tuple[str, ...] = tuple(dict.fromkeys(lacking))[:room]
        first = len(vocabulary)
        self._ids = {word: number for number, word in enumerate(self.words, start=first)}

    def source(self) -> list[int]:
        """The numbers of the source."""
        return self._numbers(self.pieces)

    def target(self, text: str, maxlen: int) -> list[int]:
        """The numbers of what is to be written: `maxlen` at most, with the end where all fits."""
        assert self.vocabulary.end is not None
        numbers = [*self._numbers(self.vocabulary.split(text)), self.vocabulary.end]
        return numbers[:maxlen]

    def piece(self, number: int) -> str:
        """The word of a number."""
        beyond = number - len(self.vocabulary)
        return self.vocabulary.piece(number) if beyond < 0 else self.words[beyond]

    def text(self, numbers: Iterable[int]) -> list[str]:
        """The words of numbers."""
        return [self.piece(number) for number in numbers]

    def _numbers(self, pieces: Sequence[str]) -> list[int]:
        known, unknown = self.vocabulary.ids, self.vocabulary.unknown
        assert unknown is not None
        return [known.get(piece, self._ids.get(piece, unknown)) for piece in pieces]
