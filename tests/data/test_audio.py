"""Sound: read at any rate, its features against librosa's numbers, and changed by chance."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
import torch

from recur.data import audio
from recur.data.log_mel import LogMel
from recur.data.sound_changes import Changes
from recur.messages import InputError

RATE = 8000
# librosa 0.11: feature.melspectrogram(y=x, sr=8000, n_fft=256, hop_length=80, win_length=200,
# n_mels=8, fmin=0, fmax=4000, htk=..., pad_mode="constant", power=2.0), frames 0, 4 and 10.
LIBROSA = {
    "slaney": [
        [1.709603, 0.2775686, 1.561402e-3, 2.517015e-4, 7.674967e-5, 1.121974e-4, 8.361411e-4,
         2.671826e-2],
        [1.074071e-7, 1.400718e-5, 6.6425e-2, 2.52301, 1.197103, 1.553423e-3, 1.001417e-5,
         5.513897e-2],
        [1.355252e-3, 1.453556e-3, 1.651136e-3, 2.014556e-3, 2.949026e-3, 7.738194e-3,
         0.6862724, 0.2347133],
    ],
    "htk": [
        [1.466292, 1.265015, 1.71474e-2, 5.380793e-4, 9.276888e-5, 1.143577e-4, 1.659557e-3,
         2.756919e-2],
        [3.756719e-8, 4.829348e-7, 1.615398e-3, 1.410215, 1.642724, 5.654097e-3, 1.179651e-3,
         5.771819e-2],
        [1.333246e-3, 1.39372e-3, 1.531467e-3, 1.858291e-3, 2.788443e-3, 8.831383e-3, 0.7163897,
         0.1990895],
    ],
}  # fmt: skip


def tone(frequency=440.0, rate=RATE, seconds=0.5):
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(
        np.float32
    )


def mel(**given):
    options = {"rate": RATE, "window": 0.025, "hop": 0.01, "bands": 8, "scale": "slaney"}
    return LogMel(**{**options, "normalised": "none", **given})


@pytest.mark.parametrize("scale", LIBROSA)
def test_energies_are_librosas(scale):
    n = np.arange(800)
    swept = 0.5 * np.sin(2 * np.pi * (200 + 1.5 * n) * n / RATE)
    x = (swept + 0.1 * np.cos(2 * np.pi * 3100 * n / RATE)).astype(np.float32)
    hear = mel(scale=scale)
    found = hear.energies(x)
    assert found.shape == (hear.frames(0.1), 8) == (11, 8)
    np.testing.assert_allclose(found[[0, 4, 10]], LIBROSA[scale], rtol=2e-4, atol=1e-7)
    torch.testing.assert_close(hear(x), found.clamp(min=1e-6 * float(found.max())).log())


def test_frequencies_are_librosas():
    slaney = [260.472299, 520.944597, 781.416896, 1044.146023, 1365.906555, 1786.819732]
    htk = [164.941846, 368.749138, 620.579788, 931.749599, 1316.240728, 1791.329967]
    assert mel().frequencies[:6] == pytest.approx(slaney)
    assert mel(scale="htk").frequencies[:6] == pytest.approx(htk)


def test_each_recording_is_normalised():
    x = mel(normalised="bands")(tone())
    torch.testing.assert_close(x.mean(dim=0), torch.zeros(8), atol=1e-4, rtol=0)
    assert mel(normalised="whole")(tone()).std(correction=0) == pytest.approx(1, abs=0.05)
    assert mel(normalised="bands")(np.zeros(100, np.float32)).abs().max() == 0


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


def test_a_truncated_file_is_read_as_far_as_it_goes_or_named():
    content = audio.wav(tone(), RATE)
    sound = audio.in_bytes("cut.wav", lambda: content[: len(content) // 2])
    assert 0 < len(sound.samples(RATE)) <= len(tone()) // 2 + 1


def test_written_and_read_again():
    read, rate = soundfile.read(io.BytesIO(audio.wav(tone(), RATE)), dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(read, tone(), atol=1e-4)


@pytest.mark.parametrize(
    "wrong", [{"bands": 0}, {"bands": 500}, {"hop": 0.5}, {"rate": 10}, {"scale": "bark"}]
)
def test_features_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError):
        mel(**wrong)


def test_changes_by_chance():
    x, fresh = tone(), lambda: np.random.default_rng(3)
    assert not Changes()
    np.testing.assert_array_equal(Changes().heard(x, RATE, fresh()), x)
    for each in (Changes(speed=0.5), Changes(gain=6), Changes(noise=1), Changes(shift=0.2)):
        first = each.heard(x, RATE, fresh())
        np.testing.assert_array_equal(first, each.heard(x, RATE, fresh()))
        assert first.shape != x.shape or not np.allclose(first, x)
    assert len(Changes(speed=0.5).heard(x, RATE, fresh(), least=10)) == len(x)
    features = mel()(x)
    masked = Changes(masks=2).seen(features, fresh())
    assert torch.isfinite(masked).all()
    assert 0 < (masked != features).float().mean() < 0.7
