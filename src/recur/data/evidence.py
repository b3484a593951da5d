"""What n-grams say by themselves for each class: complement naive Bayes of them and of letters.

J. Rennie, L. Shih, J. Teevan and D. Karger, "Tackling the poor assumptions of naive Bayes text
classifiers", ICML 2003: what speaks for a class is not being found in the texts of all others. A
word is judged by itself, and by the runs of letters that it shares with others (as P. Bojanowski
et al., arXiv:1607.04606, make vectors of rare words).

Letters: N texts, G known n-grams, C classes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recur.data.ngrams import Floats, Found, Ints

SMOOTHING = 0.3
"""What is added to the weight of each feature among the others of a class."""
OWN = 3.0
"""How much more an n-gram says by itself than a run of the letters of a word."""
RUNS = (3, 4, 5)
"""Letters of a run; the ends of the word are letters too."""
BUCKETS = 1 << 18
"""Into so many runs of letters are sorted, by a checksum."""


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


def evidence(
    found: Callable[[], Iterable[Found]],
    known: Ints,
    classes: Ints,
    many: int,
    words: Mapping[int, str],
) -> NDArray[np.float32]:
    """Counts what n-grams say of classes.

    Args:
        found: gives which n-grams stand in the texts, anew each time.
        known: (G,) the n-grams, as `recur.data.ngrams` numbers them: those of one token by its id.
        classes: (N,) the class of each text, a number below `many`.
        many: C.
        words: by token id.

    Returns:
        (G, C): the sum of a text's rows (each n-gram once, times 1 and the logarithm of its count)
        is greatest for the class that it is likeliest of.
    """
    size = len(known)
    nothing = np.zeros(0, dtype=np.int64)
    spelt = (words.get(number) for number in known.tolist())
    runs = _Ragged.of([nothing if word is None else runs_of(word) for word in spelt])
    whole = _complement(found, size, classes, many)
    parts = _complement(lambda: _runs(found(), runs), BUCKETS, classes, many)
    of_runs, place = runs.at(np.arange(size))
    said = OWN * whole
    for c in range(many):
        said[:, c] += np.bincount(place, parts[of_runs, c], minlength=size)
    return said.astype(np.float32)


def runs_of(word: str) -> Ints:
    """The buckets of a word's runs of letters, each once."""
    whole = f" {word} "
    cut = {whole[at : at + n] for n in RUNS for at in range(len(whole) - n + 1)}
    return np.array(sorted({zlib.crc32(run.encode()) % BUCKETS for run in cut}), dtype=np.int64)


def _runs(texts: Iterable[Found], runs: _Ragged) -> Iterator[Found]:
    """The runs of letters in texts, some texts at a time."""
    for found in texts:
        values, place = runs.at(found.feature)
        keys, which = np.unique(found.text[place] * BUCKETS + values, return_inverse=True)
        counts = np.bincount(which.ravel(), found.weight[place], minlength=len(keys))
        yield Found(keys // BUCKETS, keys % BUCKETS, 1 + np.log(counts))


def _complement(
    features: Callable[[], Iterable[Found]], size: int, classes: Ints, many: int
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
