"""Public datasets by name, a file each; `recur.datasets` is where users find them."""

from recur.data.datasets import co2, ett, imdb, movie_reviews, stocks, sunspots
from recur.data.datasets.source import Source

__all__ = ["Source", "catalogue", "co2", "ett", "imdb", "movie_reviews", "stocks", "sunspots"]


def catalogue() -> list[Source]:
    """Every dataset: its name, task, licence, size, and where it is or would come from."""
    return [module.SOURCE for module in (imdb, movie_reviews, co2, sunspots, ett, stocks)]
