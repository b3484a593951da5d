"""Translating word by word: what every translation has to beat."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recur.scoring.scores import check_pairs

_PIECES = re.compile(r"\w+|[^\w\s]|\s+")
RARE = 2
"""A word of fewer pairs is copied."""
MOST = 20_000
"""Pairs that are looked at, the first ones."""


class WordByWord:
    """For each word the one that most often stands opposite it; other words and marks are copied.

    Which stands opposite is told by Dice's coefficient, 2 n(a, b) / (n(a) + n(b)), over the pairs
    that have the words (I. D. Melamed, "Models of translational equivalence among words", 2000).

    Args:
        words: by word in small letters, its translation as it is mostly written.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self.words = dict(words)

    @classmethod
    def fit(cls, sources: Sequence[str], targets: Sequence[str]) -> Self:
        """Finds the words that stand opposite each other.

        Args:
            sources: N texts to learn from.
            targets: their translations.

        Raises:
            InputError: no texts, or not as many on both sides.
        """
        check_pairs(targets, sources)
        names, seen, rows = _numbered(sources[:MOST])
        others, written, columns = _numbered(targets[:MOST])
        wide = len(others)
        pairs = [np.add.outer(r * wide, c).ravel() for r, c in zip(rows, columns, strict=True)]
        both, times = np.unique(np.concatenate(pairs), return_counts=True)
        row, column = both // max(wide, 1), both % max(wide, 1)
        # The best of each word comes last; of equal ones that which was met first.
        dice = 2 * times / (seen[row] + written[column])
        order = np.lexsort((-column, dice, row))
        order = order[seen[row[order]] >= RARE]
        usual = usual_forms(targets[:MOST])
        best = dict(zip(row[order].tolist(), column[order].tolist(), strict=True))
        return cls({names[word]: usual[others[other]] for word, other in best.items()})

    def answers(self, sources: Sequence[str]) -> list[str]:
        """The texts with each known word's translation in its place; a first letter stays large."""
        return ["".join(map(self._word, _PIECES.findall(text))) for text in sources]

    def _word(self, piece: str) -> str:
        found = self.words.get(piece.lower(), piece)
        return found[:1].upper() + found[1:] if piece[:1].isupper() else found


def _numbered(
    texts: Sequence[str],
) -> tuple[list[str], NDArray[np.int64], list[NDArray[np.int64]]]:
    """The different words, how many texts have each, and the numbers of those of each text."""
    numbers: dict[str, int] = {}
    rows = []
    for text in texts:
        words = dict.fromkeys(re.findall(r"\w+", text.lower()))
        found = [numbers.setdefault(word, len(numbers)) for word in words]
        rows.append(np.array(found, dtype=np.int64))
    return list(numbers), np.bincount(np.concatenate(rows), minlength=len(numbers)), rows


def usual_forms(texts: Sequence[str]) -> dict[str, str]:
    """How each word is mostly written within a text: its first one has a capital of its own."""
    forms = Counter(word for text in texts for word in re.findall(r"\w+", text)[1:])
    firsts = Counter(word for text in texts for word in re.findall(r"\w+", text)[:1])
    usual: dict[str, str] = {}
    for form, _ in [*forms.most_common(), *firsts.most_common()]:
        usual.setdefault(form.lower(), form)
    return usual
