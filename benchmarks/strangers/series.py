"""Series told apart, filled in, watched and invented."""

from __future__ import annotations

import numpy as np
import torch

from strangers.program import Program, Ran, timed, weights


def sktime(epochs: int) -> Ran:
    """Which movement was it: six channels of a watch."""
    from sktime.classification.deep_learning.gru import GRUClassifier
    from sktime.datasets import load_basic_motions

    x, y = load_basic_motions(split="train", return_type="numpy3d")
    torch.manual_seed(1)
    np.random.seed(1)
    made = GRUClassifier(hidden_dim=64, n_layers=2, num_epochs=epochs, random_state=1)
    return timed(lambda: made.fit(x, y), lambda: made.predict_proba(x))


def pypots(epochs: int) -> Ran:
    """Values missing from series, found again from both sides."""
    from pypots.imputation import MRNN

    random = np.random.default_rng(1)
    values = np.cumsum(random.normal(size=(128, 48, 10)), axis=1).astype(np.float32) / 7
    values[random.random(values.shape) < 0.1] = np.nan
    torch.manual_seed(1)
    np.random.seed(1)
    made = MRNN(48, 10, rnn_hidden_size=64, epochs=epochs, device="cpu", verbose=False)
    given = {"X": values}
    return timed(lambda: made.fit(given), lambda: made.predict(given)["imputation"])


def pyod(epochs: int) -> Ran:
    """Where a noisy wave is unlike itself."""
    from pyod.models.ts_lstm import LSTMAD

    random = np.random.default_rng(1)
    wave = np.sin(np.arange(2000) / 9) + 0.1 * random.normal(size=2000)
    torch.manual_seed(1)
    np.random.seed(1)
    made = LSTMAD(epochs=epochs)
    return timed(lambda: made.fit(wave), lambda: made.decision_scores_)


def deepecho(epochs: int) -> Ran:
    """Visits to shops, invented after those that the library brings along."""
    from deepecho import PARModel, load_demo

    data = load_demo()
    torch.manual_seed(1)
    np.random.seed(1)
    made = PARModel(epochs=epochs, cuda=False, verbose=False)
    kinds = {
        "region": "categorical",
        "day_of_week": "categorical",
        "total_sales": "continuous",
        "nb_customers": "count",
    }

    def fit() -> None:
        made.fit(data, ["store_id"], ["region"], kinds, sequence_index="date")

    return timed(fit, lambda: weights(made._model))


PROGRAMS = [
    Program(
        "sktime",
        "GRUClassifier",
        "2 layers of 64, batch 8 of 100, epochs: {}",
        sktime,
        steps=40,
        environment="programs-pandas2",
    ),
    Program(
        "pypots",
        "MRNN",
        "2 GRUs of 64 for each of 10 features, batch 32 of 48, epochs: {}",
        pypots,
        steps=2,
        environment="programs-pandas2",
    ),
    Program("pyod", "LSTMAD", "2 layers of 64, batch 32 of 50, epochs: {}", pyod, 2),
    Program("deepecho", "PARModel", "GRU of 32, one batch of 30, epochs: {}", deepecho, 10),
]
