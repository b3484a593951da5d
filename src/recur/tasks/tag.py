"""Tags of words: parts of speech, or names of people and places. Many-to-many, aligned.

A word is known by its vector and by what a bidirectional LSTM makes of its letters (X. Ma and
E. Hovy, arXiv:1603.01354; B. Plank et al., arXiv:1604.05529), so that a word that was never seen
has a tag too. Bidirectional layers read the sentence, and a linear layer scores the tags of each
word.
"""

from __future__ import annotations

import colorsys
import dataclasses
import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from recur import training
from recur.data import tagged
from recur.data.records.tagged import Sentence, TaggedSentences, never_seen
from recur.data.sequences import Sequences
from recur.data.splits import Parting, Splits
from recur.data.tokens import tokens
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import FailedError, InputError, count, must, shown
from recur.models.deep import CELLS
from recur.models.fronts import WordsAndCharacters
from recur.models.many_to_many import ManyToMany
from recur.scoring import tags as scores_of
from recur.scoring.classes import Confusion
from recur.scoring.yardsticks import MostFrequentTag
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, OwnData, option
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained, content_of
from recur.tasks.tiny import Tiny, tagged_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.text import Text

LETTERS = 20
"""Of a longer word, an address, so many are read: half of them from its beginning."""
NONE, UNKNOWN = 0, 1
"""Letters that are none, and those that training never saw; of words, the latter are 0."""
OUTSIDE = "O"
"""The tag of words outside of all spans."""
AT_ONCE = 1000
"""Sentences that are tagged at once."""
DRAWN, MOST_DRAWN = 3, 40
"""Sentences that are drawn of an answer, and tags of an evaluation."""
_SPAN = re.compile(r"O|[BIESLU]-\S+")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagOptions(OwnData):
    """Options of the task."""

    data: str = option("turkish-web", "a CoNLL-U file, one of columns, or the name of a dataset")
    column: str = option(
        "",
        "the column of the tags: upos, xpos, feats, deprel, or a number in a file of other columns "
        "(default: upos, or the last)",
        reads=True,
    )
    word: int = option(1, "the column of the words, by number", least=1, reads=True)
    cell: str = option("lstm", "the recurrent cell", choices=tuple(CELLS))
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


