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
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from recur import plots
from recur.data import audio
from recur.data.audio import Sound
from recur.data.documents import Documents
from recur.data.examples import Examples, Lazy
from recur.data.log_mel import NORMALISED, SCALES, LogMel
from recur.data.records.clips import Clips, apart, read_clips, varied
from recur.data.sound_changes import Changes
from recur.data.splits import Parting, Splits
from recur.decoding import ctc_align, ctc_beam_search, ctc_greedy_search
from recur.messages import InputError, listed, must, one_of
from recur.models.ctc import BLANK, CTC, ctc_loss
from recur.models.fronts import Strided
from recur.scoring import words
from recur.scoring.classes import Confusion
from recur.scoring.linear import LinearSummary
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, TableData, cell_option, option
from recur.tasks.speech_listener import SpeechListener
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained
from recur.tasks.tiny import Tiny
from recur.training.call import caller
from recur.training.measure import evaluating

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = ("characters", "words")
"""What CTC's labels are."""
OFTEN = 10
"""How often each word must be said, in the mean, to be told apart as a whole."""
AT_ONCE = 32
"""Recordings that are answered at a time."""
MOST_CLASSES = 100
"""Different transcripts of which the linear model is fitted, and the confusion drawn."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeechOptions(TableData):
    """Options of the task."""

    data: str = option(
        "spoken-digits", "a table, a folder of recordings, or a dataset (fsdd, fsdd:theo)"
    )
    path: str = option("path", "the column of the recordings' paths, in a table", reads=True)
    text: str = option("transcript", "the column of what is said, in a table", reads=True)
    speaker: str = option("speaker", "the column of the speakers, in a table", reads=True)
    drop_bad: bool = option(
        False, "leave out recordings that cannot be read or say nothing", reads=True
    )
    label: str = option(
        "found",
        "what is told apart: characters or words (default: words where there are at most 100, "
        "said ten times each in the mean)",
        choices=("found", *UNITS),
    )
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
    workers: int = option(0, "threads that read recordings", least=0)
    cell: str = cell_option("gru")
    bidirectional: bool = option(True, "read each recording in both directions")
    layers: int = option(2, "recurrent layers on top of one another", least=1, most=1000)
    units: int = option(64, "hidden units in each layer and direction", least=1)
    dropout: float = option(0.1, "share of values dropped in training", least=0.0, below=1.0)
    epochs: int = option(20, "passes over the training data", least=1)
    learning_rate: float | None = option(0.005, "the optimizer's step size", above=0.0)
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")

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


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeechAnswering(Answering):
    """How a recording is read."""

    beam: int | None = option(
        None, "width of a search over transcripts (default: the likeliest alignment)", least=1
    )


@dataclasses.dataclass(frozen=True)
class SpeechPreprocessing(Fitted):
    """What was learnt before the model.

    Attributes:
        label: whether "characters" or "words" are told apart.
        labels: what CTC tells apart, from its label 1 on.
        yardstick: a linear model of whole transcripts; None where too many differ.
    """

    label: str
    labels: tuple[str, ...]
    yardstick: LinearSummary | None

    def __post_init__(self) -> None:
        one_of("label", self.label, UNITS)
        if not self.labels or len(set(self.labels)) < len(self.labels):
            raise InputError(must("labels", "different ones, one at least", self.labels))


@dataclasses.dataclass(frozen=True)
class Heard(Answer):
    """What was heard.

    Attributes:
        recording: its name.
        text: what is said.
        confidence: the probability of the text, the sum over all alignments.
        letters: each label, when it was decided in seconds, and its probability then.
        features: (T, M), what was heard it in.
    """

    recording: str
    text: str
    confidence: float
    letters: list[tuple[str, float, float]]
    features: Tensor = dataclasses.field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.text}  {self.confidence:.4f}  {self.recording}"

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON, without the features."""
        letters = [
            {"label": label, "seconds": seconds, "probability": probability}
            for label, seconds, probability in self.letters
        ]
        return {
            "recording": self.recording,
            "text": self.text,
            "confidence": self.confidence,
            "letters": letters,
        }


TrainedHere = Trained[SpeechOptions, SpeechPreprocessing]


