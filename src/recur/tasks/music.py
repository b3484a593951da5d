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

from recur import plots, schema, training
from recur.data.music import (
    HIGHEST,
    KEYS,
    LOWEST,
    Music,
    Piece,
    note_name,
    piano_roll,
    read_music,
    read_notes,
    show_notes,
)
from recur.data.sequences import Sequences
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, count, must, shown
from recur.models.deep import CELLS
from recur.models.many_to_many import ManyToMany
from recur.tasks.options import Options, option
from recur.tasks.sources import dataset
from recur.tasks.task import HeldOut, Prediction, Prepared, Task, Trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OWN_TEST = 0.2
"""Share of a user's own pieces held out for testing."""
SHOWN = 8
"""Steps of a given piece that an answer shows: its last ones."""
LIKELIEST = 5
"""Next keys that an answer lists."""
NAMES = tuple(note_name(key) for key in range(LOWEST, HIGHEST + 1))
START = "(start)"
"""What stands for the empty step before a piece."""
ENDS = (".json", ".json.gz")
"""What the name of a file with a piece ends in."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MusicOptions(Options):
    """Options of the task."""

    data: str = option(
        "jsb-chorales", "a JSON file of pieces, or a dataset (jsb-chorales:16th for finer steps)"
    )
    cell: str = option("gru", "the recurrent cell", choices=tuple(CELLS))
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
    length: int = option(16, "steps that an answer goes on for", least=1)
    temperature: float = option(
        1.0, "how varied an answer is; 0: each key that is likelier to sound than not", least=0.0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bidirectional:
            todo = "From the other side the model would hear the step that it is to guess."
            raise InputError(must("bidirectional", "off for music", "on", todo))


@dataclasses.dataclass(frozen=True)
class MusicPreprocessing:
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

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {"sounding": list(self.sounding)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again."""
        return schema.read(cls, stored, "it")

    def scores(self) -> Tensor:
        """The log-odds of each key, (88,)."""
        return torch.tensor(self.sounding).logit()


@dataclasses.dataclass(frozen=True)
class Continuation:
    """An answer: how a piece goes on.

    Attributes:
        given: the piece.
        follows: the steps drawn after it.
        likeliest: the keys likeliest to sound right after it, by name, with their probabilities.
        nll: how surprising the piece itself was, in nats a step.
    """

    given: Piece
    follows: Piece
    likeliest: list[tuple[str, float]]
    nll: float

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
        return {**dataclasses.asdict(self), "likeliest": likeliest}


def nll(scores: Tensor, targets: Tensor) -> Tensor:
    """The negative log-likelihood of a step, in nats: (..., 88) scores and keys to their mean."""
    total = F.binary_cross_entropy_with_logits(scores, targets, reduction="sum")
    return total / max(targets[..., 0].numel(), 1)


