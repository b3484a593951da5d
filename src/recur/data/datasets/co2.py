"""Carbon dioxide in the air at Mauna Loa, weekly, 1958 to 2001: a trend and a yearly season."""

from __future__ import annotations

from recur import files
from recur.data.datasets.source import Source
from recur.data.records.steps import Steps, whole
from recur.data.series import parse_series
from recur.data.splits import Splits

SOURCE = Source(
    name="co2",
    title="Atmospheric CO2 at Mauna Loa, weekly, 1958-2001",
    task="forecast",
    licence="public domain",
    homepage="https://www.statsmodels.org/stable/datasets/generated/co2.html",
    size="0.05 MB",
    package=("statsmodels", "datasets/co2/co2.csv", "statsmodels"),
)
RECORDS = Steps
TARGET = "co2"


def load() -> Splits[Steps]:
    """Returns 2,284 weeks in parts per million; the 59 weeks without a value are interpolated.

    The last of these weeks is in August 1985, so that the later part, which a forecast is tested
    on, holds measured values only.

    Raises:
        FailedError: if the package that carries it is not installed.
    """
    text = files.read_text(SOURCE.find())
    series = parse_series(text, time="date", gaps="interpolate", name="Mauna Loa CO2")
    return whole(series)
