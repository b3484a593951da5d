"""Small problems that the tests of training share."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from recur.data.sequences import Sequences
from recur.models import ManyToOne

LOGITS = "binary_crossentropy_with_logits"


def ragged(n=60, seed=0):
    """Token sequences of unequal length: are most tokens high?"""
    rng = np.random.default_rng(seed)
    x = [rng.integers(1, 12, rng.integers(2, 9)) for _ in range(n)]
    return x, np.array([float(row.mean() > 6) for row in x])


def ragged_data(n=60, seed=0):
    return Sequences(*ragged(n, seed))


def token_model(dropout=0.0, seed=0, cell="rnn"):
    torch.manual_seed(seed)
    return ManyToOne(
        vocabulary=12, embedding=4, units=6, outputs=1, dropout=dropout, layers=2, cell=cell
    )


def dense(n=48, seed=0):
    """Points of the plane: which side of a line?"""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 2, generator=generator)
    return x, (x.sum(1) > 0).float()


def line_model(outputs=1, seed=0):
    torch.manual_seed(seed)
    return nn.Linear(2, outputs)


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same_bits(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def numbers(history):
    """All columns but the time taken."""
    return [{n: v for n, v in row.items() if n != "seconds"} for row in history.rows]
