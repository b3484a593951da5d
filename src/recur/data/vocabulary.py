"""Vocabularies: texts to ids and back, over words, characters, subwords or tokens."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from recur import schema
from recur.data import subwords
from recur.data.numbering import KERAS, Numbering
from recur.data.old_vocabularies import as_now
from recur.data.text import SPLITTERS, UNKNOWN_WORD, Splitter
from recur.data.words import LETTERS, UNICODE
from recur.messages import InputError, must, one_of, shown

SUBWORDS, TOKENS = "subwords", "tokens"


@dataclass(frozen=True)
class Vocabulary:
    """The pieces of the training texts, the most frequent first, and their ids.

    Attributes:
        pieces: by rank; the id of the first is `numbering.first`. Of subwords: as byte-level
            byte-pair encoding writes them.
        splitter: how texts are cut. "words": in lower case, without marks (see `tokenize`);
            "words-and-marks": the same with marks and ends of lines; "spaces": what stands between
            spaces, as it is; "characters"; "subwords"; "tokens": they are, lists come in.
        numbering: the ids with a meaning of their own; `recur.data.numbering` has the usual ones.
        rule: what a word is: "unicode"; "letters" for runs of recur 0.1 (see `tokenize`).
        pairs: the subwords that were joined into another, in order.
    """

    pieces: tuple[str, ...]
    splitter: str = "words"
    numbering: Numbering = KERAS
    rule: str = UNICODE
    pairs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        one_of("splitter", self.splitter, (*SPLITTERS, SUBWORDS, TOKENS))
        one_of("rule", self.rule, (UNICODE, LETTERS))
        if len(self.ids) < len(self.pieces):
            twice = next(p for p, times in Counter(self.pieces).items() if times > 1)
            raise InputError(must("the pieces of a vocabulary", "different ones", repr(twice)))

    @classmethod
    def fit(
        cls,
        texts: Iterable[str | Sequence[str]],
        *,
        size: int | None = None,
        splitter: str = "words",
        numbering: Numbering = KERAS,
    ) -> Self:
        """Counts the pieces of texts (or of lists of tokens), or learns subwords.

        Args:
            texts: the training texts, and only they.
            size: ids stay below this number (Keras' `num_words`); None keeps every piece.
            splitter: see the class.
            numbering: see the class.

        Raises:
            InputError: if `size` leaves no room for a piece; of subwords: for the 256 bytes.
            FailedError: for subwords, if the package tokenizers is not installed.
        """
        empty = cls((), splitter, numbering)
        if splitter == SUBWORDS:
            return cls._learnt(texts, size, numbering)
        if size is not None and size <= numbering.first:
            expected = f"above {numbering.first}, to leave room for {empty.noun}"
            raise InputError(must("the size of the vocabulary", expected, size))
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(empty._cut(text))
        if numbering.unknown is not None:
            del counts[UNKNOWN_WORD]
        room = None if size is None else size - numbering.first
        # Ties in alphabetical order: the same texts give the same ids, in whatever order.
        ranked = sorted(counts, key=lambda piece: (-counts[piece], piece))[:room]
        return cls(tuple(ranked), splitter, numbering)

    @classmethod
    def _learnt(
        cls, texts: Iterable[str | Sequence[str]], size: int | None, numbering: Numbering
    ) -> Self:
        least = numbering.first + subwords.BYTES
        if size is None or size < least:
            expected = f"at least {least} with subwords, for all bytes"
            raise InputError(must("the size of the vocabulary", expected, size))
        reserved = _reserved(numbering)
        room = size - numbering.first + reserved
        tokenizer = subwords.learn(map(_text, texts), room, unknown=bool(reserved))
        pieces, pairs = subwords.learnt(tokenizer)
        return cls(pieces, SUBWORDS, numbering, pairs=pairs)

    def __len__(self) -> int:
        """The number of ids: what an embedding must hold."""
        return len(self.pieces) + self.numbering.first

    @property
    def padding(self) -> int | None:
        """The id of padding, or of CTC's blank."""
        return self.numbering.padding

    @property
    def start(self) -> int | None:
        """The id that stands before a text."""
        return self.numbering.start

    @property
    def end(self) -> int | None:
        """The id that stands after a text."""
        return self.numbering.end

    @property
    def unknown(self) -> int | None:
        """The id of what is not in the vocabulary."""
        return self.numbering.unknown

    @property
    def noun(self) -> str:
        """What its pieces are called: words, characters, subwords or tokens."""
        return self._way.noun if self.splitter in SPLITTERS else self.splitter

    @functools.cached_property
    def ids(self) -> dict[str, int]:
        """Piece to id."""
        return {piece: i for i, piece in enumerate(self.pieces, start=self.numbering.first)}

    def split(self, text: str) -> Sequence[str]:
        """The pieces of a text, whether they are in the vocabulary or not."""
        if self.splitter == SUBWORDS:
            return [self.piece(number) for number in self._subword_ids(text)]
        return self._way.split(text, self.rule, self.ids)

    def not_known(self, text: str) -> list[str]:
        """The pieces of a text that are not in the vocabulary, each once."""
        if self.splitter == SUBWORDS:
            return []
        known = {*self.ids, UNKNOWN_WORD}  # which a text may say of itself
        return list(dict.fromkeys(piece for piece in self.split(text) if piece not in known))

    def encode(
        self,
        text: str | Sequence[str],
        maxlen: int | None = None,
        *,
        keep: str = "last",
        start: bool = True,
        end: bool = True,
    ) -> list[int]:
        """Turns a text (or pieces) into ids.

        Args:
            text: the text.
            maxlen: at most so many ids; None for all.
            keep: which are kept of a longer text: the "last" (as Keras) or the "first".
            start: put the id of the start in front, if there is one.
            end: put that of the end behind, if there is one.

        Raises:
            InputError: if a piece is not in a vocabulary that has no id for such, `maxlen` is less
                than 1, or `keep` is another word.
        """
        one_of("keep", keep, ["last", "first"])
        if maxlen is not None and maxlen < 1:
            raise InputError(must("maxlen", "at least 1, or None for all", maxlen))
        numbers = [self.start] if start and self.start is not None else []
        numbers += self._numbers(text)
        if end and self.end is not None:
            numbers.append(self.end)
        if maxlen is None:
            return numbers
        return numbers[-maxlen:] if keep == "last" else numbers[:maxlen]

    def decode(self, ids: Iterable[int]) -> str:
        """Turns ids into a text; padding, start and end are left out."""
        numbers = [number for number in map(int, ids) if number not in self._marks]
        if self.splitter != SUBWORDS:
            return self._way.join(map(self.piece, numbers))
        shift, pieces = self._shift, range(self.numbering.first, len(self))
        if self.unknown is None:
            numbers = [number for number in numbers if number in pieces]
        found = [number - shift if number in pieces else 0 for number in numbers]
        return str(self._tokenizer.decode(found, skip_special_tokens=False))

    def piece(self, number: int) -> str:
        """The piece of an id, for a person."""
        at = number - self.numbering.first
        if not 0 <= at < len(self.pieces):
            return self._marks.get(number, self._way.unknown)
        return self.decode([number]) if self.splitter == SUBWORDS else self.pieces[at]

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        lists = {"pairs": list(self.pairs), "pieces": list(self.pieces)}
        return {**asdict(replace(self, pieces=(), pairs=())), **lists}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again; also what recur 0.1 stored.

        Raises:
            InputError: if `stored` is not what `to_json` gave.
            FailedError: for subwords, if the package tokenizers is not installed.
        """
        known = stored if "splitter" in stored else as_now(stored)
        found = schema.read(cls, known, "a vocabulary")
        if found.splitter == SUBWORDS:
            found._tokenizer  # noqa: B018 - what is damaged is said now
        return found

    @property
    def _way(self) -> Splitter:
        return SPLITTERS.get(self.splitter, _AS_THEY_ARE)

    @functools.cached_property
    def _marks(self) -> dict[int, str]:
        """Ids that stand for no piece, and what people call them."""
        return {n: name for n, name in self.numbering.special() if n != self.unknown}

    def _cut(self, text: str | Sequence[str]) -> Sequence[str]:
        return self._way.split(text, self.rule, self.ids) if isinstance(text, str) else text

    def _numbers(self, text: str | Sequence[str]) -> Iterator[int]:
        if self.splitter == SUBWORDS and isinstance(text, str):
            return self._subword_ids(text)
        found = self._cut(text)
        if self.unknown is not None:
            return map(self.ids.get, found, itertools.repeat(self.unknown))
        return map(self._known, found)

    def _known(self, piece: str) -> int:
        number = self.ids.get(piece)
        if number is None:
            expected = f"in the vocabulary, which has no number for unknown {self.noun}"
            raise InputError(must("each piece of a text", expected, repr(piece)))
        return number

    @property
    def _shift(self) -> int:
        """From the tokenizer's ids, whose unknown one is 0 if there is one, to those of here."""
        return self.numbering.first - _reserved(self.numbering)

    @functools.cached_property
    def _tokenizer(self) -> Any:
        unknown = self.unknown is not None
        return subwords.rebuilt(self.pieces, self.pairs, unknown=unknown)

    def _subword_ids(self, text: str) -> Iterator[int]:
        found: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        shift, unknown = self._shift, self.unknown
        if unknown is None:
            return (number + shift for number in found)
        return (number + shift if number else unknown for number in found) if shift else iter(found)


def _tokens(text: str, rule: str, known: Container[str]) -> Sequence[str]:
    raise InputError(must("what is turned into numbers", "a list of tokens", shown(text)))


_AS_THEY_ARE = Splitter(TOKENS, _tokens, " ".join)


def _reserved(numbering: Numbering) -> int:
    """How many ids a tokenizer has of its own: that of the unknown one."""
    return int(numbering.unknown is not None)


def _text(given: str | Sequence[str]) -> str:
    if isinstance(given, str):
        return given
    raise InputError(must("what subwords are learnt from", "texts", shown(given)))
