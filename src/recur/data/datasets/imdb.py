"""IMDB Large Movie Review Dataset v1.0, the labelled part: 25,000 + 25,000 reviews.

A. L. Maas et al., "Learning word vectors for sentiment analysis", ACL 2011.
"""

from __future__ import annotations

import contextlib
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recur import files
from recur.data.datasets import movie_reviews
from recur.data.datasets.reviews import Reviews
from recur.data.datasets.source import Remote, Source, cache_folder
from recur.data.text import INDEX_FROM, START, UNKNOWN, Vocabulary
from recur.messages import FailedError, InputError

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
        "md5:7c2ac02c03563afcf9b574c7e56c153a",  # as torchtext and others list it
    ),
    instead="movie-reviews",
)
ABOUT = "IMDB reviews (official split)"
_LABELS = {"neg": "negative", "pos": "positive"}


def load_text() -> Reviews:
    """Returns the reviews: the official split, or else the packaged training split.

    Raises:
        FailedError: if neither can be had.
    """
    try:
        archive = SOURCE.find()
    except FailedError as missing:
        try:
            packaged = movie_reviews.load_text()
        except FailedError:
            raise missing from None
        notes = ("The full IMDB data cannot be reached, so the packaged reviews are used.",)
        return Reviews(
            packaged.train,
            packaged.train_labels,
            packaged.test,
            packaged.test_labels,
            packaged.about,
            notes + packaged.notes,
        )
    parts = _parsed(archive)
    return Reviews(*parts["train"], *parts["test"], about=ABOUT)


def load_data(
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int = START,
    oov_char: int = UNKNOWN,
    index_from: int = INDEX_FROM,
) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]:
    """Returns reviews as lists of word ids, with the arguments and conventions of Keras.

    A word's id is its rank by frequency in the training reviews, plus `index_from`. The ids are not
    those of Keras' own file, whose splitting into words was never published.

    Args:
        num_words: ids from this number on become `oov_char`.
        skip_top: so do the ids below this number (after `index_from`).
        maxlen: longer reviews are left out.
        seed: of the order of the reviews.
        start_char: put in front of each review.
        oov_char: for words left out.
        index_from: see above.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of int, and int64 arrays of 0
        (negative) and 1 (positive).

    Raises:
        FailedError: if the data cannot be had.
        InputError: if `maxlen` leaves no review.
    """
    reviews = load_text()
    vocabulary = Vocabulary.fit(reviews.train, index_from=index_from)
    limit = num_words if num_words is not None else len(vocabulary)
    chance = np.random.RandomState(seed)

    def encoded(texts: list[str], labels: list[str]) -> tuple[NDArray[Any], NDArray[Any]]:
        sequences = []
        for text in texts:
            ids = vocabulary.encode(text, start=False)
            # Vocabulary's own word for an unknown one is no rank.
            known = (ids > index_from) & (ids < limit) & (ids >= skip_top)
            sequences.append([start_char, *np.where(known, ids, oov_char).tolist()])
        kept = [i for i, ids in enumerate(sequences) if maxlen is None or len(ids) < maxlen]
        if not kept:
            raise InputError(f"No review is shorter than maxlen={maxlen}. Raise it.")
        order = chance.permutation(kept)
        x = np.empty(len(order), dtype=object)
        x[:] = [sequences[i] for i in order]
        return x, np.array([labels[i] == "positive" for i in order], dtype=np.int64)

    train = encoded(reviews.train, reviews.train_labels)
    return train, encoded(reviews.test, reviews.test_labels)


def get_word_index() -> dict[str, int]:
    """Returns each word's rank in the training reviews, from 1; its id is that plus `index_from`.

    Raises:
        FailedError: if the data cannot be had.
    """
    words = Vocabulary.fit(load_text().train).words
    return {word: rank for rank, word in enumerate(words, start=1)}


def _parsed(archive: Path) -> dict[str, tuple[list[str], list[str]]]:
    """The reviews of an archive; they are kept in the cache, since unpacking takes long."""
    stamp = archive.stat()
    kept = cache_folder() / f"imdb-{stamp.st_size}-{stamp.st_mtime_ns}.safetensors"
    if kept.is_file():
        try:
            return _read_kept(kept)
        except (InputError, KeyError):
            pass  # damaged: read the archive again
    parts = _unpacked(archive)
    with contextlib.suppress(FailedError):  # a cache that cannot be written costs time only
        _keep(kept, parts)
    return parts


def _unpacked(archive: Path) -> dict[str, tuple[list[str], list[str]]]:
    parts: dict[str, tuple[list[str], list[str]]] = {"train": ([], []), "test": ([], [])}
    try:
        with tarfile.open(archive) as members:
            for member in members:
                place = member.name.split("/")
                if len(place) == 4 and place[1] in parts and place[2] in _LABELS:
                    content = members.extractfile(member)
                    assert content is not None
                    parts[place[1]][0].append(content.read().decode("utf-8"))
                    parts[place[1]][1].append(_LABELS[place[2]])
    except (tarfile.TarError, EOFError, OSError, UnicodeDecodeError) as error:
        raise FailedError(f"{archive} is damaged: {error}. Remove it and try again.") from error
    if not parts["train"][0]:
        raise FailedError(f"{archive} holds no reviews. It should be {SOURCE.local[-1]}.")
    return parts


def _keep(path: Path, parts: dict[str, tuple[list[str], list[str]]]) -> None:
    tensors = {}
    for name, (texts, labels) in parts.items():
        encoded = [text.encode() for text in texts]
        tensors[f"{name}.text"] = torch.from_numpy(
            np.frombuffer(b"".join(encoded), dtype=np.uint8).copy()
        )
        tensors[f"{name}.size"] = torch.tensor([len(text) for text in encoded])
        tensors[f"{name}.label"] = torch.tensor([label == "positive" for label in labels])
    files.write_tensors(path, tensors)


def _read_kept(path: Path) -> dict[str, tuple[list[str], list[str]]]:
    tensors, _ = files.read_tensors(path)
    parts = {}
    for name in ("train", "test"):
        whole = tensors[f"{name}.text"].numpy().tobytes()
        ends = np.cumsum(tensors[f"{name}.size"].numpy()).tolist()
        texts = [whole[a:b].decode() for a, b in zip([0, *ends[:-1]], ends, strict=True)]
        labels = [
            "positive" if label else "negative" for label in tensors[f"{name}.label"].tolist()
        ]
        parts[name] = (texts, labels)
    return parts
