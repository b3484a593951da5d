"""Features of sound: against librosa's numbers, normalised, and as another throat has them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recur.data.log_mel import LogMel
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


def test_beside_the_loudest_so_far():
    hear = mel(normalised="running")
    x = np.concatenate([0.01 * tone(), tone(), 0.01 * tone(seconds=25)])
    found, plain = hear(x), hear(100 * x)
    torch.testing.assert_close(found, plain, atol=1e-3, rtol=0)  # however loud it is
    assert found.max() == pytest.approx(2)
    assert found.min() >= -2
    loudest = found.amax(dim=1)
    assert loudest[30] == pytest.approx(2, abs=0.01)
    assert loudest[110] == pytest.approx(2 - 4 * 40 / 60, abs=0.1)  # 40 dB below what was before
    assert loudest[-5] > loudest[110] + 0.4  # which is forgotten
    assert hear(np.zeros(800, np.float32)).max() == -2


def peak(frequency, warp):
    """The middle of the band that a tone is loudest in."""
    hear = mel(bands=40)
    return hear.frequencies[int(hear.energies(tone(frequency), warp=warp).sum(dim=0).argmax())]


def test_another_vocal_tract_has_other_frequencies():
    assert peak(1000, 1.0) == pytest.approx(1000, rel=0.03)
    assert peak(1000, 1.2) == pytest.approx(1200, rel=0.05)
    assert peak(1000, 0.8) == pytest.approx(800, rel=0.05)
    for warp in (0.8, 1.2):  # the highest frequency stays
        assert peak(3900, warp) == mel(bands=40).frequencies[-1]


def test_another_tempo_has_more_or_fewer_frames():
    x = tone()
    frames = len(mel().energies(x))
    assert len(mel().energies(x, tempo=1.25)) == pytest.approx(frames / 1.25, abs=1)
    assert len(mel().energies(x, tempo=0.8)) == pytest.approx(frames / 0.8, abs=1)


@pytest.mark.parametrize(
    "wrong", [{"bands": 0}, {"bands": 500}, {"hop": 0.5}, {"rate": 10}, {"scale": "bark"}]
)
def test_features_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError):
        mel(**wrong)
