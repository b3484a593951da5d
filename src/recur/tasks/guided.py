"""Tasks that write down a sequence, guided by what its text may be: a language model, a lexicon.

The language model counts the training's transcripts, or a text of the user's own; how much it has
to say beside the network is chosen on the validation part.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

from recur import files, schema
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.records.transcribed import Transcribed
from recur.data.spelling import Spelling
from recur.decoding import Lexicon, NGrams, Scorer, Together, ctc_beam_search
from recur.messages import InputError, count, must
from recur.scoring import words
from recur.tasks.options import option
from recur.tasks.task import Evaluation, Trained
from recur.tasks.transcribing import (
    Decode,
    Spelt,
    Transcribing,
    TranscribingAnswering,
    TranscribingOptions,
    log_probability,
    searched,
)

OWN = "own"
"""What stands in the place of a file for the training's transcripts."""
WIDTH = 24
"""Of the beam, where a language model or a lexicon is asked for and no width is."""
LEAST = 1e-4
"""The probability below which a label begins nothing at a step."""
WORD = re.compile(r"[^\W\d_]+")
"""A word of a lexicon is of letters; whatever else there is stands freely between them."""
MOST_TRIED = 300
"""Validation records by which the weight is chosen, from all over the part."""
WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5)
BONUSES = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
TRIED = ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0))
"""Weights and bonuses of the searches that give the texts among which is chosen."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GuidedOptions(TranscribingOptions):
    """Options of such tasks."""

    order: int = option(6, "labels that the language model counts at a time", least=1, most=20)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GuidedAnswering(TranscribingAnswering):
    """How an input is read."""

    beam: int | None = option(
        None,
        f"width of a search over transcripts (default: the likeliest alignment; {WIDTH} with a "
        "language model or a lexicon)",
        least=1,
        most=10_000,
    )
    language_model: str | None = option(
        None, "own: that of the training's transcripts; or a file of text to count one from"
    )
    lexicon: str | None = option(
        None, "allow the words of a file alone, a line each; own: those of the transcripts"
    )


@dataclasses.dataclass(frozen=True)
class Guidance(Spelt):
    """What was learnt before the model.

    Attributes:
        learnt: the training's transcripts, each once.
        order: labels that the language model counts at a time.
    """

    learnt: tuple[str, ...]
    order: int

    @classmethod
    def told(cls, transcripts: Sequence[str], options: GuidedOptions) -> dict[str, Any]:
        """The attributes that such a preprocessing has, from the training's transcripts."""
        spelling = Spelling.fit(transcripts, options.label)
        return {
            "label": spelling.label,
            "labels": spelling.labels,
            "learnt": tuple(dict.fromkeys(transcripts)),
            "order": options.order,
        }


@dataclasses.dataclass(frozen=True)
class Weighed:
    """How much a language model has to say, chosen on the validation part.

    Attributes:
        weight: of its log-probability.
        bonus: for each label.
    """

    weight: float
    bonus: float


O = TypeVar("O", bound=GuidedOptions)  # noqa: E741
R = TypeVar("R", bound=Transcribed)
F = TypeVar("F", bound=Guidance)
A = TypeVar("A", bound=GuidedAnswering)


