"""One forward for every recurrent layer: layers stacked, two directions, state in and out."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from recur import engine
from recur.cells import Cell, State
from recur.layers import casting, compiling
from recur.layers.checks import check_input, check_states
from recur.layers.initial import start_forget_bias, start_recurrent
from recur.layers.layout import Entered, Outputs, enter
from recur.layers.lengths import Lengths
from recur.messages import InputError, must

# What recur adds to torch's constructors, with the defaults that leave them as they are.
OWN_ARGUMENTS: dict[str, Any] = {
    "return_sequences": None,
    "return_state": False,
    "recurrent_init": None,
    "forget_bias": None,
    "checkpoint_every": 0,
}


class Recurrent(nn.RNNBase):
    """What `RNN`, `LSTM` and `GRU` share; each is drop-in for the `torch.nn` class of its name.

    Same constructor and forward, same `state_dict` (names, shapes, gate order), same errors; and
    `isinstance(layer, torch.nn.LSTM)` holds. What recur adds is keyword-only.

    Args:
        input_size: features of each step.
        hidden_size: units, the size of the state.
        num_layers: layers stacked; each but the first reads the outputs of the one below.
        bias: whether there are biases.
        batch_first: the input is (batch, time, features) and not (time, batch, features).
        dropout: the part of the outputs dropped between layers while training.
        bidirectional: a second set of weights walks from the end; the outputs lie side by side.
        device: where the weights are made.
        dtype: their type.
        return_sequences: None gives torch's `(outputs, state)`. True gives the outputs alone.
            False gives the last output of each row (batch, directions * size): the one at the
            row's own length and, for the reverse direction, the one at step 0.
        return_state: with `return_sequences` given, return the pair of that and the final state.
        recurrent_init: how the recurrent matrices start: None (as torch), "orthogonal" or
            "identity"; see `recur.layers.initial` for why.
        checkpoint_every: 0, or k to save memory in training over long sequences: the state of every
            k-th step is kept, and the steps between are walked once more in the backward pass.
            What is kept falls from T steps to about T / k + k; the time rises by a third.
    """

    cell: Cell
    # Torch's constructor asks for `reset_parameters` before recur's own arguments are known.
    return_sequences: bool | None = None
    return_state: bool = False
    recurrent_init: str | None = None
    forget_bias: float | None = None
    checkpoint_every: int = 0

    def _start(
        self,
        *,
        return_sequences: bool | None,
        return_state: bool,
        recurrent_init: str | None,
        forget_bias: float | None = None,
        checkpoint_every: int = 0,
    ) -> None:
        """Keeps recur's own arguments, and applies those that say where weights start.

        Raises:
            InputError: a value that is not allowed, or a forget bias where there are no biases.
        """
        _be("return_sequences", return_sequences, bool | None, "True, False or None")
        _be("return_state", return_state, bool, "True or False")
        _be("checkpoint_every", checkpoint_every, int, "a whole number, 0 or more")
        if isinstance(checkpoint_every, bool) or checkpoint_every < 0:
            raise InputError(must("checkpoint_every", "0 or more", checkpoint_every))
        if forget_bias is not None and not self.bias:
            raise InputError(must("bias", "True where a forget_bias is given", "False"))
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.recurrent_init = recurrent_init
        self.forget_bias = forget_bias
        self.checkpoint_every = checkpoint_every
        self._start_weights()

    def reset_parameters(self) -> None:
        """Draws the weights anew: torch's way, then `recurrent_init` and `forget_bias`."""
        super().reset_parameters()
        self._start_weights()

    def _start_weights(self) -> None:
        for layer in range(self.num_layers):
            for direction in range(self.directions):
                weights = self.weights(layer, direction)
                if self.recurrent_init is not None:
                    start_recurrent(weights.w_hh, self.recurrent_init, self.cell.state_gates)
                if self.forget_bias is not None and weights.b_ih is not None:
                    assert weights.b_hh is not None
                    start_forget_bias(weights.b_ih, weights.b_hh, self.forget_bias)

    @property
    def directions(self) -> int:
        """1, or 2 if bidirectional."""
        return 2 if self.bidirectional else 1

    def weights(self, layer: int, direction: int) -> engine.Weights:
        """The weights of one layer (0 ...) in one direction (0 forwards, 1 reverse)."""
        found: list[Any] = []
        for name in self._all_weights[layer * self.directions + direction]:
            weight = self._parameters.get(name)
            # By attribute where it is no plain parameter: functional_call, parametrizations and
            # pruning are seen.
            found.append(getattr(self, name) if weight is None else weight)
        projection = found.pop() if self.proj_size else None
        w_ih, w_hh, b_ih, b_hh = found if self.bias else (*found, None, None)
        return engine.Weights(w_ih, w_hh, b_ih, b_hh, projection)

    def forward(
        self,
        input: Outputs,  # noqa: A002 - torch's name
        hx: Any = None,
        *,
        lengths: Lengths | None = None,
        mask: Any = None,
        reset: Any = None,
    ) -> Any:
        """Walks a batch of sequences.

        Letters: T time, B batch, I `input_size`, R the size of an output (`proj_size` if there is
        one, else `hidden_size`), D directions, L layers.

        Args:
            input: (T, B, I), or (B, T, I) with `batch_first`; unbatched (T, I); or a
                `PackedSequence`. Neither T nor B need be above 0.
            hx: the initial state (L * D, B, R), zeros if None; for an LSTM the pair (h, c), with c
                (L * D, B, hidden_size). Unbatched without B.
            lengths: the steps that exist in each row, B integers from 0 to T: a list, an array or
                a tensor on any device. What lies beyond is not looked at, its outputs are zero,
                and the final state is the one at each row's own end.
            mask: True where a step exists, with the axes of the input without features; any shape
                of padding, left, right or in the middle. Steps that do not exist carry the state
                through and give zero outputs.
            reset: True at the first step of a new sequence inside a row (an episode, a document):
                the state starts from zero there.

        Returns:
            `(outputs, state)`: outputs (T, B, D * R) in the layout of the input, and the final
            state in the layout of `hx`; or what `return_sequences` says.

        Raises:
            ValueError, RuntimeError, TypeError: input or state of a wrong rank, shape or dtype, as
                in torch.
            InputError: lengths or flags that do not fit (a ValueError).
        """
        kind = self.mode.split("_")[0]
        # Once a forward: a parametrization computes a weight anew each time it is read.
        weights = [
            self.weights(layer, direction)
            for layer in range(self.num_layers)
            for direction in range(self.directions)
        ]
        weight = weights[0].w_ih
        check_input(kind, input, size=self.input_size, weight=weight)
        cast = casting.autocast_type(weight)
        if cast is not None:
            input = casting.as_type(input, weight.dtype)  # noqa: A001 - torch's name
        entered = enter(
            input, batch_first=self.batch_first, lengths=lengths, mask=mask, reset=reset
        )
        batched = isinstance(input, PackedSequence) or input.dim() == 3
        state = self._initial(entered, hx, batched)
        if cast is None:
            outputs, final = self._walk(entered, state, weights)
            return self._leave(entered, outputs, final)
        with casting.walking(weight):
            if state is not None:
                state = tuple(casting.as_type(s, weight.dtype) for s in state)
            outputs, final = self._walk(entered, state, weights)
        outputs = None if outputs is None else casting.as_type(outputs, cast)
        return self._leave(entered, outputs, tuple(casting.as_type(s, cast) for s in final))

    def flatten_parameters(self) -> None:
        """Does nothing: there is no flat buffer of weights to keep in order."""

    def extra_repr(self) -> str:
        """The arguments that differ from their defaults."""
        parts = [super().extra_repr()]
        for name, default in OWN_ARGUMENTS.items():
            value = getattr(self, name)
            if value is not default:
                parts.append(f"{name}={value!r}")
        return ", ".join(parts)

    @property
    def state_sizes(self) -> list[int]:
        """The width of each state: the first is the one that is put out."""
        return [self.proj_size or self.hidden_size, self.hidden_size][: len(self.cell.states)]

    def _initial(self, entered: Entered, hx: Any, batched: bool) -> State | None:
        """The states (L * D, B, size) in the engine's order of rows; None for zeros."""
        if hx is None:
            return None
        count, batch = self.num_layers * self.directions, entered.x.shape[1]
        shapes = [(count, batch, size) for size in self.state_sizes]
        states = tuple(hx) if isinstance(hx, list | tuple) else (hx,)
        check_states(states, shapes, batched, entered.x)
        return tuple(entered.state_in(state) for state in states)

    def _walk(
        self, entered: Entered, state: State | None, weights: list[engine.Weights]
    ) -> tuple[Tensor | None, State]:
        x, finals = entered.x, []
        last, directions = self.num_layers - 1, self.directions
        outputs: Tensor | None = None
        for layer in range(self.num_layers):
            mine = slice(layer * directions, (layer + 1) * directions)
            outputs, final = engine.scan_layer(
                self.cell,
                x,
                state if state is None or not last else tuple(s[mine] for s in state),
                weights[mine],
                lengths=entered.lengths,
                mask=entered.mask,
                reset=entered.reset,
                outputs=layer < last or self.return_sequences is not False,
                checkpoint_every=self.checkpoint_every,
            )
            finals.append(final)
            if layer < last:
                assert outputs is not None
                x = _drop(outputs, self.dropout) if self.dropout and self.training else outputs
        if not last:
            return outputs, finals[0]
        return outputs, tuple(torch.cat(states) for states in zip(*finals, strict=True))

    def _leave(self, entered: Entered, outputs: Tensor | None, final: State) -> Any:
        hidden = tuple(entered.state_out(state) for state in final)
        state = hidden if len(hidden) > 1 else hidden[0]
        result: Any
        if outputs is None:
            result = entered.rows_out(torch.cat(list(final[0][-self.directions :]), dim=-1))
        else:
            result = entered.output_out(outputs)
        if self.return_sequences is None or self.return_state:
            return result, state
        return result


def _be(name: str, value: Any, kind: Any, words: str) -> None:
    # Strict: a 0 that were not seen as False would quietly give another layout of the result.
    if not isinstance(value, kind):
        raise InputError(must(name, words, repr(value)))


def _drop(y: Tensor, part: float) -> Tensor:
    # The noise is drawn time first, however y lies in memory: the same seed drops the same units on
    # every path, and in torch.
    noise = torch.ones(y.shape, dtype=y.dtype, device=y.device)
    return y * F.dropout(noise, part)


compiling.allow(Recurrent)
