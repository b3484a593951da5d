"""The simple recurrent layer."""

from __future__ import annotations

from typing import Any, Unpack

from torch import nn

from recur.cells import RNN_RELU, RNN_TANH, Cell
from recur.layers.checks import check_large
from recur.layers.own import Own
from recur.layers.recurrent import Recurrent


class RNN(Recurrent, nn.RNN):
    """Simple recurrent layers, drop-in for `torch.nn.RNN` (also named `SimpleRNN`).

    The equations are in `recur.cells.rnn`; `nonlinearity` is "tanh" or "relu".
    Arguments as for `torch.nn.RNN`; recur's own, keyword-only, are described at
    `recur.layers.Recurrent`.

    Raises:
        ValueError, TypeError: as `torch.nn.RNN`.
    """

    @property
    def cell(self) -> Cell:  # type: ignore[override]
        """The cell of the layer's nonlinearity."""
        return RNN_RELU if self.nonlinearity == "relu" else RNN_TANH

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **own: Unpack[Own],
    ) -> None:
        check_large(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            nonlinearity,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )
        self._start(Own, own)
