"""Many-to-many, aligned: an answer for each step (tags of words, the next word of a text).

y_1   y_2         y_T
 |     |           |
[h] - [h] - ... - [h]
 |     |           |
x_1   x_2   ...   x_T
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from recur.decoding import Decoded, decode
from recur.layers import Embedding
from recur.layers.attention import existing
from recur.layers.checks import tensor
from recur.layers.lengths import Lengths, as_lengths
from recur.messages import InputError, must, whole
from recur.models.checks import as_tensors, check_options, check_sizes, check_state, numbers
from recur.models.deep import by_row, deep, from_rows
from recur.models.deep import width as width_of
from recur.models.tokens import check_source, embedded

PIECE = 500
"""Steps that `remember` walks at a time."""


class ManyToMany(nn.Module):
    """Recurrent layers over a sequence, then one linear layer at every step.

    With `vocabulary` equal to `outputs` and one direction it is a language model (T. Mikolov et
    al., Interspeech 2010): trained on the next token at each step, it writes with `generate`.

    Args:
        outputs: numbers that come out at each step: raw scores (no sigmoid, no softmax).
        inputs: features of each step; left out with `vocabulary`.
        vocabulary: the steps are token ids below this number, and are embedded first.
        embedding: size of the embedding; `units` if None.
        cell: "rnn", "lstm", "gru", "indrnn", "mingru", "minlstm" or "slstm".
        units: size of the state in each direction.
        layers: recurrent layers stacked.
        bidirectional: walk both ways.
        dropout: the part dropped before the recurrent layers, between them, and before the linear
            layer, while training (W. Zaremba et al., arXiv:1409.2329).
        residual: each recurrent layer but the first adds its input to its outputs.
        tied: the linear layer uses the embedding's weights (O. Press and L. Wolf,
            arXiv:1608.05859), which start from U(-0.1, 0.1).
        options: more arguments for the recurrent layers; see `recur.layers.Recurrent`.

    Raises:
        InputError: an unknown cell, neither or both of `inputs` and `vocabulary`, sizes below 1 or
            that cannot be tied.
    """

    def __init__(
        self,
        *,
        outputs: int,
        inputs: int | None = None,
        vocabulary: int | None = None,
        embedding: int | None = None,
        cell: str = "rnn",
        units: int = 32,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        residual: bool = False,
        tied: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
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
        size = width_of(units, {**options, "bidirectional": bidirectional})
        width = embedding or units
        self.inputs = width if inputs is None else inputs
        self.embedding: Embedding | None = None
        if vocabulary is not None:
            self.embedding = Embedding(vocabulary, width)
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
        self.head = nn.Linear(size, outputs)
        if tied:
            self._tie()

    def _tie(self) -> None:
        if self.embedding is None:
            raise InputError(must("tied", "False where there is no vocabulary", True))
        if self.head.weight.shape != self.embedding.weight.shape:
            what = "the embedding (vocabulary, size) of tied weights"
            needed = f"as the linear layer's (outputs, units), {tuple(self.head.weight.shape)}"
            raise InputError(must(what, needed, tuple(self.embedding.weight.shape)))
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        self.head.weight = self.embedding.weight

    def forward(
        self,
        x: Tensor,
        lengths: Lengths | None = None,
        *,
        state: Any = None,
        reset: Any = None,
        return_state: bool = False,
    ) -> Any:
        """Scores for each step.

        Args:
            x: token ids (batch, time) with `vocabulary`, else numbers (batch, time, inputs).
            lengths: the steps of each row; None if all rows are full.
            state: the state to begin with, as a `recur.layers.Recurrent` gives and takes it.
            reset: (batch, time), True where a new sequence begins inside a row.
            return_state: return (scores, state) instead of the scores.

        Returns:
            (batch, time, outputs), zeros beyond a length; with `return_state` the pair of that and
            the final state.

        Raises:
            InputError: token ids that are no integers, or outside the vocabulary; numbers, lengths
                or a state that do not fit.
        """
        read = self._read(x)
        check_state(self.recurrent, state, len(x))
        y, final = self.recurrent(read, state, lengths=lengths, reset=reset)
        scores = self.head(self.dropout(y))
        exists = existing(scores, lengths)
        if exists is not None:
            scores = scores.masked_fill(~exists.unsqueeze(-1), 0)
        return (scores, final) if return_state else scores

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
        for start in range(0, max(x.shape[1], 1), PIECE):
            piece = x[:, start : start + PIECE]
            here = None if steps is None else (steps - start).clamp(0, piece.shape[1])
            _, state = self.recurrent(self._read(piece), state, lengths=here)
        return state

    def _read(self, x: Tensor) -> Tensor:
        x = numbers(x, self.inputs) if self.embedding is None else embedded(x, self.embedding)
        read: Tensor = self.dropout(x)
        return read

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
        steps = self._check_prompt(prompt, lengths)
        barred = self._check_tokens(never, prompt.device)
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

    def _check_tokens(self, never: Sequence[int], device: torch.device) -> Tensor:
        size = self.head.out_features
        for token in never:
            if whole("never", token, least=0) >= size:
                raise InputError(must("never", f"tokens from 0 to {size - 1}", token))
        if len(set(never)) == size:
            raise InputError("never bars every token: nothing can be written.")
        return torch.tensor(list(never), dtype=torch.int64, device=device)

    def _check_prompt(self, prompt: Tensor, lengths: Lengths | None) -> Tensor:
        """The tokens of each row (batch,)."""
        table = self.embedding
        if table is None or table.num_embeddings != self.head.out_features:
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
        return steps