class Speech(Task[SpeechOptions, Clips, SpeechPreprocessing, SpeechAnswering]):
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
    answering = SpeechAnswering
    parting = Parting(apart, apart, mixes=True)

    def read(self, options: SpeechOptions, source: Any = None) -> Splits[Clips]:
        """Returns the data, without recordings that are too short for their transcripts."""
        return _fitting(super().read(options, source), options)

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
        return _fitting(found, options)

    def augmented(self, learnt: Clips, options: SpeechOptions) -> Clips:
        """Recordings that chance changes anew each time."""
        return varied(learnt) if options.changes else learnt

    def fit(self, splits: Splits[Clips], options: SpeechOptions) -> SpeechPreprocessing:
        """Collects the labels, and fits the linear model that the network is put beside."""
        train = splits.train
        label = _found(train.transcripts) if options.label == "found" else options.label
        labels = sorted({each for text in train.transcripts for each in _cut(text, label)})
        yardstick = None
        if 1 < len(set(train.transcripts)) <= MOST_CLASSES:
            heard = [_features(sound, options.features) for sound in train.sounds]
            yardstick = LinearSummary.fit(heard, train.transcripts)
        return SpeechPreprocessing(label, tuple(labels), yardstick)

    def encode(self, records: Clips, options: SpeechOptions, fitted: SpeechPreprocessing) -> Lazy:
        """Features and labels, read as batches ask; labels that are not known are left out."""
        number = {label: n for n, label in enumerate(fitted.labels, start=1)}
        targets = [
            np.array([number[each] for each in _cut(text, fitted.label) if each in number], int)
            for text in records.transcripts
        ]
        hear, changes = options.features, options.changes

        def read(index: int, chance: np.random.Generator | None) -> tuple[Any, ...]:
            sound = records.sounds[index]
            samples = sound.samples(hear.rate)
            if chance is None:
                x = hear(samples)
            else:
                least = _least(records.transcripts[index], options)
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

    def objective(self, options: SpeechOptions, fitted: SpeechPreprocessing) -> Objective:
        """The negative log-probability of the labels, over all alignments."""
        return Objective(ctc_loss)

    def recipe(self, options: SpeechOptions) -> dict[str, Any]:
        """Batches of similar length, and a step size that falls if asked for."""
        return {"bucket": True, **({"schedule": "linear"} if options.decay else {})}

    def score(
        self, trained: TrainedHere, records: Clips, examples: Examples | Documents
    ) -> Evaluation:
        """Returns the errors of words and characters, beside the linear model's."""
        answers = [each.text for each in self._heard(trained, records, SpeechAnswering())]
        found = words.error_rates(answers, records.transcripts)
        values = {
            "wer": found["wer"],
            "cer": found["cer"],
            "accuracy": found["right"],
            "recordings": float(len(records)),
        }
        fitted, options = trained.preprocessing, trained.options
        if fitted.yardstick is not None:
            heard = [_features(sound, options.features) for sound in records.sounds]
            beside = fitted.yardstick.answers(heard)
            values["linear_accuracy"] = words.error_rates(beside, records.transcripts)["right"]
        unknown = {
            each
            for text in records.transcripts
            for each in _cut(text, fitted.label)
            if each not in fitted.labels
        }
        notes: tuple[str, ...] = ()
        if unknown:
            shown = listed(map(repr, sorted(unknown)[:5]), "and")
            notes = (f"Of what is said, {shown} was never learnt and counts as an error.",)
        return Evaluation(values, notes, (answers, records.transcripts))

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in two lines."""
        first = (
            f"test word error rate {scores['wer']:.4f}  character error rate {scores['cer']:.4f}"
        )
        second = f"whole transcripts right {scores['accuracy']:.4f}"
        if "linear_accuracy" in scores:
            second += f"  (a linear model of mean and deviation {scores['linear_accuracy']:.4f})"
        return f"{first}\n{second}"

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Clips:
        """Recordings to read: paths; samples, alone or with their rate."""
        return Clips.asked(inputs, trained.options.rate, trained.options.window)

    def answer(self, trained: TrainedHere, records: Clips, how: SpeechAnswering) -> list[Answer]:
        """Reads recordings."""
        return list(self._heard(trained, records, how))

    def _heard(self, trained: TrainedHere, records: Clips, how: SpeechAnswering) -> Iterator[Heard]:
        asked = dataclasses.replace(records, transcripts=[], varied=False)
        examples = self.encode(asked, trained.options, trained.preprocessing)
        call = caller(trained.model)
        with evaluating(trained.model):
            for begin in range(0, len(records), AT_ONCE):
                batch = examples.batch(range(begin, min(begin + AT_ONCE, len(records))))
                log_probs = call(batch).cpu()
                lengths = batch.lengths
                for row, each in enumerate(log_probs):
                    steps = batch.x.shape[1] if lengths is None else int(lengths[row])
                    sound = records.sounds[begin + row]
                    yield _heard(sound, batch.x[row, :steps], each, trained, how)

    def listener(self, trained: TrainedHere, rate: int, pause: float) -> SpeechListener:
        """Hears sound as it comes, with a network that needs nothing of what comes later."""
        options, fitted, model = trained.options, trained.preprocessing, trained.model
        if options.bidirectional or options.features.normalised != "running":
            got = "one that reads in both directions"
            if not options.bidirectional:
                got = f"one that normalises {options.features.normalised} recordings"
            todo = "Train one with: recur train speech --no-bidirectional, with your --data"
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
                    title=f"{each.recording}: {each.text}",
                ),
            )

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Draws which transcript was taken for which, where they are few."""
        answers, references = evaluation.detail
        known = {text for text, _ in Counter(references).most_common()}
        if 1 < len(known) <= MOST_CLASSES:
            shown = [text if text in known else "(another)" for text in answers]
            yield "confusion", Confusion.of(shown, references).figure()

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


