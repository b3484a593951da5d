"""Many-to-many, aligned: an answer for each step (tags of words, the next word of a text).

y_1   y_2         y_T
 |     |           |
[h] - [h] - ... - [h]
 |     |           |
x_1   x_2   ...   x_T
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from recur.decoding import Decoded, decode
from recur.layers.checks import tensor
from recur.layers.lengths import Lengths, as_lengths
from recur.layers.scores import LinearScores, unscored
from recur.messages import InputError, must
from recur.models.checks import (
    as_tensors,
    check_options,
    check_sizes,
    check_state,
    never_written,
)
from recur.models.deep import by_row, deep, from_rows
from recur.models.deep import width as width_of
from recur.models.fronts import Front
from recur.models.heads import Heads, check_outputs, head, within
from recur.models.reading import Reading, share

PIECE = 500
"""Steps that `remember` walks at a time."""


class ManyToMany(Reading):
    """Recurrent layers over a sequence, then one linear layer at every step.

    With `vocabulary` equal to `outputs` and one direction it is a language model (T. Mikolov et
    al., Interspeech 2010): trained on the next token at each step, it writes with `generate`.

    Args:
        outputs: numbers that come out at each step: raw scores (no sigmoid, no softmax); or several
            such sizes by name, for a linear layer each and a dictionary of their scores.
        front: what makes features of the steps before the recurrent layers; see
            `recur.models.fronts`. Left out with one of the next two, the plain ways.
        inputs: the steps are so many numbers.
        vocabulary: the steps are token ids below this number, and are embedded first.
        embedding: size of the embedding; `units` if None.
        cell: the recurrent cell, a name of `recur.models.deep.CELLS`: "rnn", "lstm", "gru" ...
        units: size of the state in each direction.
        layers: recurrent layers stacked.
        bidirectional: walk both ways.
        dropout: the part dropped before the recurrent layers, between them, and before the linear
            layer, while training (W. Zaremba et al., arXiv:1409.2329).
        embedding_dropout: the part dropped before the recurrent layers, if another.
        residual: each recurrent layer but the first adds its input to its outputs.
        tied: the linear layer uses the embedding's weights (O. Press and L. Wolf,
            arXiv:1608.05859), which start from U(-0.1, 0.1).
        options: more arguments for the recurrent layers; see `recur.layers.Recurrent`.

    Raises:
        InputError: an unknown cell, none or several of `front`, `inputs` and `vocabulary`, a front
            that shortens time, sizes below 1 or that cannot be tied.
    """

    aligned = True  # with the input, step by step

    def __init__(
        self,
        *,
        outputs: int | Mapping[str, int],
        front: Front | None = None,
        inputs: int | None = None,
        vocabulary: int | None = None,
        embedding: int | None = None,
        cell: str = "rnn",
        units: int = 32,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        embedding_dropout: float | None = None,
        residual: bool = False,
        tied: bool = False,
        **options: Any,
    ) -> None:
        check_options(options)
        check_outputs(outputs)
        check_sizes(dropout, units=units, layers=layers)
        super().__init__(
            front=front,
            inputs=inputs,
            vocabulary=vocabulary,
            embedding=units if embedding is None else embedding,
            dropout=share("embedding_dropout", embedding_dropout, dropout),
        )
        if front is not None and self.aligned and not front.aligned:
            todo = "Take a stride of 1, or recur.CTC, whose targets follow no step."
            got = f"{type(front).__name__}, which shortens it"
            raise InputError(must("a front for an answer at every step", "of all time", got, todo))
        size = width_of(units, {**options, "bidirectional": bidirectional})
        self.dropout = nn.Dropout(dropout)
        self.recurrent = deep(
            cell,
            self.inputs,
            units,
            layers=layers,
            bidirectional=bidirectional,
            dropout=dropout,
            residual=residual,
            **options,
        )
        self.head = head(size, outputs)
        if tied:
            self._tie()

    def _tie(self) -> None:
        if self.table is None:
            raise InputError(must("tied", "False where there is no vocabulary", True))
        if isinstance(self.head, Heads):
            raise InputError(must("tied", "False with several heads", True))
        if self.head.weight.shape != self.table.weight.shape:
            what = "the embedding (vocabulary, size) of tied weights"
            needed = f"as the linear layer's (outputs, units), {tuple(self.head.weight.shape)}"
            raise InputError(must(what, needed, tuple(self.table.weight.shape)))
        nn.init.uniform_(self.table.weight, -0.1, 0.1)
        self.head.weight = self.table.weight

    def forward(
        self,
        x: Tensor,
        lengths: Lengths | None = None,
        *,
        state: Any = None,
        reset: Any = None,
        return_state: bool = False,
        scored: bool = True,
    ) -> Any:
        """Scores for each step.

        Args:
            x: token ids (batch, time) with `vocabulary`, numbers (batch, time, inputs) with
                `inputs`, else what the front reads.
            lengths: the steps of each row; None if all rows are full.
            state: the state to begin with, as a `recur.layers.Recurrent` gives and takes it.
            reset: (batch, time), True where a new sequence begins inside a row.
            return_state: return (scores, state) instead of the scores.
            scored: False, for a loss that needs no scores: of many outputs, what the linear layer
                is to read is returned in their place, with the layer, as
                `recur.layers.scores.LinearScores`; what lies beyond a length means nothing then.

        Returns:
            (batch, time, outputs), zeros beyond a length; with several heads a dictionary of such
            scores by name; with `return_state` the pair of that and the final state.

        Raises:
            InputError: token ids that are no integers, or outside the vocabulary; numbers, lengths
                or a state that do not fit.
        """
        y, final, lengths = self._walked(x, lengths, state, reset)
        scores = self.head(y) if scored else unscored(self.head, y)
        if isinstance(scores, LinearScores):
            return (scores, final) if return_state else scores
        if isinstance(scores, dict):
            scores = {name: within(each, lengths) for name, each in scores.items()}
        else:
            scores = within(scores, lengths)
        return (scores, final) if return_state else scores

    def _walked(
        self, x: Tensor, lengths: Lengths | None, state: Any, reset: Any
    ) -> tuple[Tensor, Any, Lengths | None]:
        """What the head reads, the final state, and the steps of each row."""
        self._check_in_pieces(state, reset)
        read, steps = self.read(x, lengths)
        y, final = self._over(read, steps, state, reset)
        return y, final, steps

    def _over(
        self, read: Tensor, steps: Lengths | None, state: Any, reset: Any
    ) -> tuple[Tensor, Any]:
        """What the head reads, and the final state, of what the recurrent layers read."""
        check_state(self.recurrent, state, len(read))
        y, final = self.recurrent(read, state, lengths=steps, reset=reset)
        return self.dropout(y), final

    def _check_in_pieces(self, state: Any, reset: Any) -> None:
        if self.front is None or self.front.alone or (state is None and reset is None):
            return
        todo = "Give whole sequences."
        got = f"one for {type(self.front).__name__}, which looks at neighbouring steps"
        what = "reset" if state is None else "state"
        raise InputError(must(what, "left out with such a front", got, todo))

    def remember(self, x: Tensor, lengths: Lengths | None = None, *, state: Any = None) -> Any:
        """The state after sequences, without the scores; for a model of one direction.

        They are walked in pieces, so that without gradients the memory needed does not grow with
        their length.

        Args:
            x: as for `forward`.
            lengths: as for `forward`.
            state: as for `forward`.

        Returns:
            the final state, as `forward` takes it.

        Raises:
            InputError: as `forward`, or for a model of two directions.
        """
        if self.recurrent.bidirectional:
            raise InputError(must("a model that remembers", "one of one direction", "one of two"))
        steps = None
        if lengths is not None:
            steps = as_lengths(lengths, time=x.shape[1], batch=len(x), device=x.device)
        check_state(self.recurrent, state, len(x))
        self._check_in_pieces(state, None)
        time = max(x.shape[1], 1)
        at_once = PIECE if self.front is None or self.front.alone else time
        for start in range(0, time, at_once):
            piece = x[:, start : start + at_once]
            here = None if steps is None else (steps - start).clamp(0, piece.shape[1])
            read, within = self.read(piece, here)
            _, state = self.recurrent(read, state, lengths=within)
        return state

    def generate(
        self,
        prompt: Tensor | Sequence[Any],
        lengths: Lengths | None = None,
        *,
        max_steps: int,
        search: str = "greedy",
        end: int | None = None,
        state: Any = None,
        never: Sequence[int] = (),
        **how: Any,
    ) -> Decoded:
        """Continues texts. Call `eval()` first: in training mode dropout works here too.

        Args:
            prompt: (batch, time) token ids, or a list of prompts of unequal length.
            lengths: the tokens of each row, at least 1; None if all rows are full, and with a list.
            max_steps: tokens to write at most.
            search: "greedy", "beam" or "sample"; see `recur.decoding`.
            end: the token that ends a text; None if there is none.
            state: the state before the prompt, as for `forward`.
            never: tokens that are not written, such as the one for unknown words; the
                probabilities of the others sum to 1.
            how: more arguments for the search: `width`, `temperature`, ...

        Returns:
            what was written after each prompt.

        Raises:
            InputError: a model that does not write what it reads, a prompt without any token,
                tokens outside the vocabulary, or arguments that do not fit.
        """
        prompt, lengths = as_tensors("prompt", prompt, lengths, self)
        steps, size = self._check_prompt(prompt, lengths)
        barred = never_written(never, size, prompt.device)
        last = prompt.gather(1, steps.unsqueeze(1) - 1).squeeze(1)
        with torch.no_grad():
            state = self.remember(prompt, steps - 1, state=state)

        def step(rows: Any, token: Tensor) -> tuple[Tensor, Any]:
            scores, after = self.forward(
                token.unsqueeze(1), state=from_rows(rows), return_state=True
            )
            last_scores = scores.squeeze(1).index_fill(-1, barred, -torch.inf)
            return last_scores.log_softmax(dim=-1), by_row(after)

        return decode(search, step, by_row(state), last, max_steps=max_steps, end=end, **how)

    def _check_prompt(self, prompt: Tensor, lengths: Lengths | None) -> tuple[Tensor, int]:
        """The tokens of each row (batch,), and how many there are to write."""
        table, last = self.table, self.head
        if table is None or isinstance(last, Heads) or table.num_embeddings != last.out_features:
            got = "one of other inputs"
            raise InputError(must("a model that generates", "one that reads what it writes", got))
        if self.recurrent.bidirectional:
            raise InputError(must("a model that generates", "one of one direction", "one of two"))
        if tensor("prompt", prompt).dim() != 2:
            raise InputError(must("prompt", "of two axes (batch, time)", prompt.dim()))
        batch, time = prompt.shape
        if lengths is None:
            lengths = [time] * batch
        steps = as_lengths(lengths, time=time, batch=batch, device=prompt.device)
        if batch and not bool((steps > 0).all()):
            row = int(steps.argmin())
            todo = "Begin with a token that starts a text."
            raise InputError(must("a prompt", "at least one token", f"none in row {row}", todo))
        return steps, last.out_features
