"""Sound: recordings as samples, and samples as the numbers that networks hear.

Legend: S samples, T frames (steps of the features), M bands of the mel scale.

Files are read by libsndfile (the package soundfile: WAV, FLAC, OGG, MP3 and more) and resampled by
the SoX resampler (the package soxr), whose filter keeps out what a lower rate cannot hold.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recur import files
from recur.files import PathLike
from recur.messages import FailedError, InputError, RecurError, must, one_of

if TYPE_CHECKING:
    from torch import Tensor

Samples = NDArray[np.float32]

RATES = (1000, 768_000)
"""Samples a second, at least and at most."""
MOST_CHANNELS = 32
"""More in fewer samples are samples, read the wrong way round."""
FLOOR = 1e-10
"""The energy below which a band counts as silent, whatever the recording."""
SILENCE = 1e-6
"""And that for a recording whose greatest is 1: without it digital silence would rule the mean."""
SCALES = ("slaney", "htk")
NORMALISED = ("bands", "whole", "none")


@dataclass(frozen=True, eq=False)
class Sound:
    """A recording, which is read when it is asked for.

    Attributes:
        name: what messages call it.
        seconds: how long it is.
        load: gives its samples (S,) or (S, channels), and their rate.
    """

    name: str
    seconds: float
    load: Callable[[], tuple[NDArray[Any], int]]

    def samples(self, rate: int) -> Samples:
        """Its samples (S,) at that rate: the mean of its channels.

        Raises:
            InputError: if it cannot be read, or is empty.
        """
        values, own = self.load()
        mono = values.mean(axis=1) if values.ndim == 2 else values
        if not len(mono) or not np.isfinite(mono).all():
            got = "none" if not len(mono) else "values that are not finite"
            raise InputError(must(f"the samples of {self.name}", "numbers, one at least", got))
        return resampled(mono.astype(np.float32), own, rate)


def in_file(path: PathLike) -> Sound:
    """A recording in a file.

    Raises:
        InputError: if there is no such file, or it is no recording, or an empty one.
        FailedError: if the package soundfile is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}. Check the path.")
    return _opened(path.name, lambda: path)


def in_bytes(name: str, read: Callable[[], bytes]) -> Sound:
    """A recording in the bytes that a function gives, such as a member of an archive.

    Raises:
        InputError: if it is no recording, or an empty one.
        FailedError: if the package soundfile is not installed.
    """
    return _opened(name, lambda: io.BytesIO(read()))


def of_samples(samples: Any, rate: int, name: str = "the recording") -> Sound:
    """A recording that is here as numbers.

    Args:
        samples: (S,) or (S, channels); whole numbers of 16 or 32 bits become -1 to 1.
        rate: samples a second.
        name: what messages call it.

    Raises:
        InputError: if it is something else, or empty.
    """
    values = np.asarray(samples)
    low, high = RATES
    if isinstance(rate, bool) or not isinstance(rate, int) or not low <= rate <= high:
        raise InputError(must("rate", f"samples a second, from {low:,} to {high:,}", repr(rate)))
    if values.ndim == 2 and values.shape[1] > max(len(values), MOST_CHANNELS):
        todo = "Turn them round (samples.T) where the channels come first."
        expected = f"(samples,) or (samples, channels), of at most {MOST_CHANNELS} channels"
        raise InputError(must("samples", expected, f"the shape {values.shape}", todo))
    if values.ndim not in (1, 2) or not len(values) or values.dtype.kind not in "fi":
        got = f"{values.dtype} of the shape {values.shape}"
        raise InputError(must(name, "samples (S,) or (S, channels), one at least", got))
    if values.dtype.kind == "i":
        values = values / (np.iinfo(values.dtype).max + 1.0)
    return Sound(name, len(values) / rate, lambda: (values, rate))


def resampled(samples: Samples, rate: float, wanted: float) -> Samples:
    """Samples (S,) of one rate at another.

    Raises:
        FailedError: if the package soxr is not installed.
    """
    if rate == wanted:
        return samples
    found: Samples = _package("soxr").resample(samples, rate, wanted)
    return found if len(found) else samples[:1]


def wav(samples: Samples, rate: int) -> bytes:
    """Samples as the content of a WAV file of 16 bits.

    Raises:
        FailedError: if the package soundfile is not installed.
    """
    content = io.BytesIO()
    _package("soundfile").write(content, samples, rate, format="WAV", subtype="PCM_16")
    return content.getvalue()


def _opened(name: str, place: Callable[[], Path | io.BytesIO]) -> Sound:
    package = _package("soundfile")

    def load() -> tuple[NDArray[Any], int]:
        with _readable(name):
            return package.read(place(), dtype="float32", always_2d=True)  # type: ignore[no-any-return]

    with _readable(name):
        about = package.info(place())
    if not about.frames:
        raise InputError(must(f"the recording {name}", "of one sample at least", "none"))
    return Sound(name, about.frames / about.samplerate, load)


