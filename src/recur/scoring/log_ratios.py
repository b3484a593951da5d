"""What n-grams say of a class, weighed together: logistic regression of log-count ratios.

S. Wang and C. D. Manning, "Baselines and bigrams: simple, good sentiment and topic classification",
ACL 2012, with logistic regression in the place of the support vector machine (G. Mesnil et al.,
arXiv:1412.5335).

Letters: N texts, G n-grams.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.data.ngrams import Found
from recur.scoring.scores import package, unwarned

Floats = NDArray[np.float32]

SMOOTHING = 1.0
"""What is added to the count of each n-gram on both sides."""
STRENGTH = 100.0
"""C, by which mistakes weigh against the size of weights."""
ROUNDS = 30
"""Of the fit at most; more change no answer."""


def needed() -> None:
    """Asks for what the fit needs.

    Raises:
        FailedError: if scikit-learn is not installed.
    """
    package("sklearn.linear_model")


def log_ratio_regression(
    found: Iterable[Found], size: int, right: NDArray[np.bool_], *, strength: float = STRENGTH
) -> tuple[Floats, Floats]:
    """Fits a model for each of several questions, whose answer is yes or no.

    Args:
        found: which n-grams stand in the texts.
        size: G.
        right: (N, outputs) the answers; where all are alike, no n-gram says anything.
        strength: see `STRENGTH`.

    Returns:
        (G, outputs) what each n-gram adds to each score, times its weight in a text of length 1,
        and (outputs,) what is added to the scores of any text.

    Raises:
        FailedError: if scikit-learn is not installed.
    """
    texts, many = right.shape
    features = _normed(found, (texts, size))
    rows, bias = np.zeros((size, many), np.float32), np.zeros(many, np.float32)
    for output in range(many):
        yes = right[:, output].sum()
        if yes in (0, texts):
            bias[output] = np.log((yes + 0.5) / (texts - yes + 0.5))
            continue
        ratios = _ratios(features, right[:, output])
        scaled = features.copy()
        scaled.data *= ratios[features.indices]
        model = package("sklearn.linear_model").LogisticRegression(
            C=strength, solver="liblinear", dual=True, max_iter=ROUNDS, tol=0.05, random_state=0
        )
        with unwarned():  # about rounds
            model.fit(scaled, right[:, output])
        rows[:, output] = ratios * model.coef_[0]
        bias[output] = model.intercept_[0]
    return rows, bias


def _normed(found: Iterable[Found], shape: tuple[int, int]) -> Any:
    """(N, G) the weights of the n-grams in each text, whose squares sum to 1, as scipy has them."""
    parts = list(found)
    text, feature, weight = (
        np.concatenate([getattr(each, name) for each in parts] or [np.zeros(0)])
        for name in Found._fields
    )
    text = text.astype(np.int64)
    length = np.sqrt(np.bincount(text, weight**2, minlength=shape[0]))
    values = (weight / length[text]).astype(np.float32)
    return package("scipy.sparse").csr_matrix((values, (text, feature)), shape)


def _ratios(features: Any, right: NDArray[np.bool_]) -> Floats:
    """(G,) the logarithm of how much more of the texts with a yes hold each n-gram."""
    held = [
        SMOOTHING + np.bincount(features[side].indices, minlength=features.shape[1])
        for side in (right, ~right)
    ]
    yes, no = (np.log(each / each.sum()) for each in held)
    ratios: Floats = (yes - no).astype(np.float32)
    return ratios