class Guided(Transcribing[O, R, F, A]):
    """A task of this kind."""

    def decoder(self, trained: Trained[O, F], how: A) -> Decode:
        """Returns how log-probabilities are searched for what they say.

        Raises:
            InputError: a file that cannot be read, or holds nothing that is known.
        """
        scorer = guide(trained.preprocessing, weighed(trained.calibration), how)
        if scorer is None:
            return super().decoder(trained, how)
        return partial(searched, width=how.beam or WIDTH, scorer=scorer, least=LEAST)

    def calibrate(self, trained: Trained[O, F], validation: R) -> Any:
        """Chooses the weight and the bonus of the language model by the errors of characters."""
        rows = np.unique(np.linspace(0, len(validation) - 1, MOST_TRIED).round()).astype(int)
        records = validation.take(rows)
        fitted = trained.preprocessing
        model = language_model(fitted, fitted.learnt)
        lists = [
            _candidates(fitted.spelling, model, log_probs)
            for _, _, log_probs in self.outputs(trained, records)
        ]
        return dataclasses.asdict(_best(lists, records.transcripts))

    def calibrated(self, stored: Any, fitted: F) -> Any:
        """Checks what `calibrate` gave, when it is read from a file."""
        return schema.written(schema.read(Weighed, stored, "it"))

    def score(
        self, trained: Trained[O, F], records: R, examples: Examples | Documents
    ) -> Evaluation:
        """Returns the errors of words and characters, also with language model and lexicon."""
        found = super().score(trained, records, examples)
        values = dict(found.values)
        spells = trained.preprocessing.label == "characters"
        for name in ("language_model", "lexicon") if spells else ("language_model",):
            how = dataclasses.replace(self.answering(), **{name: OWN})
            answers = [each.text for each in self.transcripts(trained, records, how)]
            rates = words.error_rates(answers, records.transcripts)
            values |= {f"wer_{name}": rates["wer"], f"cer_{name}": rates["cer"]}
        notes = (*found.notes, *_covered(trained.preprocessing, records.transcripts, spells))
        return dataclasses.replace(found, values=values, notes=notes)

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in four lines."""
        lines = [super().report(scores)]
        for name, words_ in (
            ("language_model", "with a language model of the training's transcripts"),
            ("lexicon", "with their words as a lexicon"),
        ):
            if f"cer_{name}" in scores:
                wer, cer = scores[f"wer_{name}"], scores[f"cer_{name}"]
                lines.append(f"{words_}: {wer:.4f} of words, {cer:.4f} of characters wrong")
        return "\n".join(lines)


def weighed(calibration: Any) -> Weighed:
    """What `Guided.calibrate` chose; before it is asked, as much as the network has."""
    return Weighed(**calibration) if calibration else Weighed(1.0, 0.0)


def guide(fitted: Guidance, weighed: Weighed, how: GuidedAnswering) -> Scorer | None:
    """What is asked to guide a search; None where nothing is.

    Raises:
        InputError: a file that cannot be read, or holds nothing that is known.
    """
    parts: list[tuple[Scorer, float]] = []
    if how.language_model is not None:
        texts = _own(how.language_model, fitted) or _lines(how.language_model)
        parts.append((language_model(fitted, texts), weighed.weight))
    if how.lexicon is not None:
        texts = _own(how.lexicon, fitted) or _lines(how.lexicon)
        parts.append((lexicon(fitted.spelling, texts, how.lexicon), 1.0))
    bonus = weighed.bonus if how.language_model is not None else 0.0
    return Together(parts, bonus=bonus) if parts else None


def language_model(fitted: Guidance, texts: Iterable[str]) -> NGrams:
    """A language model of texts; what has no label is left out of them."""
    encoded = (each for each in fitted.spelling.encode(list(texts)) if len(each))
    return NGrams(encoded, len(fitted.labels) + 1, order=fitted.order)


def lexicon(spelling: Spelling, texts: Iterable[str], name: str) -> Lexicon:
    """The words of texts, also with a capital first and in capitals; those that can be spelt.

    Raises:
        InputError: if there is none, or words are told apart as wholes.
    """
    if spelling.label == "words":
        raise InputError("A lexicon is of no use where words are told apart: leave it out.")
    known = sorted(form for form in _forms(texts) if not spelling.unknown([form]))
    if not known:
        expected = f"of words in the {count(len(spelling.labels), 'label')} that were learnt"
        raise InputError(must(f"the lexicon {name}", expected, "none"))
    letters = [n for n, each in enumerate(spelling.labels, start=1) if WORD.fullmatch(each)]
    return Lexicon(spelling.encode(known), len(spelling.labels) + 1, within=letters)


def _forms(texts: Iterable[str]) -> set[str]:
    found = {word for text in texts for word in WORD.findall(text)}
    return {form for word in found for form in (word, word.capitalize(), word.upper())}


def _covered(fitted: Guidance, texts: Sequence[str], spells: bool) -> tuple[str, ...]:
    """A note of how many words a lexicon of what was learnt allows."""
    asked = [word for text in texts for word in WORD.findall(text)]
    if not spells or not asked:
        return ()
    known = _forms(fitted.learnt)
    share = sum(word in known for word in asked) / len(asked)
    return (f"The lexicon, of the training's transcripts, has {share:.1%} of the words.",)


def _own(asked: str, fitted: Guidance) -> Sequence[str]:
    return fitted.learnt if asked == OWN else ()


def _lines(path: str) -> list[str]:
    """The lines of a file, without those that are blank.

    Raises:
        InputError: if it cannot be read, or has no others.
    """
    lines = [" ".join(line.split()) for line in files.read_text(path).splitlines()]
    found = [line for line in lines if line]
    if not found:
        raise InputError(must(str(path), "a file of text", "an empty one"))
    return found


@dataclasses.dataclass(frozen=True)
class _Candidate:
    text: str
    heard: float
    likely: float
    size: int

    def worth(self, weight: float, bonus: float) -> float:
        return self.heard + weight * self.likely + bonus * self.size


def _candidates(spelling: Spelling, model: NGrams, log_probs: Tensor) -> list[_Candidate]:
    """What an input may say, by a few searches, with what each text is worth."""
    found = {}
    for weight, bonus in TRIED:
        scorer = Together([(model, weight)], bonus=bonus)
        decoded = ctc_beam_search(log_probs[None], width=WIDTH, scorer=scorer, least=LEAST)
        for labels, size in zip(decoded.tokens[0], decoded.lengths[0].tolist(), strict=True):
            found[tuple(labels[:size].tolist())] = labels[:size]
    return [
        _Candidate(
            spelling.decode(list(labels)),
            float(log_probability(log_probs, tensor)),
            model.log_probability(labels),
            len(labels),
        )
        for labels, tensor in found.items()
    ]


def _best(lists: list[list[_Candidate]], references: list[str]) -> Weighed:
    """The weight and the bonus with the fewest errors; of several the smallest."""

    def errors(pair: tuple[float, float]) -> float:
        chosen = [max(each, key=lambda one: one.worth(*pair)).text for each in lists]
        return words.error_rates(chosen, references)["cer"]

    return Weighed(*min(itertools.product(WEIGHTS, BONUSES), key=errors))
