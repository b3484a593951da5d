"""What a text is made of for a language model: words, characters or subwords, as numbers.

Each kind is fitted on training texts, turns a text into ids and back, and goes through JSON. The id
0 stands for whatever was not among the training texts.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NotRequired, Self, TypedDict

import numpy as np
from numpy.typing import NDArray

from recur import schema
from recur.data.words import LETTERS, UNICODE, pieces
from recur.messages import FailedError, InputError, must, one_of

Ids = NDArray[np.int64]

UNKNOWN, UNKNOWN_WORD = 0, "<unk>"

_TIGHT_BEFORE = re.compile(r"[ ]+(?=[.,;:!?%)\]}\u2019\u201d\n])|(?<=\n)[ ]+|(?<=[(\[{\u201c])[ ]+")


class _Stored(TypedDict):
    pieces: list[str]


class _StoredWords(_Stored):
    spaces: bool
    rule: NotRequired[str]


class _Learnt(TypedDict):
    vocab: dict[str, int]
    merges: list[list[str] | str]


class _Model(TypedDict):
    model: _Learnt


class _StoredTokenizer(TypedDict):
    tokenizer: _Model


class Units:
    """What `Words` and `Characters` share: a list of pieces of text, the most frequent first.

    Args:
        pieces: by id, from 1.
    """

    kind: ClassVar[str]
    between: ClassVar[str]

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = tuple(pieces)
        self.ids = {piece: number for number, piece in enumerate(self.pieces, start=1)}

    @classmethod
    def _ranked(cls, texts: Iterable[Sequence[str]], size: int) -> list[str]:
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text)
        del counts[UNKNOWN_WORD]
        # Ties in alphabetical order: the same texts give the same ids, in whatever order.
        return sorted(counts, key=lambda piece: (-counts[piece], piece))[: size - 1]

    def __len__(self) -> int:
        """The number of ids."""
        return len(self.pieces) + 1

    def split(self, text: str) -> Sequence[str]:
        """The pieces of a text."""
        raise NotImplementedError

    def encode(self, text: str) -> Ids:
        """Turns a text into ids (n,); 0 for a piece that is not known."""
        return np.fromiter(
            map(self.ids.get, self.split(text), itertools.repeat(UNKNOWN)), dtype=np.int64
        )

    def unknown(self, text: str) -> list[str]:
        """The pieces of a text that are not known, each once."""
        known = {*self.ids, UNKNOWN_WORD}  # which a text may say of itself
        return list(dict.fromkeys(piece for piece in self.split(text) if piece not in known))

    def piece(self, number: int) -> str:
        """The piece of an id, for a person."""
        return self.pieces[number - 1] if number else UNKNOWN_WORD

    def decode(self, ids: Iterable[int]) -> str:
        """Turns ids into a text."""
        return _TIGHT_BEFORE.sub("", self.between.join(map(self.piece, ids)))

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {"pieces": list(self.pieces)}


class Words(Units):
    """Words in lower case, marks, and ends of lines.

    Args:
        pieces: by id, from 1.
        spaces: words are what stands between spaces, as they are: for texts that were cut into
            words before, such as the Penn Treebank.
        rule: how other texts are cut; see `recur.data.words`.
    """

    kind, between = "words", " "

    def __init__(self, pieces: Sequence[str], *, spaces: bool = False, rule: str = UNICODE) -> None:
        super().__init__(pieces)
        self.spaces = spaces
        self.rule = one_of("rule", rule, (UNICODE, LETTERS))

    @classmethod
    def fit(cls, texts: Iterable[str], size: int, *, spaces: bool = False) -> Self:
        """Keeps the `size` most frequent words, the unknown one counted."""
        empty = cls((), spaces=spaces)
        return cls(cls._ranked(map(empty.split, texts), size), spaces=spaces)

    def split(self, text: str) -> Sequence[str]:
        """The words of a text."""
        if not self.spaces:
            return pieces(text.lower(), self.rule)
        words = text.replace("\n", " \n ").split(" ")
        # A person may write a word with a capital that the text never has.
        return [
            word if word in self.ids or word.lower() not in self.ids else word.lower()
            for word in words
            if word
        ]

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {**super().to_json(), "rule": self.rule, "spaces": self.spaces}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again."""
        known = schema.read(_StoredWords, stored, "a vocabulary")
        # Runs of before name no rule: they had the one there was.
        rule = known.get("rule", LETTERS)
        return cls(known["pieces"], spaces=known["spaces"], rule=rule)