def _cut(text: str, label: str) -> list[str]:
    """A transcript as labels."""
    return text.split() if label == "words" else list(text)


def _found(transcripts: Sequence[str]) -> str:
    """Words, where they are few and each is said often; of sentences, characters."""
    said = [word for text in transcripts for word in text.split()]
    few = len(set(said)) <= MOST_CLASSES and len(said) >= OFTEN * len(set(said))
    return "words" if few else "characters"


def _least(text: str, options: SpeechOptions) -> float:
    """Seconds that a recording needs, so that some alignment says the text."""
    labels = _cut(text, options.label)  # characters, which need more, as long as none is found
    same = sum(a == b for a, b in itertools.pairwise(labels))
    steps = len(labels) + same
    return max(0, (steps - 1) * options.stride) * options.features.time(1)


def _fitting(splits: Splits[Clips], options: SpeechOptions) -> Splits[Clips]:
    """Without recordings that no alignment can say the transcript in; a note names them."""
    train, *notes = _long(splits.train, options)
    validation, test = splits.validation, splits.test
    if validation is not None:
        validation, *more = _long(validation, options)
        notes += more
    if test is not None:
        test, *more = _long(test, options)
        notes += more
    if not all(part is None or len(part) for part in (train, validation, test)):
        expected = "recordings that are long enough for their transcripts"
        raise InputError(must(splits.about, expected, "none"))
    found = dataclasses.replace(splits, train=train, validation=validation, test=test)
    return found.noted(*notes)


def _long(part: Clips, options: SpeechOptions) -> tuple[Clips, *tuple[str, ...]]:
    """The recordings that are long enough, and a note of those that are not."""

    def short(row: int) -> bool:
        return part.sounds[row].seconds < _least(part.transcripts[row], options)

    kept, left = part.without(short, "is too short for its transcript")
    return kept, *left


def _features(sound: Sound, hear: LogMel) -> Any:
    """What the linear model hears: of normalised bands mean and deviation would say nothing."""
    hear = dataclasses.replace(hear, normalised="whole")
    return hear(sound.samples(hear.rate)).numpy()


def _heard(
    sound: Sound, x: Tensor, log_probs: Tensor, trained: TrainedHere, how: SpeechAnswering
) -> Heard:
    """What one recording says. Beyond its end the blank is certain, which changes nothing."""
    options, fitted = trained.options, trained.preprocessing
    if how.beam is None:
        decoded = ctc_greedy_search(log_probs[None])
        labels = decoded.tokens[0, : int(decoded.lengths[0])]
    else:
        decoded = ctc_beam_search(log_probs[None], width=how.beam)
        labels = decoded.tokens[0, 0, : int(decoded.lengths[0, 0])]
    if len(labels):
        confidence = math.exp(
            -float(ctc_loss(log_probs[None].double(), labels[None])) * len(labels)
        )
    else:
        confidence = math.exp(float(log_probs[:, BLANK].double().sum()))
    letters = [
        (
            fitted.labels[label - 1],
            round(options.features.time(step * options.stride), 4),
            round(float(log_probs[step, label].exp()), 4),
        )
        for step, label in zip(ctc_align(log_probs, labels), labels.tolist(), strict=True)
    ]
    text = (" " if fitted.label == "words" else "").join(name for name, _, _ in letters)
    return Heard(sound.name, " ".join(text.split()), confidence, letters, x)


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
