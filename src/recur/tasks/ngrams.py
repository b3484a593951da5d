"""A linear model of n-grams beside a network of texts: how it is fitted, and what it is worth.

Two models that are linear in the n-grams of a text are fitted, and their sum is one: log-count
ratios weighed by logistic regression, and for more than two classes complement naive Bayes, which
errs elsewhere; of two it is what the regression starts from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recur.data.evidence import evidence
from recur.data.ngrams import Ints, NGrams
from recur.data.sequences import Sequences
from recur.data.vocabulary import Vocabulary
from recur.messages import InputError, must
from recur.models.wide import Linear, Wide
from recur.scoring.log_ratios import log_ratio_regression, needed
from recur.tasks.label_kinds import Kind

MOST_CLASSES = 100
"""The table takes memory for each."""
MOST_ROWS = 1 << 20
MOST_NUMBERS = 1 << 23
"""Of the table, at most; the most frequent n-grams have a row."""
PARTS = "recurrent_accuracy", "ngrams_accuracy"
"""What the accuracies of the parts are called."""


@dataclass(frozen=True)
class Counting:
    """How n-grams of texts are counted.

    Attributes:
        longest: words in a row, at most; 0 is how runs of before are opened.
        once: an n-gram counts once in a text.
        vocabulary: the words.
        classes: how many there are.
    """

    longest: int
    once: bool
    vocabulary: Vocabulary
    classes: int

    @property
    def numbering(self) -> NGrams:
        """How n-grams of words are numbered."""
        words = self.vocabulary
        return NGrams(self.longest, len(words), words.numbering.first, self.once)

    def known(self, texts: Sequence[Any]) -> Ints:
        """(G,) the n-grams of training texts, the token ids of each, that have a row in the table.

        Raises:
            InputError: if they cannot be counted.
            FailedError: if scikit-learn is not installed.
        """
        needed()
        if not self.longest:
            todo = "A run of before there were n-grams answers, but does not go on."
            raise InputError(must("ngrams", "at least 1 with wide", self.longest, todo))
        if self.classes > MOST_CLASSES:
            expected = f"left out but with at most {MOST_CLASSES} classes"
            raise InputError(must("wide", expected, f"{self.classes:,} classes"))
        found = self.numbering.known(texts, min(MOST_ROWS, MOST_NUMBERS // self.classes))
        if not len(found):
            raise InputError(must("wide", "left out where no word of the texts stands twice", True))
        return found

    def models(self, texts: list[Ints], right: Ints, grams: Ints) -> list[Linear]:
        """Fits the linear models to texts and the numbers of their classes."""
        found = list(self.numbering.found(texts, grams))
        several = self.classes > 2
        yes = right[:, None] == (np.arange(self.classes) if several else [1])
        ratios = Linear(*log_ratio_regression(found, len(grams), yes))
        if not several:
            return [ratios]
        words = {number: word for word, number in self.vocabulary.ids.items()}
        bayes = evidence(lambda: found, grams, right, self.classes, words)
        return [ratios, Linear(bayes, np.zeros(self.classes, np.float32))]


def complete(model: Wide, learnt: Sequences, validation: Sequences, counting: Counting) -> None:
    """Fits the linear model, and puts it beside the recurrent layers.

    How much each part counts is found on the validation part, with a linear model of the training
    part. The one that is kept is then fitted to both, as there is nothing left to choose.

    Args:
        model: the network of the best epoch.
        learnt: the training texts with the numbers of their classes.
        validation: those that it was chosen by.
        counting: how n-grams are counted.
    """
    texts, right = _of(learnt)
    grams = counting.known(texts)
    weights = model.complete(grams, counting.models(texts, right, grams), validation)
    more, answers = _of(validation)
    both = counting.models([*texts, *more], np.concatenate([right, answers]), grams)
    model.hold(grams, both, weights)


def alone(model: Any, examples: Any, kind: Kind) -> dict[str, float]:
    """The accuracy of the recurrent layers and of the linear model, each by itself.

    Args:
        model: any; of most there is none to tell.
        examples: texts with the numbers of their classes.
        kind: what labels are.
    """
    if not isinstance(model, Wide) or not model.apart:
        return {}
    parts = (kind.probabilities(model.over(examples, each)) for each in (model.alone, model.told))
    right = [float((part.argmax(dim=1) == examples.y).double().mean()) for part in parts]
    return dict(zip(PARTS, right, strict=True))


def said(scores: Mapping[str, float]) -> list[str]:
    """What `alone` found, as lines for a person: none where it found nothing."""
    if PARTS[0] not in scores:
        return []
    recurrent, linear = (scores[name] for name in PARTS)
    lines = [f"the recurrent layers alone: accuracy {recurrent:.4f}; the n-grams: {linear:.4f}"]
    if linear > scores["accuracy"]:
        lines.append("The n-grams alone are the better ones here.")
    return lines


def _of(examples: Sequences) -> tuple[list[Ints], Ints]:
    """The tokens of each text, and the number of its class."""
    assert examples.y is not None
    return [examples[n][0].numpy() for n in range(len(examples))], examples.y.numpy()
