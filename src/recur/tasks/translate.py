"""Translate: a text in one language, written in another. Many-to-many of unequal length.

Recurrent layers read the source in both directions; others write the translation, a piece at a
time, and ask the source at every step (attention). The sizes, the tied vectors and the narrow last
layer are those of O. Caglayan et al., arXiv:1707.04481, for Multi30k.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from recur import plots, training
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.numbering import END_FIRST
from recur.data.records.pairs import Columns, Pairs, apart, read_pairs
from recur.data.sequences import Sequences
from recur.data.splits import Parting, Splits
from recur.data.vocabulary import Vocabulary
from recur.diagnostics import Attribution, integrated_gradients
from recur.layers.attention import KINDS
from recur.messages import brief
from recur.models.encoder_decoder import BRIDGES, EncoderDecoder
from recur.models.probability import LogProbability
from recur.scoring.dictionary import WordByWord
from recur.scoring.scores import package
from recur.scoring.translation import bleu_and_chrf
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, cell_option, option, searched
from recur.tasks.paired import RISE_AND_FALL, SHARE, PairedData, texts_in, written
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained
from recur.tasks.tiny import Tiny, pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPLITTERS = {"subwords": "subwords", "words": "words-and-marks", "characters": "characters"}
SHOWN = 60
"""Letters of a translation in a title."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslateOptions(PairedData):
    """Options of the task.

    Own data are two files side by side (`--data train.en --target train.de`), a table with a column
    for each language (.csv, .tsv, .jsonl and others), or lines with a tab between the two.
    """

    data: str = option(
        "messages",
        "a file of texts (see target), a table, a file of lines with a tab in each, or a dataset",
    )
    unit: str = option("subwords", "what texts are made of", choices=tuple(SPLITTERS))
    vocabulary: int = option(5_000, "pieces of each language, the most frequent", least=3)
    maxlen: int = option(100, "the most pieces of a text that are read and learnt", least=1)
    cell: str = cell_option("gru")
    bidirectional: bool = option(True, "read each text in both directions")
    units: int = option(256, "hidden units in each layer and direction", least=1)
    embedding: int = option(128, "size of a piece's vector", least=1)
    attention: str = option(
        "additive", "how the source is asked at each step", choices=(*KINDS, "none")
    )
    bridge: str = option(
        "mean", "what the translation starts from: the mean or the end", choices=BRIDGES
    )
    dropout: float = option(
        0.4, "share of values dropped in training, before the words", least=0.0, below=1.0
    )
    embedding_dropout: float = option(
        0.2, "share of the pieces' vectors dropped in training", least=0.0, below=1.0
    )
    encoding_dropout: float = option(
        0.3, "share of what was read of the text dropped in training", least=0.0, below=1.0
    )
    embedding_std: float = option(
        0.1, "how far from 0 the read pieces' vectors start: their standard deviation", above=0.0
    )
    input_feeding: bool = option(True, "what attention found is read with the next piece")
    tied: bool = option(True, "with attention, pieces are read and written by the same vectors")
    label_smoothing: float = option(
        0.1, "share of each right piece that goes to all pieces alike", least=0.0, below=1.0
    )
    batch_size: int = option(64, "sequences in a batch", least=1)
    epochs: int = option(20, "passes over the training data", least=1)
    learning_rate: float | None = option(0.002, "the optimizer's step size", above=0.0)
    decay: bool = option(
        True, "let the step size rise for a while, then fall to 0 in half a cosine"
    )
    ema: float | None = option(
        0.999, "judge and keep a moving average of the weights", above=0.0, below=1.0
    )
    clip_norm: float = option(5.0, "largest norm of the gradient; 0 for no clipping", least=0.0)
    patience: int | None = option(
        5, "stop after so many epochs without a better validation result", least=1
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslateAnswering(Answering):
    """How a translation is searched for."""

    beam: int = option(
        12, "translations followed side by side; 1: always the likeliest piece", least=1, most=1000
    )
    length_penalty: float = option(
        1.0, "what a longer translation gains on a shorter one; 0: nothing", least=0.0, most=10.0
    )
    length: int = option(100, "the most pieces of a translation", least=1, most=100_000)


@dataclasses.dataclass(frozen=True)
class TranslatePreprocessing(Fitted):
    """What the texts of both languages are made of.

    Attributes:
        source: of the texts that are read.
        target: of the translations.
        words: the yardstick: by word its translation; see `recur.scoring.dictionary`.
    """

    source: Vocabulary
    target: Vocabulary
    words: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Translation(Answer):
    """A text and its translation.

    Attributes:
        source: the text.
        text: the translation, on one line.
        pieces: the numbers of its pieces.
    """

    source: str
    text: str
    pieces: tuple[int, ...] = dataclasses.field(default=(), repr=False)

    def __str__(self) -> str:
        # Bytes that were learnt may be put together to what a terminal takes for a command.
        return "".join(c if c.isprintable() else "\ufffd" for c in self.text)

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""
        return {"source": self.source, "text": self.text}


TrainedHere = Trained[TranslateOptions, TranslatePreprocessing]


class Translate(Task[TranslateOptions, Pairs, TranslatePreprocessing, TranslateAnswering]):
    """The task."""

    name = "translate"
    kind = "many-to-many"
    summary = "a text in one language, written in another"
    takes = "a text"
    gives = "the same in another language"
    data = "messages"
    metric = "BLEU"
    sample = (
        "pairs.txt",
        "A dog runs through the snow.\tEin Hund rennt durch den Schnee.\n"
        "Two men are talking.\tZwei Männer unterhalten sich.\n"
        "A girl is reading.\tEin Mädchen liest.\n"
        "The street is empty.\tDie Straße ist leer.\n",
    )
    inputs = "a text; of a file each line, empty ones too"
    options = TranslateOptions
    preprocessing = TranslatePreprocessing
    records = Pairs
    answering = TranslateAnswering
    parting = Parting(apart, apart, SHARE, SHARE, mixes=True)
    before = types.MappingProxyType(
        {
            "encoding_dropout": 0.0,
            "embedding_std": 1.0,
            "input_feeding": False,
            "tied": False,
            "label_smoothing": 0.0,
            "decay": False,
        }
    )

    def open(
        self, source: Any, options: TranslateOptions, fitted: TranslatePreprocessing | None = None
    ) -> Splits[Pairs]:
        """Reads texts and their translations."""
        return read_pairs(
            source,
            options.target,
            columns=Columns(options.source_column, options.target_column),
            delimiter=options.delimiter,
            encoding=options.encoding,
        )

    def fit(self, splits: Splits[Pairs], options: TranslateOptions) -> TranslatePreprocessing:
        """Finds what the training texts are made of, a language at a time."""
        package("sacrebleu")  # said now, and not after the training
        learnt = splits.train
        how: dict[str, Any] = {"splitter": SPLITTERS[options.unit], "numbering": END_FIRST}
        source, target = (
            Vocabulary.fit(texts, size=options.vocabulary, **how)
            for texts in (learnt.sources, learnt.targets)
        )
        words = WordByWord.fit(learnt.sources, learnt.targets).words
        return TranslatePreprocessing(source, target, words)

    def encode(
        self, records: Pairs, options: TranslateOptions, fitted: TranslatePreprocessing
    ) -> Sequences:
        """Numbers of the pieces, with an end after the last."""
        sources, targets = (
            [vocabulary.encode(text, options.maxlen, keep="first") for text in texts]
            for vocabulary, texts in (
                (fitted.source, records.sources),
                (fitted.target, records.targets),
            )
        )
        return Sequences(sources, targets or None, aligned=False)

    def model(self, options: TranslateOptions, fitted: TranslatePreprocessing) -> nn.Module:
        """An encoder that reads both ways, a decoder that asks it by attention."""
        asks = options.attention != "none"
        return EncoderDecoder(
            vocabulary=len(fitted.target),
            source_vocabulary=len(fitted.source),
            end=fitted.target.end,
            embedding=options.embedding,
            embedding_dropout=options.embedding_dropout,
            attention=options.attention if asks else None,
            input_feeding=options.input_feeding and asks,
            tied=options.tied and asks,
            bridge=options.bridge,
            encoding_dropout=options.encoding_dropout,
            embedding_std=options.embedding_std,
            **options.recurrent(),
        )

    def objective(self, options: TranslateOptions, fitted: TranslatePreprocessing) -> Objective:
        """Cross-entropy of each next piece, in nats."""
        return Objective("cross_entropy", ("perplexity",))

    def recipe(self, options: TranslateOptions) -> dict[str, Any]:
        """Batches of texts of similar length."""
        schedule = RISE_AND_FALL if options.decay else {}
        return {"bucket": True, "label_smoothing": options.label_smoothing, **schedule}

    def score(
        self, trained: TrainedHere, records: Pairs, examples: Examples | Documents
    ) -> Evaluation:
        """BLEU and chrF of the translations, and BLEU of two that need no learning."""
        objective = self.objective(trained.options, trained.preprocessing)
        measured = training.evaluate(
            trained.model,
            examples,
            loss=objective.loss,
            metrics=objective.metrics,
            batch_size=trained.options.batch_size,
        )
        answers = self._translated(trained, records, TranslateAnswering())
        found = bleu_and_chrf([each.text for each in answers], records.targets)
        yardsticks = {
            "word_by_word": WordByWord(trained.preprocessing.words).answers(records.sources),
            "copied": records.sources,
        }
        beside = {
            f"bleu_{name}": bleu_and_chrf(texts, records.targets)["bleu"]
            for name, texts in yardsticks.items()
        }
        notes = tuple(found.how[name] for name in ("bleu", "chrf", "bleu_lowercase"))
        return Evaluation({**found, **beside, **measured}, notes, answers[:1])

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores as two lines."""
        return (
            f"test BLEU {scores['bleu']:.2f}  chrF {scores['chrf']:.2f}  "
            f"in lower case {scores['bleu_lowercase']:.2f} and {scores['chrf_lowercase']:.2f}  "
            f"perplexity {scores['perplexity']:.4g}\n"
            f"without learning: BLEU {scores['bleu_word_by_word']:.2f} word by word, "
            f"{scores['bleu_copied']:.2f} of the source as it is"
        )

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Pairs:
        """Texts to translate."""
        return Pairs.asked(inputs, self.name, '"A dog runs through the snow."')

    def answer(self, trained: TrainedHere, records: Pairs, how: TranslateAnswering) -> list[Answer]:
        """Translates texts; of a blank one nothing is written."""
        return list(self._translated(trained, records, how))

    def explained(
        self, trained: TrainedHere, records: Pairs, how: TranslateAnswering
    ) -> list[Attribution]:
        """Says on which pieces of the source the whole translation rests."""
        found = []
        for each in self._translated(trained, records, how):
            source, target = self._tokens(trained, each)
            model = LogProbability(trained.model, target)
            labels = list(map(trained.preprocessing.source.piece, source.tolist()))
            found.append(
                integrated_gradients(model, source, labels=labels, names=[brief(each.text, SHOWN)])
            )
        return found

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Where each piece looked, of a single translation; of a file's lines none."""
        if len(answers) == 1 and trained.options.attention != "none":
            (answer,) = answers
            assert isinstance(answer, Translation)
            yield "alignment", self._alignment(trained, answer)

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Where each piece of the first translation looked."""
        yield from self.figures(trained, evaluation.detail or ())

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        small = {"unit": "words", "embedding": 4, "batch_size": 16, "bidirectional": False}
        return Tiny({"data": pairs(folder / "pairs.txt"), **small}, ("good film", ""))

    def inputs_of(self, file: str, options: TranslateOptions | None = None) -> list[str]:
        """Returns the texts of a file, blank ones too: there are as many translations."""
        return texts_in(file, options or self.options())

    def _translated(
        self, trained: TrainedHere, records: Pairs, how: TranslateAnswering
    ) -> list[Translation]:
        fitted = trained.preprocessing
        search = searched(how.beam, length_penalty=how.length_penalty)
        found = written(self, trained, records, length=how.length, search=search)
        return [
            Translation(text, " ".join(fitted.target.decode(pieces).split()), tuple(pieces))
            for row, text in enumerate(records.sources)
            for pieces in [found.get(row, [])]
        ]

    def _tokens(self, trained: TrainedHere, answer: Translation) -> tuple[Tensor, Tensor]:
        """(S,) of the source and (T,) of its translation, with their ends."""
        fitted = trained.preprocessing
        x, _ = self.encode(Pairs([answer.source], []), trained.options, fitted)[0]
        return x, torch.tensor([*answer.pieces, fitted.target.end])

    def _alignment(self, trained: TrainedHere, answer: Translation) -> Figure:
        assert isinstance(trained.model, EncoderDecoder)
        fitted, (source, target) = trained.preprocessing, self._tokens(trained, answer)
        with torch.no_grad():
            weights = trained.model.align(source[None], target[None])[0]
        return plots.alignment(
            weights.numpy(),
            source=list(map(fitted.source.piece, source.tolist())),
            target=list(map(fitted.target.piece, target.tolist())),
            title="Where each piece of the translation looked",
        )
