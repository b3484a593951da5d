"""Music: which keys sound next? Many-to-many over piano rolls, 88 yes-or-no answers a step.

The network reads the 88 keys of step t and says for each how likely it sounds at step t + 1; the
first step is predicted from an empty one. The score is that of the literature (N.
Boulanger-Lewandowski et al., ICML 2012): the negative log-likelihood in nats, summed over the 88
keys, averaged over all steps of all pieces (not piece by piece). Every step counts here, the first
too. S. Bai et al., arXiv:1803.01271, leave the first step of each piece out (their music_test.py);
that figure stands beside it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recur import decoding, plots, training
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.midi import midi_file
from recur.data.music import (
    HIGHEST,
    KEYS,
    LOWEST,
    Piece,
    note_name,
    piano_roll,
    read_notes,
    show_notes,
)
from recur.data.records.pieces import Pieces, read_pieces
from recur.data.sequences import Sequences
from recur.data.splits import Splits
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, count, must, shown
from recur.models.many_to_many import ManyToMany
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, OwnData, cell_option, option
from recur.tasks.sources import file_of
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained
from recur.tasks.tiny import Tiny, pieces

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 8
"""Steps of a given piece that an answer shows: its last ones."""
LIKELIEST = 5
"""Next keys that an answer lists."""
NAMES = tuple(note_name(key) for key in range(LOWEST, HIGHEST + 1))
ENDS = (".json", ".json.gz")
"""What the name of a file with a piece ends in."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MusicOptions(OwnData):
    """Options of the task."""

    data: str = option(
        "jsb-chorales", "a JSON file of pieces, or a dataset (jsb-chorales:16th for finer steps)"
    )
    cell: str = cell_option("gru")
    layers: int = option(2, "recurrent layers on top of one another", least=1, most=1000)
    units: int = option(200, "hidden units in each layer", least=1)
    dropout: float = option(
        0.35,
        "share of keys, and of values between layers, dropped in training",
        least=0.0,
        below=1.0,
    )
    transpose: int = option(
        0, "learn each piece up to so many semitones higher and lower too", least=0
    )
    epochs: int = option(30, "passes over the training data", least=1)
    batch_size: int = option(4, "pieces in a batch", least=1)
    learning_rate: float | None = option(0.005, "the optimizer's step size", above=0.0)
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bidirectional:
            todo = "From the other side the model would hear the step that it is to guess."
            raise InputError(must("bidirectional", "off for music", "on", todo))


@dataclasses.dataclass(frozen=True, kw_only=True)
class MusicAnswering(Answering):
    """How a piece goes on."""

    length: int = option(16, "steps that an answer goes on for", least=1)
    temperature: float = option(
        1.0, "how varied an answer is; 0: each key that is likelier to sound than not", least=0.0
    )
    seed: int = option(0, "same seed, same notes", least=0, most=2**63 - 1)


@dataclasses.dataclass(frozen=True)
class MusicPreprocessing(Fitted):
    """How often each key sounds in the training pieces.

    Attributes:
        sounding: 88 shares of the steps, above 0 and below 1: half a step is added on either side.
    """

    sounding: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.sounding) != KEYS or not all(0 < share < 1 for share in self.sounding):
            expected = f"{KEYS} shares above 0 and below 1"
            raise InputError(must("sounding", expected, shown(self.sounding)))

    @classmethod
    def fit(cls, pieces: Sequence[Piece]) -> Self:
        """Counts the keys of pieces."""
        rolls = np.concatenate([piano_roll(piece) for piece in pieces])
        shares = (rolls.sum(axis=0, dtype=np.float64) + 0.5) / (len(rolls) + 1)
        return cls(tuple(shares.tolist()))

    def scores(self) -> Tensor:
        """The log-odds of each key, (88,)."""
        return torch.tensor(self.sounding).logit()


