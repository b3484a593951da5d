"""News Summary: parts by weeks, of which nothing stands in two."""

from __future__ import annotations

import csv
import io
import re

import pytest

from recur import FailedError, InputError
from recur.data.datasets import news_summary
from recur.data.datasets.source import Source

HEADER = ("author", "date", "headlines", "read_more", "text", "ctext")
ROWS = [
    ("17 Jul 2017,Monday", "old news", "An old text.", "An old article."),
    ("20 Jul 2017,Thursday", "a day before", "Another  text\nof India?s.", "Why? Don?t."),
    ("21 Jul 2017,Friday", "first to validate", "Text three \x92.", ""),
    ("27 Jul 2017,Thursday", "last to validate", "Text four.", "Article four."),
    ("28 Jul 2017,Friday", "first to test", "Text five.", "Article five."),
    ("03 Aug 2017,Thursday", "the last", "Text six.", "An OLD article."),
]


@pytest.fixture
def table(monkeypatch, tmp_path):
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(HEADER)
    rows.writerows(["A", day, head, "", text, article] for day, head, text, article in ROWS)
    path = tmp_path / "news_summary.csv"
    path.write_bytes(written.getvalue().encode("latin-1"))
    monkeypatch.setattr(Source, "find", lambda _: path)
    return path


@pytest.mark.usefixtures("table")
def test_the_last_week_is_tested_on_and_the_week_before_validated():
    found = news_summary.load()
    # The oldest has the article of the latest, in other letters.
    assert found.train.targets == ["a day before"]
    assert found.train.sources == ["Another text of India's."]
    assert sorted(found.validation.targets) == ["first to validate", "last to validate"]
    assert "Text three \u2019." in found.validation.sources
    assert sorted(found.test.targets) == ["first to test", "the last"]


@pytest.mark.usefixtures("table")
def test_an_article_that_is_missing_is_left_out():
    found = news_summary.load("articles")
    assert found.train.sources == ["Why? Don't."]
    assert found.validation.sources == ["Article four."]
    assert found.validation.targets == ["Text four."]
    with pytest.raises(InputError, match="the part of news-summary must be"):
        news_summary.load("text")


@pytest.mark.parametrize(("old", "new"), [(b"date", b"day"), (b"21 Jul 2017", b"21.7.2017")])
def test_a_damaged_table_is_named(table, old, new):
    table.write_bytes(table.read_bytes().replace(old, new))
    with pytest.raises(FailedError, match="is damaged"):
        news_summary.load()


def test_no_story_stands_in_two_parts():
    if news_summary.SOURCE.here() is None:
        pytest.skip("needs news_summary.csv.xz (RECUR_DATA)")
    found = news_summary.load()
    assert (len(found.train), len(found.validation), len(found.test)) == (3620, 420, 419)
    words = [
        [frozenset(re.findall(r"\w+", text.lower())) for text in part.sources]
        for part in (found.train, found.validation, found.test)
    ]
    for later, earlier in ((1, 0), (2, 0), (2, 1)):
        alike = [
            max(len(one & other) / len(one | other) for other in words[earlier])
            for one in words[later]
        ]
        assert max(alike) <= 0.5
        assert sum(share > 0.4 for share in alike) <= 1
