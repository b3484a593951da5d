"""Daily prices of 20 large companies of the United States, 2015 to 2020."""

from __future__ import annotations

import csv
import io

from recur.data.datasets.source import Source
from recur.data.datasets.unpacked import text_of
from recur.data.records.steps import Steps, whole
from recur.data.series import parse_series
from recur.data.splits import Splits
from recur.data.tables import no_column
from recur.messages import InputError, one_of

SOURCE = Source(
    name="stocks",
    title="Daily stock prices, 20 companies of the S&P 500, 2015-2020",
    task="forecast",
    licence="Yahoo Finance terms: personal and research use",
    homepage="https://finance.yahoo.com",
    size="0.5 MB",
    local=("sp500_20_tickers_2015_2020.csv.gz", "sp500_20_tickers_2015_2020.csv"),
    how="put daily prices, such as those of https://finance.yahoo.com, into one CSV file with the "
    "columns Date, Open, High, Low, Close, Volume and Name (0.5 MB for 20 companies)",
)
RECORDS = Steps
TARGET = "Close"
_HEADER = ["Date", "Open", "High", "Low", "Close", "Volume"]


def load(ticker: str = "AAPL") -> Splits[Steps]:
    """Returns one company's prices in dollars and its volume, a row a trading day.

    Args:
        ticker: such as AAPL, in any case.

    Raises:
        FailedError: if the file cannot be had.
        InputError: if there is no such company; the text names those there are.
    """
    path = SOURCE.find()
    rows = list(csv.DictReader(io.StringIO(text_of(path))))
    lacking = [column for column in (*_HEADER, "Name") if not rows or column not in rows[0]]
    if lacking:
        raise InputError(no_column(str(path), lacking[0], rows[0] if rows else []))
    name = one_of("stock", ticker.upper(), sorted({row["Name"] for row in rows}))
    lines = [",".join(row[column] for column in _HEADER) for row in rows if row["Name"] == name]
    series = parse_series("\n".join([",".join(_HEADER), *lines]), time="Date", name=name)
    return whole(series)
