"""Who is it, and are these two the same? Scores of embeddings, and what needs no network.

Letters: N pictures, D numbers of a picture, E of an embedding, P people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must
from recur.scoring.scores import Scores, package, version

Floats = NDArray[np.float64]
COMPONENTS = 50


@dataclass(frozen=True, eq=False)
class Verification:
    """How well a number tells pairs of the same person from others.

    Attributes:
        scores: "equal_error_rate", where as many of the same are refused as of others are taken,
            and "roc_auc".
        taken: (M,) share of pairs of others that are taken for the same, by threshold.
        known: (M,) share of pairs of the same that are.
    """

    scores: Scores
    taken: Floats
    known: Floats

    @classmethod
    def of(cls, nearness: Any, same: Any) -> Self:
        """Measures it.

        Args:
            nearness: (pairs,) the higher, the nearer.
            same: (pairs,) True where it is the same person.

        Raises:
            InputError: one kind of pairs only.
            FailedError: scikit-learn is not installed.
        """
        near, alike = np.asarray(nearness, dtype=float), np.asarray(same).astype(bool)
        if alike.all() or not alike.any():
            expected = "of the same person and of others"
            raise InputError(must("pairs", expected, "of one kind only"))
        metrics = package("sklearn.metrics")
        taken, known, _ = metrics.roc_curve(alike, near)
        at = int(np.abs(1 - known - taken).argmin())
        found = {
            "equal_error_rate": (taken[at] + 1 - known[at]) / 2,
            "roc_auc": metrics.auc(taken, known),
        }
        return cls(Scores(found, version("sklearn")), np.asarray(taken), np.asarray(known))


def pairs(rows: Any, labels: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
    """The nearness of each two of N rows, and whether they are the same person's.

    Args:
        rows: (N, E) of length 1: nearness is the cosine.
        labels: of each.
    """
    found, names = np.asarray(rows, dtype=float), np.asarray(labels)
    one, other = np.triu_indices(len(found), k=1)
    return (found @ found.T)[one, other], names[one] == names[other]


def centres(rows: Any, labels: Sequence[str]) -> tuple[tuple[str, ...], Floats]:
    """The people, sorted, and the mean direction (P, E) of each one's rows (N, E)."""
    found, names = np.asarray(rows, dtype=float), np.asarray(labels)
    people = sorted(set(labels))
    means = np.stack([found[names == each].mean(axis=0) for each in people])
    return tuple(people), unit(means)


def unit(rows: Any) -> Floats:
    """(N, E) rows made of length 1."""
    found = np.asarray(rows, dtype=float)
    lengths: Floats = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.maximum(lengths, 1e-12)


class Eigenfaces:
    """Pictures by their shares of the main directions in which pictures of faces differ.

    M. Turk and A. Pentland, "Eigenfaces for recognition", Journal of Cognitive Neuroscience 3,
    1991. Each direction is scaled to deviation 1 (whitened), and nearness is the cosine.

    Args:
        rows: (N, ...) pictures to find the directions of; at most 50 are kept.

    Raises:
        FailedError: scikit-learn is not installed.
    """

    def __init__(self, rows: Any) -> None:
        flat = _flat(rows)
        many = max(min(COMPONENTS, len(flat) - 1, flat.shape[1]), 1)
        decomposition = package("sklearn.decomposition")
        self._model = decomposition.PCA(many, whiten=True, random_state=0).fit(flat)

    def embed(self, rows: Any) -> Floats:
        """(N, E) of length 1."""
        return unit(self._model.transform(_flat(rows)))


def _flat(rows: Any) -> Floats:
    return np.asarray(rows, dtype=float).reshape(len(rows), -1) / 255


def apart(nearness: Any, own: Sequence[int]) -> tuple[Floats, Floats]:
    """(N,) how near each picture is to its own person, and to the nearest other one.

    Args:
        nearness: (N, P) to each person.
        own: the column of each one's own person.
    """
    found = np.array(nearness, dtype=float)
    rows = np.arange(len(found))
    mine = found[rows, list(own)]
    found[rows, list(own)] = -1.0
    return mine, found.max(axis=1)


def left_out(rows: Any, labels: Sequence[str]) -> tuple[Floats, NDArray[np.int64]]:
    """(N, P) how near each row is to each person's centre, its own one made without the row.

    Only of people with two rows at least; so it is with the second, (N,), the rows that these are.

    Args:
        rows: (N, E) of length 1.
        labels: of each.
    """
    found, names = np.asarray(rows, dtype=float), np.asarray(labels)
    people, middle = centres(found, labels)
    several = [int((names == name).sum()) > 1 for name in names]
    asked = np.flatnonzero(several).astype(np.int64)
    near = found[asked] @ middle.T
    for place, row in enumerate(asked.tolist()):
        others = (names == names[row]) & (np.arange(len(names)) != row)
        own = people.index(str(names[row]))
        near[place, own] = unit(found[others].mean(axis=0, keepdims=True))[0] @ found[row]
    return near, asked
