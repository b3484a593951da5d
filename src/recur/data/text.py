"""Words and numbers: tokens and vocabularies.

The numbering is that of Keras' IMDB data, so that both can be used side by side: 0 is padding, 1
the start of a text, 2 a word that is not in the vocabulary, 3 is not used, and words follow from 4
on, the most frequent first.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recur import schema
from recur.data.words import LETTERS, UNICODE, words
from recur.messages import InputError, must, one_of

PADDING, START, UNKNOWN, INDEX_FROM = 0, 1, 2, 3

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_PUNCTUATION = str.maketrans(
    {mark: " " for mark in map(chr, range(128)) if not mark.isalnum() and mark != "'"}
)


def tokenize(text: str, rule: str = UNICODE) -> list[str]:
    """Splits a text into lower-case words, by Unicode's rules (see `recur.data.words`).

    Letters and digits with their combining marks, apostrophes inside a word kept; each ideograph
    (Chinese), Hiragana or Thai letter alone; emoji, flags and joined emoji each a word. Other
    marks and HTML line breaks are dropped.

    Args:
        text: the text.
        rule: "unicode"; or "letters", which drops emoji and cuts at nothing but marks and spaces:
            what runs of recur 0.1 were trained with.
    """
    text = (_BREAK.sub(" ", text) if "<" in text else text).lower()
    if not text.isascii():
        return words(text, rule)
    # The same words three times as fast, for the texts that allow it.
    text = text.translate(_PUNCTUATION)
    if "'" not in text:
        return text.split()
    found = (word.strip("'") for word in text.replace("''", "' '").split())
    return [word for word in found if word]


@dataclass(frozen=True)
class Vocabulary:
    """The words of the training texts, the most frequent first.

    Attributes:
        words: by rank; the id of the first is `index_from + 1`.
        index_from: the last id with a meaning of its own.
        rule: how texts are split; see `tokenize`.
        padding: the id of padding: 0.
        start: the id that stands before a text: 1.
        unknown: the id of words that are not among `words`: 2.
    """

    words: tuple[str, ...]
    index_from: int = INDEX_FROM
    rule: str = UNICODE
    padding: ClassVar[int] = PADDING
    start: ClassVar[int] = START
    unknown: ClassVar[int] = UNKNOWN
    before: ClassVar[Mapping[str, str]] = {"rule": LETTERS}  # there was one, and it had no name

    def __post_init__(self) -> None:
        one_of("rule", self.rule, (UNICODE, LETTERS))

    @classmethod
    def fit(
        cls,
        texts: Iterable[str | Sequence[str]],
        *,
        num_words: int | None = None,
        index_from: int = INDEX_FROM,
    ) -> Self:
        """Counts the words of texts (or of lists of tokens).

        Args:
            texts: the training texts, and only they.
            num_words: ids stay below this number, as in Keras; None keeps every word.
            index_from: see the class.

        Raises:
            InputError: if `num_words` leaves no room for a word.
        """
        if num_words is not None and num_words <= index_from + 1:
            raise InputError(
                must("num_words", f"above {index_from + 1}, to leave room for words", num_words)
            )
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(tokenize(text) if isinstance(text, str) else text)
        room = None if num_words is None else num_words - index_from - 1
        # Ties in alphabetical order: the same texts give the same ids, in whatever order.
        ranked = sorted(counts, key=lambda word: (-counts[word], word))[:room]
        return cls(tuple(ranked), index_from)

    def __len__(self) -> int:
        """The number of ids: what an embedding must hold."""
        return len(self.words) + self.index_from + 1

    @functools.cached_property
    def ids(self) -> dict[str, int]:
        """Word to id."""
        return {word: i for i, word in enumerate(self.words, start=self.index_from + 1)}

    def split(self, text: str) -> list[str]:
        """The words of a text, whether they are in the vocabulary or not."""
        return tokenize(text, self.rule)

    def encode(
        self,
        text: str | Sequence[str],
        *,
        maxlen: int | None = None,
        keep: str = "last",
        start: bool = True,
    ) -> NDArray[np.int32]:
        """Turns a text (or tokens) into ids.

        Args:
            text: the text.
            maxlen: at most so many ids; None for all.
            keep: which are kept of a longer text: the "last" (as Keras) or the "first".
            start: put the id 1 in front.

        Returns:
            (steps,) ids; 2 for a word that is not in the vocabulary.

        Raises:
            InputError: if `maxlen` is less than 1, or `keep` is another word.
        """
        one_of("keep", keep, ["last", "first"])
        if maxlen is not None and maxlen < 1:
            raise InputError(must("maxlen", "at least 1, or None for all", maxlen))
        tokens = self.split(text) if isinstance(text, str) else text
        numbers = [START] if start else []
        numbers += map(self.ids.get, tokens, itertools.repeat(UNKNOWN))
        if maxlen is not None:
            numbers = numbers[-maxlen:] if keep == "last" else numbers[:maxlen]
        return np.array(numbers, dtype=np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        """Turns ids into words; padding and start are left out, unknown words are "?"."""
        known = [int(i) for i in ids if int(i) not in (PADDING, START)]
        first = self.index_from + 1
        return " ".join(self.words[i - first] if first <= i < len(self) else "?" for i in known)

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {"index_from": self.index_from, "rule": self.rule, "words": list(self.words)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again.

        Raises:
            InputError: if `stored` is not what `to_json` gave.
        """
        return schema.read(cls, stored, "a vocabulary")
