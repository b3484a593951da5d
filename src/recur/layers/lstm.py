"""The LSTM layer."""

from __future__ import annotations

from typing import Any

from torch import nn

from recur.cells import LSTM as CELL
from recur.layers.recurrent import Recurrent


class LSTM(Recurrent, nn.LSTM):
    """LSTM layers, drop-in for `torch.nn.LSTM`.

    The equations are in `recur.cells.lstm`. `proj_size` above 0 projects the output and the state
    h to that size.
    Arguments as for `torch.nn.LSTM`; recur's own, keyword-only, are described at
    `recur.layers.Recurrent`, but for this class's:

    Args:
        forget_bias: what the forget gate's bias starts at (1 remembers); None as torch.

    Raises:
        ValueError, TypeError: as `torch.nn.LSTM`.
    """

    cell = CELL

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
        *,
        return_sequences: bool | None = None,
        return_state: bool = False,
        recurrent_init: str | None = None,
        forget_bias: float | None = None,
        checkpoint_every: int = 0,
    ) -> None:
        nn.LSTM.__init__(
            self,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device=device,
            dtype=dtype,
        )
        self._start(
            return_sequences=return_sequences,
            return_state=return_state,
            recurrent_init=recurrent_init,
            forget_bias=forget_bias,
            checkpoint_every=checkpoint_every,
        )
