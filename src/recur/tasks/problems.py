"""Problems that only a memory solves: what must be known at the end was said long before.

Each is drawn anew from a seed, as many examples as wanted, and over as many steps as wanted: the
lag. Each has a yardstick: what one scores who remembers nothing.

Letters: N examples, L the lag, T steps of an example.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Examples = tuple[NDArray[np.float32] | NDArray[np.int64], NDArray[np.float32] | NDArray[np.int64]]

MEAN_SQUARED_ERROR_OF_THE_MEAN = 1 / 6
"""Of a sum of two uniform numbers, by always answering 1: its variance, 2 / 12."""

SYMBOLS, COPIED = 8, 10
BLANK, GO = 0, SYMBOLS + 1
"""Tokens of the copying problem: the symbols lie between these two."""

LANGUAGES = {
    "France": "French",
    "Germany": "German",
    "Italy": "Italian",
    "Spain": "Spanish",
    "Poland": "Polish",
    "Hungary": "Hungarian",
    "Finland": "Finnish",
    "Greece": "Greek",
    "Turkey": "Turkish",
    "Japan": "Japanese",
    "Korea": "Korean",
    "Vietnam": "Vietnamese",
}
OPENING, ENDING = ("I", "grew", "up", "in"), ("so", "I", "speak", "fluent")
WHO = (
    ("my", "the", "a", "our", "some"),
    ("sister", "neighbour", "teacher", "dog", "doctor", "friend"),
)
DID = ("bought", "saw", "painted", "sold", "found", "carried", "forgot", "liked")
WHAT = ("bread", "a", "the", "two", "old"), ("boat", "house", "books", "bicycle", "garden", "clock")
WHEN = ("yesterday", "often", "once", "again", "then", "and")


def adding(number: int, lag: int, rng: np.random.Generator) -> Examples:
    """The adding problem: two numbers of a long row are marked; what is their sum?

    S. Hochreiter and J. Schmidhuber, Neural Computation 9(8), 1997; in the form of Q. V. Le et al.,
    arXiv:1504.00941: one mark lies in each half of the row.

    Args:
        number: N.
        lag: L, the steps of a row, at least 2.
        rng: where the numbers come from.

    Returns:
        x (N, L, 2), numbers from 0 to 1 beside their marks (0 or 1); y (N, 1), the sums.
    """
    values = rng.random((number, lag), dtype=np.float32)
    marks = np.zeros((number, lag), dtype=np.float32)
    half, rows = lag // 2, np.arange(number)
    marks[rows, rng.integers(0, half, number)] = 1
    marks[rows, rng.integers(half, lag, number)] = 1
    return np.stack([values, marks], axis=2), (values * marks).sum(axis=1, keepdims=True)


def copying(number: int, lag: int, rng: np.random.Generator) -> Examples:
    """The copying problem: ten symbols come, then L blanks; on a signal they are to be repeated.

    M. Arjovsky, A. Shah and Y. Bengio, "Unitary evolution recurrent neural networks",
    arXiv:1511.06464, section 5.1.

    Args:
        number: N.
        lag: L, from the last symbol to the signal, at least 1.
        rng: where the symbols come from.

    Returns:
        x (N, L + 20), tokens from 0 (blank) to 9 (the signal); y (N, L + 20), blank but for the
        last ten steps.
    """
    symbols = rng.integers(1, SYMBOLS + 1, (number, COPIED))
    x = np.full((number, lag + 2 * COPIED), BLANK, dtype=np.int64)
    y = np.full_like(x, BLANK)
    x[:, :COPIED], x[:, -COPIED - 1], y[:, -COPIED:] = symbols, GO, symbols
    return x, y


def copying_without_memory(lag: int) -> float:
    """The cross-entropy of one who knows when to speak, and guesses what."""
    return COPIED * math.log(SYMBOLS) / (lag + 2 * COPIED)


def sentence(country: str, lag: int, rng: np.random.Generator) -> list[str]:
    """The words of a sentence of the agreement problem, without the language at its end."""
    filler: list[str] = []
    while len(filler) < lag:
        for words in (*WHO, DID, *WHAT, WHEN):
            filler.append(str(rng.choice(words)))
    return [*OPENING, country, *filler[:lag], *ENDING]


def words() -> list[str]:
    """All words that a sentence may hold, in a fixed order."""
    kinds = (OPENING, tuple(LANGUAGES), *WHO, DID, *WHAT, WHEN, ENDING)
    return list(dict.fromkeys(word for kind in kinds for word in kind))


def agreement(number: int, lag: int, rng: np.random.Generator) -> Examples:
    """Agreement over a distance: "I grew up in France ... so I speak fluent" what?

    The long way from the country to the language is the standard example for the problem; here it
    is filled with L words that say nothing of it.

    Args:
        number: N.
        lag: L, the words between the country and the ending, at least 0.
        rng: where countries and words come from.

    Returns:
        x (N, L + 9), numbers of words from 1 on, in the order of `words`; y (N,), the language's
        place in `LANGUAGES`.
    """
    numbers = {word: n for n, word in enumerate(words(), start=1)}
    countries = list(LANGUAGES)
    y = rng.integers(0, len(countries), number)
    rows = [[numbers[word] for word in sentence(countries[each], lag, rng)] for each in y]
    return np.array(rows, dtype=np.int64).reshape(number, -1), y
