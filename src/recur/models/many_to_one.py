"""Many-to-one: a sequence goes in, one answer comes out (sentiment, a forecast, an activity).

x_1   x_2   ...   x_T
 |     |           |
[h] - [h] - ... - [h] --> pooling --> linear --> y

Beside it there may be an answer at each step too (the label of a clip, and a tag for each frame).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from recur.layers import max_output, mean_output
from recur.layers.attention import AttentionPooling
from recur.layers.lengths import Lengths
from recur.layers.outputs import sum_output
from recur.messages import InputError, must, one_of
from recur.models.checks import check_options, check_sizes
from recur.models.deep import deep, width
from recur.models.fronts import Front
from recur.models.heads import check_outputs, head, within
from recur.models.reading import Reading, share
from recur.models.segments import in_segments

POOLINGS = ("last", "mean", "max", "attention")


class ManyToOne(Reading):
    """Recurrent layers over a sequence, pooled over time, then one linear layer.

    Args:
        outputs: numbers that come out for each sequence: raw scores (no sigmoid, no softmax); or
            several such sizes by name, for a linear layer each and a dictionary of their scores.
        front: what makes features of the steps before the recurrent layers; see
            `recur.models.fronts`. Left out with one of the next two, the plain ways.
        inputs: the steps are so many numbers.
        vocabulary: the steps are token ids below this number, and are embedded first.
        embedding: size of the embedding.
        embedding_std: the standard deviation that the embedding starts with; torch's own is 1. A
            rare word stays near its start, where a large one is noise.
        cell: the recurrent cell, a name of `recur.models.deep.CELLS`: "rnn", "lstm", "gru" ...
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
        embedding_dropout: the part dropped before the recurrent layers, if another.
        residual: each layer but the first adds its input to its outputs.
        segment: longer sequences are cut into segments of so many steps, which are walked side by
            side, each from a state of zero (`recur.models.segments`); pooling goes over all of
            them, and cannot be "last".
        direct: beside what is pooled, the last linear layer reads the sum of what the recurrent
            layers read, over the square root of the steps: a way past them.
        options: more arguments for the recurrent layers (`recurrent_init`, ...); see
            `recur.layers.Recurrent`.

    Raises:
        InputError: an unknown cell or pooling, none or several of `front`, `inputs` and
            `vocabulary`, sizes below 1, an `embedding_std` that is not above 0, or a `segment` with
            the pooling "last".
    """

    aligned = False  # with the input, step by step

    def __init__(
        self,
        *,
        outputs: int | Mapping[str, int],
        steps: Mapping[str, int] | None = None,
        front: Front | None = None,
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
        embedding_dropout: float | None = None,
        residual: bool = False,
        segment: int | None = None,
        direct: bool = False,
        **options: Any,
    ) -> None:
        one_of("pooling", pooling, POOLINGS)
        check_options(options)
        check_outputs(outputs)
        check_sizes(dropout, units=units, layers=layers, segment=segment)
        if segment is not None and pooling == "last":
            expected = "None with pooling='last', which would forget all segments but one"
            raise InputError(must("segment", expected, segment))
        if steps is not None:
            _check_steps(steps, outputs, front, pooling, segment)
        super().__init__(
            front=front,
            inputs=inputs,
            vocabulary=vocabulary,
            embedding=embedding,
            embedding_std=embedding_std,
            dropout=share("embedding_dropout", embedding_dropout, dropout),
            whole=True,
        )
        self.pooling, self.segment, self.direct = pooling, segment, direct
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
        self.head = head(size + self.inputs if direct else size, outputs)
        self.step_head = None if steps is None else head(size, steps)

    def forward(self, x: Tensor, lengths: Lengths | None = None) -> Any:
        """Scores for each sequence.

        Args:
            x: token ids (batch, time) with `vocabulary`, numbers (batch, time, inputs) with
                `inputs`, else what the front reads.
            lengths: the steps of each row; None if all rows are full.

        Returns:
            (batch, outputs); with several heads a dictionary of such scores by name, those of
            steps (batch, time, outputs), zeros beyond a length.

        Raises:
            InputError: token ids that are no integers, or outside the vocabulary; numbers or
                lengths that do not fit.
        """
        x, lengths = self.read(x, lengths)
        y = self._walked(x, lengths)
        pooled = self._pooled(y, lengths)
        if self.direct:
            pooled = torch.cat([pooled, sum_output(x, lengths, batch_first=True)], dim=1)
        scores = self.head(self.dropout(pooled))
        if self.step_head is None:
            return scores
        each = self.step_head(self.dropout(y))
        return {**scores, **{name: within(found, lengths) for name, found in each.items()}}

    def _walked(self, x: Tensor, lengths: Lengths | Tensor | None) -> Tensor:
        y: Tensor
        if self.segment is None:
            y = self.recurrent(x, lengths=lengths)
        else:
            y = in_segments(self.recurrent, x, lengths, self.segment)
        return y

    def _pooled(self, y: Tensor, lengths: Lengths | Tensor | None) -> Tensor:
        if self.pooling == "mean":
            y = mean_output(y, lengths, batch_first=True)
        elif self.pooling == "max":
            y = max_output(y, lengths, batch_first=True)
        elif self.attention is not None:
            y = self.attention(y, lengths)
        return y


def _check_steps(
    steps: Mapping[str, int],
    outputs: int | Mapping[str, int],
    front: Front | None,
    pooling: str,
    segment: int | None,
) -> None:
    """Raises an InputError unless there can be an answer at each step, beside the other."""
    check_outputs(steps)
    both = set(steps) & set(outputs) if isinstance(outputs, Mapping) else ()
    if both or isinstance(outputs, int):
        got = f"{sorted(both)[0]!r} twice" if both else f"outputs {outputs}"
        raise InputError(must("outputs and steps", "dicts, of different names", got))
    if pooling == "last" or segment is not None:
        got = "pooling='last'" if pooling == "last" else f"segment={segment}"
        raise InputError(must("steps", "None where not all outputs are kept in place", got))
    if front is not None and not front.aligned:
        got = f"{type(front).__name__}, which shortens it"
        raise InputError(must("a front for an answer at every step", "of all time", got))
