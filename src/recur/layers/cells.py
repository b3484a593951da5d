"""The cells: one step of time at a call, the state handed in and out by the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from recur import engine
from recur.cells import GRU, LSTM, RNN_RELU, RNN_TANH, Cell
from recur.layers import casting, compiling, graphs
from recur.layers.checks import check_large
from recur.layers.parameters import outline


class RecurrentCell(graphs.OneNode, nn.RNNCellBase):
    """What `RNNCell`, `LSTMCell` and `GRUCell` share; each is drop-in for torch's of its name.

    Same constructor, forward, `state_dict` and first weights; and `isinstance(cell,
    torch.nn.LSTMCell)` holds. The errors are torch's own: it is handed what does not fit.
    """

    cell: Cell
    _all_weights = (("weight_ih", "weight_hh", "bias_ih", "bias_hh"),)  # as a layer has them

    def problem(self) -> engine.Problem:
        """What the engine chooses a path for; no weight is computed."""
        return engine.Problem.of(self.cell, outline(self))

    def forward(self, input: Tensor, hx: Any = None) -> Any:  # noqa: A002 - torch's name
        """Takes one step.

        Letters: B batch, I `input_size`, H `hidden_size`.

        Args:
            input: (B, I), or (I,) without a batch.
            hx: the state before the step, (B, H), or (H,) without a batch; zeros if None; for an
                LSTM the pair (h, c) of them.

        Returns:
            The state after it, in the form of `hx`. Under autocast it has the type that torch's
            cell would give it.

        Raises:
            ValueError, RuntimeError, TypeError, AttributeError: input or state of a wrong rank,
                shape, dtype or kind, as in torch.
        """
        tracer = graphs.tracer_of(input, hx)
        if tracer is not None:
            return graphs.node(tracer, self, input, hx=hx)
        # Once a forward: a parametrization computes a weight anew each time it is read.
        weights = engine.Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        given, cast = self._tensors(input, hx), casting.autocast_type(weights.w_hh)
        own = given if cast is None else [casting.as_type(t, weights.w_hh.dtype) for t in given]
        if not self._fit(own, weights.w_hh):
            return super().forward(input, hx)
        if cast is None:
            after = self._walk(own, weights)
        else:
            with casting.walking(weights.w_hh):
                after = self._walk(own, weights)
            wanted = self._autocast_type(cast, given[-1])
            after = tuple(casting.as_type(state, wanted) for state in after)
        return after if len(after) > 1 else after[0]

    def _tensors(self, x: Any, hx: Any) -> list[Tensor]:
        """The input, and the states if there are any; empty where something is no tensor."""
        pair = len(self.cell.states) > 1 and isinstance(hx, tuple | list)
        states = () if hx is None else tuple(hx) if pair else (hx,)
        given = [x, *states]
        return given if all(isinstance(each, Tensor) for each in given) else []

    def _fit(self, given: Sequence[Tensor], weight: Tensor) -> bool:
        """Whether the engine may be given these."""
        if not given:
            return False
        x, *states = given
        after = (*x.shape[:-1], self.hidden_size)
        return (
            x.dim() in (1, 2)
            and x.shape[-1] == self.input_size
            and len(states) in (0, len(self.cell.states))
            and all(state.shape == after for state in states)
            and all(t.dtype == weight.dtype and t.device == weight.device for t in given)
        )

    def _walk(self, given: Sequence[Tensor], weights: engine.Weights) -> tuple[Tensor, ...]:
        x, *states = given
        if not states:
            states = [x.new_zeros(*x.shape[:-1], self.hidden_size) for _ in self.cell.states]
        if x.dim() == 2:
            return engine.step(self.cell, x, tuple(states), weights)
        rows = tuple(state.unsqueeze(0) for state in states)
        after = engine.step(self.cell, x.unsqueeze(0), rows, weights)
        return tuple(state.squeeze(0) for state in after)

    def _autocast_type(self, cast: torch.dtype, last: Tensor) -> torch.dtype:
        """What torch's cell makes of autocast's type, given this state (or no state, this input).

        On a CPU gates come in autocast's type, and what they let through of a state in its own: a
        state in float32 is not rounded at every step.
        """
        gated = self.cell.input_gates > 1 and last.device.type == "cpu"
        return torch.promote_types(cast, last.dtype) if gated else cast


class RNNCell(RecurrentCell, nn.RNNCell):
    """One step of a simple recurrent network, drop-in for `torch.nn.RNNCell`.

    The equations are in `recur.cells.rnn`; `nonlinearity` is "tanh" or "relu". Arguments as for
    `torch.nn.RNNCell`.

    Raises:
        InputError: sizes that no machine has room for.
        RuntimeError, TypeError: as `torch.nn.RNNCell`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        check_large(input_size=input_size, hidden_size=hidden_size)
        super().__init__(input_size, hidden_size, bias, nonlinearity, device=device, dtype=dtype)

    @property
    def cell(self) -> Cell:  # type: ignore[override]
        """The cell of the nonlinearity."""
        return RNN_RELU if self.nonlinearity == "relu" else RNN_TANH

    def _fit(self, given: Sequence[Tensor], weight: Tensor) -> bool:
        return self.nonlinearity in ("tanh", "relu") and super()._fit(given, weight)


class LSTMCell(RecurrentCell, nn.LSTMCell):
    """One step of an LSTM, drop-in for `torch.nn.LSTMCell`.

    The equations are in `recur.cells.lstm`. Arguments as for `torch.nn.LSTMCell`.

    Raises:
        InputError: sizes that no machine has room for.
        RuntimeError, TypeError: as `torch.nn.LSTMCell`.
    """

    cell = LSTM

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        check_large(input_size=input_size, hidden_size=hidden_size)
        super().__init__(input_size, hidden_size, bias, device=device, dtype=dtype)


class GRUCell(RecurrentCell, nn.GRUCell):
    """One step of a GRU, drop-in for `torch.nn.GRUCell`.

    The equations are in `recur.cells.gru`. Arguments as for `torch.nn.GRUCell`.

    Raises:
        InputError: sizes that no machine has room for.
        RuntimeError, TypeError: as `torch.nn.GRUCell`.
    """

    cell = GRU

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        check_large(input_size=input_size, hidden_size=hidden_size)
        super().__init__(input_size, hidden_size, bias, device=device, dtype=dtype)


compiling.allow(RecurrentCell)