@contextlib.contextmanager
def _readable(name: str) -> Iterator[None]:
    """Says of what is no recording that it is none."""
    try:
        yield
    except (RuntimeError, OSError, TypeError) as error:  # libsndfile's are RuntimeErrors
        if isinstance(error, RecurError):
            raise
        why = str(error).rpartition(": ")[2].rstrip(".") or type(error).__name__
        expected = "a recording that can be read (WAV, FLAC, OGG, MP3)"
        todo = "It may be damaged, or of another kind."
        raise InputError(must(name, expected, why, todo)) from error


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise FailedError(
            f"Recordings are read with the package {name}, which is not installed. Install it "
            "with: pip install 'recur[speech]'"
        ) from error


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
            "whole" of it has, or "none" of it.

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
        if not RATES[0] <= self.rate <= RATES[1]:
            expected = f"samples a second, from {RATES[0]:,} to {RATES[1]:,}"
            raise InputError(must("rate", expected, self.rate))
        if not 1 <= round(self.hop * self.rate) <= round(self.window * self.rate) <= self.rate:
            got = f"window {self.window:g} and hop {self.hop:g} at {self.rate:,} samples a second"
            raise InputError(must("window and hop", "1 >= window >= hop >= 1 sample", got))
        if not 1 <= self.bands <= self.size // 2:
            raise InputError(must("bands", f"from 1 to {self.size // 2}", self.bands))

    @property
    def size(self) -> int:
        """Samples that are transformed at once."""
        return 1 << max(1, math.ceil(math.log2(round(self.window * self.rate))))

    def frames(self, seconds: float) -> int:
        """T of a recording so long."""
        return 1 + int(seconds * self.rate) // round(self.hop * self.rate)

    def time(self, frame: float) -> float:
        """The seconds at which the middle of a frame is."""
        return frame * round(self.hop * self.rate) / self.rate

    def __call__(self, samples: Samples) -> Tensor:
        """The features (T, M) of samples (S,)."""
        energies = self.energies(samples)
        logs = energies.clamp(min=max(FLOOR, SILENCE * float(energies.max()))).log()
        if self.normalised == "none":
            return logs
        over = 0 if self.normalised == "bands" else (0, 1)
        deviation = logs.std(dim=over, correction=0, keepdim=True)
        return (logs - logs.mean(dim=over, keepdim=True)) / (deviation + 1e-2)

    def energies(self, samples: Samples) -> Tensor:
        """The energies (T, M) of samples (S,)."""
        import torch  # takes seconds, and who lists datasets needs none of it

        width = round(self.window * self.rate)
        spectrum = torch.stft(
            torch.from_numpy(np.ascontiguousarray(samples)),
            self.size,
            round(self.hop * self.rate),
            width,
            torch.hann_window(width),
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        return (_filters(self.rate, self.size, self.bands, self.scale) @ power).T.contiguous()

    @property
    def frequencies(self) -> list[float]:
        """The middle of each band in Hz."""
        return [float(edge) for edge in _edges(self.rate, self.bands, self.scale)[1:-1]]


@functools.cache
def _filters(rate: int, size: int, bands: int, scale: str) -> Tensor:
    """(M, size / 2 + 1) triangles of area 1."""
    import torch

    edges = _edges(rate, bands, scale)
    bins = np.linspace(0, rate / 2, size // 2 + 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    triangles = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    return torch.from_numpy(triangles.astype(np.float32))


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


@dataclass(frozen=True)
class Changes:
    """Chance changes of a recording, by which more is learnt from it; each from 0, for none.

    Attributes:
        speed: it goes up to this share faster or slower, and its pitch with it (T. Ko et al.,
            Interspeech 2015).
        gain: it is up to so many decibels louder or softer.
        noise: white noise as loud as up to this share of it is laid over.
        shift: up to so many seconds of silence before it, and after it.
        masks: so many masks over time and as many over bands, each up to a fifth of the recording
            and of the bands wide (D. S. Park et al., SpecAugment, arXiv:1904.08779).
    """

    speed: float = 0.0
    gain: float = 0.0
    noise: float = 0.0
    shift: float = 0.0
    masks: int = 0

    def __bool__(self) -> bool:
        return any(dataclasses.astuple(self))

    def heard(
        self, samples: Samples, rate: int, chance: np.random.Generator, least: float = 0.0
    ) -> Samples:
        """Samples (S,) as they might have been.

        Args:
            samples: as they are.
            rate: of them.
            chance: where they are drawn from.
            least: seconds that must be left of them.
        """
        factor = chance.uniform(1 - self.speed, 1 + self.speed)
        if self.speed and len(samples) / factor >= least * rate:
            samples = resampled(samples, rate * factor, rate)
        before, after = (int(chance.uniform(0, self.shift) * rate) for _ in range(2))
        samples = np.pad(samples, (before, after))
        loud = float(np.sqrt(np.mean(samples**2)))
        share = chance.uniform(0, self.noise) * loud
        added = share * chance.standard_normal(len(samples), np.float32)
        louder = 10 ** (chance.uniform(-self.gain, self.gain) / 20)
        return ((samples + added) * louder).astype(np.float32)

    def seen(self, features: Tensor, chance: np.random.Generator) -> Tensor:
        """Features (T, M) with masks, where the mean takes their place."""
        if not self.masks:
            return features
        masked = features.clone()
        mean = features.mean()
        for axis in (0, 1) * self.masks:
            size = features.shape[axis]
            wide = int(chance.integers(0, size // 5 + 1))
            begin = int(chance.integers(0, size - wide + 1))
            masked.narrow(axis, begin, wide).fill_(mean)
        return masked


def is_recording(path: Path) -> bool:
    """Whether a file is named like a recording."""
    return path.suffix.lower() in (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".au")


def text_beside(path: Path) -> str | None:
    """What the text file beside a recording holds; None where there is none."""
    beside = path.with_suffix(".txt")
    return " ".join(files.read_text(beside).split()) if beside.is_file() else None
