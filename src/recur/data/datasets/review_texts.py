"""IMDB reviews as texts to learn to write from, each a document; a package carries them."""

from __future__ import annotations

import dataclasses
import re

from recur.data.datasets import movie_reviews
from recur.data.datasets.source import Source
from recur.data.records.texts import Texts
from recur.data.splits import Splits

SOURCE: Source = dataclasses.replace(
    movie_reviews.SOURCE,
    name="review-texts",
    title="IMDB reviews as plain texts, from the package movie-reviews",
    task="language",
)
RECORDS = Texts
TRAIN, HELD_OUT = 2_000, 200
_BREAKS = re.compile(r"(?:\s*<br\s*/?>\s*)+", re.IGNORECASE)


def load() -> Splits[Texts]:
    """Returns 2,000 reviews to learn from, and 200 each to validate and to test on.

    Raises:
        FailedError: if the package is not installed.
    """
    SOURCE.find()
    reviews = movie_reviews.load()
    assert reviews.test is not None
    sizes = (reviews.train, TRAIN + HELD_OUT), (reviews.test, HELD_OUT)
    # Some reviews occur twice: the held-out ones must be unknown.
    train, test = (
        [_BREAKS.sub("\n", text).strip() for text in list(dict.fromkeys(part.texts))[:number]]
        for part, number in sizes
    )
    parts = Texts(train[:TRAIN]), Texts(train[TRAIN:]), Texts(test)
    return Splits(*parts, about="IMDB reviews (packaged)")
