"""English digits spoken by a synthesizer, eSpeak NG, in several voices: data for a first look.

The package espeakng-loader carries the synthesizer (GPL-3.0). A formant synthesizer is far more
regular than people are: a score on these says that things work, and nothing about real speech.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recur.data import audio
from recur.data.datasets.fsdd import DIGITS
from recur.data.datasets.kept import checksum_of, kept
from recur.data.datasets.progress import Bar
from recur.data.datasets.source import Source
from recur.data.records.clips import Clips
from recur.data.splits import Splits
from recur.messages import FailedError

if TYPE_CHECKING:
    from torch import Tensor

SOURCE = Source(
    name="spoken-digits",
    title="digits spoken by eSpeak NG",
    task="speech",
    licence="made here; the synthesizer: GPL-3.0",
    homepage="https://github.com/espeak-ng/espeak-ng",
    size="10.1 MB",
    package=("espeakng_loader", "espeak-ng-data/phondata", "espeakng-loader==0.2.4"),
)
RECORDS = Clips
ACCENTS = ("en-us", "en", "en-gb-scotland", "en-029")
# Voices without breath, which is drawn by chance: the same samples every time.
SPEAKERS = {
    "train": ("m1", "m2", "m3", "m5", "m7", "m8", "f1", "Annie", "f4", "Andy", "steph", "travis"),
    "validation": ("m4", "Andrea", "Michael"),
    "test": ("m6", "belinda", "linda"),
}
MANNERS = ((150, 40), (175, 50), (210, 60))
"""How fast (words a minute) and how high (of 0 to 99) each digit is said, in each voice."""
RATE = 8000
NOTE = (
    "These digits are spoken by a synthesizer: the score says little about real speech. The "
    "voices that it is measured on were never learnt from."
)
# Of eSpeak NG's speak_lib.h.
_SYNCHRONOUS, _SPEED, _PITCH, _UTF8, _DONT_EXIT = 2, 1, 3, 1, 0x8000


def load() -> Splits[Clips]:
    """Returns the recordings in three parts, each by voices of its own.

    Raises:
        FailedError: if the package is not installed, or does not work here.
    """
    return _parts(checksum_of(SOURCE.find()))


@functools.cache  # the same in one process, even where nothing can be kept
def _parts(checksum: str) -> Splits[Clips]:
    said = kept("spoken-digits", checksum, _spoken)
    parts = {part: _clips(said, part) for part in SPEAKERS}
    about = "digits spoken by eSpeak NG"
    return Splits(parts["train"], parts["validation"], parts["test"], about=about, notes=(NOTE,))


def _clips(said: Any, part: str) -> Clips:
    whole = said[f"{part}.samples"].numpy()
    ends = np.cumsum(said[f"{part}.sizes"].numpy())
    pieces = np.split(whole, ends[:-1])
    sounds, transcripts, speakers = [], [], []
    for (text, speaker, name), samples in zip(_asked(part), pieces, strict=True):
        sounds.append(audio.of_samples(samples, RATE, name))
        transcripts.append(text)
        speakers.append(speaker)
    return Clips(sounds, transcripts, speakers)


def _asked(part: str) -> Iterator[tuple[str, str, str]]:
    """Text, speaker, and the name of the recording, in the order in which they are made."""
    for speaker in SPEAKERS[part]:
        for accent in ACCENTS:
            for manner in range(len(MANNERS)):
                for digit in DIGITS:
                    yield digit, speaker, f"{digit}_{accent}-{speaker}_{manner}"


def _spoken() -> dict[str, Tensor]:
    import torch

    found = {}
    with _synthesizer() as say, Bar("speaking the digits") as bar:
        for part in SPEAKERS:
            samples = []
            for text, speaker, name in _asked(part):
                accent = name.split("_")[1].removesuffix(f"-{speaker}")
                rate, pitch = MANNERS[int(name.rpartition("_")[2])]
                samples.append(torch.from_numpy(say(text, f"{accent}+{speaker}", rate, pitch)))
                bar.update(2 * len(samples[-1]))
            found[f"{part}.samples"] = torch.cat(samples)
            found[f"{part}.sizes"] = torch.tensor([len(each) for each in samples])
    return found


@contextlib.contextmanager
def _synthesizer() -> Iterator[Any]:
    """Gives `say(text, voice, speed, pitch)`, which returns samples (S,) of 16 bits at RATE."""
    try:
        loader = importlib.import_module("espeakng_loader")
        library = ctypes.CDLL(loader.get_library_path())
        data = str(loader.get_data_path()).encode()
    except (ImportError, OSError, RuntimeError) as error:
        raise FailedError(f"The synthesizer cannot be loaded: {error}.") from error
    heard: list[NDArray[np.int16]] = []
    chosen = [""]

    def hear(samples: Any, number: int, events: Any) -> int:
        if samples and number > 0:
            heard.append(np.ctypeslib.as_array(samples, (number,)).copy())
        return 0

    own = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT)
    if own <= 0:
        raise FailedError("The synthesizer cannot be started.")
    kind = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
    )
    called = kind(hear)  # kept while the synthesizer may call it
    library.espeak_SetSynthCallback(called)

    def say(text: str, voice: str, speed: int, pitch: int) -> NDArray[np.int16]:
        heard.clear()
        if voice != chosen[0] and library.espeak_SetVoiceByName(voice.encode()):
            raise FailedError(f"The synthesizer has no voice {voice}.")
        chosen[0] = voice
        library.espeak_SetParameter(_SPEED, speed, 0)
        library.espeak_SetParameter(_PITCH, pitch, 0)
        written = text.encode()
        library.espeak_Synth(written, len(written) + 1, 0, 1, 0, _UTF8, None, None)
        if not heard:
            raise FailedError(f"The synthesizer says nothing for {text!r}.")
        samples = (np.concatenate(heard) / 32768).astype(np.float32)
        whole = np.clip(audio.resampled(samples, own, RATE), -1, 1 - 2**-15) * 32768
        return whole.astype(np.int16)

    try:
        yield say
    finally:
        library.espeak_Terminate()
