"""Classes: one of several, several at once, or in order; and which is taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, brief, count, must
from recur.scoring.scores import Scores, check_pairs, package, unwarned, version

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_IN_TABLE = 12
"""Classes whose confusion a terminal has room for as a table."""
MOST_MISTAKES = 10
"""Mistakes that words tell of."""
MOST_LETTERS = 24
"""Of a class's name in a table."""


def single(answers: Sequence[str], references: Sequence[str]) -> Scores:
    """Of one class for each example.

    Args:
        answers: N classes.
        references: N classes.

    Returns:
        "accuracy", "macro_f1" (the mean of the classes' F1, those that the references or the
        answers have), and "classes", how many these are.

    Raises:
        InputError: none, or not as many on both sides.
        FailedError: scikit-learn is not installed.
    """
    table = by_class(answers, references)
    right = sum(a == b for a, b in zip(answers, references, strict=True))
    found = {
        "accuracy": right / len(references),
        "macro_f1": sum(row["f1"] for row in table.values()) / len(table),
        "classes": len(table),
    }
    return Scores(found, version("sklearn"))


def by_class(
    answers: Sequence[str], references: Sequence[str], labels: Sequence[str] | None = None
) -> dict[str, dict[str, float]]:
    """For each class "precision", "recall", "f1" and "examples", how many the references have.

    Args:
        answers: N classes.
        references: N classes.
        labels: which classes, in which order; None: all that occur, sorted.

    Raises:
        InputError: none, or not as many on both sides.
        FailedError: scikit-learn is not installed.
    """
    check_pairs(answers, references)
    names = sorted({*answers, *references}) if labels is None else list(labels)
    parts = package("sklearn.metrics").precision_recall_fscore_support(
        list(references), list(answers), labels=names, zero_division=0
    )
    keys = ("precision", "recall", "f1", "examples")
    rows = zip(*(part.tolist() for part in parts), strict=True)
    return {name: dict(zip(keys, row, strict=True)) for name, row in zip(names, rows, strict=True)}


def several(answers: Any, references: Any, scores: Any = None) -> Scores:
    """Of several classes for each example.

    Args:
        answers: (N, C) True or 1 where the class is given.
        references: (N, C) True or 1 where it is right.
        scores: (N, C) numbers, the higher the likelier; None without.

    Returns:
        "micro_f1" (of all answers together), "macro_f1" (the mean over the classes that the
        references or the answers have), "exact" (the share of examples of which all is right);
        with scores "mean_average_precision", over the classes that the references have.

    Raises:
        InputError: other shapes, or no examples.
        FailedError: scikit-learn is not installed.
    """
    metrics = package("sklearn.metrics")
    said, meant = np.asarray(answers).astype(bool), np.asarray(references).astype(bool)
    numbers = None if scores is None else np.asarray(scores, dtype=float)
    for what, given in (("answers", said), ("scores", numbers)):
        if given is not None and (given.shape != meant.shape or given.ndim != 2 or not given.size):
            expected = f"(examples, classes), as the references are, {meant.shape}"
            raise InputError(must(what, expected, f"the shape {given.shape}"))
    there = np.flatnonzero((said | meant).any(axis=0))
    with unwarned():
        found = {
            "micro_f1": metrics.f1_score(meant, said, average="micro", zero_division=0),
            "macro_f1": metrics.f1_score(
                meant[:, there], said[:, there], average="macro", zero_division=0
            )
            if len(there)
            else 0.0,
            "exact": (said == meant).all(axis=1).mean(),
        }
        known = np.flatnonzero(meant.any(axis=0))
        if numbers is not None and len(known):
            each = metrics.average_precision_score(
                meant[:, known], numbers[:, known], average="macro"
            )
            found["mean_average_precision"] = each
    return Scores(found, f"{version('sklearn')}, {count(meant.shape[1], 'class', 'classes')}")


