"""Tags of words: parts of speech, or names of people and places. Many-to-many, aligned.

A word is known by its vector and by what a bidirectional LSTM makes of its letters (X. Ma and
E. Hovy, arXiv:1603.01354; B. Plank et al., arXiv:1604.05529), so that a word that was never seen
has a tag too. Bidirectional layers read the sentence, and a linear layer scores the tags of each
word.

Data of one's own are CoNLL-U, or a word a line with its tag last and a blank line after
each sentence:

    EU B-ORG
    rejects O
    German B-MISC
    call O

    Peter B-PER
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from recur import training
from recur.data import tagged
from recur.data.records.tagged import Sentence, TaggedSentences, never_seen
from recur.data.sequences import Sequences
from recur.data.splits import Parting, Splits
from recur.data.tokens import tokens
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, must, shown
from recur.models.fronts import WordsAndCharacters
from recur.models.many_to_many import ManyToMany
from recur.scoring.classes import Confusion
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, OwnData, cell_option, option
from recur.tasks.tag_preprocessing import Column, TagPreprocessing
from recur.tasks.tag_scores import lines, worth
from recur.tasks.tagged_text import TaggedText
from recur.tasks.task import Evaluation, Objective, Task, Trained, content_of
from recur.tasks.tiny import Tiny, tagged_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AT_ONCE = 1000
"""Sentences that are tagged at once."""
DRAWN, MOST_DRAWN = 3, 40
"""Sentences that are drawn of an answer, and tags of an evaluation."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagOptions(OwnData):
    """Options of the task."""

    data: str = option("turkish-web", "a CoNLL-U file, one of columns, or the name of a dataset")
    column: str = option(
        "",
        "the column of the tags: upos, xpos, feats, deprel, or a number in a file of other "
        "columns; several with commas between (default: upos, or the last)",
        reads=True,
    )
    word: int = option(1, "the column of the words, by number", least=1, reads=True)
    cell: str = cell_option("lstm")
    bidirectional: bool = option(True, "read each sentence in both directions")
    units: int = option(200, "hidden units in each layer and direction", least=1)
    dropout: float = option(0.5, "share of values dropped in training", least=0.0, below=1.0)
    seen: int = option(2, "how often training must have a word for a vector of its own", least=1)
    lower: bool = option(True, "words of other case have the same vector; letters keep theirs")
    embedding: int = option(100, "size of a word's vector", least=1)
    embedding_std: float = option(
        0.1, "how far from 0 the words' vectors start: their standard deviation", above=0.0
    )
    character_embedding: int = option(32, "size of a letter's vector", least=1)
    character_units: int = option(50, "hidden units over letters, in each direction", least=1)
    word_dropout: float = option(
        0.2, "share of words read as unknown in training", least=0.0, below=1.0
    )
    learning_rate: float | None = option(0.003, "the optimizer's step size", above=0.0)
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")
    epochs: int = option(12, "passes over the training data", least=1)


TrainedHere = Trained[TagOptions, TagPreprocessing]


