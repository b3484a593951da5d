"""How well moves of a pen are foretold without memory: one mixture of Gaussians for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from recur.scoring.scores import Scores, package, unwarned, version

MOST = 50_000
"""Moves that the mixture is fitted to."""


def one_mixture(learnt: Any, asked: Any, *, components: int = 20, seed: int = 0) -> Scores:
    """What each move is worth to one mixture, and how often strokes end to one share.

    Args:
        learnt: (N, 3) moves, across and up, and 1 where a stroke ends, else 0.
        asked: (M, 3) others.
        components: Gaussians; fewer where there are fewer moves.
        seed: of the start, and of which moves it is fitted to where there are many.

    Returns:
        "log_likelihood" of a move, in nats, and "squared_error" of the mean move.

    Raises:
        FailedError: if scikit-learn is not installed.
    """
    mixture = package("sklearn.mixture").GaussianMixture
    ends = (learnt[:, 2].sum() + 0.5) / (len(learnt) + 1)
    chance = np.random.default_rng(seed)
    some = learnt[chance.permutation(len(learnt))[:MOST], :2].astype(np.float64)
    with unwarned():  # of an end that was not quite reached
        fitted = mixture(min(components, len(some)), random_state=seed, reg_covar=1e-4).fit(some)
    of_point = fitted.score_samples(asked[:, :2].astype(np.float64))
    of_end = np.where(asked[:, 2] > 0.5, np.log(ends), np.log1p(-ends))
    error = ((asked[:, :2] - learnt[:, :2].mean(axis=0)) ** 2).sum(axis=1)
    found = {"log_likelihood": (of_point + of_end).mean(), "squared_error": error.mean()}
    return Scores(found, version("sklearn"))
