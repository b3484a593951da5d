"""`keras.datasets.imdb` where its file can be had neither from Keras' cache nor from its address.

Keras reads `imdb.npz`: the ranks of words, review by review, positive ones first. recur makes the
same from the reviews that it has, and keeps it in its own cache: Keras' cache is for Keras' files,
which it checks. What Keras then does with it (words left out, the order, the start) is Keras' own.
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import threading
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np

from recur import files
from recur.data.datasets import imdb, keras_imdb
from recur.data.datasets.kept import checksum_of_texts
from recur.data.datasets.source import TIMEOUT, cache_folder
from recur.messages import aside

REVIEWS, WORDS = "imdb.npz", "imdb_word_index.json"
VERSION = 1  # another number when the files are made in another way

Get = Callable[..., str]


def install() -> None:
    """From now on `keras.datasets.imdb` finds recur's reviews where it finds none."""
    module: Any = importlib.import_module("keras.src.datasets.imdb")
    if not hasattr(module.get_file, "__wrapped__"):
        module.get_file = _getting(module.get_file)


def _getting(original: Get) -> Get:
    @functools.wraps(original)
    def get_file(fname: str, origin: str, **options: Any) -> str:
        made = {REVIEWS: _reviews, WORDS: _words}.get(origin.rpartition("/")[2])
        # The numbers of words are of one file of reviews: both are Keras', or both are recur's.
        if made is None or _has_keras_own(origin.rpartition("/")[0]):
            return original(fname, origin, **options)
        return str(made())

    return get_file


@functools.cache
def _has_keras_own(address: str) -> bool:
    config: Any = importlib.import_module("keras.src.backend.config")
    cached = Path(config.keras_home()).expanduser() / "datasets" / REVIEWS
    return cached.is_file() or _answers(f"{address}/{REVIEWS}")


def _answers(url: str) -> bool:
    """Whether an address answers within seconds, looking up its name included.

    Nothing limits how long that takes, and each of a host's addresses is tried for as long as the
    first.
    """
    answered = threading.Event()

    def ask() -> None:
        try:
            asked = urllib.request.Request(url, method="HEAD")
            with urllib.request.urlopen(asked, timeout=TIMEOUT[0]):
                answered.set()
        except (OSError, ValueError, HTTPException):
            return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(TIMEOUT[0])
    return answered.is_set()


def _reviews() -> Path:
    return _kept()[0]


def _words() -> Path:
    return _kept()[1]


@functools.cache
def _kept() -> tuple[Path, Path]:
    """The files of reviews and of words, made if they are not there.

    Raises:
        FailedError: if there are no reviews, or the files cannot be written.
    """
    reviews = imdb.load()
    made = f"Keras' {REVIEWS} cannot be reached; it is made from {reviews.about}."
    aside(" ".join(["recur:", made, *reviews.notes]))
    assert reviews.test is not None
    checksum = checksum_of_texts(reviews.train.texts, reviews.test.texts)[:16]
    paths = [cache_folder() / f"keras-{VERSION}-{checksum}-{name}" for name in (REVIEWS, WORDS)]
    if not all(path.is_file() for path in paths):
        ranked = keras_imdb.ranked(reviews)
        train, y_train = keras_imdb.in_the_file(ranked.train, reviews.train.labels)
        test, y_test = keras_imdb.in_the_file(ranked.test, reviews.test.labels)
        content = io.BytesIO()
        np.savez(content, x_train=train, y_train=y_train, x_test=test, y_test=y_test)
        files.write_bytes(paths[0], content.getvalue())
        ranks = {word: rank for rank, word in enumerate(ranked.words, start=1)}
        files.write_bytes(paths[1], json.dumps(ranks).encode())
    return paths[0], paths[1]
