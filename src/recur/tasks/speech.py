"""Speech: what is said in a recording? Many-to-many of unequal length, by CTC.

Recordings become the energies of bands of the mel scale, a hundred frames a second; convolutions
with a stride shorten them, recurrent layers walk them, and at each step every letter and the blank
have a probability. Which step says which letter nobody tells: the loss sums over all alignments
(A. Graves et al., ICML 2006).

Own data are a table, or a folder with a text file beside each recording; whole speakers are held
out where they are known:

    path,transcript,speaker
    clips/001.wav,three,anna
    clips/002.wav,seven,anna
    clips/003.flac,three,ben
    clips/004.mp3,zero,cleo
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from recur import plots
from recur.data import audio
from recur.data.audio import Sound
from recur.data.documents import Documents
from recur.data.examples import Examples, Lazy
from recur.data.log_mel import NORMALISED, SCALES, LogMel
from recur.data.records.clips import Clips, apart, read_clips, varied
from recur.data.sound_changes import Changes
from recur.data.spelling import Spelling, least_steps
from recur.data.splits import Parting, Splits
from recur.messages import InputError, must
from recur.models.ctc import CTC
from recur.models.fronts import Strided
from recur.scoring import words
from recur.scoring.linear import LinearSummary
from recur.tasks.answers import Answer
from recur.tasks.options import cell_option, option
from recur.tasks.speech_listener import SpeechListener
from recur.tasks.task import Evaluation, Trained
from recur.tasks.tiny import Tiny
from recur.tasks.transcribing import (
    MOST_CLASSES,
    Spelt,
    Transcribing,
    TranscribingAnswering,
    TranscribingOptions,
    Transcript,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeechOptions(TranscribingOptions):
    """Options of the task."""

    data: str = option(
        "spoken-digits",
        "a table, a folder of recordings, or a dataset (fsdd, fsdd:theo, fsdd:strings)",
    )
    path: str = option("path", "the column of the recordings' paths, in a table", reads=True)
    text: str = option("transcript", "the column of what is said, in a table", reads=True)
    speaker: str = option("speaker", "the column of the speakers, in a table", reads=True)
    rate: int = option(8000, "samples a second that recordings are brought to", least=1000)
    window: float = option(0.025, "seconds of a frame", above=0.0)
    hop: float = option(0.01, "seconds from one frame to the next", above=0.0)
    bands: int = option(40, "bands of the mel scale", least=1)
    scale: str = option("slaney", "the mel scale", choices=SCALES)
    normalised: str = option(
        "found",
        "what of each recording has mean 0 and deviation 1: its bands, the whole, none; or it "
        "stands beside the loudest so far, running (default: the whole; running in one direction)",
        choices=("found", *NORMALISED),
    )
    speed: float = option(
        0.15, "in training, up to this share faster or slower", least=0.0, below=0.9
    )
    gain: float = option(0.0, "in training, up to so many decibels louder or softer", least=0.0)
    noise: float = option(0.1, "in training, noise of up to this share", least=0.0)
    shift: float = option(0.1, "in training, seconds of silence before and after", least=0.0)
    masks: int = option(0, "in training, masks over time, and over bands", least=0)
    warp: float = option(
        0.0, "in training, frequencies up to this share higher or lower", least=0.0, below=0.9
    )
    tempo: float = option(
        0.0,
        "in training, up to this share faster or slower at the same pitch",
        least=0.0,
        below=0.9,
    )
    colour: float = option(
        0.0, "in training, bands up to so many decibels louder or softer", least=0.0
    )
    filters: int = option(64, "of the convolution over time", least=1)
    stride: int = option(2, "frames that become one step", least=1)
    cell: str = cell_option("gru")
    bidirectional: bool = option(True, "read each recording in both directions")
    layers: int = option(2, "recurrent layers on top of one another", least=1, most=1000)
    units: int = option(64, "hidden units in each layer and direction", least=1)
    dropout: float = option(0.1, "share of values dropped in training", least=0.0, below=1.0)
    epochs: int = option(20, "passes over the training data", least=1)
    learning_rate: float | None = option(0.005, "the optimizer's step size", above=0.0)

    @property
    def features(self) -> LogMel:
        """What is heard of a recording."""
        found = "whole" if self.bidirectional else "running"
        normalised = found if self.normalised == "found" else self.normalised
        return LogMel(self.rate, self.window, self.hop, self.bands, self.scale, normalised)

    @property
    def changes(self) -> Changes:
        """What chance makes of a recording."""
        names = (field.name for field in dataclasses.fields(Changes))
        return Changes(**{name: getattr(self, name) for name in names})


@dataclasses.dataclass(frozen=True)
class SpeechPreprocessing(Spelt):
    """What was learnt before the model.

    Attributes:
        yardstick: a linear model of whole transcripts; None where too many differ.
    """

    yardstick: LinearSummary | None


class Heard(Transcript):
    """What was heard, with the seconds at which each label was decided."""

    noun = "recording"
    place = "seconds"


TrainedHere = Trained[SpeechOptions, SpeechPreprocessing]


class Speech(Transcribing[SpeechOptions, Clips, SpeechPreprocessing, TranscribingAnswering]):
    """The task."""

    name = "speech"
    kind = "many-to-many"
    summary = "what is said in a recording"
    takes = "a recording"
    gives = "what is said in it"
    data = "spoken-digits"
    metric = "word error rate"
    inputs = "a sound file (WAV, FLAC, OGG, MP3)"
    options = SpeechOptions
    preprocessing = SpeechPreprocessing
    records = Clips
    answering = TranscribingAnswering
    sample = (
        "recordings.csv",
        "path,transcript,speaker\nclips/001.wav,three,anna\nclips/002.wav,seven,anna\n"
        "clips/003.flac,three,ben\nclips/004.mp3,zero,cleo\n",
    )
    said = Heard
    parting = Parting(apart, apart, mixes=True)

    def open(
        self, source: Any, options: SpeechOptions, fitted: SpeechPreprocessing | None = None
    ) -> Splits[Clips]:
        """Reads recordings that a table names, or that lie in a folder."""
        found = read_clips(
            source,
            path=options.path,
            text=options.text,
            speaker=options.speaker,
            delimiter=options.delimiter,
            encoding=options.encoding,
            drop_bad=options.drop_bad,
            least=options.window,
        )
        return self.fitting(found, options)

    def augmented(self, learnt: Clips, options: SpeechOptions) -> Clips:
        """Recordings that chance changes anew each time."""
        return varied(learnt) if options.changes else learnt

    def fit(self, splits: Splits[Clips], options: SpeechOptions) -> SpeechPreprocessing:
        """Collects the labels, and fits the linear model that the network is put beside."""
        train = splits.train
        spelling = Spelling.fit(train.transcripts, options.label)
        yardstick = None
        if 1 < len(set(train.transcripts)) <= MOST_CLASSES:
            heard = (_features(sound, options.features) for sound in train.sounds)
            yardstick = LinearSummary.fit(heard, train.transcripts)
        return SpeechPreprocessing(spelling.label, spelling.labels, yardstick)

    def encode(self, records: Clips, options: SpeechOptions, fitted: SpeechPreprocessing) -> Lazy:
        """Features and labels, read as batches ask; labels that are not known are left out."""
        targets = fitted.spelling.encode(records.transcripts)
        hear, changes = options.features, options.changes

        def read(index: int, chance: np.random.Generator | None) -> tuple[Any, ...]:
            sound = records.sounds[index]
            samples = sound.samples(hear.rate)
            if chance is None:
                x = hear(samples)
            else:
                steps = least_steps(records.transcripts[index], options.label)
                least = _seconds(steps, options)
                x = changes.features(samples, hear, chance, least)
            return (x, targets[index]) if targets else (x,)

        return Lazy(
            len(records),
            read,
            lengths=[hear.frames(sound.seconds) for sound in records.sounds],
            aligned=False,
            augment=records.varied,
            workers=options.workers,
            seed=options.seed,
        )

    def model(self, options: SpeechOptions, fitted: SpeechPreprocessing) -> nn.Module:
        """A convolution over time, recurrent layers, and a score for each label and the blank."""
        front = Strided(options.bands, options.filters, stride=options.stride)
        return CTC(labels=len(fitted.labels), front=front, **options.recurrent())

    def score(
        self, trained: TrainedHere, records: Clips, examples: Examples | Documents
    ) -> Evaluation:
        """Returns the errors of words and characters, beside the linear model's."""
        found, options = super().score(trained, records, examples), trained.options
        yardstick = trained.preprocessing.yardstick
        if yardstick is None:
            return found
        heard = (_features(sound, options.features) for sound in records.sounds)
        beside = words.error_rates(yardstick.answers(heard), records.transcripts)["right"]
        return dataclasses.replace(found, values={**found.values, "linear_accuracy": beside})

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in two lines."""
        beside = ""
        if "linear_accuracy" in scores:
            beside = f"  (a linear model of mean and deviation {scores['linear_accuracy']:.4f})"
        return super().report(scores) + beside

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Clips:
        """Recordings to read: paths; samples, alone or with their rate."""
        return Clips.asked(inputs, trained.options.rate, trained.options.window)

    def reaches(self, records: Clips, row: int, options: SpeechOptions, steps: int) -> bool:
        """Whether a recording is long enough for so many steps."""
        return records.sounds[row].seconds >= _seconds(steps, options)

    def place(self, options: SpeechOptions, step: int) -> float:
        """The seconds at which a step is."""
        return options.features.time(step * options.stride)

    def steps(self, options: SpeechOptions, number: int) -> list[str]:
        """The seconds at which each frame is."""
        return [f"{options.features.time(frame):.2f} s" for frame in range(number)]

    def bare(self, records: Clips) -> Clips:
        """The recordings alone."""
        return dataclasses.replace(records, transcripts=[], varied=False)

    def listener(self, trained: TrainedHere, rate: int, pause: float) -> SpeechListener:
        """Hears sound as it comes, with a network that needs nothing of what comes later."""
        options, fitted, model = trained.options, trained.preprocessing, trained.model
        if options.bidirectional or options.features.normalised != "running":
            got = "one that reads in both directions"
            if not options.bidirectional:
                got = f"one that normalises {options.features.normalised} recordings"
            todo = "Train one with: recur train speech --no-bidirectional, with your --data."
            raise InputError(must("a run that hears sound as it comes", "one-way", got, todo))
        assert isinstance(model, CTC)
        return SpeechListener(
            model,
            options.features,
            fitted.labels,
            between=" " if fitted.label == "words" else "",
            stride=options.stride,
            rate=rate or options.rate,
            pause=pause,
        )

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Draws the spectrogram of each recording with the letters where they were decided."""
        features = trained.options.features
        for number, each in enumerate(answers, start=1):
            assert isinstance(each, Heard)
            name = "heard" if len(answers) == 1 else f"heard-{number}"
            yield (
                name,
                plots.spectrogram(
                    each.features.numpy(),
                    seconds=features.time(1),
                    frequencies=features.frequencies,
                    letters=[(label, seconds) for label, seconds, _ in each.letters],
                    title=f"{each.name}: {each.text}",
                ),
            )

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data: two tones, high and low, as two letters."""
        data = _tones(folder)
        options = {
            "data": data,
            **dict.fromkeys(("speed", "gain", "noise", "shift"), 0.0),
            "masks": 0,
            "normalised": "whole",
            "rate": 2000,
            "bands": 8,
            "filters": 4,
            "bidirectional": False,
        }
        return Tiny(options, (f"{data}/0.wav", f"{data}/1.wav"))


def _seconds(steps: int, options: SpeechOptions) -> float:
    """How long a recording is of which so many steps are made."""
    return max(0, (steps - 1) * options.stride) * options.features.time(1)


def _features(sound: Sound, hear: LogMel) -> Any:
    """What the linear model hears: of normalised bands mean and deviation would say nothing."""
    hear = dataclasses.replace(hear, normalised="whole")
    return hear(sound.samples(hear.rate)).numpy()


def _tones(folder: Path) -> str:
    """Writes recordings of one or two tones, each with a text file beside it."""
    from recur import files

    rng, into = np.random.default_rng(0), folder / "tones"
    into.mkdir()
    for number in range(60):
        said = ["high", "low"][number % 2]
        time = np.arange(int(2000 * rng.uniform(0.4, 0.5))) / 2000
        pitch = rng.uniform(600, 800) if said == "high" else rng.uniform(100, 200)
        samples = (0.5 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)
        files.write_bytes(into / f"{number}.wav", audio.wav(samples, 2000))
        files.write_text(into / f"{number}.txt", said)
    return str(into)
