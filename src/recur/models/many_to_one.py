"""Many-to-one: a sequence goes in, one answer comes out (sentiment, a forecast, an activity).

x_1   x_2   ...   x_T
 |     |           |
[h] - [h] - ... - [h] --> pooling --> linear --> y
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from torch import Tensor, nn

from recur.layers import GRU, LSTM, RNN, Recurrent, max_output, mean_output
from recur.layers.lengths import Lengths
from recur.messages import InputError, must, one_of

CELLS: dict[str, Callable[..., Recurrent]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
POOLINGS = ("last", "mean", "max")


class ManyToOne(nn.Module):
    """Recurrent layers over a sequence, pooled over time, then one linear layer.

    Args:
        outputs: numbers that come out for each sequence: raw scores (no sigmoid, no softmax).
        inputs: features of each step; left out with `vocabulary`.
        vocabulary: the steps are token ids below this number, and are embedded first.
        embedding: size of the embedding.
        cell: "rnn", "lstm" or "gru".
        units: size of the state in each direction.
        layers: recurrent layers stacked.
        bidirectional: walk both ways.
        pooling: what becomes of the outputs of all steps: the "last", their "mean" or their "max",
            over the steps that exist.
        dropout: the part dropped before the recurrent layers, between them, and before the linear
            layer, while training.
        recurrent_init: how the recurrent matrices start; see `recur.layers.Recurrent`.

    Raises:
        InputError: an unknown cell or pooling, or neither or both of `inputs` and `vocabulary`.
    """

    def __init__(
        self,
        *,
        outputs: int,
        inputs: int | None = None,
        vocabulary: int | None = None,
        embedding: int = 32,
        cell: str = "rnn",
        units: int = 32,
        layers: int = 1,
        bidirectional: bool = False,
        pooling: str = "last",
        dropout: float = 0.0,
        recurrent_init: str | None = None,
    ) -> None:
        super().__init__()
        one_of("cell", cell, CELLS)
        self.pooling = one_of("pooling", pooling, POOLINGS)
        if (inputs is None) == (vocabulary is None):
            given = "neither" if inputs is None else "both"
            raise InputError(
                must("a model's input", "told by one of inputs= and vocabulary=", given)
            )
        self.embedding: nn.Embedding | None = None
        if vocabulary is not None:
            self.embedding = nn.Embedding(vocabulary, embedding)
        self.dropout = nn.Dropout(dropout)
        self.recurrent = CELLS[cell](
            inputs if vocabulary is None else embedding,
            units,
            num_layers=layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=bidirectional,
            return_sequences=pooling != "last",
            recurrent_init=recurrent_init,
        )
        self.head = nn.Linear(units * (2 if bidirectional else 1), outputs)

    def forward(self, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        """Scores for each sequence.

        Args:
            x: token ids (batch, time) with `vocabulary`, else numbers (batch, time, inputs).
            lengths: the steps of each row; None if all rows are full.

        Returns:
            (batch, outputs).

        Raises:
            InputError: token ids that are no integers, or outside the vocabulary; lengths that do
                not fit.
        """
        if self.embedding is not None:
            x = _embedded(x, self.embedding)
        y = self.recurrent(self.dropout(x), lengths=lengths)
        if self.pooling == "mean":
            y = mean_output(y, lengths, batch_first=True)
        elif self.pooling == "max":
            y = max_output(y, lengths, batch_first=True)
        scores: Tensor = self.head(self.dropout(y))
        return scores


def _embedded(tokens: Tensor, embedding: nn.Embedding) -> Tensor:
    if tokens.is_floating_point():
        raise InputError(must("token ids", "integers", tokens.dtype, "Convert with .long()."))
    try:
        return cast(Tensor, embedding(tokens))
    except IndexError as error:
        allowed = f"between 0 and {embedding.num_embeddings - 1}, the vocabulary's"
        got = f"{tokens.min().item()} to {tokens.max().item()}"
        raise InputError(must("token ids", allowed, got)) from error
