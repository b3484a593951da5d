"""The Free Spoken Digit Dataset: who and what stands in which part, from a tiny archive like it."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from recur.data import audio
from recur.data.datasets import fsdd
from recur.messages import InputError

OTHERS = set(fsdd.SPEAKERS) - {"theo"}


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Twelve recordings of every digit and speaker, all alike."""
    content = audio.wav(np.linspace(-0.5, 0.5, 100, dtype=np.float32), 8000)
    with zipfile.ZipFile(tmp_path / "fsdd_recordings.zip", "w") as made:
        for digit in range(10):
            for speaker in fsdd.SPEAKERS:
                for number in range(12):
                    made.writestr(f"recordings/{digit}_{speaker}_{number}.wav", content)
    monkeypatch.setenv("RECUR_DATA", str(tmp_path))


def numbers(clips):
    return {int(sound.name.split("_")[2].removesuffix(".wav")) for sound in clips.sounds}


def test_the_parts(archive):
    parts = fsdd.load()
    assert [numbers(part) for part in (parts.train, parts.validation, parts.test)] == [
        {10, 11},
        {5, 6, 7, 8, 9},
        {0, 1, 2, 3, 4},
    ]
    assert set(parts.test.transcripts) == set(fsdd.DIGITS)
    apart = fsdd.load("theo")
    assert set(apart.test.speakers) == {"theo"}
    assert len(apart.test) == 120
    assert set(apart.train.speakers) == set(apart.validation.speakers) == OTHERS
    assert not numbers(apart.train) & numbers(apart.validation)
    both = fsdd.load("theo:lucas")
    assert set(both.test.speakers) == {"theo"}
    assert set(both.validation.speakers) == {"lucas"}
    assert set(both.train.speakers) == OTHERS - {"lucas"}


@pytest.mark.parametrize("part", ["strings", "strings:theo"])
def test_strings_are_made_of_their_own_parts_recordings(archive, part):
    found, alone = fsdd.load(part), fsdd.load("theo" if "theo" in part else "official")
    for strings, clips in (
        (found.train, alone.train),
        (found.validation, alone.validation),
        (found.test, alone.test),
    ):
        assert set(strings.speakers) == set(clips.speakers)
        sizes = [len(text.split()) for text in strings.transcripts]
        assert min(sizes) == 3
        assert max(sizes) == 7
        assert 3 * len(clips) - 2 * len(set(clips.speakers)) <= sum(sizes) <= 3 * len(clips)
    again = fsdd.load(part)
    assert again.test.transcripts == found.test.transcripts
    first, second = found.test.sounds[0], again.test.sounds[0]
    np.testing.assert_array_equal(first.samples(8000), second.samples(8000))
    assert len(first.samples(8000)) == pytest.approx(8000 * first.seconds, abs=8)


@pytest.mark.parametrize(
    "part", ["", "anna", "theo:anna", "strings:anna", "theo:theo", "theo:lucas:george", "strings:"]
)
def test_other_parts_are_refused(part):
    with pytest.raises(InputError, match="part must be official, strings"):
        fsdd.load(part)
