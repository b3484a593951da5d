"""What tasks share that write down what is in a sequence, by connectionist temporal classification.

Sound, print and strokes of a pen differ in how they are read; that a text is spelt in labels, that
a short input cannot say a long one, and how answers are decoded, judged and explained is the same.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.records.transcribed import Transcribed
from recur.data.spelling import UNITS, Spelling, least_steps
from recur.data.splits import Splits
from recur.decoding import ctc_align, ctc_beam_search, ctc_greedy_search
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, listed, must
from recur.models.ctc import BLANK, ctc_loss
from recur.scoring import words
from recur.scoring.classes import Confusion
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, TableData, option
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained
from recur.training.call import caller
from recur.training.measure import evaluating

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AT_ONCE = 32
"""Inputs that are answered at a time."""
POINTS = 256
"""Of the integral that explains an answer: a front's rectifiers bend the way."""
MOST_CLASSES = 100
"""Different transcripts of which the confusion is drawn."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranscribingOptions(TableData):
    """Options of tasks that write down what is in a sequence."""

    drop_bad: bool = option(False, "leave out what cannot be read", reads=True)
    label: str = option(
        "found",
        "what is told apart: characters or words (default: words where there are at most 100, "
        "said ten times each in the mean)",
        choices=("found", *UNITS),
    )
    workers: int = option(0, "threads that read what is learnt from", least=0)
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranscribingAnswering(Answering):
    """How an input is read."""

    beam: int | None = option(
        None, "width of a search over transcripts (default: the likeliest alignment)", least=1
    )


@dataclasses.dataclass(frozen=True)
class Spelt(Fitted):
    """What was learnt before the model: how transcripts are spelt.

    Attributes:
        label: whether "characters" or "words" are told apart.
        labels: what CTC tells apart, from its label 1 on.
    """

    label: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        _ = self.spelling  # which checks them

    @property
    def spelling(self) -> Spelling:
        """The labels by their numbers."""
        return Spelling(self.label, self.labels)


@dataclasses.dataclass(frozen=True)
class Transcript(Answer):
    """What is in an input.

    Attributes:
        name: of the input.
        text: what it says.
        confidence: the probability of the text, the sum over all alignments.
        letters: each label, the place where it was decided, and its probability there.
        features: (T, ...), what the network was given.
    """

    name: str
    text: str
    confidence: float
    letters: list[tuple[str, float, float]]
    features: Tensor = dataclasses.field(repr=False, compare=False)

    noun: ClassVar[str] = "input"
    """What the input is called in JSON."""
    place: ClassVar[str] = "step"
    """What places are called in JSON."""

    def __str__(self) -> str:
        return f"{self.text}  {self.confidence:.4f}  {self.name}"

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON, without the features."""
        letters = [
            {"label": label, self.place: place, "probability": probability}
            for label, place, probability in self.letters
        ]
        return {
            self.noun: self.name,
            "text": self.text,
            "confidence": self.confidence,
            "letters": letters,
        }


Decode = Callable[[Tensor], Tensor]
"""From log-probabilities (T', labels + 1) to labels (N,)."""

O = TypeVar("O", bound=TranscribingOptions)  # noqa: E741
R = TypeVar("R", bound=Transcribed)
F = TypeVar("F", bound=Spelt)
A = TypeVar("A", bound=TranscribingAnswering)


