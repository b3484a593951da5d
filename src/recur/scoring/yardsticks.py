"""What a network for texts has to beat: answers without learning, or without a network.

Forecasts without learning are in `forecasts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must
from recur.scoring.scores import check_pairs, package, unwarned

L = TypeVar("L", bound=Hashable)

FEW = 1000
"""Below so many texts, a word that occurs in one of them counts too."""


def most_frequent(labels: Sequence[L]) -> L:
    """The most frequent of classes; of equally frequent ones that which came first.

    Raises:
        InputError: no class.
    """
    if not len(labels):
        raise InputError(must("labels", "at least one", "none"))
    return Counter(labels).most_common(1)[0][0]


class MostFrequentTag:
    """For each word the tag that it most often had; for unknown words the most frequent of all.

    Args:
        words: N sentences.
        tags: the tags of their words.

    Raises:
        InputError: no words, or not as many on both sides.
    """

    def __init__(self, words: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> None:
        check_pairs(tags, words)
        seen: dict[str, Counter[str]] = {}
        every: list[str] = []
        for sentence, marks in zip(words, tags, strict=True):
            if len(sentence) != len(marks):
                raise InputError(must("tags", f"of {len(sentence)} words", len(marks)))
            every += marks
            for word, tag in zip(sentence, marks, strict=True):
                seen.setdefault(word, Counter())[tag] += 1
        self.otherwise = most_frequent(every)
        self.tags = {word: counts.most_common(1)[0][0] for word, counts in seen.items()}

    def answers(self, words: Sequence[Sequence[str]]) -> list[list[str]]:
        """The tags of the words of sentences."""
        return [[self.tags.get(word, self.otherwise) for word in sentence] for sentence in words]


class LinearTexts:
    """A linear model over the words and pairs of words of a text, weighed by TF-IDF.

    Of texts, networks are hard put to beat it (S. Wang and C. Manning, "Baselines and bigrams",
    ACL 2012). A linear support vector machine (R.-E. Fan et al., "LIBLINEAR", 2008) over
    logarithmic counts of words and pairs, one against the rest for each class.

    Args:
        texts: N texts to learn from.
        labels: the class of each, or for each the classes, none to several.
        strength: C, by which mistakes weigh against the size of weights.
        seed: of the order in which it learns.

    Attributes:
        classes: the C classes, in order.

    Raises:
        InputError: no texts, not as many on both sides, one class only, or no words in the texts.
        FailedError: scikit-learn is not installed.
    """

    def __init__(
        self,
        texts: Sequence[str],
        labels: Sequence[str] | Sequence[Sequence[str]],
        *,
        strength: float = 1.0,
        seed: int = 0,
    ) -> None:
        check_pairs(labels, texts)
        self.several = not isinstance(labels[0], str)
        known = {each for some in labels for each in some} if self.several else {*labels}
        self.classes = sorted(map(str, known))
        if len(self.classes) < 2:
            raise InputError(must("labels", "at least two classes", self.classes))
        text, svm = package("sklearn.feature_extraction.text"), package("sklearn.svm")
        self._words = text.TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, min_df=1 if len(texts) < FEW else 2
        )
        self._model = svm.LinearSVC(C=strength, random_state=seed)
        targets: Any = list(labels)
        if self.several:
            multiclass = package("sklearn.multiclass")
            self._model = multiclass.OneVsRestClassifier(self._model)
            targets = np.array([[name in some for name in self.classes] for some in labels])
        try:
            found = self._words.fit_transform(texts)
        except ValueError as error:  # "empty vocabulary"
            raise InputError(must("the texts", "of words", f"none ({error})")) from error
        with unwarned():  # about a class that every text has, or none
            self._model.fit(found, targets.astype(int) if self.several else targets)

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(N, C) the distance from each class's boundary; above 0 it is in."""
        found = np.asarray(self._model.decision_function(self._words.transform(texts)))
        if found.ndim == 1:  # of two classes one number
            found = np.stack([-found, found], axis=1)
        return found

    def answers(self, texts: Sequence[str]) -> list[str] | list[list[str]]:
        """The class of each text; of several, those whose scores are above 0."""
        scores = self.scores(texts)
        if not self.several:
            return [self.classes[n] for n in scores.argmax(axis=1)]
        return [[self.classes[n] for n in np.flatnonzero(row > 0)] for row in scores]

    def telling(self, number: int = 10) -> dict[str, list[str]]:
        """For each class the words, or pairs, that speak for it most."""
        coefficients = (
            np.concatenate([each.coef_ for each in self._model.estimators_])
            if self.several
            else self._model.coef_
        )
        if len(coefficients) == 1:
            coefficients = np.concatenate([-coefficients, coefficients])
        names = self._words.get_feature_names_out()
        best = np.argsort(-coefficients, axis=1)[:, :number]
        return {
            label: [str(names[n]) for n in row]
            for label, row in zip(self.classes, best, strict=True)
        }
