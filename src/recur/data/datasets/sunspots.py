"""Sunspots by year, 1700 to 2008: a season of about 11 years that is never quite the same."""

from __future__ import annotations

from recur import files
from recur.data.datasets.source import Source
from recur.data.series import Series, parse_series

SOURCE = Source(
    name="sunspots",
    title="Yearly sunspot activity, 1700-2008",
    task="forecast",
    licence="public domain",
    homepage="https://www.statsmodels.org/stable/datasets/generated/sunspots.html",
    size="0.01 MB",
    package=("statsmodels", "datasets/sunspots/sunspots.csv", "statsmodels"),
)
TARGET = "SUNACTIVITY"


def load() -> Series:
    """Returns 309 yearly numbers of sunspots.

    Raises:
        FailedError: if the package that carries it is not installed.
    """
    return parse_series(files.read_text(SOURCE.find()), time="YEAR", name="sunspots")
