"""Sunspots by year, 1700 to 2008: a season of about 11 years that is never quite the same."""

from __future__ import annotations

from recur import files
from recur.data.datasets.source import Source
from recur.data.records.steps import Steps, whole
from recur.data.series import parse_series
from recur.data.splits import Splits

SOURCE = Source(
    name="sunspots",
    title="Yearly sunspot activity, 1700-2008",
    task="forecast",
    licence="public domain",
    homepage="https://www.statsmodels.org/stable/datasets/generated/sunspots.html",
    size="0.01 MB",
    package=("statsmodels", "datasets/sunspots/sunspots.csv", "statsmodels"),
)
RECORDS = Steps
TARGET = "SUNACTIVITY"


def load() -> Splits[Steps]:
    """Returns 309 yearly numbers of sunspots.

    Raises:
        FailedError: if the package that carries it is not installed.
    """
    series = parse_series(files.read_text(SOURCE.find()), time="YEAR", name="sunspots")
    return whole(series)