class Transcribing(Task[O, R, F, A]):
    """A task of this kind.

    Attributes:
        said: The class of its answers.
        short: Why a record is left out whose transcript no alignment can say.
        pictured: Whether an input is a picture, whose pixels show what mattered.
    """

    said: type[Transcript] = Transcript
    short: ClassVar[str] = "is too short for its transcript"
    pictured: ClassVar[bool] = False

    @abc.abstractmethod
    def reaches(self, records: R, row: int, options: O, steps: int) -> bool:
        """Whether the model makes at least so many steps of a record."""

    @abc.abstractmethod
    def place(self, options: O, step: int) -> float:
        """Where in the input a step of the model's outputs is, as answers tell it."""

    @abc.abstractmethod
    def bare(self, records: R) -> R:
        """The records without their transcripts and changes, as they are answered."""

    def read(self, options: O, source: Any = None) -> Splits[R]:
        """Returns the data, without records that are too short for their transcripts."""
        return self.fitting(super().read(options, source), options)

    def fitting(self, splits: Splits[R], options: O) -> Splits[R]:
        """Without records that no alignment can say the transcript in; a note names them.

        Raises:
            InputError: if a part has no others.
        """
        parts: dict[str, Any] = {}
        notes: list[str] = []
        for name in ("train", "validation", "test"):
            part: R | None = getattr(splits, name)
            if part is not None:
                parts[name], left = self._long(part, options)
                notes += left
        if not all(map(len, parts.values())):
            expected = f"{splits.train.noun}s that are long enough for their transcripts"
            raise InputError(must(splits.about, expected, "none"))
        found: Splits[R] = dataclasses.replace(splits, **parts)
        return found.noted(*notes)

    def _long(self, part: R, options: O) -> tuple[R, tuple[str, ...]]:
        def short(row: int) -> bool:
            # Characters, which need more than words, as long as it is not found what is told apart.
            steps = least_steps(part.transcripts[row], options.label)
            return not self.reaches(part, row, options, steps)

        return part.without(short, self.short)

    def objective(self, options: O, fitted: F) -> Objective:
        """The negative log-probability of the labels, over all alignments."""
        return Objective(ctc_loss)

    def recipe(self, options: O) -> dict[str, Any]:
        """Batches of similar length, and a step size that falls if asked for."""
        return {"bucket": True, **({"schedule": "linear"} if options.decay else {})}

    def score(
        self, trained: Trained[O, F], records: R, examples: Examples | Documents
    ) -> Evaluation:
        """Returns the errors of words and characters."""
        answers = [each.text for each in self.transcripts(trained, records, self.answering())]
        found = words.error_rates(answers, records.transcripts)
        values = {
            "wer": found["wer"],
            "cer": found["cer"],
            "accuracy": found["right"],
            f"{records.noun}s": float(len(records)),
        }
        unknown = trained.preprocessing.spelling.unknown(records.transcripts)
        notes: tuple[str, ...] = ()
        if unknown:
            shown = listed(map(repr, unknown[:5]), "and")
            many = "were never learnt and count as errors" if len(unknown) > 1 else ""
            many = many or "was never learnt and counts as an error"
            notes = (f"Of what there is to read, {shown} {many}.",)
        return Evaluation(values, notes, (answers, records.transcripts))

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in two lines."""
        first = (
            f"test word error rate {scores['wer']:.4f}  character error rate {scores['cer']:.4f}"
        )
        return f"{first}\nwhole transcripts right {scores['accuracy']:.4f}"

    def answer(self, trained: Trained[O, F], records: R, how: A) -> list[Answer]:
        """Reads what is asked."""
        return list(self.transcripts(trained, records, how))

    def transcripts(self, trained: Trained[O, F], records: R, how: A) -> Iterator[Transcript]:
        """Reads records, some at a time."""
        decode = self.decoder(trained, how)
        for name, x, log_probs in self.outputs(trained, records):
            yield self.transcript(trained, name, x, log_probs, decode)

    def outputs(self, trained: Trained[O, F], records: R) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Yields of each record its name, what the network is given (T, ...), and what it gives.

        The latter are log-probabilities (T', labels + 1). Beyond the record's end the blank is
        certain, which changes nothing.
        """
        asked = self.bare(records)
        names = asked.names
        examples = self.encode(asked, trained.options, trained.preprocessing)
        assert not isinstance(examples, Documents)
        call = caller(trained.model)
        with evaluating(trained.model):
            for begin in range(0, len(records), AT_ONCE):
                batch = examples.batch(range(begin, min(begin + AT_ONCE, len(records))))
                log_probs = call(batch).cpu()
                for row, each in enumerate(log_probs):
                    steps = batch.x.shape[1] if batch.lengths is None else int(batch.lengths[row])
                    yield names[begin + row], batch.x[row, :steps], each

    def transcript(
        self, trained: Trained[O, F], name: str, x: Tensor, log_probs: Tensor, decode: Decode
    ) -> Transcript:
        """What one input says.

        Args:
            trained: the network.
            name: of the input.
            x: (T, ...), what the network was given.
            log_probs: (T', labels + 1), what it gave.
            decode: how it is searched.
        """
        spelling = trained.preprocessing.spelling
        labels = decode(log_probs)
        letters = [
            (
                spelling.labels[label - 1],
                round(self.place(trained.options, step), 4),
                round(float(log_probs[step, label].exp()), 4),
            )
            for step, label in zip(ctc_align(log_probs, labels), labels.tolist(), strict=True)
        ]
        confidence = math.exp(float(log_probability(log_probs, labels)))
        return self.said(name, spelling.decode(labels.tolist()), confidence, letters, x)

    def decoder(self, trained: Trained[O, F], how: A) -> Decode:
        """Returns how log-probabilities are searched for what they say."""
        return best_path if how.beam is None else partial(searched, width=how.beam)

    def explained(self, trained: Trained[O, F], records: R, how: A) -> list[Attribution]:
        """Says which steps of the input mattered for the text, by integrated gradients."""
        found = []
        for each in self.transcripts(trained, records, how):
            numbers = [trained.preprocessing.labels.index(label) + 1 for label, *_ in each.letters]
            why = integrated_gradients(
                _Says(trained.model, numbers),
                each.features,
                labels=self.steps(trained.options, len(each.features)),
                names=[f"{each.text!r} in {each.name}"],
                steps=POINTS,
            )
            line = each.features.numpy() if self.pictured else None
            found.append(dataclasses.replace(why, line=line))
        return found

    def steps(self, options: O, number: int) -> list[str]:
        """The steps of an input in words."""
        return [f"step {step + 1}" for step in range(number)]

    def evaluation_figures(
        self, trained: Trained[O, F], evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Draws which transcript was taken for which, where they are few."""
        answers, references = evaluation.detail
        known = {text for text, _ in Counter(references).most_common()}
        if 1 < len(known) <= MOST_CLASSES:
            shown = [text if text in known else "(another)" for text in answers]
            yield "confusion", Confusion.of(shown, references).figure()


def best_path(log_probs: Tensor) -> Tensor:
    """The labels (N,) that the likeliest alignment of log-probabilities (T', C) says."""
    decoded = ctc_greedy_search(log_probs[None])
    return decoded.tokens[0, : int(decoded.lengths[0])]


def searched(log_probs: Tensor, **how: Any) -> Tensor:
    """The likeliest labels (N,) of log-probabilities (T', C); `how` as `ctc_beam_search` takes."""
    decoded = ctc_beam_search(log_probs[None], **how)
    return decoded.tokens[0, 0, : int(decoded.lengths[0, 0])]


class _Says(nn.Module):
    """A model whose output is how likely it is that a sequence says a text."""

    def __init__(self, model: nn.Module, labels: Sequence[int]) -> None:
        super().__init__()
        self.model, self.labels = model, torch.tensor(labels, dtype=torch.int64)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, ...) to (B, 1)."""
        return log_probability(self.model(x), self.labels.to(x.device)).unsqueeze(-1)


def log_probability(log_probs: Tensor, labels: Tensor) -> Tensor:
    """How likely labels are, the sum over all alignments; of no labels, that of blanks alone.

    Args:
        log_probs: (..., T, labels + 1).
        labels: (N,) from 1.

    Returns:
        (...,) log-probabilities.
    """
    if not len(labels):
        return log_probs[..., BLANK].double().sum(dim=-1)
    rows = log_probs.double().reshape(-1, *log_probs.shape[-2:])
    found = torch.stack([-ctc_loss(row[None], labels[None]) * len(labels) for row in rows])
    return found.reshape(log_probs.shape[:-2])
