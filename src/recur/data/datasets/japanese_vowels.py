"""Japanese Vowels: which of nine men says /ae/, by twelve coefficients a step, of unequal length.

M. Kudo et al., "Multidimensional curve classification using passing-through regions", Pattern
Recognition Letters 20, 1999: 270 utterances of 7 to 29 steps to learn from and 370 to test on.
"""

from __future__ import annotations

from recur.data.datasets.uea import official, sources
from recur.data.records.recordings import Recordings
from recur.data.splits import Splits

SOURCE, _TEST = sources(
    "japanese-vowels", "JapaneseVowels", "Japanese Vowels (UEA archive)", "1.1 MB"
)
RECORDS = Recordings


def load() -> Splits[Recordings]:
    """Returns the recordings in the official split.

    Raises:
        FailedError: if a file cannot be had.
        InputError: if it is damaged.
    """
    return official(SOURCE, _TEST)