class Characters(Units):
    """Characters as they are."""

    kind, between = "characters", ""

    @classmethod
    def fit(cls, texts: Iterable[str], size: int, *, spaces: bool = False) -> Self:
        """Keeps the `size` most frequent characters, the unknown one counted."""
        return cls(cls._ranked(map(_ends_of_lines, texts), size))

    def split(self, text: str) -> Sequence[str]:
        """The characters of a text, every end of a line the same one."""
        # Runs of before learnt "\r" from texts that were written under Windows.
        return text if "\r" in self.ids else _ends_of_lines(text)

    def decode(self, ids: Iterable[int]) -> str:
        """Turns ids into a text."""
        return "".join(map(self.piece, ids))

    def piece(self, number: int) -> str:
        """The character of an id; the replacement character for an unknown one."""
        return self.pieces[number - 1] if number else "\ufffd"

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again."""
        return cls(schema.read(_Stored, stored, "a vocabulary")["pieces"])


class Subwords:
    """Byte-level byte-pair encoding: every text can be written, no piece is unknown.

    R. Sennrich et al., arXiv:1508.07909; over bytes: A. Radford et al., "Language models are
    unsupervised multitask learners", 2019. Learnt by the package `tokenizers`.
    """

    kind = "subwords"

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    @classmethod
    def fit(cls, texts: Iterable[str], size: int, *, spaces: bool = False) -> Self:
        """Learns `size` subwords.

        Raises:
            InputError: if `size` has no room for the 256 bytes.
            FailedError: if the package tokenizers is not installed.
        """
        if size < 257:
            raise InputError(must("vocabulary", "at least 257 with subwords, for all bytes", size))
        library = _tokenizers()
        tokenizer = cls._over_bytes(library)
        trainer = library.trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=[UNKNOWN_WORD],
            initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        return cls(tokenizer)

    def __len__(self) -> int:
        """The number of ids."""
        return int(self.tokenizer.get_vocab_size())

    def encode(self, text: str) -> Ids:
        """Turns a text into ids (n,)."""
        return np.asarray(self.tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int64)

    def unknown(self, text: str) -> list[str]:
        """The pieces of a text that are not known: there are none."""
        return []

    def piece(self, number: int) -> str:
        """The subword of an id, for a person."""
        return self.decode([number])

    def decode(self, ids: Iterable[int]) -> str:
        """Turns ids into a text."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False))

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {"tokenizer": json.loads(self.tokenizer.to_str())}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again, of what was learnt alone: the rest of a tokenizer's JSON could say more.

        Raises:
            InputError: if `stored` is not what `to_json` gave.
            FailedError: if the package tokenizers is not installed.
        """
        tokenizer = schema.read(_StoredTokenizer, stored, "a vocabulary")["tokenizer"]
        learnt = tokenizer["model"]
        vocabulary, size = learnt["vocab"], len(learnt["vocab"])
        if sorted(vocabulary.values()) != list(range(size)) or vocabulary.get(UNKNOWN_WORD) != 0:
            expected = f"the ids from 0 ({UNKNOWN_WORD}) to {size - 1:,}, each once"
            raise InputError(must("the subwords", expected, "others"))
        try:
            # Older versions of the package write a pair as one text.
            pairs = [tuple(m.split(" ") if isinstance(m, str) else m) for m in learnt["merges"]]
            built = cls._over_bytes(_tokenizers(), vocab=vocabulary, merges=pairs)
        except FailedError:
            raise
        except Exception as error:  # the library raises nothing narrower
            raise InputError(must("the pairs of subwords", "pairs of them", str(error))) from error
        built.add_special_tokens([UNKNOWN_WORD])
        return cls(built)

    @staticmethod
    def _over_bytes(library: Any, **learnt: Any) -> Any:
        tokenizer = library.Tokenizer(library.models.BPE(unk_token=UNKNOWN_WORD, **learnt))
        tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = library.decoders.ByteLevel()
        return tokenizer


KINDS: dict[str, type[Words] | type[Characters] | type[Subwords]] = {
    kind.kind: kind for kind in (Words, Characters, Subwords)
}


def from_json(kind: str, stored: Mapping[str, Any]) -> Words | Characters | Subwords:
    """Builds units of a kind again.

    Raises:
        InputError: if `stored` is not what `to_json` gave.
    """
    return KINDS[one_of("unit", kind, KINDS)].from_json(stored)


def _ends_of_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _tokenizers() -> Any:
    try:
        import tokenizers
        import tokenizers.decoders
        import tokenizers.models
        import tokenizers.pre_tokenizers
        import tokenizers.trainers
    except ImportError as error:
        raise FailedError(
            "Subwords need the package tokenizers, which is not installed. Install it with: "
            "pip install 'recur[subwords]'"
        ) from error
    return tokenizers