class MusicTask(Task[MusicOptions, MusicPreprocessing, Sequences]):
    """The task."""

    name = "music"
    kind = "many-to-many"
    summary = "which keys of a piano sound next"
    inputs = 'notes to go on from ("C4 E4 G4 | D4 F4 A4"), or a JSON file with a piece'
    options = MusicOptions
    preprocessing = MusicPreprocessing
    monitor = "val_nll"
    adjustable = ("length", "temperature", "seed")

    def prepare(self, options: MusicOptions) -> Prepared[MusicPreprocessing, Sequences]:
        """Reads pieces in three parts, and counts the keys of those that the model learns from."""
        music = _read(options)
        learnt = _transposed(music.train, options.transpose)
        fitted = MusicPreprocessing.fit(learnt)
        about = f"{music.about}: {count(len(music.train), 'piece')} to learn from, "
        about += f"{len(music.validation):,} to choose the best epoch by, {len(music.test):,} to "
        about += f"test on; {count(sum(map(len, music.train)), 'step')} to learn from"
        if options.transpose:
            about += f", each up to {count(options.transpose, 'semitone')} higher and lower too"
        train, validation, test = map(_sequences, (learnt, music.validation, music.test))
        return Prepared(about, train, validation, HeldOut(test, music.notes), fitted)

    def held_out(
        self, options: MusicOptions, preprocessing: MusicPreprocessing, data: str = ""
    ) -> HeldOut[Sequences]:
        """Returns the test pieces; of another file its test part, or all pieces if it has none."""
        if data and dataset(data, self.name) is None:
            music = read_music(data)
            pieces = music.test or music.train
            if not pieces:
                raise InputError(must(music.about, "at least one piece to test on", "none"))
            return HeldOut(_sequences(pieces))
        music = _read(dataclasses.replace(options, data=data or options.data))
        return HeldOut(_sequences(music.test), music.notes)

    def model(self, options: MusicOptions, preprocessing: MusicPreprocessing) -> nn.Module:
        """Recurrent layers over 88 keys, one linear layer: a score for each key.

        Its biases start at the log-odds of each key, so that nothing is to be learnt of keys that
        never sound.
        """
        model = ManyToMany(inputs=KEYS, outputs=KEYS, **options.recurrent())
        assert isinstance(model.head, nn.Linear)
        with torch.no_grad():
            model.head.bias.copy_(preprocessing.scores())
        return model

    def loss(self, preprocessing: MusicPreprocessing) -> str:
        """Binary cross-entropy of each key: the mean over keys and steps."""
        return "binary_crossentropy_with_logits"

    def fit(
        self,
        model: nn.Module,
        prepared: Prepared[MusicPreprocessing, Sequences],
        options: MusicOptions,
        **loop: Any,
    ) -> training.History:
        """Trains, with a step size that falls if asked for."""
        how = self.falling(model, prepared, options) if options.decay else {}
        return super().fit(model, prepared, options, metrics=[nll], **how, **loop)

    def evaluate(
        self, trained: Trained[MusicOptions, MusicPreprocessing], data: Sequences
    ) -> dict[str, float]:
        """Returns nats a step: of all steps, of all but the first, and without any memory."""
        fitted, loss = trained.preprocessing, self.loss(trained.preprocessing)
        pieces = [y for _, y in (data[n] for n in range(len(data))) if y is not None]
        steps = torch.cat(pieces)
        found = training.evaluate(trained.model, data, loss=loss, metrics=[nll])["nll"]
        scores = {"nll": found}
        if len(steps) > len(pieces):
            # The first step is predicted from an empty one, whatever follows.
            first = Sequences(
                torch.zeros(len(pieces), 1, KEYS), torch.stack([y[:1] for y in pieces])
            )
            of_first = training.evaluate(trained.model, first, loss=loss, metrics=[nll])["nll"]
            later = found * len(steps) - of_first * len(pieces)
            scores["nll_after_first"] = later / (len(steps) - len(pieces))
        return {**scores, "nll_without_memory": nll(fitted.scores().expand_as(steps), steps).item()}

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

    def predict(
        self, trained: Trained[MusicOptions, MusicPreprocessing], inputs: Sequence[str]
    ) -> list[Prediction]:
        """Continues pieces."""
        return [_continued(piece, trained) for piece in _asked(inputs)]

    def why(
        self, trained: Trained[MusicOptions, MusicPreprocessing], inputs: Sequence[str]
    ) -> list[Attribution]:
        """Says which steps mattered for the key likeliest to sound next."""
        found = []
        for piece in _asked(inputs):
            labels = [START, *(show_notes([step]).replace(" ", "+") for step in piece)]
            x = torch.from_numpy(_heard(piano_roll(piece)))
            found.append(integrated_gradients(trained.model, x, labels=labels, names=NAMES))
        return found

    def pictures(self, predictions: Sequence[Prediction]) -> Iterator[tuple[str, Figure]]:
        """Draws each piece and what follows it as a piano roll."""
        # Neighbours would be written over one another.
        apart = [name if name[:-1] in ("C", "D", "E", "G", "A") else "" for name in NAMES]
        for number, each in enumerate(predictions, start=1):
            assert isinstance(each, Continuation)
            rolls = piano_roll(each.given[-4 * SHOWN :]), piano_roll(each.follows)
            if not any(roll.any() for roll in rolls):
                continue
            name = "continuation" if len(predictions) == 1 else f"continuation-{number}"
            title = f"The next {count(len(each.follows), 'step')}"
            yield name, plots.piano_roll(*rolls, keys=apart, title=title)


def _read(options: MusicOptions) -> Music:
    """The pieces that the options name, in three parts, cut to the limit."""
    named = dataset(options.data, MusicTask.name)
    if named is None:
        return _parted(_limited(read_music(options.data), options.limit), options.validation_split)
    part = options.data.partition(":")[2]
    return _limited(named.load(part) if part else named.load(), options.limit)


