"""Public datasets by name: `from recur.datasets import imdb`."""

from recur.data.datasets import (
    Source,
    catalogue,
    co2,
    ett,
    imdb,
    movie_reviews,
    stocks,
    sunspots,
)

__all__ = ["Source", "catalogue", "co2", "ett", "imdb", "movie_reviews", "stocks", "sunspots"]
