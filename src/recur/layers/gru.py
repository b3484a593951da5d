"""The GRU layer."""

from __future__ import annotations

from typing import Any

from torch import nn

from recur.cells import GRU as CELL
from recur.layers.recurrent import Recurrent


class GRU(Recurrent, nn.GRU):
    """GRU layers, drop-in for `torch.nn.GRU` (reset gate after the product).

    The equations are in `recur.cells.gru`.
    Arguments as for `torch.nn.GRU`; recur's own, keyword-only, are described at
    `recur.layers.Recurrent`.

    Raises:
        ValueError, TypeError: as `torch.nn.GRU`.
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
        device: Any = None,
        dtype: Any = None,
        *,
        return_sequences: bool | None = None,
        return_state: bool = False,
        recurrent_init: str | None = None,
        checkpoint_every: int = 0,
    ) -> None:
        nn.GRU.__init__(
            self,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )
        self._start(
            return_sequences=return_sequences,
            return_state=return_state,
            recurrent_init=recurrent_init,
            checkpoint_every=checkpoint_every,
        )
