"""IMDB Large Movie Review Dataset v1.0, the labelled part: 25,000 + 25,000 reviews.

A. L. Maas et al., "Learning word vectors for sentiment analysis", ACL 2011.
"""

from __future__ import annotations

import dataclasses
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recur.data.datasets import archives, keras_imdb, movie_reviews
from recur.data.datasets.kept import checksum_of, kept, pack, unpack
from recur.data.datasets.source import Remote, Source
from recur.data.labels import ORDINAL
from recur.data.numbering import KERAS
from recur.data.records.labelled import LabelledTexts, Opinions
from recur.data.splits import Splits
from recur.messages import FailedError, one_of

if TYPE_CHECKING:
    from torch import Tensor

SOURCE = Source(
    name="imdb",
    title="IMDB Large Movie Review Dataset v1.0",
    task="sentiment",
    licence="none stated; cite Maas et al., ACL 2011",
    homepage="https://ai.stanford.edu/~amaas/data/sentiment/",
    size="84 MB",
    local=("aclImdb_labelled.tar.xz", "aclImdb_v1.tar.gz"),
    remote=Remote(
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        84_125_825,
        # As the Hugging Face dataset "imdb" records it; torchtext lists the same file by
        # md5 7c2ac02c03563afcf9b574c7e56c153a.
        "sha256:c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
    ),
    instead="movie-reviews",
)
ABOUT = "IMDB reviews (official split)"
RATED = "IMDB reviews and their stars (official split)"
INSTEAD = "The full IMDB data cannot be reached, so the packaged reviews are used."
RECORDS = Opinions
MOST = 1 << 30
"""Bytes of the unpacked archive at most."""
RATINGS, FILMS = "ratings", "films"
VALIDATION = 0.2
"""The share of each label's training reviews, the last ones, that validates with `films`."""
_LABELS = ("neg", "pos")
_NAME = re.compile(r"\d+_(\d+)\.txt")
"""Of a review's file: its number, and the stars that its writer gave the film."""

_Parts = dict[str, list[tuple[str, str, str]]]
"""Of each part the label, the file's name and the text of each review."""


def load(part: str = "") -> Splits[LabelledTexts]:
    """Returns the reviews: the official split, or else the packaged training split.

    Args:
        part: "ratings" gives each review the stars of its writer for a label, 1 to 4 and 7 to 10
            (those between are in neither split); the packaged split does not know them. "films"
            sets a validation part apart: the last fifth of each label's training reviews. Those of
            one film mostly follow one another, so that its films are others than those that are
            learnt from, as are those of the test part.

    Raises:
        FailedError: if neither can be had.
        InputError: if there is no such part.
    """
    if part:
        one_of("what follows imdb:", part, (RATINGS, FILMS))
    try:
        archive = SOURCE.find()
    except FailedError as missing:
        if part == RATINGS:
            raise
        try:
            packaged = movie_reviews.load()
        except FailedError:
            raise missing from None
        return _parted(dataclasses.replace(packaged, notes=(INSTEAD, *packaged.notes)), part)
    tensors = kept("imdb-rated", checksum_of(archive), lambda: _packed(_unpacked(archive)))
    rated, column = part == RATINGS, RATINGS if part == RATINGS else "label"
    train, test = (
        Opinions(
            unpack(tensors[f"{name}.text"], tensors[f"{name}.size"]),
            list(map(str if rated else _opinion, tensors[f"{name}.{column}"].tolist())),
            ORDINAL if rated else "",
        )
        for name in ("train", "test")
    )
    return _parted(Splits(train, test=test, about=RATED if rated else ABOUT), part)


def _parted(reviews: Splits[LabelledTexts], part: str) -> Splits[LabelledTexts]:
    """With a validation part of other films, if asked for: the labels in turns."""
    if part != FILMS:
        return reviews
    learnt = reviews.train
    held: list[tuple[int, int]] = []
    for label in sorted(set(learnt.labels)):
        rows = [row for row, each in enumerate(learnt.labels) if each == label]
        held += enumerate(rows[round(len(rows) * (1 - VALIDATION)) :])
    late = [row for _, row in sorted(held)]
    rest = sorted({*range(len(learnt))}.difference(late))
    return dataclasses.replace(reviews, train=learnt.take(rest), validation=learnt.take(late))


def _opinion(positive: bool) -> str:
    return "positive" if positive else "negative"


def load_data(
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = KERAS.start,
    oov_char: int | None = KERAS.unknown,
    index_from: int = KERAS.first - 1,
) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]:
    """Returns reviews as lists of word ids: what `keras.datasets.imdb.load_data` gives.

    They are the same reviews in the same order, of the same words. A word's id is its rank by
    frequency in the training reviews plus `index_from`; ids differ from Keras' only among words of
    the very same frequency.

    Args:
        num_words: ids from this number on become `oov_char`; None keeps all.
        skip_top: so do the ids below this number.
        maxlen: only reviews shorter than this are returned.
        seed: of the order of the reviews.
        start_char: put in front of each review; None for nothing.
        oov_char: for words left out; None drops them.
        index_from: see above.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of int, and int64 arrays of 0
        (negative) and 1 (positive).

    Raises:
        FailedError: if the data cannot be had.
        InputError: if `maxlen` leaves no review.

    Warns:
        UserWarning: if the packaged reviews take the place of the official split.
    """
    reviews = load()
    assert reviews.test is not None
    if reviews.notes:
        warnings.warn(" ".join(reviews.notes), UserWarning, stacklevel=2)
    rules = keras_imdb.Rules(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    ranked = keras_imdb.ranked(reviews)
    chance = np.random.RandomState(seed)
    train = keras_imdb.selected(ranked.train, reviews.train.labels, rules, chance)
    return train, keras_imdb.selected(ranked.test, reviews.test.labels, rules, chance)


def get_word_index() -> dict[str, int]:
    """Returns each word's rank in the training reviews, from 1; its id is that plus `index_from`.

    Raises:
        FailedError: if the data cannot be had.
    """
    words = keras_imdb.ranked(load()).words
    return {word: rank for rank, word in enumerate(words, start=1)}


def _unpacked(archive: Path) -> _Parts:
    """Reads the reviews; ordered by label and file name, whatever the order in the archive."""
    found: _Parts = {"train": [], "test": []}
    with archives.damaged(archive):
        for path, content in archives.members(archive, _is_review, most=MOST):
            _, part, label, name = path.split("/")[:4]
            found[part].append((label, name, content.decode("utf-8")))
    if not all(found.values()):
        expected = "aclImdb/train/pos/0_9.txt and others, in train and test"
        raise FailedError(f"{archive} must hold {expected}; it does not. Remove it and try again.")
    return {part: sorted(reviews) for part, reviews in found.items()}


def _is_review(path: str) -> bool:
    _, part, label, name, *_ = (*path.split("/"), "", "", "")
    return part in ("train", "test") and label in _LABELS and bool(_NAME.fullmatch(name))


def _packed(parts: _Parts) -> dict[str, Tensor]:
    import torch

    tensors = {}
    for name, reviews in parts.items():
        tensors[f"{name}.text"], tensors[f"{name}.size"] = pack([text for *_, text in reviews])
        tensors[f"{name}.label"] = torch.tensor([label == "pos" for label, *_ in reviews])
        stars = [int(file.rpartition("_")[2].partition(".")[0]) for _, file, _ in reviews]
        tensors[f"{name}.{RATINGS}"] = torch.tensor(stars)
    return tensors