def ordinal(answers: Sequence[float], references: Sequence[float]) -> Scores:
    """Of ratings: whole numbers in an order, such as stars.

    Args:
        answers: N ratings.
        references: N ratings.

    Returns:
        "quadratic_kappa" (J. Cohen, 1968: 1 for all right, 0 for chance; the further off, the
        worse), "mae", and "accuracy".

    Raises:
        InputError: none, or not as many on both sides.
        FailedError: scikit-learn is not installed.
    """
    check_pairs(answers, references)
    metrics = package("sklearn.metrics")
    said, meant = np.asarray(answers), np.asarray(references)
    # Equal weights for equal steps, of classes that nobody gave too.
    steps = list(range(int(min(said.min(), meant.min())), int(max(said.max(), meant.max())) + 1))
    with unwarned():
        kappa = metrics.cohen_kappa_score(meant, said, labels=steps, weights="quadratic")
    found = {
        # Where all is one rating, and was answered so, there is nothing that chance could do.
        "quadratic_kappa": 1.0 if np.array_equal(said, meant) else float(np.nan_to_num(kappa)),
        "mae": np.abs(said - meant).mean(),
        "accuracy": (said == meant).mean(),
    }
    return Scores(found, version("sklearn"))


@dataclass(frozen=True)
class Confusion:
    """How often which class was taken for which. Its `str()` shows a table, or of many the worst.

    Attributes:
        labels: the C classes.
        counts: (C, C): a row for each true class, a column for each answer.
    """

    labels: tuple[str, ...]
    counts: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        answers: Sequence[str],
        references: Sequence[str],
        labels: Sequence[str] | None = None,
    ) -> Self:
        """Counts.

        Args:
            answers: N classes.
            references: N classes.
            labels: the classes in their order; None: all that occur, sorted.

        Raises:
            InputError: none, not as many on both sides, or a class that is not in `labels`.
            FailedError: scikit-learn is not installed.
        """
        check_pairs(answers, references)
        names = sorted({*answers, *references}) if labels is None else list(labels)
        unknown = sorted({*answers, *references}.difference(names))
        if unknown:
            raise InputError(must("classes", "in labels", repr(unknown[0])))
        counts = package("sklearn.metrics").confusion_matrix(
            list(references), list(answers), labels=names
        )
        return cls(tuple(map(str, names)), np.asarray(counts, dtype=np.int64))

    def mistakes(self) -> list[tuple[str, str, int]]:
        """(true class, answer, how often), the most frequent first."""
        wrong = self.counts * (1 - np.eye(len(self.labels), dtype=np.int64))
        order = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
        places = zip(*np.unravel_index(order, wrong.shape), strict=True)
        return [(self.labels[a], self.labels[b], int(wrong[a, b])) for a, b in places]

    def __str__(self) -> str:
        if len(self.labels) > MOST_IN_TABLE:
            worst = self.mistakes()[:MOST_MISTAKES]
            lines = [
                f"{brief(a, MOST_LETTERS)} taken for {brief(b, MOST_LETTERS)}: {n:,}"
                for a, b, n in worst
            ]
            return "\n".join(["what was mistaken most often:", *(lines or ["nothing"])])
        names = [brief(name, MOST_LETTERS) for name in self.labels]
        wide = max(map(len, (*names, "true class")))
        cells = [[f"{n:,}" for n in row] for row in self.counts.tolist()]
        columns = [max(len(name), *(len(row[n]) for row in cells)) for n, name in enumerate(names)]
        rows = [names, *cells]
        heads = ["true class", *names]
        return "\n".join(
            f"{head:<{wide}}  " + "  ".join(f"{c:>{w}}" for c, w in zip(row, columns, strict=True))
            for head, row in zip(heads, rows, strict=True)
        )

    def figure(self, title: str = "What was taken for what") -> Figure:
        """Draws it: counts, and the shares of each true class."""
        from recur import plots

        return plots.confusion(self.counts, self.labels, title=title)

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {"labels": list(self.labels), "counts": self.counts.tolist()}
