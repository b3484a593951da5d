"""One-to-many: one thing goes in, a sequence comes out (an image, its caption).

y_1   y_2         y_T
 |     |           |
[h] - [h] - ... - [h]
 |     |           |
 x    y_1       y_(T-1)

With attention each h asks all parts of x.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from recur.decoding import Decoded
from recur.layers.checks import tensor
from recur.messages import InputError, must, one_of, whole
from recur.models.checks import NO_TARGETS, as_tensors, check_end, check_options, flat
from recur.models.decoder import Context, Decoder, DecoderState
from recur.models.fronts import Front
from recur.models.reading import check_one_way, share
from recur.models.teacher_forcing import Schedule

CONDITIONS = ("state", "input", "both")
POOLINGS = ("mean", "max")


class OneToMany(nn.Module):
    """A vector starts a sequence of tokens.

    Where the vector goes in is compared by M. Tanti et al., "Where to put the image in an image
    caption generator" (arXiv:1703.09137); the model is that of O. Vinyals et al., "Show and tell"
    (arXiv:1411.4555), with attention that of K. Xu et al., "Show, attend and tell"
    (arXiv:1502.03044; where it is asked: after the step, as M.-T. Luong et al., arXiv:1508.04025).

    Args:
        inputs: numbers of the vector, over all its axes: 784 for images of 28 by 28.
        front: what makes the vector instead, such as `recur.models.fronts.Frames` of pictures: it
            reads each example as a sequence of one step. Where it gives several, such as
            `recur.models.fronts.Cells`, the vector is made of them by `pooling`.
        pooling: the "mean" over the steps that the front gave, or their "max": of many cells of
            which few show anything, the mean hardly says what.
        vocabulary: tokens that can be written.
        end: the token that ends a sequence, the last one of every row of targets; None if there
            is none, and all have the length that is asked for.
        condition: where the vector goes in: the "state" starts from tanh(W x + b), it is read
            beside the "input" of every step, or "both".
        attention: at each step the steps that the front gave are asked: "additive",
            "multiplicative" or "dot", see `recur.layers.Attention`. None: what is known of the
            example is the vector.
        input_feeding: what attention gave is read with the next token; see
            `recur.models.decoder.Decoder`.
        front_dropout: the part dropped of what the front gave, while training.
        embedding: size of the embedding; `units` if None.
        cell: the recurrent cell, a name of `recur.models.deep.CELLS`: "rnn", "lstm", "gru" ...
        units: size of the state.
        layers: recurrent layers stacked.
        bidirectional: False; nothing is written from both ends.
        dropout: the part dropped before the recurrent layers, between them, and before the last
            linear layer, while training.
        embedding_dropout: the part dropped before the recurrent layers, if another.
        residual: each recurrent layer but the first adds its input to its outputs.
        tied: the last linear layer uses the embedding's weights.
        teacher_forcing: the ratio of true tokens read while training, or a schedule of it; see
            `recur.models.teacher_forcing`.
        options: more arguments for the recurrent layers; see `recur.layers.Recurrent`.

    Raises:
        InputError: an unknown cell or condition, or arguments that do not fit together.
    """

    aligned = False  # with the input, step by step

    def __init__(
        self,
        *,
        vocabulary: int,
        inputs: int | None = None,
        front: Front | None = None,
        end: int | None = None,
        pooling: str = "mean",
        condition: str = "state",
        attention: str | None = None,
        input_feeding: bool = False,
        front_dropout: float = 0.0,
        embedding: int | None = None,
        cell: str = "gru",
        units: int = 32,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        embedding_dropout: float | None = None,
        residual: bool = False,
        tied: bool = False,
        teacher_forcing: float | Schedule = 1.0,
        **options: Any,
    ) -> None:
        super().__init__()
        one_of("condition", condition, CONDITIONS)
        self.pooling = one_of("pooling", pooling, POOLINGS)
        check_one_way(inputs=inputs, front=front)
        check_options(options | ({"bidirectional": True} if bidirectional else {}), "bidirectional")
        check_end(end, whole("vocabulary", vocabulary))
        self.front, self.end, self.condition = front, end, condition
        self.inputs = size = whole("inputs", inputs) if front is None else front.size
        if front is None and attention is not None:
            todo = "Give a front whose steps can be asked, such as Cells."
            raise InputError(must("attention", "None without a front", attention, todo))
        self.front_dropout = nn.Dropout(share("front_dropout", front_dropout, 0.0))
        self.decoder = Decoder(
            vocabulary=vocabulary,
            embedding=embedding,
            cell=cell,
            units=units,
            layers=layers,
            dropout=dropout,
            residual=residual,
            tied=tied,
            teacher_forcing=teacher_forcing,
            embedding_dropout=embedding_dropout,
            beside=0 if condition == "state" else size,
            attention=attention,
            memory_size=size,
            input_feeding=input_feeding,
            **options,
        )
        self.shape = (len(self.decoder.recurrent.cell.states), layers, units)
        self.begin: nn.Linear | None = None
        if condition != "input":
            self.begin = nn.Linear(size, self.shape[0] * layers * units)

    def forward(self, x: Tensor, targets: Tensor | None = None) -> Tensor:
        """Scores of each target token, given the vector and the tokens before it.

        Args:
            x: (batch, ...), `inputs` numbers each; or what the front reads at a step.
            targets: (batch, time) tokens, each row filled up with -100, as the loss
                "cross_entropy" takes them.

        Returns:
            (batch, time, vocabulary), zeros beyond a row's length.

        Raises:
            InputError: no targets, or a vector or targets that do not fit.
        """
        if targets is None:
            raise InputError(NO_TARGETS)
        return self.decoder.teach(targets, *self.started(self.seen(x)))[0]

    def align(self, x: Tensor, targets: Tensor) -> Tensor:
        """How much each target token looked at each step that the front gave.

        Arguments and errors as for `forward`.

        Returns:
            (batch, time, steps): the weights of attention. For every token that exists they sum to
            1; they are not defined beyond.

        Raises:
            InputError: also if there is no attention.
        """
        weights = self.decoder.teach(targets, *self.started(self.seen(x)))[1]
        if weights is None:
            raise InputError(must("attention", "there, to be looked at", None))
        return weights

    def generate(
        self,
        x: Tensor | Sequence[Any],
        *,
        max_steps: int,
        search: str = "greedy",
        never: Sequence[int] = (),
        **how: Any,
    ) -> Decoded:
        """Writes a sequence for each vector.

        Call `eval()` first: in training mode dropout works here too.

        Args:
            x: as for `forward`, or a list of them.
            max_steps: tokens to write at most, `end` included.
            search: "greedy", "beam" or "sample"; see `recur.decoding`.
            never: tokens that are not written; the probabilities of the others sum to 1.
            how: more arguments for the search: `width`, `temperature`, ...

        Raises:
            InputError: a vector or arguments that do not fit.
        """
        x, lengths = as_tensors("x", x, None, self)
        if lengths is not None and len(set(lengths)) > 1:
            got = f"lengths from {min(lengths)} to {max(lengths)}"
            raise InputError(must("x", "examples of one shape", got))
        with torch.no_grad():
            return self.decoder.write(
                *self.started(self.seen(x)),
                max_steps=max_steps,
                search=search,
                end=self.end,
                never=never,
                **how,
            )

    def seen(self, x: Tensor) -> Tensor:
        """What the front makes of examples, (batch, steps, inputs); of a vector one step."""
        if self.front is None:
            return flat(x, self.inputs).unsqueeze(1)
        features: Tensor = self.front(tensor("x", x).unsqueeze(1))[0]
        return features

    def started(self, seen: Tensor) -> tuple[DecoderState, Context]:
        """What the decoder begins with, and what it can ask, from what was `seen`."""
        seen = self.front_dropout(seen)
        x = seen.mean(dim=1) if self.pooling == "mean" else seen.amax(dim=1)
        states, layers, units = self.shape
        if self.begin is None:
            start = x.new_zeros(len(x), states, layers, units)
        else:
            start = self.begin(x).tanh().view(len(x), states, layers, units)
        asked = self.decoder.attention
        fed = x.new_zeros(len(x), self.decoder.fed) if self.decoder.input_feeding else None
        return DecoderState(start.unbind(dim=1), fed), Context(
            beside=None if self.condition == "state" else x,
            memory=None if asked is None else asked.remember(seen),
        )
