"""What each word says by itself for each class: complement naive Bayes of words and their letters.

J. Rennie, L. Shih, J. Teevan and D. Karger, "Tackling the poor assumptions of naive Bayes text
classifiers", ICML 2003: what speaks for a class is not being found in the texts of all others. A
word is judged by itself, and by the runs of letters that it shares with others (as P. Bojanowski
et al., arXiv:1607.04606, make vectors of rare words).

Letters: N texts, V tokens, C classes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SMOOTHING = 0.3
"""What is added to the weight of each feature among the others of a class."""
OWN = 3.0
"""How much more a word says by itself than a run of its letters."""
RUNS = (3, 4, 5)
"""Letters of a run; the ends of the word are letters too."""
BUCKETS = 1 << 18
"""Into so many runs of letters are sorted, by a checksum."""
AT_ONCE = 2_000
"""Texts that are counted at once."""


class _Ragged(NamedTuple):
    """Lists of numbers end to end; list n is `values[ends[n]:ends[n + 1]]`."""

    values: Ints
    ends: Ints

    @classmethod
    def of(cls, lists: Sequence[Ints]) -> _Ragged:
        none = np.zeros(0, dtype=np.int64)
        return cls(np.concatenate([none, *lists]), np.cumsum([0, *map(len, lists)]))

    def at(self, rows: Ints) -> tuple[Ints, Ints]:
        """The values of some lists end to end, and of each value the place in `rows`."""
        sizes = self.ends[rows + 1] - self.ends[rows]
        place = np.repeat(np.arange(len(rows)), sizes)
        within = np.arange(len(place)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return self.values[self.ends[rows][place] + within], place


class _Found(NamedTuple):
    """Features in texts: of each the text, its number, and 1 + the logarithm of its count."""

    text: Ints
    feature: Ints
    weight: Floats


def evidence(
    rows: Sequence[Sequence[int]], classes: Sequence[int], many: int, words: Mapping[int, str]
) -> NDArray[np.float32]:
    """Counts what tokens say of classes.

    Args:
        rows: N texts, the token ids of each.
        classes: (N,) the class of each text, a number below `many`.
        many: C.
        words: by token id; the other ids say nothing.

    Returns:
        (V, C) up to the greatest id of `words`: the sum of a text's rows (each token once, times 1
        and the logarithm of its count) is greatest for the class that it is likeliest of.
    """
    size = max(words, default=-1) + 1
    known = np.zeros(size, dtype=bool)
    known[list(words)] = True
    nothing = np.zeros(0, dtype=np.int64)
    runs = _Ragged.of([runs_of(words[n]) if known[n] else nothing for n in range(size)])
    by_class = np.asarray(classes, dtype=np.int64)
    whole = _complement(lambda: _words(rows, known), size, by_class, many)
    parts = _complement(lambda: _runs(rows, known, runs), BUCKETS, by_class, many)
    of_runs, place = runs.at(np.arange(size))
    found = OWN * whole
    for c in range(many):
        found[:, c] += np.bincount(place, parts[of_runs, c], minlength=size)
    return (found * known[:, None]).astype(np.float32)


def runs_of(word: str) -> Ints:
    """The buckets of a word's runs of letters, each once."""
    whole = f" {word} "
    cut = {whole[at : at + n] for n in RUNS for at in range(len(whole) - n + 1)}
    return np.array(sorted({zlib.crc32(run.encode()) % BUCKETS for run in cut}), dtype=np.int64)


def _words(rows: Sequence[Sequence[int]], known: NDArray[np.bool_]) -> Iterator[_Found]:
    """The known tokens of texts, some texts at a time."""
    size = len(known)
    for low in range(0, len(rows), AT_ONCE):
        some = _Ragged.of([np.asarray(row, dtype=np.int64) for row in rows[low : low + AT_ONCE]])
        ids, text = some.at(np.arange(len(some.ends) - 1))
        kept = ids < size
        kept[kept] = known[ids[kept]]
        keys, counts = np.unique(text[kept] * size + ids[kept], return_counts=True)
        yield _Found(keys // size + low, keys % size, 1 + np.log(counts))


def _runs(
    rows: Sequence[Sequence[int]], known: NDArray[np.bool_], runs: _Ragged
) -> Iterator[_Found]:
    """The runs of letters in texts, some texts at a time."""
    for found in _words(rows, known):
        values, place = runs.at(found.feature)
        keys, which = np.unique(found.text[place] * BUCKETS + values, return_inverse=True)
        counts = np.bincount(which.ravel(), found.weight[place], minlength=len(keys))
        yield _Found(keys // BUCKETS, keys % BUCKETS, 1 + np.log(counts))


def _complement(
    features: Callable[[], Iterator[_Found]], size: int, classes: Ints, many: int
) -> Floats:
    """(size, C) minus the logarithm of each feature's share among the texts of other classes.

    Of all features weighed by TF-IDF in texts of length 1; times the weight that a feature has for
    being rare, and without what it says for all classes alike.
    """
    texts = len(classes)
    times = np.zeros(size)
    for found in features():
        times += np.bincount(found.feature, minlength=size)
    rare = np.log((1 + texts) / (1 + times)) + 1
    sums = np.zeros(size * many)
    for found in features():
        weight = found.weight * rare[found.feature]
        length = np.sqrt(np.bincount(found.text, weight**2, minlength=texts))
        place = found.feature * many + classes[found.text]
        sums += np.bincount(place, weight / length[found.text], minlength=size * many)
    own = sums.reshape(size, many)
    others = own.sum(axis=1, keepdims=True) - own + SMOOTHING
    share = np.log(others / others.sum(axis=0))
    return np.asarray((share.mean(axis=1, keepdims=True) - share) * rare[:, None])
