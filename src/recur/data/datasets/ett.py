"""ETTh1: oil temperature and load of a power transformer, hourly, two years.

H. Zhou et al., "Informer", AAAI 2021.
"""

from __future__ import annotations

from recur.data.datasets.source import Remote, Source
from recur.data.datasets.unpacked import text_of
from recur.data.records.steps import Steps, whole
from recur.data.series import parse_series
from recur.data.splits import Splits

SOURCE = Source(
    name="ett",
    title="ETTh1, electricity transformer temperature, hourly",
    task="forecast",
    licence="CC BY-ND 4.0",
    homepage="https://github.com/zhouhaoyi/ETDataset",
    size="2.6 MB",
    local=("ETTh1.csv", "ETTh1.csv.gz"),
    remote=Remote(
        "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small/ETTh1.csv",
        2_589_657,
        "sha256:f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
    ),
)
RECORDS = Steps
TARGET = "OT"


def load() -> Splits[Steps]:
    """Returns 17,420 hours of 7 columns; the usual target is OT, the oil temperature in degrees C.

    Raises:
        FailedError: if the file cannot be had.
    """
    series = parse_series(text_of(SOURCE.find()), time="date", name="ETTh1")
    return whole(series)