@dataclasses.dataclass(frozen=True)
class TagPreprocessing(Fitted):
    """What the training sentences are made of.

    Attributes:
        column: the name of the column of tags.
        tags: those there are; a target is an index into them.
        words: with a vector of their own; the id of the first is 1.
        letters: the id of the first is 2.
        lower: whether words are looked up in lower case.
        usual: for each word the tag that it most often had in training.
        otherwise: the most frequent tag of all.
    """

    column: str
    tags: tuple[str, ...]
    words: tuple[str, ...]
    letters: tuple[str, ...]
    lower: bool
    usual: dict[str, str]
    otherwise: str

    def __post_init__(self) -> None:
        if len(self.tags) < 2:
            raise InputError(must("tags", "two at least", len(self.tags)))

    @functools.cached_property
    def ids(self) -> dict[str, int]:
        """Word to id."""
        return {word: n for n, word in enumerate(self.words, start=1)}

    @functools.cached_property
    def spelling(self) -> dict[str, int]:
        """Letter to id."""
        return {letter: n for n, letter in enumerate(self.letters, start=UNKNOWN + 1)}

    def read(self, words: Sequence[str]) -> NDArray[np.int32]:
        """(T, 1 + LETTERS) the id of each word, then those of its letters."""
        found = np.full((len(words), 1 + LETTERS), NONE, dtype=np.int32)
        for row, word in zip(found, words, strict=True):
            row[0] = self.ids.get(word.lower() if self.lower else word, 0)
            letters = word if len(word) <= LETTERS else word[: LETTERS // 2] + word[-LETTERS // 2 :]
            row[1 : 1 + len(letters)] = [self.spelling.get(each, UNKNOWN) for each in letters]
        return found

    def targets(self, tags: Sequence[str]) -> NDArray[np.int64]:
        """(T,) the number of each tag.

        Raises:
            InputError: if one is not known.
        """
        numbers = {tag: n for n, tag in enumerate(self.tags)}
        for tag in tags:
            if tag not in numbers:
                expected = f"one of the {len(self.tags)} that the run knows"
                raise InputError(must(f"a tag of {self.column}", expected, repr(tag)))
        return np.array([numbers[tag] for tag in tags], dtype=np.int64)


@dataclasses.dataclass(frozen=True)
class TaggedText(Answer):
    """A sentence with its tags. Its `str()` is word/tag; what is outside of all spans stands alone.

    Attributes:
        sentence: the words.
        column: the name of the column of tags.
        tags: of each word.
        probabilities: of these tags.
        known: all tags of the model, in order.
    """

    sentence: Sentence
    column: str
    tags: list[str]
    probabilities: list[float]
    known: tuple[str, ...] = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return " ".join(word + mark for word, mark, _ in self._marked())

    def __rich__(self) -> Text:
        """The same, a colour for each tag, or kind of span."""
        from rich.text import Text

        found = Text()
        for word, mark, tag in self._marked():
            color = _color(tag, self.known)
            found.append(word, style=f"bold {color}" if mark else "")
            found.append(mark, style=color)
            found.append(" ")
        found.rstrip()
        return found

    def _marked(self) -> Iterator[tuple[str, str, str]]:
        for word, tag in zip(self.sentence.words, self.tags, strict=True):
            yield word, "" if tag == OUTSIDE else f"/{tag}", tag

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""
        words = list(self.sentence.words)
        return {"words": words, "tags": list(self.tags), "probabilities": list(self.probabilities)}

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yields its part of a CoNLL-U file; or of one of words and tags, a word a line."""
        ending = "conllu" if self.column in tagged.CONLLU else "tsv"
        text = tagged.written(self.sentence, [self.column], [self.tags])
        yield f"tagged.{ending}", text.encode()


TrainedHere = Trained[TagOptions, TagPreprocessing]


class Tag(Task[TagOptions, TaggedSentences, TagPreprocessing, Answering]):
    """The task."""

    name = "tag"
    kind = "many-to-many"
    summary = "a tag for each word: parts of speech, or names of people and places"
    inputs = "a sentence; in a file: a sentence a line, CoNLL-U, or a word a line"
    options = TagOptions
    preprocessing = TagPreprocessing
    records = TaggedSentences
    answering = Answering
    parting = Parting(never_seen, never_seen)

    def read(self, options: TagOptions, source: Any = None) -> Splits[TaggedSentences]:
        """Returns the data, with the column of tags that is meant."""
        return _with_column(super().read(options, source), options.column)

    def open(
        self, source: Any, options: TagOptions, fitted: TagPreprocessing | None = None
    ) -> Splits[TaggedSentences]:
        """Reads a CoNLL-U file or one of columns, or a folder of the parts."""
        splits = tagged.read_tagged(source, options.word)
        there = fitted is not None and fitted.column in splits.train.columns
        return _with_column(splits, options.column or (fitted.column if fitted and there else ""))

    def fit(self, splits: Splits[TaggedSentences], options: TagOptions) -> TagPreprocessing:
        """Fits the words, the letters, and each word's most frequent tag; a tag is of any part."""
        learnt = splits.train
        words = [word for sentence in learnt.words for word in sentence]
        counts = Counter(word.lower() for word in words) if options.lower else Counter(words)
        letters = Counter(letter for word in words for letter in word)
        usual = MostFrequentTag(learnt.words, learnt.tags(0))
        if len(set(usual.tags.values())) < 2:
            got = f"only {usual.otherwise!r} in {count(len(learnt), 'sentence')}"
            expected = f"of two tags at least in the column {learnt.columns[0]}"
            raise InputError(must("the training sentences", expected, got))
        parts = (learnt, splits.validation, splits.test)
        tags = {tag for part in parts if part for tags in part.tags(0) for tag in tags}
        return TagPreprocessing(
            learnt.columns[0],
            tuple(sorted(tags)),
            tuple(word for word, times in _ranked(counts) if times >= options.seen),
            tuple(letter for letter, times in _ranked(letters) if times >= options.seen),
            options.lower,
            usual.tags,
            usual.otherwise,
        )

    def encode(
        self, records: TaggedSentences, options: TagOptions, fitted: TagPreprocessing
    ) -> Sequences:
        """The numbers of words, of their letters, and of their tags."""
        x = [fitted.read(words) for words in records.words]
        if not records.columns:
            return Sequences(x)
        tags = records.chosen(_column(records, fitted), "other data").tags(0)
        return Sequences(x, [fitted.targets(each) for each in tags])

    def model(self, options: TagOptions, fitted: TagPreprocessing) -> nn.Module:
        """Words and letters, recurrent layers, a score for each tag."""
        front = WordsAndCharacters(
            len(fitted.words) + 1,
            len(fitted.letters) + UNKNOWN + 1,
            size=options.embedding,
            character_size=options.character_embedding,
            units=options.character_units,
            cell=options.cell,
            std=options.embedding_std,
            word_dropout=options.word_dropout,
            unknown=0,
        )
        return ManyToMany(outputs=len(fitted.tags), front=front, **options.recurrent())

    def objective(self, options: TagOptions, fitted: TagPreprocessing) -> Objective:
        """Cross-entropy over the tags of all words."""
        return Objective("cross_entropy", ("accuracy",), "val_accuracy")

    def recipe(self, options: TagOptions) -> dict[str, Any]:
        """Batches of similar length, and a step size that falls if asked for."""
        return {"bucket": True, **({"schedule": "linear"} if options.decay else {})}

    def score(self, trained: TrainedHere, records: TaggedSentences, examples: Any) -> Evaluation:
        """Returns accuracy, of words never seen too, and F1 of spans where the tags are spans'."""
        fitted = trained.preprocessing
        meant = records.chosen(_column(records, fitted), "other data").tags(0)
        said = [each.tags for each in self._tagged(trained, records)]
        usual = [[fitted.usual.get(w, fitted.otherwise) for w in each] for each in records.words]
        loss = super().score(trained, records, examples).values["loss"]
        found = {**scores_of.accuracy(said, meant), "loss": loss}
        del found["words"]
        unseen = [
            s == m
            for words, *both in zip(records.words, said, meant, strict=True)
            for word, s, m in zip(words, *both, strict=True)
            if word not in fitted.usual
        ]
        if unseen:
            found["accuracy_unseen"] = sum(unseen) / len(unseen)
        found["accuracy_most_frequent_tag"] = scores_of.accuracy(usual, meant)["accuracy"]
        notes: tuple[str, ...] = ()
        if _are_spans(fitted.tags):
            try:
                found |= scores_of.entities(said, meant)
                found["f1_most_frequent_tag"] = scores_of.entities(usual, meant)["f1"]
            except FailedError as error:  # a package is missing: the other scores are there
                notes = (str(error),)
        return Evaluation(found, notes, (said, meant))

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in lines."""
        lines = [f"test accuracy {scores['accuracy']:.4f}  test loss {scores['loss']:.4f}"]
        beside = f"the most frequent tag of each word: {scores['accuracy_most_frequent_tag']:.4f}"
        if "f1" in scores:
            spans = "  ".join(
                f"{name} {scores[name]:.4f}" for name in ("precision", "recall", "f1")
            )
            lines.insert(0, f"test spans: {spans}")
            beside += f" (spans: f1 {scores['f1_most_frequent_tag']:.4f})"
        if "accuracy_unseen" in scores:
            lines[-1] += f"  of words never seen in training {scores['accuracy_unseen']:.4f}"
        return "\n".join([*lines, beside])

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
        return Sentence(tuple(tokens(given, trained.preprocessing.ids)), text=given)

    def inputs_of(self, file: str) -> list[str]:
        """Returns the sentences of a file: blocks of CoNLL-U or of columns, or else its lines."""
        text = content_of(file)
        if tagged.form_of(text) == "text":
            return [line for line in text.splitlines() if line.strip()]
        return tagged.blocks_of(text)

    def answer(
        self, trained: TrainedHere, records: TaggedSentences, how: Answering
    ) -> list[Answer]:
        """Tags sentences."""
        return [*self._tagged(trained, records)]

    def _tagged(self, trained: TrainedHere, records: TaggedSentences) -> Iterator[TaggedText]:
        fitted = trained.preprocessing
        chances = self._chances(trained, records)
        for sentence, each in zip(records.sentences, chances, strict=True):
            best = each.max(dim=1)
            tags = [fitted.tags[n] for n in best.indices.tolist()]
            likely = [round(p, 4) for p in best.values.tolist()]
            yield TaggedText(sentence, fitted.column, tags, likely, fitted.tags)

    def _chances(self, trained: TrainedHere, records: TaggedSentences) -> Iterator[Tensor]:
        """Yields the probabilities (T, tags) of each sentence."""
        asked = dataclasses.replace(records, columns=())
        encoded = self.encode(asked, trained.options, trained.preprocessing)
        for start in range(0, len(encoded), AT_ONCE):
            part = encoded.subset(slice(start, start + AT_ONCE))
            scores, steps = training.predict(trained.model, part, return_lengths=True)
            for each, number in zip(scores, steps.tolist(), strict=True):
                yield each[:number].softmax(dim=-1)

    def explained(self, trained: TrainedHere, records: TaggedSentences) -> list[Attribution]:
        """Says which words mattered for the tag that was least certain, by integrated gradients."""
        fitted, found = trained.preprocessing, []
        chances = self._chances(trained, records)
        for sentence, each in zip(records.sentences, chances, strict=True):
            best = each.max(dim=1)
            at = int(best.values.argmin())
            names = [f"{sentence.words[at]!r} as {tag}" for tag in fitted.tags]
            reason = integrated_gradients(
                trained.model,
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
        for n, (sentence, each) in enumerate(zip(told, chances, strict=True), start=1):
            yield f"tags-{n}", plots.tagging(each, sentence.words, trained.preprocessing.tags)

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Draws which tag was taken for which."""
        said, meant = (list(itertools.chain(*tags)) for tags in evaluation.detail)
        most = [tag for tag, _ in _ranked(Counter(meant))[:MOST_DRAWN]]
        pairs = [(s, m) for s, m in zip(said, meant, strict=True) if s in most and m in most]
        found = Confusion.of([s for s, _ in pairs], [m for _, m in pairs])
        yield "confusion", found.figure(f"Tags of {trained.preprocessing.column}")

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        data = tagged_words(folder / "words.conllu")
        small = {"embedding": 8, "character_units": 4, "character_embedding": 4}
        # Both ways would be the default: which the contract compares with.
        return Tiny(
            {"data": data, "bidirectional": False, **small}, ("the film was good", "a plot")
        )


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent first; of equally frequent ones in alphabetical order."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _with_column(splits: Splits[TaggedSentences], column: str) -> Splits[TaggedSentences]:
    parts = {
        part: getattr(splits, part).chosen([column] if column else [], splits.about)
        for part in ("train", "validation", "test")
        if getattr(splits, part) is not None
    }
    return dataclasses.replace(splits, **parts)


def _column(records: TaggedSentences, fitted: TagPreprocessing) -> list[str]:
    """The column of tags in records: that of the run, or the only one that was asked for."""
    return list(records.columns) if len(records.columns) == 1 else [fitted.column]


def _are_spans(tags: Sequence[str]) -> bool:
    return all(map(_SPAN.fullmatch, tags)) and any(tag != OUTSIDE for tag in tags)


def _color(tag: str, known: Sequence[str]) -> str:
    """A colour for each tag, the same one for all tags of a kind of span."""
    kinds = list(dict.fromkeys(each.partition("-")[2] or each for each in known if each != OUTSIDE))
    kind = tag.partition("-")[2] or tag
    hue = kinds.index(kind) / len(kinds) if kind in kinds else 0.0
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.55, 0.9))
    return f"rgb({red},{green},{blue})"
