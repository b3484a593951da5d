"""Sentiment: is a text for or against? Many-to-one over words, two classes or more.

A recipe of `classify`: the defaults are the sizes of the tutorial that most people start with
(10,000 words, at most 500 of a review, an embedding of 32, 32 units). What keeps a plain recurrent
network learning over 500 steps, and from learning the training texts by heart, is an option each,
so that its effect can be seen: `--padding`, `--pooling`, `--dropout`, `--embedding-std`, `--decay`,
`--clip-norm` and others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from recur.data.records.labelled import Opinions
from recur.data.vocabulary import Vocabulary
from recur.tasks import ngrams
from recur.tasks.options import Recipe, option
from recur.tasks.texts import Known, OfTexts, WordOptions


@dataclasses.dataclass(frozen=True, kw_only=True)
class SentimentOptions(WordOptions):
    """Options of the task."""

    data: str = option("imdb", "a CSV or JSON lines file, or the name of a dataset")


@dataclasses.dataclass(frozen=True)
class SentimentPreprocessing(Known):
    """The vocabulary and the classes of the training texts."""


class Sentiment(OfTexts[SentimentOptions, SentimentPreprocessing]):
    """The task. Its scores are those of training; no other model stands beside it."""

    name = "sentiment"
    kind = "many-to-one"
    summary = "whether a text is for or against, or another class of texts"
    takes = "a text"
    gives = "whether it is for or against"
    data = "imdb"
    metric = "accuracy"
    sample = (
        "reviews.csv",
        "text,label\n"
        "A wonderful film that moved me.,pos\n"
        "Two hours of my life wasted.,neg\n"
        "The plot is a mess.,neg\n"
        '"Warm, witty and well played.",pos\n',
    )
    inputs = "a text"
    options = SentimentOptions
    preprocessing = SentimentPreprocessing
    records = Opinions
    most_classes = 100
    recipes: Mapping[str, Recipe] = {
        "best": Recipe(
            "for the reviews of IMDB: whole ones, and a linear model of up to three words in a row",
            {
                "data": "imdb:films",
                "cell": "gru",
                "bidirectional": True,
                "vocabulary": 50_000,
                "maxlen": 2_500,
                "segment": 64,
                "pooling": "max",
                "epochs": 2,
                "batch_size": 128,
                "ema": 0.98,
                "wide": True,
                "ngrams": 3,
                "once": True,
            },
        )
    }

    def fitted(
        self, vocabulary: Vocabulary, classes: tuple[str, ...], kind: str
    ) -> SentimentPreprocessing:
        """The preprocessing; there is one kind of labels."""
        return SentimentPreprocessing(vocabulary, classes)

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in a line; those of the parts below it."""
        whole = f"test accuracy {scores['accuracy']:.4f}  test loss {scores['loss']:.4f}"
        return "\n".join([whole, *ngrams.said(scores)])
