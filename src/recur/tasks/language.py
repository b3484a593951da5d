"""Language: what follows in a text. Many-to-many over words, characters or subwords.

The text is read in rows side by side, `--truncate` steps at a time, with the state carried on
(truncated backpropagation through time). The defaults are a small two-layer LSTM that shares the
weights of its embedding with its outputs. The small setting of W. Zaremba et al., arXiv:1409.2329,
is a matter of options: see docs/language.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypedDict

import numpy as np
from torch import nn

from recur import files, schema, training
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.numbering import UNKNOWN_FIRST
from recur.data.records.texts import KINDS, Texts, documents_of, in_order
from recur.data.splits import Splits, TooFewError
from recur.data.text import UNKNOWN_WORD
from recur.data.vocabulary import Vocabulary
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, count, must
from recur.models.many_to_many import ManyToMany
from recur.tasks.answers import Answer
from recur.tasks.continuing import (
    UNKNOWN,
    LanguageAnswering,
    continued,
    encoded_prompt,
    following,
)
from recur.tasks.options import OwnData, cell_option, option
from recur.tasks.sources import file_of, name_of
from recur.tasks.task import Evaluation, Objective, Task, Trained
from recur.tasks.tiny import Tiny, lines
from recur.training.metrics import bits, perplexity
from recur.training.schedule import Steps

UNITS = ("words", "characters", "subwords")
SHARE = 0.1
"""Of a text of one's own, for validation and for testing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LanguageOptions(OwnData):
    """Options of the task."""

    data: str = option("review-texts", "a text file, or the name of a dataset")
    unit: str = option("words", "what the text is made of", choices=UNITS)
    documents: str = option(
        "file",
        "where memory begins anew, in a file of your own: never (file), at every line, or at blank "
        "lines (paragraphs)",
        choices=KINDS,
    )
    vocabulary: int = option(10_000, "the most frequent words that are kept", least=3)
    cell: str = cell_option("lstm")
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
    autocast: bool = option(
        False,
        "products in bfloat16 while training, which processors with AMX are several times as fast "
        "at; scores are measured in full precision",
    )
    truncate: int = option(35, "steps that gradients reach back", least=1)
    batch_size: int = option(20, "rows of the text that are read side by side", least=1)
    learning_rate: float | None = option(0.002, "the optimizer's step size", above=0.0)
    decay: float = option(0.5, "what the step size is multiplied by at each later epoch", above=0.0)
    decay_after: int = option(4, "epochs at the full step size", least=1)
    validation_split: float | None = option(
        None,
        "share of your own text held out for validation (default: 0.1)",
        above=0.0,
        below=1.0,
    )
    test_split: float | None = option(
        None, "the last share, held out for testing (default: 0.1)", above=0.0, below=1.0
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
        if sum(self.shares) >= 1:
            got = f"{self.shares[1]:g} and {self.shares[0]:g}"
            raise InputError(must("test split and validation split", "below 1 together", got))

    @property
    def shares(self) -> tuple[float, float]:
        """Of a text of one's own: what validates, and what tests."""
        given = self.validation_split, self.test_split
        validation, test = (SHARE if share is None else share for share in given)
        return validation, test


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


TrainedHere = Trained[LanguageOptions, LanguagePreprocessing]


class Language(Task[LanguageOptions, Texts, LanguagePreprocessing, LanguageAnswering]):
    """The task."""

    name = "language"
    kind = "many-to-many"
    summary = "what follows in a text: words, characters or subwords"
    takes = "the beginning of a text"
    gives = "what follows"
    data = "review-texts"
    metric = "perplexity"
    sample = (
        "book.txt",
        "It was a bright cold day in spring,\n"
        "and the bells of the town rang noon.\n"
        "She closed the window,\n"
        "put down her pen and went out.\n",
    )
    inputs = "the beginning of a text"
    options = LanguageOptions
    preprocessing = LanguagePreprocessing
    records = Texts
    answering = LanguageAnswering

    def open(
        self, source: Any, options: LanguageOptions, fitted: LanguagePreprocessing | None = None
    ) -> Splits[Texts]:
        """Reads a text file as documents."""
        name = name_of(source)
        texts = documents_of(files.read_text(file_of(source, self.name)), options.documents)
        if fitted is not None:
            return Splits(texts, about=name)
        if options.limit is not None:
            texts = texts.first(options.limit)
        return in_order(texts, name, validation=options.shares[0], test=options.shares[1])

    def fit(self, splits: Splits[Texts], options: LanguageOptions) -> LanguagePreprocessing:
        """Finds what the training text is made of."""
        texts = splits.train
        words = "spaces" if texts.spaces else "words-and-marks"
        splitter = words if options.unit == "words" else options.unit
        how: dict[str, Any] = {"splitter": splitter, "numbering": UNKNOWN_FIRST}
        return LanguagePreprocessing(
            Vocabulary.fit(texts.documents, size=options.vocabulary, **how)
        )

    def encode(
        self, records: Texts, options: LanguageOptions, fitted: LanguagePreprocessing
    ) -> Documents:
        """Documents as numbers, end to end."""
        encoded = [np.array(fitted.unit.encode(text), dtype=np.int64) for text in records.documents]
        lengths = np.array([len(ids) for ids in encoded], dtype=np.int64)
        if lengths.max(initial=0) < 2:
            got = count(int(lengths.sum()), "token")
            expected = f"a text with two {fitted.unit.noun} in a row at least"
            raise TooFewError(expected, got, "Add more text.")
        starts = (np.cumsum(lengths) - lengths)[lengths > 0]
        return Documents(np.concatenate(encoded), starts=starts)

    def model(self, options: LanguageOptions, fitted: LanguagePreprocessing) -> nn.Module:
        """Recurrent layers over embedded words, one linear layer: a score for each next word."""
        size = len(fitted.unit)
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

    def objective(self, options: LanguageOptions, fitted: LanguagePreprocessing) -> Objective:
        """Cross-entropy over the vocabulary, in nats for each next word."""
        characters = options.unit == "characters"
        return Objective("cross_entropy", ("bits_per_character" if characters else "perplexity",))

    def recipe(self, options: LanguageOptions) -> dict[str, Any]:
        """Truncated backpropagation through time; the step size falls by the epoch."""
        return {
            "truncate": options.truncate,
            "schedule": Steps(options.decay, options.decay_after),
            "autocast": "bfloat16" if options.autocast else None,
        }

    def score(
        self, trained: TrainedHere, records: Texts, examples: Examples | Documents
    ) -> Evaluation:
        """Returns the loss in nats, and what people call it: perplexity, bits per character.

        The text is read from its beginning to its end, with nothing cut in between.
        """
        assert isinstance(examples, Documents)
        options, unit = trained.options, trained.preprocessing.unit
        loss = training.evaluate(
            trained.model,
            examples,
            loss=self.objective(options, trained.preprocessing).loss,
            batch_size=options.batch_size,
            truncate=options.truncate,
        )["loss"]
        notes = _unknown_note(examples, unit)
        if unit.noun == "characters":
            return Evaluation({"bits_per_character": bits(loss), "loss": loss}, notes)
        scores = {"perplexity": perplexity(loss)}
        if unit.noun == "subwords":
            # Of all subwords, the first of a document too, as if each had cost the mean.
            each = len(examples.x) / max(records.characters, 1)
            scores["bits_per_character"] = bits(loss) * each
        return Evaluation({**scores, "loss": loss}, notes)

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in a line."""
        words = {"bits_per_character": "bits per character"}
        parts = [f"test {words.get(name, name)} {value:.4g}" for name, value in scores.items()]
        return "  ".join(parts)

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Texts:
        """Beginnings of texts."""
        prompts = [each for each in inputs if isinstance(each, str) and each.strip()]
        if not prompts or len(prompts) != len(inputs):
            example = '"The clouds are in the"'
            raise InputError(f"language needs the beginning of a text, such as {example}.")
        return Texts(prompts)

    def answer(self, trained: TrainedHere, records: Texts, how: LanguageAnswering) -> list[Answer]:
        """Continues texts."""
        unit, model = trained.preprocessing.unit, trained.model
        return [continued(prompt, model, unit, how) for prompt in records.documents]

    def told(
        self,
        trained: TrainedHere,
        records: Texts,
        how: LanguageAnswering,
        tell: Callable[[str], object],
    ) -> list[Answer]:
        """Continues texts, and tells them as they are written."""
        unit, model = trained.preprocessing.unit, trained.model
        return [continued(prompt, model, unit, how, tell) for prompt in records.documents]

    def explained(
        self, trained: TrainedHere, records: Texts, how: LanguageAnswering
    ) -> list[Attribution]:
        """Says which words mattered for the likeliest next one, by integrated gradients."""
        unit, model, found = trained.preprocessing.unit, trained.model, []
        names = [unit.piece(number) for number in range(len(unit))]
        for prompt in records.documents:
            ids = encoded_prompt(prompt, unit)
            likeliest = int(following(model, ids)[0].argmax())
            labels = [names[number] for number in ids[0].tolist()]
            reason = integrated_gradients(
                model, ids[0], labels=labels, names=names, output=likeliest
            )
            found.append(reason)
        return found

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        data = lines(folder / "texts.txt")
        return Tiny({"data": data, "documents": "lines"}, ("the film", "a"))

    def inputs_of(self, file: str, options: LanguageOptions | None = None) -> list[str]:
        """Returns the lines of a file, without their ends."""
        return [line.strip() for line in super().inputs_of(file, options)]


def _unknown_note(text: Documents, unit: Vocabulary) -> tuple[str, ...]:
    """A score over a small vocabulary is better than it looks: its unknown words are one."""
    share = float((text.x == UNKNOWN).mean())
    if not share:
        return ()
    what = f"{share:.1%} of the {unit.noun} tested on are not in the vocabulary"
    return (f"{what}; they count as one word, {UNKNOWN_WORD}.",)
