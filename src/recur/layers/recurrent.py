"""One forward for every recurrent layer: layers stacked, two directions, state in and out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from recur import engine
from recur.cells import Cell, State
from recur.layers import casting, compiling, graphs
from recur.layers.checks import check_input, check_states, check_together
from recur.layers.initial import start_chrono, start_forget_bias, start_recurrent
from recur.layers.layout import Entered, Outputs, enter
from recur.layers.lengths import Lengths
from recur.layers.own import DEFAULTS, Arguments
from recur.layers.own import of as arguments_of
from recur.layers.parameters import at_rest, is_torchs, named, outline, read, register

MERGED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "concat": lambda a, b: torch.cat([a, b], dim=-1),
    "sum": torch.add,
    "mean": lambda a, b: (a + b) / 2,
    "mul": torch.mul,
}


class Recurrent(graphs.OneNode, nn.RNNBase):
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
        return_gates: also return, last, what happened inside: for each layer a dict by letter of
            the cell's gates and its states but h, each (time, batch, directions * hidden_size) in
            the layout of the outputs, zero where no step exists, without gradients.
        merge: what becomes of the two directions' outputs: "concat", "sum", "mean" or "mul" (M.
            Schuster, K. K. Paliwal, IEEE Trans. Signal Processing 45(11), 1997, concatenate).
        recurrent_init: how the recurrent matrices start: None (as torch), "orthogonal" or
            "identity"; see `recur.layers.initial` for why.
        checkpoint_every: 0, or k to save memory in training over long sequences: the state of every
            k-th step is kept, and the steps between are walked once more in the backward pass.
            What is kept falls from T steps to about T / k + k; the time rises by a third. Within
            torch.func's transforms all is kept.

    Regularisation, while training only; masks come from torch's generator, `torch.manual_seed`:

    Args:
        input_dropout: the part of the input's features dropped, the same at every step of a
            sequence.
        locked_dropout: `dropout` between layers too drops the same units at every step ("locked",
            S. Merity et al., arXiv:1708.02182; Y. Gal, Z. Ghahramani, arXiv:1512.05287).
        recurrent_dropout: the part of the state that W_hh does not see, the same units at every
            step of a sequence (variational dropout, Gal and Ghahramani).
        weight_drop: the part of W_hh dropped, drawn for each batch (DropConnect of recurrent
            weights, Merity et al.).
        zoneout: the part of each state that stays as it was at a step: a number, or one for each
            state; (h, c) for an LSTM (D. Krueger et al., arXiv:1606.01305). In evaluation states
            are mixed in these shares.

    What a step computes:

    Args:
        layer_norm: normalise both products before the biases are added, and an LSTM's c where the
            output reads it (J. L. Ba, J. R. Kiros, G. E. Hinton, arXiv:1607.06450).
        clip_gradient: in the backward pass the gradients of the gates are clipped to this at every
            step (A. Graves, arXiv:1308.0850); 0 for no limit. Not the same as clipping the norm of
            a whole model's gradient, which `recur.fit(clip_norm=)` does. Such a gradient is not
            differentiated again: an InputError.

    Parameters that torch.nn's layers have not: `weight_units_l0` (an LSTM's peepholes, an IndRNN's
    recurrent weights), `weight_norm_ih_l0`, `weight_norm_hh_l0`, `weight_norm_c_l0` and
    `bias_norm_c_l0` (layer normalisation).
    """

    cell: Cell
    # Torch's constructor asks for `reset_parameters` before recur's own arguments are known, and
    # `accelerate` makes a layer of one of torch's.
    own: Arguments = DEFAULTS
    _by_position = True  # the parameters are torch.nn's, in its order
    _zoneout: tuple[float, ...] = ()  # of each state; empty for none

    def _start(self, allowed: type, given: Mapping[str, Any]) -> None:
        """Keeps recur's own arguments, and makes the parameters that they ask for.

        Raises:
            InputError: a value that is not allowed, or arguments that do not go together.
        """
        self.own = arguments_of(allowed, given, type(self).__name__)
        check_together(self)
        self._zoneout = self.own.zoneouts(self.cell)
        if is_torchs(self):
            self._start_weights()
        else:
            self._by_position = False
            register(self)
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the weights anew: torch's way, then what recur's own arguments say."""
        super().reset_parameters()
        self._start_weights()

    def _start_weights(self) -> None:
        own, cell, hidden = self.own, self.cell, self.hidden_size
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name.startswith("weight_norm"):
                    parameter.fill_(1)
                elif name.startswith("bias_norm"):
                    parameter.zero_()
                elif name.startswith("weight_units") and cell.needs_units:
                    parameter.uniform_(0, 1)  # as in the paper of the IndRNN
                elif name.startswith("weight_hh") and own.recurrent_init is not None:
                    start_recurrent(parameter, own.recurrent_init, cell.state_gates * own.heads)
        if own.forget_bias is None and own.chrono is None:
            return
        keeps = cell.gate_names.index(cell.keeps)
        takes = cell.gate_names.index(cell.takes) if cell.takes else None
        for names in self._all_weights:
            b_ih, b_hh = (
                next(getattr(self, n) for n in names if n.startswith(kind))
                for kind in ("bias_ih", "bias_hh")
            )
            if own.forget_bias is not None:
                start_forget_bias(b_ih, b_hh, own.forget_bias, gate=keeps, hidden=hidden)
            if own.chrono is not None:
                start_chrono(b_ih, b_hh, own.chrono, keeps=keeps, takes=takes, hidden=hidden)

    @property
    def return_sequences(self) -> bool | None:
        """What comes back: see the class."""
        return self.own.return_sequences

    @return_sequences.setter
    def return_sequences(self, value: bool | None) -> None:
        self.own = dataclasses.replace(self.own, return_sequences=value)

    @property
    def directions(self) -> int:
        """1, or 2 if bidirectional."""
        return 2 if self.bidirectional else 1

    def weights(self, layer: int, direction: int) -> engine.Weights:
        """The weights of one layer (0 ...) in one direction (0 forwards, 1 reverse).

        Parametrizations compute them as in evaluation: spectral_norm, say, takes no step.
        """
        number = layer * self.directions + direction
        first = sum(map(len, self._all_weights[:number]))
        with at_rest(self):
            return self._weights(self._all_weights[number], first)

    def _weights(self, names: list[str], first: int) -> engine.Weights:
        found: list[Any] = list(read(self, names, first))
        if not self._by_position:
            return named(self, names, found)
        projection = found.pop() if self.proj_size else None
        w_ih, w_hh, b_ih, b_hh = found if self.bias else (*found, None, None)
        return engine.Weights(w_ih, w_hh, b_ih, b_hh, projection)

    def problem(self) -> engine.Problem:
        """What the engine chooses a path for; no weight is computed."""
        every = self.own.checkpoint_every
        return engine.Problem.of(self.cell, outline(self), None, (), self.options(), every)

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
        tracer = graphs.tracer_of(input, hx)
        if tracer is not None:
            given = {"hx": hx, "lengths": lengths, "mask": mask, "reset": reset}
            return graphs.node(tracer, self, input, **given)
        if self.as_torch() and lengths is mask is reset is None:
            return super().forward(input, hx)
        # Once a forward: a parametrization computes a weight anew each time it is read.
        weights, first = [], 0
        for names in self._all_weights:
            weights.append(self._weights(names, first))
            first += len(names)
        weight = weights[0].w_ih
        check_input(self.mode, input, size=self.input_size, weight=weight)
        cast = casting.autocast_type(weight)
        if cast is not None:
            input = casting.as_type(input, weight.dtype)  # noqa: A001 - torch's name
        entered = enter(
            input, batch_first=self.batch_first, lengths=lengths, mask=mask, reset=reset
        )
        batched = isinstance(input, PackedSequence) or input.dim() == 3
        state = self._initial(entered, hx, batched)
        if cast is None:
            return self._leave(entered, *self._walk(entered, state, weights))
        with casting.walking(weight):
            if state is not None:
                state = tuple(casting.as_type(s, weight.dtype) for s in state)
            outputs, final, inside = self._walk(entered, state, weights)
        outputs = None if outputs is None else casting.as_type(outputs, cast)
        final = tuple(casting.as_type(s, cast) for s in final)
        return self._leave(entered, outputs, final, inside)

    def flatten_parameters(self) -> None:
        """Does nothing: there is no flat buffer of weights to keep in order."""

    def extra_repr(self) -> str:
        """The arguments that differ from their defaults."""
        own = (f"{name}={value!r}" for name, value in self.own.changed().items())
        return ", ".join([super().extra_repr(), *own])

    @property
    def state_sizes(self) -> list[int]:
        """The width of each state: the first is the one that is put out."""
        others = [self.hidden_size] * (len(self.cell.states) - 1)
        return [self.proj_size or self.hidden_size, *others]

    def _initial(self, entered: Entered, hx: Any, batched: bool) -> State | None:
        """The states (L * D, B, size) in the engine's order of rows; None for zeros."""
        if hx is None:
            return None
        count, batch = self.num_layers * self.directions, entered.x.shape[1]
        shapes = [(count, batch, size) for size in self.state_sizes]
        states = tuple(hx) if isinstance(hx, list | tuple) else (hx,)
        check_states(states, shapes, batched, entered.x)
        return tuple(entered.state_in(state) for state in states)

    def options(self, x: Tensor | None = None, *, record: bool = False) -> engine.Options:
        """What the engine is asked for in a walk of one layer.

        Args:
            x: its input (T, B, I) in training, for masks of its batch, type and device; None in
                evaluation, where nothing is drawn.
            record: whether to keep what happens inside.
        """
        own, zoneout = self.own, self._zoneout
        keep = seed = None
        if x is not None and own.recurrent_dropout:
            ones = x.new_ones(self.directions, x.shape[1], self.state_sizes[0])
            keep = F.dropout(ones, own.recurrent_dropout)
        if x is not None and zoneout:
            seed = torch.randint(2**62, (self.directions,), device=x.device)
        inside: dict[str, Tensor] | None = {} if record else None
        asked = engine.Options(keep, zoneout, seed, own.clip_cell, own.clip_gradient, inside)
        return engine.NOTHING if asked == engine.NOTHING else asked

    def _walk(
        self, entered: Entered, state: State | None, weights: list[engine.Weights]
    ) -> tuple[Tensor | None, State, list[dict[str, Tensor]]]:
        """The outputs, the final states, and what happened inside each layer."""
        own, training = self.own, self.training
        x, finals, inside = entered.x, [], []
        last, directions = self.num_layers - 1, self.directions
        if training and own.input_dropout:
            x = _drop_locked(x, own.input_dropout)
        if training and own.weight_drop:
            weights = [w._replace(w_hh=F.dropout(w.w_hh, own.weight_drop)) for w in weights]
        outputs: Tensor | None = None
        for layer in range(self.num_layers):
            mine = slice(layer * directions, (layer + 1) * directions)
            options = engine.NOTHING
            if own is not DEFAULTS:
                options = self.options(x if training else None, record=own.return_gates)
            outputs, final = engine.scan_layer(
                self.cell,
                x,
                state if state is None or not last else tuple(s[mine] for s in state),
                weights[mine],
                lengths=entered.lengths,
                mask=entered.mask,
                reset=entered.reset,
                outputs=layer < last or own.return_sequences is not False,
                checkpoint_every=own.checkpoint_every,
                options=options,
            )
            finals.append(final)
            if options.record is not None:
                inside.append(options.record)
            if outputs is not None and own.merge != "concat":
                outputs = MERGED[own.merge](*outputs.chunk(2, dim=-1))
            if layer < last:
                assert outputs is not None
                x = outputs
                if self.dropout and training:
                    x = (_drop_locked if own.locked_dropout else _drop)(x, self.dropout)
        if not last:
            return outputs, finals[0], inside
        return outputs, tuple(torch.cat(states) for states in zip(*finals, strict=True)), inside

    def _leave(
        self,
        entered: Entered,
        outputs: Tensor | None,
        final: State,
        inside: list[dict[str, Tensor]],
    ) -> Any:
        hidden = tuple(entered.state_out(state) for state in final)
        state = hidden if len(hidden) > 1 else hidden[0]
        result: Any
        if outputs is None:
            ends = list(final[0][-self.directions :])
            merged = MERGED[self.own.merge](*ends) if self.bidirectional else ends[0]
            result = entered.rows_out(merged)
        else:
            result = entered.output_out(outputs)
        parts = [result]
        if self.own.return_sequences is None or self.own.return_state:
            parts.append(state)
        if self.own.return_gates:
            parts.append([{k: entered.output_out(v) for k, v in each.items()} for each in inside])
        return tuple(parts) if len(parts) > 1 else result


def _drop(y: Tensor, part: float) -> Tensor:
    # The noise is drawn time first, however y lies in memory: the same seed drops the same units on
    # every path, and in torch.
    noise = torch.ones(y.shape, dtype=y.dtype, device=y.device)
    return y * F.dropout(noise, part)


def _drop_locked(y: Tensor, part: float) -> Tensor:
    """The same features of a row at every step of (time, batch, features)."""
    return y * F.dropout(torch.ones(y.shape[1:], dtype=y.dtype, device=y.device), part)


compiling.allow(Recurrent)
