"""What a tagger learns from its training sentences before the network: words, letters and tags."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from recur.data.numbering import PIECES_ONLY, UNKNOWN_FIRST, Numbering
from recur.data.records.tagged import TaggedSentences
from recur.data.vocabulary import TOKENS, Vocabulary
from recur.messages import InputError, count, must
from recur.scoring.yardsticks import MostFrequentTag
from recur.tasks.task import Fitted

LETTERS = 20
"""Of a longer word, an address, so many are read: half of them from its beginning."""
LETTERS_FROM = Numbering(padding=0, unknown=1, first=2)
"""Letters are numbered so: 0 is none."""


@dataclasses.dataclass(frozen=True)
class Column(Fitted):
    """A column of tags.

    Attributes:
        name: its name.
        tags: those there are.
        usual: for each word the tag that it most often had in training.
        otherwise: the most frequent tag of all.
    """

    name: str
    tags: Vocabulary
    usual: dict[str, str]
    otherwise: str

    @classmethod
    def of(cls, learnt: TaggedSentences, number: int, tags: Iterable[str]) -> Column:
        """Fits it.

        Args:
            learnt: the training sentences.
            number: which of their columns, from 0.
            tags: those that there are, in any part.

        Raises:
            InputError: if the training sentences have one tag only.
        """
        name = learnt.columns[number]
        usual = MostFrequentTag(learnt.words, learnt.tags(number))
        if len(set(usual.tags.values())) < 2:
            got = f"only {usual.otherwise!r} in {count(len(learnt), 'sentence')}"
            expected = f"of two tags at least in the column {name}"
            raise InputError(must("the training sentences", expected, got))
        known = Vocabulary(tuple(sorted(set(tags))), TOKENS, PIECES_ONLY)
        return cls(name, known, usual.tags, usual.otherwise)

    def targets(self, tags: Sequence[str]) -> NDArray[np.int64]:
        """(T,) the number of each tag.

        Raises:
            InputError: if one is not known.
        """
        for tag in tags:
            if tag not in self.tags.ids:
                expected = f"one of the {len(self.tags)} that the run knows"
                raise InputError(must(f"a tag of the column {self.name}", expected, repr(tag)))
        return np.array(self.tags.encode(tags), dtype=np.int64)

    def most_frequent(self, words: Sequence[str]) -> list[str]:
        """For each word the tag that it most often had in training: what needs no network."""
        return [self.usual.get(word, self.otherwise) for word in words]


@dataclasses.dataclass(frozen=True)
class TagPreprocessing(Fitted):
    """What the training sentences are made of.

    Attributes:
        columns: of tags, one at least.
        words: those with a vector of their own.
        letters: those that words are made of.
        lower: whether words are looked up in lower case.
    """

    columns: tuple[Column, ...]
    words: Vocabulary
    letters: Vocabulary
    lower: bool

    @classmethod
    def of(
        cls, learnt: TaggedSentences, columns: tuple[Column, ...], *, seen: int, lower: bool
    ) -> TagPreprocessing:
        """Fits words and letters.

        Args:
            learnt: the training sentences.
            columns: those of tags.
            seen: how often a word or letter must be there to be told from unknown ones.
            lower: see the class.
        """
        words = [word for sentence in learnt.words for word in sentence]
        return cls(
            columns,
            _known((word.lower() if lower else word for word in words), seen, UNKNOWN_FIRST),
            _known((letter for word in words for letter in word), seen, LETTERS_FROM),
            lower,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(column.name for column in self.columns)

    def read(self, words: Sequence[str]) -> NDArray[np.int32]:
        """(T, 1 + LETTERS) the id of each word, then those of its letters, filled up with 0."""
        found = np.zeros((len(words), 1 + LETTERS), dtype=np.int32)
        looked_up = [word.lower() for word in words] if self.lower else words
        found[:, 0] = self.words.encode(looked_up)
        for row, word in zip(found, words, strict=True):
            letters = word if len(word) <= LETTERS else word[: LETTERS // 2] + word[-LETTERS // 2 :]
            row[1 : 1 + len(letters)] = self.letters.encode(list(letters))
        return found


def _known(pieces: Iterable[str], least: int, numbering: Numbering) -> Vocabulary:
    """Those that are there often enough: the most frequent first, else in alphabetical order."""
    counts = Counter(pieces)
    ranked = sorted(counts, key=lambda piece: (-counts[piece], piece))
    return Vocabulary(tuple(p for p in ranked if counts[p] >= least), TOKENS, numbering)
