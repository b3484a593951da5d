"""Public datasets by name: `from recur.datasets import imdb`."""

from recur.data.datasets import (
    Source,
    catalogue,
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
