"""News Summary: 4,514 items of Indian news, each with a headline, a text of 60 words, the article.

K. Vonteru, from the application Inshorts, whose editors write the texts and the headlines. There
are no official parts: the last week is tested on, the week before is validated on, and an earlier
part has no article, text or headline that a later one has. The items are of December 2016 to
August 2017.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
from typing import NamedTuple

from recur.data.datasets.source import Source
from recur.data.datasets.unpacked import text_of
from recur.data.records.pairs import Pairs
from recur.data.splits import Splits
from recur.messages import FailedError, one_of

SOURCE = Source(
    name="news-summary",
    title="News Summary (Inshorts): articles, texts of 60 words, headlines",
    task="summarize",
    licence="GPL 2.0, as its page says",
    homepage="https://www.kaggle.com/datasets/sunnysai12345/news-summary",
    size="3.0 MB",
    local=("news_summary.csv.xz", "news_summary.csv"),
    how="get it from https://www.kaggle.com/datasets/sunnysai12345/news-summary with an account "
    "(3.0 MB packed)",
)
RECORDS = Pairs
ENCODING = "cp1252"
PARTS = ("headlines", "articles")
VALIDATION, TEST = datetime.date(2017, 7, 21), datetime.date(2017, 7, 28)
"""The first days of the two parts; each is a week."""
_LOST_APOSTROPHE = re.compile(r"(?<=\w)\?(?=(?:s|t|re|ve|ll|d|m)\b)")


class Item(NamedTuple):
    """A row of the table.

    Attributes:
        day: when it was written.
        headline: a line.
        text: some 60 words.
        article: all of it; empty where it is missing.
    """

    day: datetime.date
    headline: str
    text: str
    article: str


def load(part: str = PARTS[0]) -> Splits[Pairs]:
    """Returns texts with their headlines, or articles with their texts.

    White space is one space, and an apostrophe that the table lost ("India?s") is put back.

    Args:
        part: "headlines", of texts; or "articles", for which texts are written.

    Raises:
        FailedError: if they cannot be had, or are damaged.
        InputError: another part.
    """
    of_articles = one_of("the part of news-summary", part, PARTS) == PARTS[1]
    path = SOURCE.find()
    try:
        items = _items(text_of(path, ENCODING))
    except (KeyError, ValueError) as error:
        raise FailedError(f"{path} is damaged: {error}. Remove it and get it again.") from error
    train, validation, test = (
        Pairs(
            [i.article if of_articles else i.text for i in some if i.article or not of_articles],
            [i.text if of_articles else i.headline for i in some if i.article or not of_articles],
        )
        for some in parted(items)
    )
    return Splits(train, validation, test, about=f"News Summary, {part}")


def parted(items: list[Item]) -> tuple[list[Item], list[Item], list[Item]]:
    """To learn from, to validate and to test on: by weeks, the latest of what is twice kept."""
    seen: set[str] = set()
    parts: tuple[list[Item], list[Item], list[Item]] = ([], [], [])
    for item in sorted(items, key=lambda item: item.day, reverse=True):
        said = {each.lower() for each in (item.headline, item.text, item.article) if each}
        if said & seen:
            continue
        seen |= said
        parts[(item.day >= VALIDATION) + (item.day >= TEST)].append(item)
    return parts


def _items(table: str) -> list[Item]:
    return [
        Item(
            datetime.datetime.strptime(row["date"].partition(",")[0], "%d %b %Y").date(),
            *(_clean(row[name]) for name in ("headlines", "text", "ctext")),
        )
        for row in csv.DictReader(io.StringIO(table, newline=""))
    ]


def _clean(text: str) -> str:
    return " ".join(_LOST_APOSTROPHE.sub("'", text).split())
