"""Words, each read by its own vector and letter by letter."""

from __future__ import annotations

import torch
from torch import Tensor

from recur.layers.checks import tensor
from recur.layers.lengths import Lengths
from recur.messages import InputError, must, real, whole
from recur.models.checks import check_sizes
from recur.models.deep import deep
from recur.models.fronts.front import Front
from recur.models.tokens import check_std, embedded, table


class WordsAndCharacters(Front):
    """A word's vector, beside what recurrent layers of both directions make of its characters.

    X. Ma and E. Hovy, arXiv:1603.01354, and G. Lample et al., arXiv:1603.01360, the latter's way:
    the last outputs of both directions. A word that was never seen is known by its characters.
    Each distinct spelling in a batch is walked once, however often it stands there.

    Args:
        vocabulary: words are below this number.
        characters: characters are below this number; 0 is none, and fills up a word's.
        size: the numbers of a word's vector.
        character_size: the numbers of a character's vector.
        units: of the layer over characters, in each direction; F = size + 2 * units.
        cell: its cell.
        std: the standard deviation that the vectors of words start with.
        word_dropout: the part of the words read as `unknown` while training, so that its vector
            is learnt and the characters have to speak (M. Iyyer et al., ACL 2015).
        unknown: the word that stands for those that are not in the vocabulary.

    Raises:
        InputError: sizes below 1, an unknown cell, a `std` not above 0, or `word_dropout` without
            `unknown`.
    """

    tokens = True

    def __init__(
        self,
        vocabulary: int,
        characters: int,
        *,
        size: int = 100,
        character_size: int = 25,
        units: int = 50,
        cell: str = "lstm",
        std: float = 1.0,
        word_dropout: float = 0.0,
        unknown: int | None = None,
    ) -> None:
        super().__init__()
        check_sizes(0, vocabulary=vocabulary, characters=characters, size=size, units=units)
        check_sizes(0, character_size=character_size)
        check_std("std", std)
        real("word_dropout", word_dropout, lambda part: 0 <= part <= 1, "from 0 to 1")
        if unknown is not None and whole("unknown", unknown, least=0) >= vocabulary:
            raise InputError(must("unknown", f"a word from 0 to {vocabulary - 1}", unknown))
        if word_dropout and unknown is None:
            raise InputError("word_dropout needs unknown: the word that is read instead.")
        self.size = size + 2 * units
        self.word_dropout, self.unknown = word_dropout, unknown
        self.words = table(vocabulary, size, std=std)
        self.characters = table(characters, character_size)
        self.recurrent = deep(
            cell, character_size, units, bidirectional=True, return_sequences=False
        )

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """As `Front.forward`: x (B, T, 1 + C) whole numbers: the word, then its characters.

        A word of fewer than C characters is filled up with 0; one without any, such as a step
        that does not exist, has zeros in the place of what its characters would say.
        """
        if tensor("x", x).dim() != 3 or x.shape[2] < 2:
            got = f"the shape {tuple(x.shape)}"
            raise InputError(must("words and their characters", "(batch, time, 1 + C)", got))
        words = embedded(self._read(x[..., 0]), self.words, what="words")
        spellings, which = torch.unique(x[..., 1:].flatten(0, 1), dim=0, return_inverse=True)
        known = spellings != 0
        counts = known.sum(dim=1)
        if not torch.equal(known, torch.arange(known.shape[1], device=x.device) < counts[:, None]):
            todo = "Fill up words at their ends only."
            raise InputError(must("characters of 0", "only at the ends of words", "others", todo))
        letters = spellings[:, : int(counts.max()) if len(counts) else 0]
        spelt = self.recurrent(
            embedded(letters, self.characters, what="characters"), lengths=counts
        )
        return torch.cat([words, spelt[which].view(*x.shape[:2], spelt.shape[1])], dim=-1), lengths

    def _read(self, words: Tensor) -> Tensor:
        if not self.training or not self.word_dropout:
            return words
        dropped = torch.rand(words.shape, device=words.device) < self.word_dropout
        return torch.where(dropped, self.unknown or 0, words)
