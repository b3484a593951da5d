"""Sound: read in any form and at any rate; what there is nothing to hear in is refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recur.data import audio
from recur.messages import InputError

RATE = 8000


def tone(frequency=440.0, rate=RATE, seconds=0.5):
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(
        np.float32
    )


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (44100, 2)])
def test_any_form_rate_and_channels_give_the_same_tone(form, rate, channels, tmp_path):
    path = tmp_path / f"tone.{form.lower()}"
    soundfile.write(path, np.stack([tone(rate=rate)] * channels, axis=1), rate, format=form)
    sound = audio.in_file(path)
    samples = sound.samples(RATE)
    assert sound.seconds == pytest.approx(0.5, abs=0.06)  # MP3 fills up its blocks
    assert len(samples) == pytest.approx(sound.seconds * RATE, abs=2)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert spectrum.argmax() * RATE / len(samples) == pytest.approx(440, abs=4)


def test_what_a_lower_rate_cannot_hold_is_kept_out():
    high = audio.of_samples(tone(6000, rate=16000), 16000).samples(RATE)
    assert np.abs(high[200:-200]).max() < 0.01  # without a filter it would be heard at 2,000 Hz


def test_samples_as_whole_numbers():
    whole = (tone() * 32768).astype(np.int16)
    np.testing.assert_allclose(audio.of_samples(whole, RATE).samples(RATE), tone(), atol=1e-4)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"no sound at all", "a recording that can be read"), (b"", "a recording that can be read")],
)
def test_what_is_no_recording_is_named(content, said, tmp_path):
    (tmp_path / "bad.wav").write_bytes(content)
    with pytest.raises(InputError, match=rf"bad\.wav must be {said}"):
        audio.in_file(tmp_path / "bad.wav")


def test_empty_recordings_and_wrong_samples_are_refused(tmp_path):
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    with pytest.raises(InputError, match="of one sample at least"):
        audio.in_file(tmp_path / "empty.wav")
    with pytest.raises(InputError, match="There is no file"):
        audio.in_file(tmp_path / "none.wav")
    for samples, rate in (([], RATE), ([[[0.0]]], RATE), (["a"], RATE), ([0.0], 0)):
        with pytest.raises(InputError):
            audio.of_samples(samples, rate)
    with pytest.raises(InputError, match="numbers, one at least"):
        audio.of_samples([np.nan], RATE).samples(RATE)


def long(rng, seconds=2.0):
    """Noise, which no form writes down in a few bytes."""
    return (0.3 * rng.standard_normal(int(seconds * RATE))).astype(np.float32)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
def test_what_is_cut_off_is_named(form, tmp_path, capfd):
    whole, path = tmp_path / "whole", tmp_path / "cut.sound"
    soundfile.write(whole, long(np.random.default_rng(0)), RATE, format=form)
    audio.in_file(whole).check(0.025)
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(InputError, match=r"cut\.sound must be"):
        audio.in_file(path).check(0.025)


def test_a_file_that_was_written_before_its_end_was_known_is_whole(tmp_path):
    content = bytearray(audio.wav(tone(), RATE))
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff" * 4
    (tmp_path / "piped.wav").write_bytes(content)
    sound = audio.in_file(tmp_path / "piped.wav")
    sound.check(0.025)
    np.testing.assert_allclose(sound.samples(RATE), tone(), atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(800), "silence throughout"),
        (np.full(800, 0.25), "silence throughout"),
        (tone(seconds=0.01), "as long as a frame at least, 0.025 seconds; got 0.01"),
        (np.append(tone(), np.nan), "NaN or infinite ones"),
        (np.append(tone(), -np.inf), "NaN or infinite ones"),
    ],
)
def test_nothing_to_hear_is_refused(samples, said):
    with pytest.raises(InputError, match=said):
        audio.of_samples(samples, RATE, "a.wav").check(0.025)


def test_two_files_of_one_name_are_told_apart():
    paths = [Path("a/1.wav"), Path("b/1.wav"), Path("b/2.wav")]
    assert audio.names_apart(paths) == [str(paths[0]), str(paths[1]), "2.wav"]


def test_recordings_one_after_another():
    parts = [audio.of_samples(tone(), RATE), audio.of_samples(tone(rate=2 * RATE), 2 * RATE)]
    both = audio.joined(parts, [0.25], "both")
    assert both.seconds == pytest.approx(1.25)
    samples = both.samples(RATE)
    assert len(samples) == pytest.approx(1.25 * RATE, abs=2)
    np.testing.assert_array_equal(samples[: RATE // 2], tone())
    assert not samples[RATE // 2 : RATE // 2 + RATE // 4].any()


def test_written_and_read_again():
    read, rate = soundfile.read(io.BytesIO(audio.wav(tone(), RATE)), dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(read, tone(), atol=1e-4)
