"""Sound: recordings as samples.

Legend: S samples.

Files are read by libsndfile (the package soundfile: WAV, FLAC, OGG, MP3 and more) and resampled by
the SoX resampler (the package soxr), whose filter keeps out what a lower rate cannot hold.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from recur import files
from recur.files import PathLike
from recur.messages import FailedError, InputError, RecurError, must

Samples = NDArray[np.float32]

RATES = (1000, 768_000)
"""Samples a second, at least and at most."""
MOST_CHANNELS = 32
"""More in fewer samples are samples, read the wrong way round."""
WHOLE = 0.9
"""The share of what a file promises that has to be there: that of some MP3 is an estimate."""
STREAMED = 0x7FFF0000
"""Bytes that a WAV file promises, from which on it was written before its end was known."""
_CUT = re.compile(r"^data : (?P<said>\d+) \(should be (?P<there>\d+)\)", re.MULTILINE)
"""What libsndfile says of a WAV file with less sound in it than its head promises."""


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

    def check(self, least: float) -> None:
        """Reads it, and looks whether there is anything to hear.

        Args:
            least: seconds that it has at least.

        Raises:
            InputError: if it cannot be read or is cut off, too short, or silent.
        """
        values, rate = self.load()
        if len(values) < WHOLE * self.seconds * rate:
            _cut_off(self.name, f"{len(values) / rate:.2f} of {self.seconds:.2f} seconds")
        if len(values) / rate < least:
            expected = f"as long as a frame at least, {least:g} seconds"
            raise InputError(must(self.name, expected, f"{len(values) / rate:g}"))
        if not np.isfinite(values).all():
            raise InputError(must(f"the samples of {self.name}", "finite", "NaN or infinite ones"))
        if (values == values[:1]).all():
            raise InputError(must(self.name, "a recording of something", "silence throughout"))


def in_file(path: PathLike, name: str = "") -> Sound:
    """A recording in a file.

    Args:
        path: where it is.
        name: what messages call it; empty: the file's name.

    Raises:
        InputError: if there is no such file, or it is no recording, or an empty one.
        FailedError: if the package soundfile is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}. Check the path.")
    return _opened(name or path.name, lambda: path)


def names_apart(paths: Sequence[Path]) -> list[str]:
    """What messages call files: their names; where two have the same name, their paths."""
    times = Counter(path.name for path in paths)
    return [path.name if times[path.name] == 1 else str(path) for path in paths]


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
    check_rate(rate)
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


def check_rate(rate: Any) -> None:
    """Raises an InputError unless it is a number of samples a second."""
    low, high = RATES
    if isinstance(rate, bool) or not isinstance(rate, int) or not low <= rate <= high:
        raise InputError(must("rate", f"samples a second, from {low:,} to {high:,}", repr(rate)))


def joined(sounds: Sequence[Sound], gaps: Sequence[float], name: str) -> Sound:
    """Recordings one after another, at the rate of the first.

    Args:
        sounds: N of them.
        gaps: seconds of silence after each but the last, N - 1.
        name: what messages call it.
    """

    def load() -> tuple[Samples, int]:
        rate = sounds[0].load()[1]
        silences = (np.zeros(round(gap * rate), np.float32) for gap in (*gaps, 0.0))
        pieces = zip((each.samples(rate) for each in sounds), silences, strict=True)
        return np.concatenate([part for pair in pieces for part in pair]), rate

    return Sound(name, sum(each.seconds for each in sounds) + sum(gaps), load)


def resampled(samples: Samples, rate: float, wanted: float) -> Samples:
    """Samples (S,) of one rate at another.

    Raises:
        FailedError: if the package soxr is not installed.
    """
    if rate == wanted:
        return samples
    found: Samples = package("soxr").resample(samples, rate, wanted)
    return found if len(found) else samples[:1]


def wav(samples: Samples, rate: int) -> bytes:
    """Samples as the content of a WAV file of 16 bits.

    Raises:
        FailedError: if the package soundfile is not installed.
    """
    content = io.BytesIO()
    package("soundfile").write(content, samples, rate, format="WAV", subtype="PCM_16")
    return content.getvalue()


def _opened(name: str, place: Callable[[], Path | io.BytesIO]) -> Sound:
    soundfile = package("soundfile")

    def load() -> tuple[NDArray[Any], int]:
        with readable(name):
            return soundfile.read(place(), dtype="float32", always_2d=True)  # type: ignore[no-any-return]

    with readable(name):
        about = soundfile.info(place(), verbose=True)
    cut = _CUT.search(about.extra_info)
    if cut and int(cut["there"]) < int(cut["said"]) < STREAMED:
        _cut_off(name, f"{int(cut['there']):,} of {int(cut['said']):,} bytes")
    if not about.frames:
        raise InputError(must(f"the recording {name}", "of one sample at least", "none"))
    return Sound(name, about.frames / about.samplerate, load)


def _cut_off(name: str, got: str) -> NoReturn:
    raise InputError(must(name, "a whole recording", f"{got}: it is cut off", "Get it again."))


@contextlib.contextmanager
def readable(name: str) -> Iterator[None]:
    """Says of what is no recording that it is none.

    Raises:
        InputError: in the place of an error of libsndfile.
    """
    try:
        yield
    except (RuntimeError, OSError, TypeError) as error:  # libsndfile's are RuntimeErrors
        if isinstance(error, RecurError):
            raise
        why = str(error).rpartition(": ")[2].rstrip(".") or type(error).__name__
        expected = "a recording that can be read (WAV, FLAC, OGG, MP3)"
        todo = "It may be damaged, or of another kind."
        raise InputError(must(name, expected, why, todo)) from error


def package(name: str) -> Any:
    """A package that recordings are read with.

    Raises:
        FailedError: if it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise FailedError(
            f"Recordings are read with the package {name}, which is not installed. Install it "
            "with: pip install 'recur[speech]'"
        ) from error


def is_recording(path: Path) -> bool:
    """Whether a file is named like a recording."""
    return path.suffix.lower() in (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".au")


def text_beside(path: Path) -> str | None:
    """What the text file beside a recording holds; None where there is none."""
    beside = path.with_suffix(".txt")
    return " ".join(files.read_text(beside).split()) if beside.is_file() else None
