"""N-grams: runs of neighbouring tokens, each of them one number, and which of them texts hold.

Letters: N texts, T tokens of one, G known n-grams.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recur.messages import InputError, must, whole

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LONGEST = 3
"""Tokens of an n-gram at most."""
SELDOM = 2
"""An n-gram that stands in the texts less often than this is not known: it says nothing."""
NONE = -1
"""The number of what is no n-gram."""
AT_ONCE = 2_000
"""Texts that are counted at once."""


class Found(NamedTuple):
    """Features in texts: of each the text, its number, and its weight by how often it is there."""

    text: Ints
    feature: Ints
    weight: Floats


@dataclass(frozen=True)
class NGrams:
    """How n-grams are numbered.

    Attributes:
        longest: tokens of an n-gram at most; those of one token count too.
        base: token ids are below this number.
        first: tokens below this number (padding, the start, the unknown) are part of no n-gram.
        once: an n-gram counts once in a text, however often it stands there; else as 1 + the
            logarithm of how often.

    Raises:
        InputError: sizes below 1, or numbers that would not fit 63 bits.
    """

    longest: int
    base: int
    first: int = 1
    once: bool = False

    def __post_init__(self) -> None:
        whole("the longest n-gram", self.longest, most=LONGEST)
        whole("the first token", self.first)
        if self.base**self.longest >= 2**63:
            expected = f"small enough for n-grams of {self.longest} tokens"
            raise InputError(must("the vocabulary", expected, f"{self.base:,}", "Take shorter."))

    def numbers(self, tokens: Tensor) -> list[Tensor]:
        """Of each length n, (..., T - n + 1): the n-gram that begins at each of (..., T) tokens.

        `NONE` where a token is no word. No two n-grams have one number, of whatever lengths.
        """
        word = tokens >= self.first
        found = [torch.where(word, tokens.long(), NONE)]
        for more in range(1, self.longest):
            before, last = found[-1][..., :-1], tokens[..., more:]
            there = (before != NONE) & word[..., more:]
            found.append(torch.where(there, before * self.base + last, NONE))
        return found

    def known(self, texts: Sequence[Sequence[int] | Ints], most: int) -> Ints:
        """(G,) in ascending order the n-grams that the texts hold twice, the `most` most frequent.

        Args:
            texts: N of them, the token ids of each.
            most: G at most.
        """
        along, _ = _along(texts)
        counted = [np.unique(each[each != NONE], return_counts=True) for each in self._of(along)]
        numbers, counts = (np.concatenate(each) for each in zip(*counted, strict=True))
        often = counts >= SELDOM
        numbers, counts = numbers[often], counts[often]
        kept = np.argsort(-counts, kind="stable")[:most]  # ties: the shorter ones first
        return np.sort(numbers[kept])

    def found(self, texts: Sequence[Sequence[int] | Ints], known: Ints) -> Iterator[Found]:
        """Yields which known n-grams stand in texts, by their place in `known`; some texts a time.

        Args:
            texts: as for `known`.
            known: (G,) n-grams in ascending order.
        """
        for low in range(0, len(texts) if len(known) else 0, AT_ONCE):
            along, text = _along(texts[low : low + AT_ONCE])
            each = []
            for numbers in self._of(along):
                place = np.searchsorted(known, numbers).clip(max=len(known) - 1)
                there = known[place] == numbers
                each.append(text[: len(numbers)][there] * len(known) + place[there])
            keys, counts = np.unique(np.concatenate(each), return_counts=True)
            weights = np.ones(len(keys)) if self.once else 1 + np.log(counts)
            yield Found(keys // len(known) + low, keys % len(known), weights)

    def _of(self, along: Ints) -> list[Ints]:
        return [each.numpy() for each in self.numbers(torch.from_numpy(along))]


def _along(texts: Sequence[Sequence[int] | Ints]) -> tuple[Ints, Ints]:
    """Texts one after the other, a token that is no word after each, and the text of each token."""
    rows = [np.asarray(text, dtype=np.int64) for text in texts]
    apart = np.zeros(1, dtype=np.int64)
    ends = [len(row) + 1 for row in rows]
    parts = [part for row in rows for part in (row, apart)] or [apart[:0]]
    return np.concatenate(parts), np.repeat(np.arange(len(rows)), ends)
