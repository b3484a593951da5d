"""`keras.datasets.imdb` from recur's reviews: what Keras makes of the file, and recur by itself."""

from __future__ import annotations

import json
import time

import keras
import numpy as np
import pytest
from keras.src.datasets import imdb as theirs

from recur.data.datasets import imdb
from recur.data.records.labelled import LabelledTexts
from recur.data.splits import Splits
from recur.keras import reviews
from recur.messages import FailedError

TEXTS = [f"{word} films are {word}; so is film number {n % 7}." for n, word in enumerate("abc" * 9)]
LABELS = ["positive" if n % 3 else "negative" for n in range(len(TEXTS))]


@pytest.fixture
def few(monkeypatch, tmp_path):
    """Few reviews, a cache for them, and an address where nobody answers."""
    train, test = (LabelledTexts(TEXTS[part], LABELS[part]) for part in (slice(20), slice(20, 99)))
    found = Splits(train, test=test, about="few reviews", notes=("Few.",))
    monkeypatch.setattr(imdb, "load", lambda: found)
    monkeypatch.setattr(reviews, "_answers", lambda url: False)
    monkeypatch.setenv("RECUR_CACHE", str(tmp_path))
    monkeypatch.setattr(theirs, "get_file", theirs.get_file)
    for kept in (reviews._kept, reviews._has_keras_own):
        kept.cache_clear()
    reviews.install()
    yield
    for kept in (reviews._kept, reviews._has_keras_own):
        kept.cache_clear()


@pytest.mark.filterwarnings("ignore:Few")
@pytest.mark.parametrize(
    "rules",
    [
        {"num_words": 8},
        {"num_words": 9, "skip_top": 5, "seed": 3},
        {"num_words": 99, "maxlen": 11, "oov_char": None},
        {"num_words": 99, "start_char": None, "index_from": 0},
    ],
)
def test_keras_makes_of_it_what_recur_does(few, rules):
    found = keras.datasets.imdb.load_data(**rules), imdb.load_data(**rules)
    for mine, other in zip(*found, strict=True):
        assert [list(row) for row in mine[0]] == [list(row) for row in other[0]]
        np.testing.assert_array_equal(mine[1], other[1])
        assert mine[1].dtype == other[1].dtype


def test_it_is_said_and_kept_with_its_words(few, capsys, tmp_path):
    assert keras.datasets.imdb.get_word_index() == imdb.get_word_index()
    keras.datasets.imdb.load_data()
    assert capsys.readouterr().err == (
        "recur: Keras' imdb.npz cannot be reached; it is made from few reviews. Few.\n"
    )
    made = sorted(path.name[-9:] for path in tmp_path.glob("keras-1-*"))
    assert made == ["-imdb.npz", "ndex.json"]
    times = [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())]
    reviews._kept.cache_clear()
    keras.datasets.imdb.load_data()
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())] == times


def test_what_keras_has_is_used(few, monkeypatch, tmp_path):
    from keras.src.backend import config

    monkeypatch.setattr(config, "_KERAS_DIR", str(tmp_path))
    words = tmp_path / "words.json"
    words.write_text(json.dumps({"film": 1}))
    monkeypatch.setattr(theirs, "get_file", reviews._getting(lambda *given, **how: str(words)))
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "imdb.npz").touch()
    assert keras.datasets.imdb.get_word_index() == {"film": 1}


def test_no_reviews_at_all(few, monkeypatch):
    def nothing():
        raise FailedError("The dataset 'imdb' cannot be had.")

    monkeypatch.setattr(imdb, "load", nothing)
    with pytest.raises(FailedError, match="cannot be had"):
        keras.datasets.imdb.load_data()


def late(asked, timeout):
    """Looking up a name takes as long as it takes."""
    time.sleep(0.5)
    raise OSError


def test_an_address_where_nobody_answers(monkeypatch):
    monkeypatch.setattr(reviews, "TIMEOUT", (0.2, 1))
    assert not reviews._answers("http://127.0.0.1:9/imdb.npz")
    assert not reviews._answers("no address")
    monkeypatch.setattr(reviews.urllib.request, "urlopen", late)
    assert not reviews._answers("http://somewhere/imdb.npz")
