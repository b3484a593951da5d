"""Language: what follows in a text. Many-to-many over words, characters or subwords.

The text is read in rows side by side, `--truncate` steps at a time, with the state carried on
(truncated backpropagation through time). The defaults are a small two-layer LSTM that shares the
weights of its embedding with its outputs. The small setting of W. Zaremba et al., arXiv:1409.2329,
is a matter of options: see docs/language.md.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypedDict

import numpy as np
import torch
from torch import Tensor, nn

from recur import files, schema, training
from recur.data.datasets.texts import Texts
from recur.data.documents import Documents
from recur.data.numbering import UNKNOWN_FIRST
from recur.data.text import UNKNOWN_WORD
from recur.data.vocabulary import Vocabulary
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, count, listed, must
from recur.models.deep import CELLS
from recur.models.many_to_many import ManyToMany
from recur.tasks.options import Options, option
from recur.tasks.sources import dataset
from recur.tasks.task import HeldOut, Prediction, Prepared, Task, Trained
from recur.training.feed import feed_of
from recur.training.metrics import bits, perplexity
from recur.training.optimizers import find_optimizer
from recur.training.schedule import decay_by_epoch

UNITS = ("words", "characters", "subwords")
UNKNOWN = 0
"""The id of what is not known, as `UNKNOWN_FIRST` has it."""
DOCUMENTS = ("file", "lines", "paragraphs")
LIKELIEST = 5
"""Next words that an answer lists."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LanguageOptions(Options):
    """Options of the task."""

    data: str = option("review-texts", "a text file, or the name of a dataset")
    unit: str = option("words", "what the text is made of", choices=UNITS)
    documents: str = option(
        "file",
        "where memory begins anew, in a file of your own: never (file), at every line, or at blank "
        "lines (paragraphs)",
        choices=DOCUMENTS,
    )
    vocabulary: int = option(10_000, "the most frequent words that are kept", least=3)
    cell: str = option("lstm", "the recurrent cell", choices=tuple(CELLS))
    layers: int = option(2, "recurrent layers on top of one another", least=1, most=1000)
    units: int = option(200, "hidden units in each layer", least=1)
    embedding: int | None = option(
        None, "size of a word's vector (default: as many as units)", least=1
    )
    tied: bool = option(True, "use the words' vectors for the outputs too")
    init: float = option(
        0.1, "weights start between minus this and this; 0: as each layer does", least=0.0
    )
    dropout: float = option(0.2, "share of values dropped in training", least=0.0, below=1.0)
    locked_dropout: bool = option(
        False, "between layers, drop the same units at every step of a piece"
    )
    recurrent_dropout: float = option(
        0.0, "share of the state that the recurrent matrix does not see", least=0.0, below=1.0
    )
    weight_drop: float = option(
        0.0, "share of the recurrent matrix dropped in training", least=0.0, below=1.0
    )
    truncate: int = option(35, "steps that gradients reach back", least=1)
    batch_size: int = option(20, "rows of the text that are read side by side", least=1)
    learning_rate: float | None = option(0.002, "the optimizer's step size", above=0.0)
    decay: float = option(0.5, "what the step size is multiplied by at each later epoch", above=0.0)
    decay_after: int = option(4, "epochs at the full step size", least=1)
    validation_split: float = option(
        0.1, "share of your own text held out for validation", above=0.0, below=1.0
    )
    test_split: float = option(0.1, "the last share, held out for testing", above=0.0, below=1.0)
    length: int = option(20, "words (characters, subwords) that an answer goes on for", least=1)
    temperature: float = option(
        0.8, "how varied an answer is; 0: always the likeliest next word", least=0.0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bidirectional:
            todo = "From the other side the model would see the word that it is to guess."
            raise InputError(must("bidirectional", "off for language", "on", todo))
        if self.decay > 1:
            raise InputError(must("decay", "at most 1", self.decay))
        if self.tied and self.embedding not in (None, self.units):
            expected, todo = f"{self.units}, as units", "Leave embedding out, or tied off."
            raise InputError(must("embedding of tied weights", expected, self.embedding, todo))
        if self.test_split + self.validation_split >= 1:
            got = f"{self.test_split:g} and {self.validation_split:g}"
            raise InputError(must("test split and validation split", "below 1 together", got))


@dataclasses.dataclass(frozen=True)
class LanguagePreprocessing:
    """What the training text is made of.

    Attributes:
        unit: words, characters or subwords, and their numbers.
    """

    unit: Vocabulary

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {"unit": self.unit.noun, "vocabulary": self.unit.to_json()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again."""
        known = schema.read(_Stored, stored, "it")
        return cls(Vocabulary.from_json(known["vocabulary"]))


class _Stored(TypedDict):
    unit: str
    vocabulary: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Text:
    """A text to be scored.

    Attributes:
        documents: its tokens.
        characters: its length.
    """

    documents: Documents
    characters: int


@dataclasses.dataclass(frozen=True)
class Continuation:
    """An answer: how a text goes on.

    Attributes:
        prompt: the text.
        text: the text with what follows.
        likeliest: the likeliest next words with their probabilities.
        unknown: words of the prompt that the model does not know.
    """

    prompt: str
    text: str
    likeliest: list[tuple[str, float]]
    unknown: list[str]

    def __str__(self) -> str:
        words = "  ".join(f"{_shown(word)} {p:.4f}" for word, p in self.likeliest)
        lines = [self.text, f"next: {words}"]
        if self.unknown:
            lines.append(f"not known: {listed(map(repr, self.unknown), 'and')}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""
        likeliest = [{"token": word, "probability": p} for word, p in self.likeliest]
        return {**dataclasses.asdict(self), "likeliest": likeliest}


class Language(Task[LanguageOptions, LanguagePreprocessing, Text]):
    """The task."""

    name = "language"
    kind = "many-to-many"
    summary = "what follows in a text: words, characters or subwords"
    inputs = "the beginning of a text"
    options = LanguageOptions
    preprocessing = LanguagePreprocessing
    metrics = ("perplexity",)
    monitor = "val_loss"
    adjustable = ("length", "temperature", "seed")

    def prepare(self, options: LanguageOptions) -> Prepared[LanguagePreprocessing, Text]:
        """Reads a text in three parts, and finds what the first is made of."""
        texts = _read(options)
        words = "spaces" if texts.spaces else "words-and-marks"
        splitter = words if options.unit == "words" else options.unit
        how: dict[str, Any] = {"splitter": splitter, "numbering": UNKNOWN_FIRST}
        fitted = LanguagePreprocessing(Vocabulary.fit(texts.train, size=options.vocabulary, **how))
        train, validation, test = (
            _encoded(part, fitted.unit, f"the {name} part of {texts.about}")
            for name, part in (
                ("training", texts.train),
                ("validation", texts.validation),
                ("test", texts.test),
            )
        )
        about = f"{texts.about}: {len(train.documents.x):,} {options.unit} to learn from, "
        about += f"{len(validation.documents.x):,} to choose the best epoch by, "
        about += f"{len(test.documents.x):,} to test on; {len(fitted.unit):,} different ones"
        held = HeldOut(test, (*texts.notes, *_unknown_note(test, fitted.unit)))
        return Prepared(about, train.documents, validation.documents, held, fitted)

    def held_out(
        self, options: LanguageOptions, preprocessing: LanguagePreprocessing, data: str = ""
    ) -> HeldOut[Text]:
        """Returns the test part of the text, or all of another."""
        if data and dataset(data, self.name) is None:
            texts = _documents(files.read_text(data), options.documents)
            test = _encoded(texts, preprocessing.unit, Path(data).name)
            return HeldOut(test, _unknown_note(test, preprocessing.unit))
        read = _read(dataclasses.replace(options, data=data or options.data))
        test = _encoded(read.test, preprocessing.unit, f"the test part of {read.about}")
        return HeldOut(test, (*read.notes, *_unknown_note(test, preprocessing.unit)))

    def model(self, options: LanguageOptions, preprocessing: LanguagePreprocessing) -> nn.Module:
        """Recurrent layers over embedded words, one linear layer: a score for each next word."""
        size = len(preprocessing.unit)
        model = ManyToMany(
            vocabulary=size,
            outputs=size,
            embedding=options.embedding,
            tied=options.tied,
            locked_dropout=options.locked_dropout,
            recurrent_dropout=options.recurrent_dropout,
            weight_drop=options.weight_drop,
            **options.recurrent(),
        )
        if options.init:
            for parameter in model.parameters():
                nn.init.uniform_(parameter, -options.init, options.init)
        return model

    def loss(self, preprocessing: LanguagePreprocessing) -> str:
        """Cross-entropy over the vocabulary, in nats for each next word."""
        return "cross_entropy"

    def fit(
        self,
        model: nn.Module,
        prepared: Prepared[LanguagePreprocessing, Text],
        options: LanguageOptions,
        **loop: Any,
    ) -> training.History:
        """Trains by truncated backpropagation through time; the step size falls by the epoch."""
        optimizer = find_optimizer(options.optimizer, model, options.learning_rate)
        feed = feed_of(prepared.train, batch_size=options.batch_size, truncate=options.truncate)
        decay_by_epoch(optimizer, options.decay, after=options.decay_after, steps=len(feed))
        characters = options.unit == "characters"
        how = {
            "metrics": ("bits_per_character",) if characters else self.metrics,
            "optimizer": optimizer,
            "learning_rate": None,
            "truncate": options.truncate,
        }
        return super().fit(model, prepared, options, **how, **loop)

    def evaluate(
        self, trained: Trained[LanguageOptions, LanguagePreprocessing], data: Text
    ) -> dict[str, float]:
        """Returns the loss in nats, and what people call it: perplexity, bits per character.

        The text is read from its beginning to its end, with nothing cut in between.
        """
        loss = self.loss(trained.preprocessing)
        options = trained.options
        found = training.evaluate(
            trained.model,
            data.documents,
            loss=loss,
            batch_size=options.batch_size,
            truncate=options.truncate,
        )["loss"]
        unit = trained.preprocessing.unit
        if unit.noun == "characters":
            return {"bits_per_character": bits(found), "loss": found}
        scores = {"perplexity": perplexity(found)}
        if unit.noun == "subwords":
            # Of all subwords, the first of a document too, as if each had cost the mean.
            each = len(data.documents.x) / max(data.characters, 1)
            scores["bits_per_character"] = bits(found) * each
        return {**scores, "loss": found}

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in a line."""
        words = {"bits_per_character": "bits per character"}
        parts = [f"test {words.get(name, name)} {value:.4g}" for name, value in scores.items()]
        return "  ".join(parts)

    def predict(
        self,
        trained: Trained[LanguageOptions, LanguagePreprocessing],
        inputs: Sequence[str],
    ) -> list[Prediction]:
        """Continues texts."""
        return [_continued(prompt, trained) for prompt in _prompts(inputs)]

    def why(
        self,
        trained: Trained[LanguageOptions, LanguagePreprocessing],
        inputs: Sequence[str],
    ) -> list[Attribution]:
        """Says which words mattered for the likeliest next one, by integrated gradients."""
        unit, model, found = trained.preprocessing.unit, trained.model, []
        names = [unit.piece(number) for number in range(len(unit))]
        for prompt in _prompts(inputs):
            ids = _encoded_prompt(prompt, trained)
            likeliest = int(_following(model, ids)[0].argmax())
            labels = [names[number] for number in ids[0].tolist()]
            reason = integrated_gradients(
                model, ids[0], labels=labels, names=names, output=likeliest
            )
            found.append(reason)
        return found

    def inputs_of(self, file: str) -> list[str]:
        """Returns the lines of a file, without their ends."""
        return [line.strip() for line in super().inputs_of(file)]


def _read(options: LanguageOptions) -> Texts:
    """The text that the options name, in three parts."""
    named = dataset(options.data, Language.name)
    if named is None:
        return _read_file(options)
    texts: Texts = named.load_text()
    if options.limit is None:
        return texts
    note = f"Only the beginning of the text was learnt from (limit {options.limit:,})."
    train = _first(texts.train, options.limit)
    return dataclasses.replace(texts, train=train, notes=(*texts.notes, note))


def _read_file(options: LanguageOptions) -> Texts:
    name = Path(options.data).name
    whole = _documents(files.read_text(options.data), options.documents)
    if options.limit is not None:
        whole = _first(whole, options.limit)
    shares = 1 - options.test_split - options.validation_split, 1 - options.test_split
    if len(whole) > 1:
        first, last = (round(share * len(whole)) for share in shares)
        train, validation, test = whole[:first], whole[first:last], whole[last:]
    else:
        text = whole[0] if whole else ""
        first, last = (_word_end(text, round(share * len(text))) for share in shares)
        parts = (text[:first], text[first:last], text[last:])
        train, validation, test = ([part] if part else [] for part in parts)
    if not (train and validation and test):
        size, noun = (len(whole), "document") if len(whole) > 1 else (len(text), "character")
        expected = "long enough to learn from, to validate and to test on"
        raise InputError(must(name, expected, count(size, noun), "Add more text."))
    note = f"Tested on the last {options.test_split:.0%} of {name}, held out from training."
    return Texts(train, validation, test, about=name, notes=(note,))


def _documents(text: str, kind: str) -> list[str]:
    """A file as documents; none is blank."""
    if kind == "file":
        return [text] if text.strip() else []
    text = "\n".join(text.splitlines())
    parts = text.split("\n") if kind == "lines" else _paragraphs(text)
    return [part for part in parts if part.strip()]


def _paragraphs(text: str) -> list[str]:
    blank = "\n".join(line if line.strip() else "" for line in text.split("\n"))
    return [part.strip("\n") for part in blank.split("\n\n")]


def _first(documents: list[str], limit: int) -> list[str]:
    """The first documents, or lines where there is one document."""
    if len(documents) == 1:
        return ["".join(documents[0].splitlines(keepends=True)[:limit])]
    return documents[:limit]


def _word_end(text: str, at: int) -> int:
    """The place at or after `at` where no word is cut."""
    while at < len(text) and not text[at - 1].isspace():
        at += 1
    return at


def _encoded(documents: Sequence[str], unit: Vocabulary, what: str) -> Text:
    encoded = [np.array(unit.encode(text), dtype=np.int64) for text in documents]
    lengths = np.array([len(ids) for ids in encoded], dtype=np.int64)
    if lengths.max(initial=0) < 2:
        got = count(int(lengths.sum()), "token")
        expected = f"a text with two {unit.noun} in a row at least"
        raise InputError(must(what, expected, got, "Add more text."))
    starts = (np.cumsum(lengths) - lengths)[lengths > 0]
    return Text(Documents(np.concatenate(encoded), starts=starts), sum(map(len, documents)))


def _unknown_note(text: Text, unit: Vocabulary) -> tuple[str, ...]:
    """A score over a small vocabulary is better than it looks: its unknown words are one."""
    share = float((text.documents.x == UNKNOWN).mean())
    if not share:
        return ()
    what = f"{share:.1%} of the {unit.noun} tested on are not in the vocabulary"
    return (f"{what}; they count as one word, {UNKNOWN_WORD}.",)


def _prompts(inputs: Sequence[str]) -> list[str]:
    prompts = list(inputs)
    if not prompts or not all(prompt.strip() for prompt in prompts):
        raise InputError('language needs the beginning of a text, such as "The clouds are in the".')
    return prompts


def _encoded_prompt(
    prompt: str, trained: Trained[LanguageOptions, LanguagePreprocessing]
) -> Tensor:
    """(1, T) numbers."""
    unit = trained.preprocessing.unit
    ids = torch.tensor([unit.encode(prompt)], dtype=torch.int64)
    if not len(ids[0]) or bool((ids == UNKNOWN).all()):
        expected = "one with a word that the model knows"
        todo = f"It learnt {len(unit):,} {unit.noun}; try another beginning."
        raise InputError(must("a prompt", expected, repr(prompt), todo))
    return ids


def _continued(
    prompt: str, trained: Trained[LanguageOptions, LanguagePreprocessing]
) -> Continuation:
    unit, model, options = trained.preprocessing.unit, trained.model, trained.options
    assert isinstance(model, ManyToMany)
    ids, unknown = _encoded_prompt(prompt, trained), unit.not_known(prompt)
    scores, state = _following(model, ids)
    chances = scores.softmax(dim=-1)
    top = chances.topk(min(LIKELIEST, len(unit) - 1))
    pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
    how: dict[str, Any] = {"search": "greedy"}
    if options.temperature:
        chance = torch.Generator().manual_seed(options.seed)
        how = {"search": "sample", "temperature": options.temperature, "generator": chance}
    written = model.generate(
        ids[:, -1:], state=state, max_steps=options.length, never=[UNKNOWN], **how
    )
    start = unit.decode(ids[0].tolist())
    tokens = written.tokens[0].tolist()
    text = unit.decode([*ids[0].tolist(), *tokens])
    # What the person wrote is shown as it was written.
    follows = text.removeprefix(start) if text.startswith(start) else unit.decode(tokens)
    return Continuation(
        prompt, prompt + follows, [(unit.piece(number), p) for number, p in pairs], unknown
    )


def _following(model: nn.Module, ids: Tensor) -> tuple[Tensor, Any]:
    """Scores of the next word, of which the unknown one is none, and the state before the last."""
    assert isinstance(model, ManyToMany)
    with torch.no_grad():
        state = model.remember(ids[:, :-1])
        scores: Tensor = model(ids[:, -1:], state=state)[0, -1]
    scores[UNKNOWN] = -math.inf
    return scores, state


def _shown(word: str) -> str:
    return repr(word) if not word.strip() or word != word.strip() else word
