"""Summarize: what a text says, in few words; a headline. Many-to-many of unequal length.

Recurrent layers read the text in both directions; others write the summary, a word at a time, and
at each step either generate a word or copy one of the text (the pointer-generator of A. See et al.,
arXiv:1704.04368), which is how names get into a summary that were never learnt.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import torch
from torch import Tensor, nn

from recur import plots, schema, training
from recur.data.copying import OwnWords
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.numbering import END_FIRST
from recur.data.records.pairs import Columns, Pairs, apart, read_pairs
from recur.data.sequences import Sequences
from recur.data.splits import Parting, Splits
from recur.data.text import SPLITTERS
from recur.data.vocabulary import Vocabulary
from recur.diagnostics import Attribution, integrated_gradients
from recur.layers.attention import KINDS
from recur.messages import InputError, brief, must
from recur.models.encoder_decoder import EncoderDecoder
from recur.models.probability import LogProbability
from recur.scoring.dictionary import usual_forms
from recur.scoring.scores import package
from recur.scoring.summaries import Lead, rouge
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, cell_option, option, searched
from recur.tasks.paired import RISE_AND_FALL, SHARE, PairedData, texts_in, written
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained
from recur.tasks.tiny import Tiny, pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPLITTER = "words-and-marks"
SHOWN = 60
"""Letters of a summary in a title."""
RUNS = (3, 2, 1)
"""Words of a run that may not stand twice: what is tried."""
TRIED = 200
"""Summaries of the validation part that they are tried on at most, the first ones."""
LEAST = 0.05
"""A word of the source that gave no word of the summary as much of its probability is not drawn."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummarizeOptions(PairedData):
    """Options of the task.

    Own data are a table with a column of texts and one of summaries (.csv, .tsv, .jsonl and
    others), two files side by side (`--data texts.txt --target headlines.txt`), or lines with a tab
    between the two.
    """

    data: str = option(
        "docstrings",
        "a table, a file of texts (see target), a file of lines with a tab in each, or a dataset",
    )
    vocabulary: int = option(5_000, "words that are kept, the most frequent", least=3)
    own_words: int = option(
        50, "other words of a text that can be copied from it, the first ones", least=0
    )
    maxlen: int = option(300, "words of a text that are read, the first ones", least=1)
    longest: int = option(100, "words of a summary that are learnt, the first ones", least=1)
    cell: str = cell_option("gru")
    bidirectional: bool = option(True, "read each text in both directions")
    units: int = option(128, "hidden units in each layer and direction", least=1)
    embedding: int = option(128, "size of a word's vector", least=1)
    attention: str = option("additive", "how the text is asked at each step", choices=KINDS)
    copy: bool = option(True, "words can be copied from the text")
    coverage: float | None = option(
        None,
        "weight of the loss of looking at the same words again, such as 1 (default: attention does "
        "not know where it looked)",
        least=0.0,
    )
    input_feeding: bool = option(False, "what attention gave is read at the next step")
    dropout: float = option(
        0.3, "share of values dropped in training, before the words", least=0.0, below=1.0
    )
    embedding_dropout: float = option(
        0.2, "share of the words' vectors dropped in training", least=0.0, below=1.0
    )
    epochs: int = option(8, "passes over the training data", least=1)
    learning_rate: float | None = option(0.002, "the optimizer's step size", above=0.0)
    decay: bool = option(
        True, "let the step size rise for a while, then fall to 0 in half a cosine"
    )
    ema: float | None = option(
        0.99, "judge and keep a moving average of the weights", above=0.0, below=1.0
    )
    clip_norm: float = option(2.0, "largest norm of the gradient; 0 for no clipping", least=0.0)
    patience: int | None = option(
        5, "stop after so many epochs without a better validation result", least=1
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummarizeAnswering(Answering):
    """How a summary is searched for."""

    beam: int = option(
        5, "summaries followed side by side; 1: always the likeliest word", least=1, most=1000
    )
    length_penalty: float = option(
        2.0, "what a longer summary gains on a shorter one; 0: nothing", least=0.0, most=10.0
    )
    no_repeat: int | None = option(
        None,
        "no run of so many words stands twice, but with a beam of 1; 0: any may (default: what was "
        "best on the validation part)",
        least=0,
    )
    length: int = option(100, "the most words of a summary", least=1, most=100_000)


@dataclasses.dataclass(frozen=True)
class SummarizePreprocessing(Fitted):
    """What the texts and their summaries are made of.

    Attributes:
        vocabulary: of both.
        forms: by word in small letters, how it is mostly written in summaries.
    """

    vocabulary: Vocabulary
    forms: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Summary(Answer):
    """A text and its summary.

    Attributes:
        source: the text.
        text: the summary, on one line.
        words: its words, as they were written one by one.
        copied: how much of each word's probability came from copying it.
        pieces: the numbers of its words.
    """

    source: str
    text: str
    words: tuple[str, ...] = ()
    copied: tuple[float, ...] = ()
    pieces: tuple[int, ...] = dataclasses.field(default=(), repr=False)

    def __str__(self) -> str:
        return "".join(c if c.isprintable() else "\ufffd" for c in self.text)

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""
        words = [
            {"word": word, "copied": round(share, 4)}
            for word, share in zip(self.words, self.copied, strict=True)
        ]
        return {"source": self.source, "text": self.text, "words": words}


class Calibration(TypedDict):
    """What was best on the validation part.

    Attributes:
        lead: words of the lead.
        no_repeat: words of a run that may not stand twice.
    """

    lead: int
    no_repeat: int


TrainedHere = Trained[SummarizeOptions, SummarizePreprocessing]


class Summarize(Task[SummarizeOptions, Pairs, SummarizePreprocessing, SummarizeAnswering]):
    """The task."""

    name = "summarize"
    kind = "many-to-many"
    summary = "what a text says, in few words, with words copied from it"
    takes = "a text"
    gives = "what it says, in few words"
    data = "docstrings"
    metric = "ROUGE-1"
    sample = (
        "news.tsv",
        "body\theadline\n"
        "The council met on Monday and closed the bridge for a year.\tBridge closed for a year\n"
        "The team of Anna Berg won the final on Sunday.\tBerg's team wins the final\n"
        "The price of bread rose by a tenth in May.\tBread a tenth dearer\n"
        "Two men were rescued from the river last night.\tTwo rescued from river\n",
    )
    inputs = "a text; of a file each line, empty ones too"
    options = SummarizeOptions
    preprocessing = SummarizePreprocessing
    records = Pairs
    answering = SummarizeAnswering
    parting = Parting(apart, apart, SHARE, SHARE, mixes=True)

    def open(
        self,
        source: Any,
        options: SummarizeOptions,
        fitted: SummarizePreprocessing | None = None,
    ) -> Splits[Pairs]:
        """Reads texts and their summaries."""
        return read_pairs(
            source,
            options.target,
            columns=Columns(options.source_column, options.target_column),
            delimiter=options.delimiter,
            encoding=options.encoding,
        )

    def fit(self, splits: Splits[Pairs], options: SummarizeOptions) -> SummarizePreprocessing:
        """Finds the words of the training texts and summaries, and how they are written."""
        package("rouge_score")  # said now, and not after the training
        learnt = splits.train
        vocabulary = Vocabulary.fit(
            [*learnt.sources, *learnt.targets],
            size=options.vocabulary,
            splitter=SPLITTER,
            numbering=END_FIRST,
        )
        return SummarizePreprocessing(vocabulary, usual_forms(learnt.targets))

    def encode(
        self, records: Pairs, options: SummarizeOptions, fitted: SummarizePreprocessing
    ) -> Sequences:
        """Numbers of the words: of a summary with an end, of a text with its own words' numbers."""
        own = [self._own(text, options, fitted) for text in records.sources]
        targets = [
            each.target(text, options.longest)
            for each, text in zip(own, records.targets, strict=bool(records.targets))
        ]
        return Sequences([each.source() for each in own], targets or None, aligned=False)

    def model(self, options: SummarizeOptions, fitted: SummarizePreprocessing) -> nn.Module:
        """An encoder that reads both ways; a decoder that asks it, and copies from the text."""
        return EncoderDecoder(
            vocabulary=len(fitted.vocabulary),
            source_vocabulary=len(fitted.vocabulary),
            end=fitted.vocabulary.end,
            embedding=options.embedding,
            embedding_dropout=options.embedding_dropout,
            attention=options.attention,
            input_feeding=options.input_feeding,
            copy=options.copy,
            extended=_room(options),
            unknown=fitted.vocabulary.unknown,
            coverage=options.coverage,
            tied=True,
            shared=True,
            **options.recurrent(),
        )

    def objective(self, options: SummarizeOptions, fitted: SummarizePreprocessing) -> Objective:
        """Cross-entropy of each next word, in nats."""
        return Objective("cross_entropy", ("perplexity",))

    def recipe(self, options: SummarizeOptions) -> dict[str, Any]:
        """Batches of texts of similar length, and a step size that falls."""
        schedule = RISE_AND_FALL if options.decay else {}
        return {"bucket": True, **schedule}

    def calibrate(self, trained: TrainedHere, validation: Pairs) -> Calibration:
        """Returns what is best by ROUGE-1: the words of a lead, and the runs that are barred."""
        lead = Lead.fit(validation.sources, validation.targets).words
        few = validation.first(TRIED)

        def worth(run: int) -> float:
            answers = self._written(trained, few, SummarizeAnswering(no_repeat=run))
            return rouge([each.text for each in answers], few.targets, kinds=("rouge1",))["rouge1"]

        return {"lead": lead, "no_repeat": max(RUNS, key=worth)}

    def calibrated(self, stored: Any, fitted: SummarizePreprocessing) -> Calibration:
        """What was best on the validation part."""
        return schema.read(Calibration, stored, "it")

    def score(
        self, trained: TrainedHere, records: Pairs, examples: Examples | Documents
    ) -> Evaluation:
        """ROUGE of the summaries, and of the first words of the texts."""
        objective = self.objective(trained.options, trained.preprocessing)
        measured = training.evaluate(
            trained.model,
            examples,
            loss=objective.loss,
            metrics=objective.metrics,
            batch_size=trained.options.batch_size,
        )
        answers = self._written(trained, records, SummarizeAnswering())
        found = rouge([each.text for each in answers], records.targets)
        lead = Lead(trained.calibration["lead"])
        beside = rouge(lead.answers(records.sources), records.targets)
        values = {
            **found,
            **{f"{name}_lead": value for name, value in beside.items()},
            "lead_words": lead.words,
            **measured,
        }
        return Evaluation(values, (found.how["rouge1"],), answers[:1])

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores as two lines, and says when the first words of the text win."""
        ours, lead = ([100 * scores[f"rouge{n}{end}"] for n in "12L"] for end in ("", "_lead"))
        ahead = ours[0] - lead[0]
        verdict = f"{ahead:.1f} points of ROUGE-1 above the lead."
        if ahead <= 0:
            verdict = f"The lead wins by {-ahead:.1f} points of ROUGE-1: take it, not this network."
        return (
            f"test ROUGE-1 {ours[0]:.2f}  ROUGE-2 {ours[1]:.2f}  ROUGE-L {ours[2]:.2f}  "
            f"perplexity {scores['perplexity']:.4g}\n"
            f"without learning, the first {scores['lead_words']:.0f} words of each text: "
            f"{lead[0]:.2f}, {lead[1]:.2f}, {lead[2]:.2f}\n{verdict}"
        )

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Pairs:
        """Texts to summarize."""
        return Pairs.asked(inputs, self.name, '"The council met on Monday and decided ..."')

    def answer(self, trained: TrainedHere, records: Pairs, how: SummarizeAnswering) -> list[Answer]:
        """Summarizes texts; of a blank one nothing is written."""
        return list(self._written(trained, records, how))

    def explained(
        self, trained: TrainedHere, records: Pairs, how: SummarizeAnswering
    ) -> list[Attribution]:
        """Says on which words of the text the whole summary rests.

        Raises:
            InputError: if a text is blank.
        """
        found = []
        if not all(text.strip() for text in records.sources):
            raise InputError(must("a text to say why of", "one with words", "a blank one"))
        for each in self._written(trained, records, how):
            own, source, target = self._tokens(trained, each)
            model = LogProbability(trained.model, target)
            names = [brief(each.text, SHOWN)]
            found.append(integrated_gradients(model, source, labels=own.pieces, names=names))
        return found

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Where each word of a single summary came from; of a file's lines none."""
        if len(answers) == 1 and trained.options.copy:
            (answer,) = answers
            assert isinstance(answer, Summary)
            yield "copied", self._origins(trained, answer)

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Where each word of the first summary came from."""
        yield from self.figures(trained, evaluation.detail or ())

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        small = {"embedding": 4, "batch_size": 16, "bidirectional": False, "own_words": 2}
        return Tiny({"data": pairs(folder / "pairs.txt"), **small}, ("good film", "the plot"))

    def inputs_of(self, file: str, options: SummarizeOptions | None = None) -> list[str]:
        """Returns the texts of a file, blank ones too: there are as many summaries."""
        return texts_in(file, options or self.options())

    def _own(
        self, text: str, options: SummarizeOptions, fitted: SummarizePreprocessing
    ) -> OwnWords:
        return OwnWords(fitted.vocabulary, text, options.maxlen, _room(options))

    def _written(
        self, trained: TrainedHere, records: Pairs, how: SummarizeAnswering
    ) -> list[Summary]:
        search = _search(trained, how)
        found = written(self, trained, records, length=how.length, search=search)
        return [
            self._read(trained, text, found[row]) if row in found else Summary(text, "")
            for row, text in enumerate(records.sources)
        ]

    def _read(self, trained: TrainedHere, text: str, pieces: list[int]) -> Summary:
        """What was written for a text, in words as people write them."""
        own = self._own(text, trained.options, trained.preprocessing)
        words = own.text(pieces)
        forms = {**usual_forms([text]), **trained.preprocessing.forms}
        spelt = [forms.get(word, word) for word in words]
        joined = " ".join(SPLITTERS[SPLITTER].join(spelt).split())
        summary = Summary(text, joined[:1].upper() + joined[1:], tuple(words), (), tuple(pieces))
        shares = self._shares(trained, summary).sum(dim=-1).tolist()[: len(words)]
        return dataclasses.replace(summary, copied=tuple(shares))

    def _shares(self, trained: TrainedHere, answer: Summary) -> Tensor:
        """(T, S) of each word's probability, and the end's, what each word of the text gave."""
        _, source, target = self._tokens(trained, answer)
        if not trained.options.copy:
            return torch.zeros(len(target), len(source))
        assert isinstance(trained.model, EncoderDecoder)
        with torch.no_grad():
            found: Tensor = trained.model.eval().copied(source[None], target[None])[0]
        return found

    def _tokens(self, trained: TrainedHere, answer: Summary) -> tuple[OwnWords, Tensor, Tensor]:
        """(S,) of the text and (T,) of its summary, with its end."""
        own = self._own(answer.source, trained.options, trained.preprocessing)
        return own, torch.tensor(own.source()), torch.tensor([*answer.pieces, END_FIRST.end])

    def _origins(self, trained: TrainedHere, answer: Summary) -> Figure:
        own = self._own(answer.source, trained.options, trained.preprocessing)
        shares = self._shares(trained, answer)
        generated = (1 - shares.sum(dim=-1, keepdim=True)).clamp(min=0)
        gave = (shares.amax(dim=0) >= LEAST).nonzero()[:, 0]
        return plots.alignment(
            torch.cat([generated, shares[:, gave]], dim=1).numpy(),
            source=["(generated)", *(own.pieces[step] for step in gave.tolist())],
            target=[*answer.words, "</s>"],
            title="Where each word came from",
        )


def _room(options: SummarizeOptions) -> int:
    return options.own_words if options.copy else 0


def _search(trained: TrainedHere, how: SummarizeAnswering) -> dict[str, Any]:
    run = how.no_repeat
    if run is None:
        run = (trained.calibration or {}).get("no_repeat", 0)
    return searched(how.beam, length_penalty=how.length_penalty, no_repeat=run)
