"""Samples as the numbers that networks hear: energies in bands of the mel scale.

Legend: S samples, T frames (steps of the features), M bands of the mel scale.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recur.data.audio import Samples, check_rate
from recur.messages import InputError, must, one_of

if TYPE_CHECKING:
    from torch import Tensor

FLOOR = 1e-10
"""The energy below which a band counts as silent, whatever the recording."""
SILENCE = 1e-6
"""And that for a recording whose greatest is 1: without it digital silence would rule the mean."""
QUIETEST = 1e-7
"""The energy that the loudest band has at least, where what comes is normalised by it."""
FORGOTTEN = 10.0
"""Seconds until half of the loudest band so far is forgotten."""
SCALES = ("slaney", "htk")
NORMALISED = ("bands", "whole", "running", "none")
KNEE = 4800.0
"""Hz up to which a vocal tract's frequencies are stretched alike."""


@dataclass(frozen=True)
class LogMel:
    """The logarithm of the energy in bands of the mel scale, frame by frame.

    A frame is `window` seconds under a Hann window, one every `hop` seconds, the first around the
    first sample (zeros before it). Its power spectrum (|X|^2 of an FFT whose size is the next power
    of two) is summed by triangles that overlap by half and stand at equal distances on the mel
    scale, each of area 1 (M. Slaney, Auditory Toolbox, 1998). Scale "slaney" is linear up to
    1,000 Hz, 200/3 Hz a mel, and logarithmic above, 27 mels for a factor of 6.4; "htk" is
    2595 log10(1 + f / 700) (S. Young et al., The HTK Book). Energies below a millionth of the
    recording's greatest, or below 1e-10, are silence.

    Attributes:
        rate: samples a second.
        window: seconds of a frame.
        hop: seconds from one frame to the next.
        bands: M.
        scale: "slaney" or "htk".
        normalised: each recording: its "bands" have mean 0 and deviation 1 over time, or the
            "whole" of it has, or "none" of it. "running" needs no end: each frame stands beside the
            loudest band so far (half of which is forgotten in ten seconds), as loud as that is 2,
            and 60 dB below it, which is silence, is -2.

    Raises:
        InputError: other values.
    """

    rate: int
    window: float
    hop: float
    bands: int
    scale: str
    normalised: str

    def __post_init__(self) -> None:
        one_of("scale", self.scale, SCALES)
        one_of("normalised", self.normalised, NORMALISED)
        check_rate(self.rate)
        if not 1 <= self.step <= self.width <= self.rate:
            got = f"window {self.window:g} and hop {self.hop:g} at {self.rate:,} samples a second"
            raise InputError(must("window and hop", "1 >= window >= hop >= 1 sample", got))
        if not 1 <= self.bands <= self.size // 2:
            raise InputError(must("bands", f"from 1 to {self.size // 2}", self.bands))

    @property
    def step(self) -> int:
        """Samples from one frame to the next."""
        return round(self.hop * self.rate)

    @property
    def width(self) -> int:
        """Samples of a frame."""
        return round(self.window * self.rate)

    @property
    def size(self) -> int:
        """Samples that are transformed at once."""
        return 1 << max(1, math.ceil(math.log2(self.width)))

    def frames(self, seconds: float) -> int:
        """T of a recording so long."""
        return 1 + int(seconds * self.rate) // self.step

    def time(self, frame: float) -> float:
        """The seconds at which the middle of a frame is."""
        return frame * self.step / self.rate

    def __call__(self, samples: Samples) -> Tensor:
        """The features (T, M) of samples (S,)."""
        return self.of(self.energies(samples))

    def of(self, energies: Tensor) -> Tensor:
        """The features (T, M) of energies (T, M) of a whole recording."""
        if self.normalised == "running":
            return Running(self)(energies)
        logs = energies.clamp(min=max(FLOOR, SILENCE * float(energies.max()))).log()
        if self.normalised == "none":
            return logs
        over = 0 if self.normalised == "bands" else (0, 1)
        deviation = logs.std(dim=over, correction=0, keepdim=True)
        return (logs - logs.mean(dim=over, keepdim=True)) / (deviation + 1e-2)

    def energies(self, samples: Samples, *, tempo: float = 1.0, warp: float = 1.0) -> Tensor:
        """The energies (T, M) of samples (S,).

        Args:
            samples: the samples.
            tempo: as if they were spoken so many times as fast, at the same pitch.
            warp: as if by a vocal tract whose frequencies are so many times as high.
        """
        return self._energies(samples, max(1, round(self.step * tempo)), warp, ends=True)

    def framed(self, samples: Samples) -> Tensor:
        """The energies (T, M) of the frames that lie in samples (S,), with nothing around them."""
        if len(samples) < self.size:
            return self._energies(np.zeros(self.size, np.float32), self.step, 1.0, ends=False)[:0]
        return self._energies(samples, self.step, 1.0, ends=False)

    def _energies(self, samples: Samples, step: int, warp: float, *, ends: bool) -> Tensor:
        import torch  # takes seconds, and who lists datasets needs none of it

        spectrum = torch.stft(
            torch.from_numpy(np.ascontiguousarray(samples)),
            self.size,
            step,
            self.width,
            torch.hann_window(self.width),
            center=ends,
            pad_mode="constant",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        filters = _filters(self.rate, self.size, self.bands, self.scale, round(warp, 2))
        return (filters @ power).T.contiguous()

    @property
    def frequencies(self) -> list[float]:
        """The middle of each band in Hz."""
        return [float(edge) for edge in _edges(self.rate, self.bands, self.scale)[1:-1]]


class Running:
    """Features of energies that come piece by piece, each frame beside the loudest band so far.

    Args:
        hear: says how often a frame comes.
    """

    def __init__(self, hear: LogMel) -> None:
        self.fall = math.log(2) * hear.time(1) / FORGOTTEN
        self.loudest = math.log(QUIETEST)

    def __call__(self, energies: Tensor) -> Tensor:
        """The features (T, M) of the energies (T, M) that follow."""
        import torch

        # What falls by so much a frame rises to a greatest value: a running maximum of what has
        # the fall added.
        gone = torch.arange(1, len(energies) + 1, dtype=torch.float64) * self.fall
        peaks = energies.double().amax(dim=1).clamp(min=QUIETEST).log() + gone
        loudest = peaks.clamp(min=self.loudest).cummax(dim=0).values - gone
        if len(loudest):
            self.loudest = float(loudest[-1])
        logs = energies.double().clamp(min=QUIETEST * SILENCE).log() - loudest.unsqueeze(1)
        silence = math.log(SILENCE)
        return (2 - 4 * logs.clamp(min=silence) / silence).float()


@functools.lru_cache(maxsize=256)
def _filters(rate: int, size: int, bands: int, scale: str, warp: float) -> Tensor:
    """(M, size / 2 + 1) triangles of area 1."""
    import torch

    edges = _edges(rate, bands, scale)
    bins = _warped(np.linspace(0, rate / 2, size // 2 + 1), warp)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    triangles = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    return torch.from_numpy(triangles.astype(np.float32))


def _warped(frequencies: NDArray[np.float64], warp: float) -> NDArray[np.float64]:
    """Frequencies as another vocal tract has them (N. Jaitly and G. Hinton, ICML 2013 workshop).

    Times `warp` up to a knee, and from there in a straight line to the highest, which stays.
    """
    highest = frequencies[-1]
    knee = min(KNEE, 0.8 * highest) * min(warp, 1.0)
    found: NDArray[np.float64] = np.interp(
        frequencies, [0.0, knee / warp, highest], [0.0, knee, highest]
    )
    return found


def _edges(rate: int, bands: int, scale: str) -> NDArray[np.float64]:
    """(M + 2,) frequencies at equal distances on the mel scale."""
    mels = np.linspace(0, _mel(rate / 2, scale), bands + 2)
    if scale == "htk":
        return 700 * (10 ** (mels / 2595) - 1)
    return np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))


def _mel(frequency: float, scale: str) -> float:
    if scale == "htk":
        return 2595 * math.log10(1 + frequency / 700)
    if frequency < 1000:
        return frequency * 3 / 200
    return 15 + 27 * math.log(frequency / 1000) / math.log(6.4)
