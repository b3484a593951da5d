"""ETTh1: oil temperature and load of a power transformer, hourly, two years.

H. Zhou et al., "Informer", AAAI 2021.
"""

from __future__ import annotations

import itertools

from recur.data.datasets.source import Remote, Source
from recur.data.datasets.unpacked import text_of
from recur.data.records.steps import Steps, whole
from recur.data.series import parse_series
from recur.data.splits import Splits
from recur.messages import one_of

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
PAPERS = "12/4/4"
_MONTH = 30 * 24


def load(part: str = "") -> Splits[Steps]:
    """Returns 17,420 hours of 7 columns; the usual target is OT, the oil temperature in degrees C.

    Args:
        part: "12/4/4" for the parts that papers measure on: of the first 20 months of 30 days,
            twelve to learn from, four to validate and four to test on.

    Raises:
        FailedError: if the file cannot be had.
        InputError: if there is no such part.
    """
    series = parse_series(text_of(SOURCE.find()), time="date", name="ETTh1")
    if not part:
        return whole(series)
    one_of("the part of ett", part, [PAPERS])
    cuts = [months * _MONTH for months in (0, 12, 16, 20)]
    train, validation, test = (Steps.of(series, *cut) for cut in itertools.pairwise(cuts))
    return Splits(train, validation, test, about=f"ETTh1, months {PAPERS}")