def _limited(music: Music, limit: int | None) -> Music:
    if limit is None or limit >= len(music.train):
        return music
    note = f"Only the first {count(limit, 'piece')} of {len(music.train):,} were used (limit)."
    return dataclasses.replace(music, train=music.train[:limit], notes=(*music.notes, note))


def _parted(music: Music, validation_split: float) -> Music:
    """A file's pieces in three parts; those that it does not set apart are cut off at the end."""
    train, validation, test, notes = music.train, music.validation, music.test, music.notes
    if not test:
        train, test = _cut(train, OWN_TEST)
        what = f"the last {count(len(test), 'piece')} of {music.about}, held out from training"
        notes = (*notes, f"Tested on {what}.")
    if not validation:
        train, validation = _cut(train, validation_split)
    if not (train and validation and test):
        expected = "enough to learn from, to validate and to test on: 3 pieces at least"
        got = count(len(music.train) + len(music.validation) + len(music.test), "piece")
        raise InputError(must(music.about, expected, got, "Add more."))
    return dataclasses.replace(music, train=train, validation=validation, test=test, notes=notes)


def _cut(pieces: list[Piece], share: float) -> tuple[list[Piece], list[Piece]]:
    kept = len(pieces) - max(round(share * len(pieces)), 1)
    return pieces[: max(kept, 0)], pieces[max(kept, 0) :]


def _transposed(pieces: list[Piece], semitones: int) -> list[Piece]:
    """Pieces in every key up to so many semitones away; what leaves the keyboard is left out."""
    semitones = min(semitones, KEYS)  # further away there is no key
    return [
        [[key + shift for key in step] for step in piece]
        for piece in pieces
        for shift in range(-semitones, semitones + 1)
        if all(LOWEST <= key + shift <= HIGHEST for step in piece for key in step)
    ]


def _sequences(pieces: list[Piece]) -> Sequences:
    """Each step's keys as the target of the step before, the first of an empty one."""
    rolls = [piano_roll(piece) for piece in pieces]
    return Sequences([_heard(roll)[:-1] for roll in rolls], rolls)


def _heard(roll: Any) -> Any:
    """(T, 88) to (T + 1, 88): an empty step goes before."""
    return np.concatenate([np.zeros_like(roll[:1]), roll])


def _asked(inputs: Sequence[str]) -> list[Piece]:
    texts = list(inputs)
    if not texts or not all(text.strip() for text in texts):
        raise InputError(f"music needs {MusicTask.inputs}.")
    return [_piece(text.strip()) for text in texts]


def _piece(text: str) -> Piece:
    """The piece to go on from: typed, or in a file."""
    if not text.lower().endswith(ENDS):
        piece = read_notes(text)
    else:
        music = read_music(text)
        pieces = [*music.train, *music.validation, *music.test]
        if len(pieces) != 1:
            todo = "Copy the piece to go on from into a file of its own."
            raise InputError(must(Path(text).name, "one piece", count(len(pieces), "piece"), todo))
        (piece,) = pieces
    if not any(piece):
        raise InputError(must("a piece to go on from", "at least one note long", "rests only"))
    return piece


def _continued(piece: Piece, trained: Trained[MusicOptions, MusicPreprocessing]) -> Continuation:
    model, options = trained.model, trained.options
    roll = torch.from_numpy(_heard(piano_roll(piece)))
    chance = torch.Generator().manual_seed(options.seed)
    with torch.no_grad():
        scores, state = model(roll[None], return_state=True)
        surprise = nll(scores[0, :-1], roll[1:]).item()
        latest = scores[0, -1]
        top = latest.sigmoid().topk(LIKELIEST)
        follows = []
        for _ in range(options.length):
            sounds = _drawn(latest, options.temperature, chance)
            follows.append((sounds.nonzero().flatten() + LOWEST).tolist())
            scores, state = model(sounds.float()[None, None], state=state, return_state=True)
            latest = scores[0, -1]
    pairs = zip((NAMES[key] for key in top.indices.tolist()), top.values.tolist(), strict=True)
    return Continuation(piece, follows, list(pairs), surprise)


def _drawn(scores: Tensor, temperature: float, chance: torch.Generator) -> Tensor:
    """The keys that sound, (88,) bool: each drawn by itself, or the likelier answer."""
    if not temperature:
        return scores > 0
    return torch.rand(KEYS, generator=chance) < (scores / temperature).sigmoid()
