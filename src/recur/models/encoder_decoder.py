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
from recur.layers import mean_output
from recur.layers.lengths import Lengths
from recur.messages import InputError, must, one_of, whole
from recur.models.checks import (
    NO_TARGETS,
    as_tensors,
    check_end,
    check_options,
    check_sizes,
)
from recur.models.decoder import Context, Decoder, DecoderState
from recur.models.deep import by_row, deep
from recur.models.fronts import Front
from recur.models.reading import Reading, share
from recur.models.teacher_forcing import Schedule

BRIDGES = ("last", "mean")


class EncoderDecoder(Reading):
    """Recurrent layers read a sequence, others write one.

    I. Sutskever et al., arXiv:1409.3215, and K. Cho et al., arXiv:1406.1078; with attention D.
    Bahdanau et al., arXiv:1409.0473, and M.-T. Luong et al., arXiv:1508.04025 (where it is asked:
    after the step, for every kind); with copying A. See et al., arXiv:1704.04368.

    Args:
        vocabulary: tokens that can be written.
        source_vocabulary: the source's steps are token ids below this number.
        inputs: instead, they are so many numbers.
        front: instead, what makes features of them; see `recur.models.fronts`.
        end: the token that ends a sequence, the last one of every row of targets; None if there
            is none.
        embedding: size of the embeddings; `units` if None.
        cell: the recurrent cell, a name of `recur.models.deep.CELLS`: "rnn", "lstm", "gru" ...
        units: size of the state in each direction.
        layers: recurrent layers stacked, in each half.
        bidirectional: the encoder walks both ways.
        bridge: what starts the decoder. "last": both ways, tanh(W h + b) of the encoder's last
            states (the LSTM's c: without tanh); one way, these as they are. "mean": the same of
            the mean of what the encoder gave at all steps (K. Xu et al., arXiv:1502.03044,
            section 3.1.2), which attention leaves free to say what lies where.
        dropout: the part dropped before the recurrent layers, between them, and before the last
            linear layer, while training.
        embedding_dropout: the part dropped before the recurrent layers of both halves, if another.
        encoding_dropout: the part dropped of what the encoder gave, for all that is made of it.
        embedding_std: the standard deviation that the source tokens' vectors start with.
        residual: each recurrent layer but the first adds its input to its outputs.
        attention: "additive", "multiplicative", "dot" (see `recur.layers.Attention`) or None: the
            decoder then knows of the source what its first state says.
        input_feeding: what attention gave is read with the next token. See
            `recur.models.decoder.Decoder`, also for the next five.
        copy: tokens can be copied from the source; both have one vocabulary.
        extended: tokens beyond the vocabulary that can only be copied.
        unknown: the token they are read as.
        coverage: attention is told where it looked before, and a loss of this weight teaches it to
            look elsewhere; `recur.fit` adds it.
        tied: the last linear layer uses the embedding's weights.
        shared: source and target have one vocabulary, and each token one vector for both.
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
        front: Front | None = None,
        end: int | None = None,
        embedding: int | None = None,
        cell: str = "gru",
        units: int = 32,
        layers: int = 1,
        bidirectional: bool = True,
        bridge: str = "last",
        dropout: float = 0.0,
        embedding_dropout: float | None = None,
        encoding_dropout: float = 0.0,
        embedding_std: float = 1.0,
        residual: bool = False,
        attention: str | None = "additive",
        input_feeding: bool = False,
        copy: bool = False,
        extended: int = 0,
        unknown: int | None = None,
        coverage: float | None = None,
        tied: bool = False,
        shared: bool = False,
        teacher_forcing: float | Schedule = 1.0,
        **options: Any,
    ) -> None:
        one_of("bridge", bridge, BRIDGES)
        check_options(options, "merge")
        check_sizes(dropout, units=units, layers=layers)
        check_end(end, whole("vocabulary", vocabulary))
        dropped = share("embedding_dropout", embedding_dropout, dropout)
        super().__init__(
            front=front,
            inputs=inputs,
            vocabulary=source_vocabulary,
            embedding=units if embedding is None else embedding,
            dropout=dropped,
            embedding_std=embedding_std,
            named="source_vocabulary",
        )
        known = None if self.table is None else self.table.num_embeddings
        if (copy or shared) and known != vocabulary:
            got = f"{known} and {vocabulary}"
            what = "copies" if copy else "shares vectors"
            raise InputError(must(f"the vocabularies of a model that {what}", "the same", got))
        self.end, self.copy, self.units, self.begins = end, copy, units, bridge
        size = units * (2 if bidirectional else 1)
        alike = {"layers": layers, "dropout": dropout, "residual": residual, **options}
        self.encoding_dropout = nn.Dropout(share("encoding_dropout", encoding_dropout, 0.0))
        self.encoder = deep(
            cell,
            self.inputs,
            units,
            bidirectional=bidirectional,
            **alike,
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
            coverage=coverage,
            tied=tied,
            teacher_forcing=teacher_forcing,
            embedding_dropout=dropped,
            **alike,
        )
        if shared:
            assert self.table is not None
            self.table.weight = self.decoder.embedding.weight
        self.bridge: nn.ModuleList | None = None
        if bidirectional or bridge == "mean":
            count = len(self.decoder.recurrent.cell.states) * layers
            self.bridge = nn.ModuleList(nn.Linear(size, units) for _ in range(count))

    def forward(
        self, x: Tensor, lengths: Lengths | None = None, targets: Tensor | None = None
    ) -> Tensor:
        """Scores of each target token, given the source and the tokens before it.

        Args:
            x: the source: token ids (batch, steps), numbers (batch, steps, inputs), or what the
                front reads.
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
            (batch, time, steps): the weights of attention, over the steps that the front gives. For
            every token that exists they sum to 1; they are not defined beyond.

        Raises:
            InputError: also if there is no attention.
        """
        weights = self.decoder.teach(targets, *self.encode(x, lengths))[1]
        if weights is None:
            raise InputError(must("attention", "there, to be looked at", None))
        return weights

    def copied(self, x: Tensor, targets: Tensor, lengths: Lengths | None = None) -> Tensor:
        """How much of each target token's probability comes from copying each step of the source.

        Arguments and errors as for `forward`.

        Returns:
            (batch, time, steps), each row's sum from 0, generated, to 1, copied; not defined beyond
            the tokens that exist.

        Raises:
            InputError: also if nothing is copied.
        """
        if not self.copy:
            raise InputError(must("copy", "True, to say what was copied", False))
        return self.decoder.copied(targets, *self.encode(x, lengths))

    @property
    def added_loss(self) -> Tensor | None:
        """What the last batch in training adds to the loss, with coverage; else None."""
        return self.decoder.added_loss

    def generate(
        self,
        x: Tensor | Sequence[Any],
        lengths: Lengths | None = None,
        *,
        max_steps: int,
        search: str = "greedy",
        never: Sequence[int] = (),
        **how: Any,
    ) -> Decoded:
        """Writes a sequence for each source.

        Call `eval()` first: in training mode dropout works here too.

        Args:
            x: as for `forward`, or a list of sources of unequal length.
            lengths: as for `forward`; None with a list.
            max_steps: tokens to write at most, `end` included.
            search: "greedy", "beam" or "sample"; see `recur.decoding`.
            never: tokens that are not written, such as the one for unknown words; the
                probabilities of the others sum to 1.
            how: more arguments for the search: `width`, `temperature`, ...

        Raises:
            InputError: a source, lengths or arguments that do not fit.
        """
        x, lengths = as_tensors("x", x, lengths, self)
        with torch.no_grad():
            return self.decoder.write(
                *self.encode(x, lengths),
                max_steps=max_steps,
                search=search,
                end=self.end,
                never=never,
                **how,
            )

    def encode(self, x: Tensor, lengths: Lengths | None = None) -> tuple[DecoderState, Context]:
        """What the decoder begins with, and what it can ask. Arguments as for `forward`."""
        read, steps = self.read(self._with_unknown(x), lengths)
        y, final = self.encoder(read, lengths=steps)
        y = self.encoding_dropout(y)
        fed = y.new_zeros(len(y), self.decoder.fed) if self.decoder.input_feeding else None
        covered = None if self.decoder.coverage is None else y.new_zeros(y.shape[:2])
        state = DecoderState(self._bridged(by_row(final), y, steps), fed, covered)
        if self.decoder.attention is None:
            return state, Context()
        memory = self.decoder.attention.remember(y, steps)
        if not self.copy:
            return state, Context(memory=memory)
        return state, Context(memory=memory, source=x.long())

    def _with_unknown(self, x: Tensor) -> Tensor:
        """The source with words that can only be copied as the encoder reads them."""
        decoder = self.decoder
        if not decoder.extended or not isinstance(x, Tensor):
            return x
        assert decoder.unknown is not None
        beyond = (x >= decoder.vocabulary) & (x < decoder.vocabulary + decoder.extended)
        return torch.where(beyond, decoder.unknown, x)

    def _bridged(
        self, states: tuple[Tensor, ...], outputs: Tensor, lengths: Lengths | None
    ) -> tuple[Tensor, ...]:
        """What the encoder came to, made the decoder's states (batch, layers, units).

        Args:
            states: its last ones (batch, layers * directions, units).
            outputs: (batch, steps, directions * units).
            lengths: the steps of each row.
        """
        if self.bridge is None:
            return states
        bridges = iter(self.bridge)
        layers = len(self.bridge) // len(states)
        mean = mean_output(outputs, lengths, batch_first=True) if self.begins == "mean" else None
        made = []
        for n, state in enumerate(states):
            if mean is None:
                # A layer's directions lie side by side.
                known = state.reshape(len(state), layers, 2 * self.units).unbind(dim=1)
            else:
                known = (mean,) * layers
            start = torch.stack([next(bridges)(layer) for layer in known], dim=1)
            made.append(start if n else start.tanh())
        return tuple(made)