class Tag(Task[TagOptions, TaggedSentences, TagPreprocessing, Answering]):
    """The task."""

    name = "tag"
    kind = "many-to-many"
    summary = "a tag for each word: parts of speech, or names of people and places"
    takes = "a sentence"
    gives = "a tag for each word"
    data = "turkish-web"
    metric = "accuracy"
    sample = (
        "words.conll",
        "The DET\ndog NOUN\nruns VERB\n\nSnow NOUN\n",
    )
    inputs = "a sentence; in a file: a sentence a line, CoNLL-U, or a word a line"
    options = TagOptions
    preprocessing = TagPreprocessing
    records = TaggedSentences
    answering = Answering
    parting = Parting(never_seen, never_seen)

    def read(self, options: TagOptions, source: Any = None) -> Splits[TaggedSentences]:
        """Returns the data, with the column of tags that is meant."""
        return _with_columns(super().read(options, source), options.column)

    def open(
        self, source: Any, options: TagOptions, fitted: TagPreprocessing | None = None
    ) -> Splits[TaggedSentences]:
        """Reads a CoNLL-U file or one of columns, or a folder of the parts."""
        splits = tagged.read_tagged(source, options.word)
        there = fitted is not None and set(fitted.names) <= set(splits.train.columns)
        meant = ",".join(fitted.names) if fitted is not None and there else ""
        return _with_columns(splits, options.column or meant)

    def fit(self, splits: Splits[TaggedSentences], options: TagOptions) -> TagPreprocessing:
        """Fits words and letters on the training part; a tag may be known from any part."""
        parts = [part for part in (splits.train, splits.validation, splits.test) if part]
        learnt = splits.train
        columns = tuple(
            Column.of(learnt, n, (tag for part in parts for tags in part.tags(n) for tag in tags))
            for n in range(len(learnt.columns))
        )
        return TagPreprocessing.of(learnt, columns, seen=options.seen, lower=options.lower)

    def encode(
        self, records: TaggedSentences, options: TagOptions, fitted: TagPreprocessing
    ) -> Sequences:
        """The numbers of words, of their letters, and of their tags, by column if of several."""
        x = [fitted.read(words) for words in records.words]
        if not records.columns:
            return Sequences(x)
        meant = _meant(records, fitted)
        y = {
            column.name: [column.targets(tags) for tags in meant.tags(n)]
            for n, column in enumerate(fitted.columns)
        }
        return Sequences(x, _one_or_all(y))

    def model(self, options: TagOptions, fitted: TagPreprocessing) -> nn.Module:
        """Words and letters, recurrent layers, a score for each tag."""
        front = WordsAndCharacters(
            len(fitted.words),
            len(fitted.letters),
            size=options.embedding,
            character_size=options.character_embedding,
            units=options.character_units,
            cell=options.cell,
            std=options.embedding_std,
            word_dropout=options.word_dropout,
            unknown=fitted.words.unknown,
        )
        outputs = _one_or_all({column.name: len(column.tags) for column in fitted.columns})
        return ManyToMany(outputs=outputs, front=front, **options.recurrent())

    def objective(self, options: TagOptions, fitted: TagPreprocessing) -> Objective:
        """Cross-entropy over the tags of all words; of several columns the sum of theirs."""
        if len(fitted.columns) == 1:
            return Objective("cross_entropy", ("accuracy",), "val_accuracy")
        losses = dict.fromkeys(fitted.names, "cross_entropy")
        return Objective(losses, dict.fromkeys(fitted.names, ("accuracy",)))

    def recipe(self, options: TagOptions) -> dict[str, Any]:
        """Batches of similar length, and a step size that falls if asked for."""
        return {"bucket": True, **({"schedule": "linear"} if options.decay else {})}

    def score(self, trained: TrainedHere, records: TaggedSentences, examples: Any) -> Evaluation:
        """Returns accuracy, of words never seen too, and F1 of spans where the tags are spans'."""
        fitted = trained.preprocessing
        answers = [*self._tagged(trained, records)]
        values = {"loss": super().score(trained, records, examples).values["loss"]}
        detail: dict[str, tuple[Any, Any]] = {}
        notes: tuple[str, ...] = ()
        for n, column in enumerate(fitted.columns):
            said, meant = (
                [each.tags[column.name] for each in answers],
                _meant(records, fitted).tags(n),
            )
            found, missing = worth(column, records.words, said, meant)
            prefix = f"{column.name}_" if len(fitted.columns) > 1 else ""
            values |= {prefix + name: value for name, value in found.items()}
            notes, detail[column.name] = missing or notes, (said, meant)
        return Evaluation(values, notes, detail)

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in lines."""
        end = "accuracy_most_frequent_tag"
        prefixes = [name.removesuffix(end) for name in scores if name.endswith(end)]
        said = [line for prefix in prefixes for line in lines(prefix, scores)]
        return "\n".join([*said, f"test loss {scores['loss']:.4f}"])

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> TaggedSentences:
        """Sentences to tag: texts, blocks of lines from a file, or lists of words."""
        found = [self._asked(trained, each) for each in inputs]
        sentences = [each for each in found if each is not None and each.words]
        if not sentences or len(sentences) != len(inputs):
            example = '"I saw her duck under the table."'
            raise InputError(f"tag needs a sentence that is not empty, such as {example}")
        return TaggedSentences(sentences)

    def _asked(self, trained: TrainedHere, given: Any) -> Sentence | None:
        if isinstance(given, list | tuple) and all(isinstance(w, str) and w.strip() for w in given):
            return Sentence(tuple(given))
        if not isinstance(given, str):
            raise InputError(must("a sentence", "a text or a list of words", shown(given)))
        if tagged.form_of(given) != "text":
            return tagged.asked(given, "a sentence", trained.options.word)
        return Sentence(tuple(tokens(given, trained.preprocessing.words.ids)), text=given)

    def inputs_of(self, file: str, options: TagOptions | None = None) -> list[str]:
        """Returns the sentences of a file: blocks of CoNLL-U or of columns, or else its lines."""
        text = content_of(file) if file == "-" else tagged.text_of(file)
        if tagged.form_of(text) == "text":
            return [line for line in text.splitlines() if line.strip()]
        return tagged.blocks_of(text)

    def answer(
        self, trained: TrainedHere, records: TaggedSentences, how: Answering
    ) -> list[Answer]:
        """Tags sentences."""
        return [*self._tagged(trained, records)]

    def _tagged(self, trained: TrainedHere, records: TaggedSentences) -> Iterator[TaggedText]:
        columns = trained.preprocessing.columns
        chances = self._chances(trained, records)
        for sentence, each in zip(records.sentences, chances, strict=True):
            tags, likely = {}, {}
            for column in columns:
                best = each[column.name].max(dim=1)
                tags[column.name] = [column.tags.piece(n) for n in best.indices.tolist()]
                likely[column.name] = [round(p, 4) for p in best.values.tolist()]
            yield TaggedText(sentence, tags, likely, columns[0].tags.pieces)

    def _chances(
        self, trained: TrainedHere, records: TaggedSentences
    ) -> Iterator[dict[str, Tensor]]:
        """Yields the probabilities (T, tags) of each sentence, by column."""
        names = trained.preprocessing.names
        asked = dataclasses.replace(records, columns=())
        encoded = self.encode(asked, trained.options, trained.preprocessing)
        for start in range(0, len(encoded), AT_ONCE):
            part = encoded.subset(slice(start, start + AT_ONCE))
            found: Any = training.predict(trained.model, part, return_lengths=True)
            scores = found[0] if isinstance(found[0], dict) else {names[0]: found[0]}
            for row, steps in enumerate(found[1].tolist()):
                yield {name: scores[name][row, :steps].softmax(dim=-1) for name in names}

    def explained(
        self, trained: TrainedHere, records: TaggedSentences, how: Answering
    ) -> list[Attribution]:
        """Says which words mattered for the tag that was least certain, by integrated gradients.

        Of several columns, for that of the first.
        """
        fitted, found = trained.preprocessing, []
        column, chances = fitted.columns[0], self._chances(trained, records)
        for sentence, each in zip(records.sentences, chances, strict=True):
            best = each[column.name].max(dim=1)
            at = int(best.values.argmin())
            names = [f"{sentence.words[at]!r} as {tag}" for tag in column.tags.pieces]
            reason = integrated_gradients(
                _First(trained.model, column.name),
                fitted.read(sentence.words),
                labels=sentence.words,
                names=names,
                output=int(best.indices[at]),
                at=at,
            )
            found.append(reason)
        return found

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Draws how likely each tag of each word is, of the first sentences."""
        from recur import plots

        told = [each.sentence for each in answers if isinstance(each, TaggedText)][:DRAWN]
        chances = self._chances(trained, TaggedSentences(told))
        column = trained.preprocessing.columns[0]
        for n, (sentence, each) in enumerate(zip(told, chances, strict=True), start=1):
            drawn = plots.tagging(each[column.name], sentence.words, column.tags.pieces)
            yield f"tags-{n}", drawn

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Draws which tag was taken for which."""
        for name, both in evaluation.detail.items():
            said, meant = (list(itertools.chain(*tags)) for tags in both)
            most = {tag for tag, _ in Counter(meant).most_common(MOST_DRAWN)}
            pairs = [(s, m) for s, m in zip(said, meant, strict=True) if s in most and m in most]
            found = Confusion.of([s for s, _ in pairs], [m for _, m in pairs])
            figure = "confusion" if len(evaluation.detail) == 1 else f"confusion-{name}"
            yield figure, found.figure(f"Tags of {name}")

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        data = tagged_words(folder / "words.conllu")
        small = {"embedding": 8, "character_units": 4, "character_embedding": 4}
        # Both ways would be the default: which the contract compares with.
        return Tiny(
            {"data": data, "bidirectional": False, **small}, ("the film was good", "a plot")
        )


class _First(nn.Module):
    """A model's scores of one column."""

    def __init__(self, model: nn.Module, name: str) -> None:
        super().__init__()
        self.model, self.name = model, name

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 1 + LETTERS) to (B, T, tags)."""
        scores = self.model(x)
        found: Tensor = scores[self.name] if isinstance(scores, dict) else scores
        return found


def _one_or_all(by_column: dict[str, Any]) -> Any:
    """Of one column what is said of it, of several all by their names: as models take it."""
    return by_column if len(by_column) > 1 else next(iter(by_column.values()))


def _with_columns(splits: Splits[TaggedSentences], columns: str) -> Splits[TaggedSentences]:
    names = [name.strip() for name in columns.split(",")] if columns else []
    parts = {
        part: getattr(splits, part).chosen(names, splits.about)
        for part in ("train", "validation", "test")
        if getattr(splits, part) is not None
    }
    return dataclasses.replace(splits, **parts)


def _meant(records: TaggedSentences, fitted: TagPreprocessing) -> TaggedSentences:
    """Records with the columns of the run; where as many were chosen, these, in their order."""
    if len(records.columns) == len(fitted.columns):
        return records
    return records.chosen(fitted.names, "other data")
