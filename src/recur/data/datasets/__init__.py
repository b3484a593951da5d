"""Public datasets by name, a file each; `recur.datasets` is where users find them."""

from recur.data.datasets import (
    co2,
    ett,
    imdb,
    jsb_chorales,
    movie_reviews,
    ptb,
    review_texts,
    stocks,
    sunspots,
    tinyshakespeare,
)
from recur.data.datasets.source import Source

_SERIES = (co2, sunspots, ett, stocks)
_TEXTS = (imdb, movie_reviews, ptb, tinyshakespeare, review_texts)

__all__ = [
    "Source",
    "catalogue",
    "co2",
    "ett",
    "imdb",
    "jsb_chorales",
    "movie_reviews",
    "ptb",
    "review_texts",
    "stocks",
    "sunspots",
    "tinyshakespeare",
]


def catalogue() -> list[Source]:
    """Every dataset: its name, task, licence, size, and where it is or would come from."""
    return [module.SOURCE for module in (*_TEXTS, *_SERIES, jsb_chorales)]