@dataclasses.dataclass(frozen=True)
class Continuation(Answer):
    """An answer: how a piece goes on.

    Attributes:
        given: the piece.
        follows: the steps drawn after it.
        likeliest: the keys likeliest to sound right after it, by name, with their probabilities.
        nll: how surprising the piece itself was, in nats a step.
        number: which of several answers it is, from 1.
    """

    given: Piece
    follows: Piece
    likeliest: list[tuple[str, float]]
    nll: float
    number: int = dataclasses.field(default=1, repr=False, compare=False)

    def __str__(self) -> str:
        before = "... | " if len(self.given) > SHOWN else ""
        likeliest = "  ".join(f"{name} {p:.4f}" for name, p in self.likeliest)
        return "\n".join(
            [
                f"given:   {before}{show_notes(self.given[-SHOWN:])}",
                f"follows: {show_notes(self.follows)}",
                f"next: {likeliest}",
                f"surprise of what was given: {self.nll:.4g} nats a step",
            ]
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON; pieces as MIDI numbers, as `--data` takes them."""
        likeliest = [{"note": name, "probability": p} for name, p in self.likeliest]
        found = {**dataclasses.asdict(self), "likeliest": likeliest}
        del found["number"]
        return found

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yields the piece and what follows as a MIDI file."""
        yield f"music-{self.number}.mid", midi_file([*self.given, *self.follows])


def nll(scores: Tensor, targets: Tensor) -> Tensor:
    """The negative log-likelihood of a step, in nats: (..., 88) scores and keys to their mean."""
    total = F.binary_cross_entropy_with_logits(scores, targets, reduction="sum")
    return total / max(targets[..., 0].numel(), 1)


TrainedHere = Trained[MusicOptions, MusicPreprocessing]


class MusicTask(Task[MusicOptions, Pieces, MusicPreprocessing, MusicAnswering]):
    """The task."""

    name = "music"
    kind = "many-to-many"
    summary = "which keys of a piano sound next"
    takes = "chords"
    gives = "the keys that sound next, as MIDI"
    data = "jsb-chorales"
    metric = "nats a step"
    sample = (
        "pieces.json",
        "[\n"
        "  [[60, 64, 67], [65, 69, 72], [67, 71, 74], [60, 64, 67]],\n"
        "  [[62, 65, 69], [], [67, 71, 74], [60, 64, 67]]\n"
        "]\n",
    )
    inputs = 'notes to go on from ("C4 E4 G4 | D4 F4 A4"), or a JSON file with a piece'
    options = MusicOptions
    preprocessing = MusicPreprocessing
    records = Pieces
    answering = MusicAnswering

    def open(
        self, source: Any, options: MusicOptions, fitted: MusicPreprocessing | None = None
    ) -> Splits[Pieces]:
        """Reads a JSON file of pieces, with the parts that it names."""
        return read_pieces(file_of(source, self.name))

    def augmented(self, learnt: Pieces, options: MusicOptions) -> Pieces:
        """Each piece in other keys too."""
        return learnt.transposed(options.transpose)

    def fit(self, splits: Splits[Pieces], options: MusicOptions) -> MusicPreprocessing:
        """Counts the keys of those that the model learns from."""
        return MusicPreprocessing.fit(splits.train.pieces)

    def encode(
        self, records: Pieces, options: MusicOptions, fitted: MusicPreprocessing
    ) -> Sequences:
        """Each step's keys as the target of the step before, the first of an empty one."""
        rolls = [piano_roll(piece) for piece in records.pieces]
        return Sequences([_heard(roll)[:-1] for roll in rolls], rolls)

    def model(self, options: MusicOptions, fitted: MusicPreprocessing) -> nn.Module:
        """Recurrent layers over 88 keys, one linear layer: a score for each key.

        Its biases start at the log-odds of each key, so that nothing is to be learnt of keys that
        never sound.
        """
        model = ManyToMany(inputs=KEYS, outputs=KEYS, **options.recurrent())
        assert isinstance(model.head, nn.Linear)
        with torch.no_grad():
            model.head.bias.copy_(fitted.scores())
        return model

    def objective(self, options: MusicOptions, fitted: MusicPreprocessing) -> Objective:
        """Binary cross-entropy of each key: the mean over keys and steps."""
        return Objective("binary_crossentropy_with_logits", (nll,), "val_nll")

    def recipe(self, options: MusicOptions) -> dict[str, Any]:
        """A step size that falls if asked for."""
        return {"schedule": "linear"} if options.decay else {}

    def score(
        self, trained: TrainedHere, records: Pieces, examples: Examples | Documents
    ) -> Evaluation:
        """Returns nats a step: of all steps, of all but the first, and without any memory."""
        fitted = trained.preprocessing
        loss = self.objective(trained.options, fitted).loss
        pieces = [torch.from_numpy(piano_roll(piece)) for piece in records.pieces]
        steps = torch.cat(pieces)
        found = training.evaluate(trained.model, examples, loss=loss, metrics=[nll])["nll"]
        scores = {"nll": found}
        if len(steps) > len(pieces):
            # The first step is predicted from an empty one, whatever follows.
            first = Sequences(
                torch.zeros(len(pieces), 1, KEYS), torch.stack([y[:1] for y in pieces])
            )
            of_first = training.evaluate(trained.model, first, loss=loss, metrics=[nll])["nll"]
            later = found * len(steps) - of_first * len(pieces)
            scores["nll_after_first"] = later / (len(steps) - len(pieces))
        without = nll(fitted.scores().expand_as(steps), steps).item()
        return Evaluation({**scores, "nll_without_memory": without})

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores, beside that of one who knows only how often each key sounds."""
        rows = {
            "nll": "this model, every step",
            "nll_after_first": "this model, without first steps",
            "nll_without_memory": "how often each key sounds, alone",
        }
        lines = [f"{'test: negative log-likelihood':<36}{'nats a step':>12}"]
        shown = [name for name in rows if name in scores]
        return "\n".join([*lines, *(f"{rows[name]:<36}{scores[name]:>12.4f}" for name in shown)])

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Pieces:
        """Pieces to go on from: typed, or in files."""
        texts = [each for each in inputs if isinstance(each, str) and each.strip()]
        if not texts or len(texts) != len(inputs):
            raise InputError(f"music needs {self.inputs}.")
        return Pieces([_piece(text.strip()) for text in texts])

    def answer(self, trained: TrainedHere, records: Pieces, how: MusicAnswering) -> list[Answer]:
        """Continues pieces."""
        numbered = enumerate(records.pieces, start=1)
        return [_continued(piece, trained, how, number) for number, piece in numbered]

    def explained(
        self, trained: TrainedHere, records: Pieces, how: MusicAnswering
    ) -> list[Attribution]:
        """Says which steps mattered for the key likeliest to sound next."""
        found = []
        for piece in records.pieces:
            labels = ["", *(show_notes([step]).replace(" ", "+") for step in piece)]
            told = [False, *[True] * len(piece)]  # not the start
            x = torch.from_numpy(_heard(piano_roll(piece)))
            found.append(
                integrated_gradients(trained.model, x, labels=labels, names=NAMES, told=told)
            )
        return found

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        data = pieces(folder / "pieces.json")
        return Tiny({"data": data}, ("C4 E4 G4 | F4 A4 C5", "60 64 67"))

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Draws each piece and what follows it as a piano roll."""
        # Neighbours would be written over one another.
        apart = [name if name[:-1] in ("C", "D", "E", "G", "A") else "" for name in NAMES]
        for number, each in enumerate(answers, start=1):
            assert isinstance(each, Continuation)
            rolls = piano_roll(each.given[-4 * SHOWN :]), piano_roll(each.follows)
            if not any(roll.any() for roll in rolls):
                continue
            name = "continuation" if len(answers) == 1 else f"continuation-{number}"
            title = f"The next {count(len(each.follows), 'step')}"
            yield name, plots.piano_roll(*rolls, keys=apart, title=title)


def _heard(roll: Any) -> Any:
    """(T, 88) to (T + 1, 88): an empty step goes before."""
    return np.concatenate([np.zeros_like(roll[:1]), roll])


def _piece(text: str) -> Piece:
    """The piece to go on from: typed, or in a file."""
    if not text.lower().endswith(ENDS):
        piece = read_notes(text)
    else:
        found = read_pieces(text)
        parts = (found.train, found.validation, found.test)
        pieces = [piece for part in parts if part is not None for piece in part.pieces]
        if len(pieces) != 1:
            todo = "Copy the piece to go on from into a file of its own."
            raise InputError(must(Path(text).name, "one piece", count(len(pieces), "piece"), todo))
        (piece,) = pieces
    if not any(piece):
        raise InputError(must("a piece to go on from", "at least one note long", "rests only"))
    return piece


def _continued(
    piece: Piece, trained: TrainedHere, how: MusicAnswering, number: int
) -> Continuation:
    model = trained.model
    roll = torch.from_numpy(_heard(piano_roll(piece)))
    with torch.no_grad():
        scores, state = model(roll[None], return_state=True)
    surprise = nll(scores[0, :-1], roll[1:]).item()
    top = scores[0, -1].sigmoid().topk(LIKELIEST)

    def step(state: Any, sounds: Tensor) -> tuple[Tensor, Any]:
        scores, state = model(sounds.float().unsqueeze(1), state=state, return_state=True)
        return scores[:, -1], state

    emission = decoding.Bits(KEYS, temperature=how.temperature)
    chance = torch.Generator().manual_seed(how.seed)
    written = decoding.write(
        step, state, scores[:, -1], emission, max_steps=how.length, generator=chance
    )
    follows = [(sounds.nonzero().flatten() + LOWEST).tolist() for sounds in written.values[0]]
    pairs = zip((NAMES[key] for key in top.indices.tolist()), top.values.tolist(), strict=True)
    return Continuation(piece, follows, list(pairs), surprise, number)
