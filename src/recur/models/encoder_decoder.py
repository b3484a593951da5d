"""Encoder-decoder: a sequence goes in, another one of its own length comes out (translation).

                               y_1   y_2         y_T
                                |     |           |
[h] - [h] - ... - [h]  ----->  [s] - [s] - ... - [s]
 |     |           |            |     |           |
x_1   x_2         x_S         start  y_1       y_(T-1)

With attention each s asks all h.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from recur.decoding import Decoded
from recur.layers import Embedding
from recur.layers.lengths import Lengths
from recur.messages import InputError, must, whole
from recur.models.checks import (
    NO_TARGETS,
    as_tensors,
    check_end,
    check_options,
    check_sizes,
    numbers,
)
from recur.models.decoder import Context, Decoder, DecoderState
from recur.models.deep import by_row, deep
from recur.models.teacher_forcing import Schedule
from recur.models.tokens import check_source, embedded


class EncoderDecoder(nn.Module):
    """Recurrent layers read a sequence, others write one.

    I. Sutskever et al., arXiv:1409.3215, and K. Cho et al., arXiv:1406.1078; with attention D.
    Bahdanau et al., arXiv:1409.0473, and M.-T. Luong et al., arXiv:1508.04025 (where it is asked:
    after the step, for every kind); with copying A. See et al., arXiv:1704.04368.

    Args:
        vocabulary: tokens that can be written.
        source_vocabulary: the source's steps are token ids below this number.
        inputs: features of each step of the source, instead.
        end: the token that ends a sequence, the last one of every row of targets; None if there
            is none.
        embedding: size of the embeddings; `units` if None.
        cell: "rnn", "lstm", "gru", "indrnn", "mingru", "minlstm" or "slstm".
        units: size of the state in each direction.
        layers: recurrent layers stacked, in each half.
        bidirectional: the encoder walks both ways; tanh(W h + b) of its last states starts the
            decoder (the LSTM's c: without tanh). One way, they start it as they are.
        dropout: the part dropped before the recurrent layers, between them, and before the last
            linear layer, while training.
        residual: each recurrent layer but the first adds its input to its outputs.
        attention: "additive", "multiplicative", "dot" (see `recur.layers.Attention`) or None: the
            decoder then knows of the source what its first state says.
        input_feeding: what attention gave is read with the next token. See
            `recur.models.decoder.Decoder`, also for the next four.
        copy: tokens can be copied from the source; both have one vocabulary.
        extended: tokens beyond the vocabulary that can only be copied.
        unknown: the token they are read as.
        tied: the last linear layer uses the embedding's weights.
        teacher_forcing: the ratio of true tokens read while training, or a schedule of it; see
            `recur.models.teacher_forcing`.
        options: more arguments for the recurrent layers; see `recur.layers.Recurrent`.

    Raises:
        InputError: an unknown cell or attention, or arguments that do not fit together.
    """

    aligned = False  # with the input, step by step

    def __init__(
        self,
        *,
        vocabulary: int,
        source_vocabulary: int | None = None,
        inputs: int | None = None,
        end: int | None = None,
        embedding: int | None = None,
        cell: str = "gru",
        units: int = 32,
        layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.0,
        residual: bool = False,
        attention: str | None = "additive",
        input_feeding: bool = False,
        copy: bool = False,
        extended: int = 0,
        unknown: int | None = None,
        tied: bool = False,
        teacher_forcing: float | Schedule = 1.0,
        **options: Any,
    ) -> None:
        super().__init__()
        check_source(inputs, source_vocabulary, named="source_vocabulary")
        check_options(options, "merge")
        check_sizes(
            dropout,
            inputs=inputs,
            source_vocabulary=source_vocabulary,
            embedding=embedding,
            units=units,
            layers=layers,
        )
        check_end(end, whole("vocabulary", vocabulary))
        if copy and source_vocabulary != vocabulary:
            got = f"{source_vocabulary} and {vocabulary}"
            raise InputError(must("the vocabularies of a model that copies", "the same", got))
        self.end, self.copy, self.units = end, copy, units
        size, width = units * (2 if bidirectional else 1), embedding or units
        self.embedding: Embedding | None = None
        if source_vocabulary is not None:
            self.embedding = Embedding(source_vocabulary, width)
        self.dropout = nn.Dropout(dropout)
        shared = {"layers": layers, "dropout": dropout, "residual": residual, **options}
        self.inputs = width if inputs is None else inputs
        self.encoder = deep(
            cell,
            self.inputs,
            units,
            bidirectional=bidirectional,
            **shared,
        )
        self.decoder = Decoder(
            vocabulary=vocabulary,
            embedding=embedding,
            cell=cell,
            units=units,
            attention=attention,
            memory_size=size,
            input_feeding=input_feeding,
            copy=copy,
            extended=extended,
            unknown=unknown,
            tied=tied,
            teacher_forcing=teacher_forcing,
            **shared,
        )
        self.bridge: nn.ModuleList | None = None
        if bidirectional:
            count = len(self.decoder.recurrent.cell.states) * layers
            self.bridge = nn.ModuleList(nn.Linear(size, units) for _ in range(count))

    def forward(
        self, x: Tensor, lengths: Lengths | None = None, targets: Tensor | None = None
    ) -> Tensor:
        """Scores of each target token, given the source and the tokens before it.

        Args:
            x: the source: token ids (batch, steps), or numbers (batch, steps, inputs).
            lengths: the steps of each row of the source; None if all are full.
            targets: (batch, time) tokens, each row filled up with -100, as the loss
                "cross_entropy" takes them.

        Returns:
            (batch, time, vocabulary + extended), zeros beyond a row's length; log-probabilities
            with `copy`, else raw scores.

        Raises:
            InputError: no targets, or a source, lengths or targets that do not fit.
        """
        if targets is None:
            raise InputError(NO_TARGETS)
        return self.decoder.teach(targets, *self.encode(x, lengths))[0]

    def align(self, x: Tensor, targets: Tensor, lengths: Lengths | None = None) -> Tensor:
        """How much each target token looked at each step of the source.

        Arguments and errors as for `forward`.

        Returns:
            (batch, time, steps): the weights of attention. For every token that exists they sum to
            1; they are not defined beyond.

        Raises:
            InputError: also if there is no attention.
        """
        weights = self.decoder.teach(targets, *self.encode(x, lengths))[1]
        if weights is None:
            raise InputError(must("attention", "there, to be looked at", None))
        return weights

    def generate(
        self,
        x: Tensor | Sequence[Any],
        lengths: Lengths | None = None,
        *,
        max_steps: int,
        search: str = "greedy",
        **how: Any,
    ) -> Decoded:
        """Writes a sequence for each source.

        Call `eval()` first: in training mode dropout works here too.

        Args:
            x: as for `forward`, or a list of sources of unequal length.
            lengths: as for `forward`; None with a list.
            max_steps: tokens to write at most, `end` included.
            search: "greedy", "beam" or "sample"; see `recur.decoding`.
            how: more arguments for the search: `width`, `temperature`, ...

        Raises:
            InputError: a source, lengths or arguments that do not fit.
        """
        x, lengths = as_tensors("x", x, lengths, self)
        with torch.no_grad():
            return self.decoder.write(
                *self.encode(x, lengths), max_steps=max_steps, search=search, end=self.end, **how
            )

    def encode(self, x: Tensor, lengths: Lengths | None = None) -> tuple[DecoderState, Context]:
        """What the decoder begins with, and what it can ask. Arguments as for `forward`."""
        y, final = self.encoder(self.dropout(self._read(x)), lengths=lengths)
        fed = y.new_zeros(len(y), self.units) if self.decoder.input_feeding else None
        state = DecoderState(self._bridged(by_row(final)), fed)
        if self.decoder.attention is None:
            return state, Context()
        memory = self.decoder.attention.remember(y, lengths)
        if not self.copy:
            return state, Context(memory=memory)
        return state, Context(memory=memory, source=x.long())

    def _read(self, x: Tensor) -> Tensor:
        if self.embedding is None:
            return numbers(x, self.inputs)
        decoder = self.decoder
        if decoder.extended and isinstance(x, Tensor):
            assert decoder.unknown is not None
            beyond = (x >= decoder.vocabulary) & (x < decoder.vocabulary + decoder.extended)
            x = torch.where(beyond, decoder.unknown, x)
        return embedded(x, self.embedding)

    def _bridged(self, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The encoder's last states (batch, layers * directions, units), made the decoder's."""
        if self.bridge is None:
            return states
        bridges = iter(self.bridge)
        made = []
        for n, state in enumerate(states):
            # A layer's directions lie side by side.
            layers = state.reshape(len(state), state.shape[1] // 2, 2 * self.units)
            start = torch.stack([next(bridges)(layer) for layer in layers.unbind(dim=1)], dim=1)
            made.append(start if n else start.tanh())
        return tuple(made)
