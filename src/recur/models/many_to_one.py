"""Many-to-one: a sequence goes in, one answer comes out (sentiment, a forecast, an activity).

x_1   x_2   ...   x_T
 |     |           |
[h] - [h] - ... - [h] --> pooling --> linear --> y
"""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn

from recur.layers import Embedding, max_output, mean_output
from recur.layers.attention import AttentionPooling
from recur.layers.lengths import Lengths
from recur.messages import one_of, real
from recur.models.checks import check_options, check_sizes, numbers
from recur.models.deep import deep, width
from recur.models.tokens import check_source, embedded

POOLINGS = ("last", "mean", "max", "attention")


class ManyToOne(nn.Module):
    """Recurrent layers over a sequence, pooled over time, then one linear layer.

    Args:
        outputs: numbers that come out for each sequence: raw scores (no sigmoid, no softmax).
        inputs: features of each step; left out with `vocabulary`.
        vocabulary: the steps are token ids below this number, and are embedded first.
        embedding: size of the embedding.
        embedding_std: the standard deviation that the embedding starts with; torch's own is 1. A
            rare word stays near its start, where a large one is noise.
        cell: "rnn", "lstm", "gru", "indrnn", "mingru", "minlstm" or "slstm".
        units: size of the state in each direction.
        layers: recurrent layers stacked.
        bidirectional: walk both ways.
        pooling: what becomes of the outputs of all steps that exist: the "last", their "mean",
            their "max", or by "attention" their mean with learnt weights
            (`recur.layers.attention.AttentionPooling`).
        dropout: the part dropped before the recurrent layers, between them, and before the linear
            layer, while training. Before the recurrent layers tokens are dropped whole: word
            dropout (M. Iyyer et al., "Deep unordered composition rivals syntactic methods for text
            classification", ACL 2015).
        residual: each layer but the first adds its input to its outputs.
        options: more arguments for the recurrent layers (`recurrent_init`, ...); see
            `recur.layers.Recurrent`.

    Raises:
        InputError: an unknown cell or pooling, neither or both of `inputs` and `vocabulary`, sizes
            below 1, or an `embedding_std` that is not above 0.
    """

    def __init__(
        self,
        *,
        outputs: int,
        inputs: int | None = None,
        vocabulary: int | None = None,
        embedding: int = 32,
        embedding_std: float = 1.0,
        cell: str = "rnn",
        units: int = 32,
        layers: int = 1,
        bidirectional: bool = False,
        pooling: str = "last",
        dropout: float = 0.0,
        residual: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        self.pooling = one_of("pooling", pooling, POOLINGS)
        check_source(inputs, vocabulary)
        check_options(options)
        check_sizes(
            dropout,
            outputs=outputs,
            inputs=inputs,
            vocabulary=vocabulary,
            embedding=embedding,
            units=units,
            layers=layers,
        )
        real("embedding_std", embedding_std, lambda std: 0 < std < math.inf, "a number above 0")
        self.inputs = embedding if inputs is None else inputs
        self.embedding: Embedding | None = None
        if vocabulary is not None:
            self.embedding = Embedding(vocabulary, embedding)
            self.embedding.weight.data *= embedding_std
        # Channels are what `Dropout1d` drops: here, the steps of (batch, time, size).
        self.input_dropout = nn.Dropout(dropout) if vocabulary is None else nn.Dropout1d(dropout)
        self.dropout = nn.Dropout(dropout)
        self.recurrent = deep(
            cell,
            self.inputs,
            units,
            layers=layers,
            bidirectional=bidirectional,
            dropout=dropout,
            residual=residual,
            return_sequences=pooling != "last",
            **options,
        )
        size = width(units, {**options, "bidirectional": bidirectional})
        self.attention = AttentionPooling(size) if pooling == "attention" else None
        self.head = nn.Linear(size, outputs)

    def forward(self, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        """Scores for each sequence.

        Args:
            x: token ids (batch, time) with `vocabulary`, else numbers (batch, time, inputs).
            lengths: the steps of each row; None if all rows are full.

        Returns:
            (batch, outputs).

        Raises:
            InputError: token ids that are no integers, or outside the vocabulary; numbers or
                lengths that do not fit.
        """
        x = numbers(x, self.inputs) if self.embedding is None else embedded(x, self.embedding)
        y = self.recurrent(self.input_dropout(x), lengths=lengths)
        if self.pooling == "mean":
            y = mean_output(y, lengths, batch_first=True)
        elif self.pooling == "max":
            y = max_output(y, lengths, batch_first=True)
        elif self.attention is not None:
            y = self.attention(y, lengths)
        scores: Tensor = self.head(self.dropout(y))
        return scores
