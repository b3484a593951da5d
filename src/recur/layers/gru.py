"""The GRU layer."""

from __future__ import annotations

from typing import Any, Unpack

from torch import nn

from recur.cells import GRU as CELL
from recur.cells import GRU_BEFORE, Cell
from recur.layers.checks import check_large
from recur.layers.own import OwnGRU
from recur.layers.recurrent import Recurrent


class GRU(Recurrent, nn.GRU):
    """GRU layers, drop-in for `torch.nn.GRU`.

    The equations are in `recur.cells.gru`.
    Arguments as for `torch.nn.GRU`; recur's own, keyword-only, are described at
    `recur.layers.Recurrent`, but for this class's:

    Args:
        reset_after: the reset gate works after the product with W_hh, as in PyTorch, cuDNN and
            Keras; False for before it, as in version 3 of K. Cho et al., arXiv:1406.1078.
        chrono: T, to start the update gate's bias so that memories last from 1 to T steps (C.
            Tallec, Y. Ollivier, arXiv:1804.11188); None as torch.

    Raises:
        ValueError, TypeError: as `torch.nn.GRU`.
    """

    @property
    def cell(self) -> Cell:  # type: ignore[override]
        """The cell, with the reset gate after the product or before."""
        return CELL if self.own.reset_after else GRU_BEFORE

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
        **own: Unpack[OwnGRU],
    ) -> None:
        check_large(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        super().__init__(
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
        self._start(OwnGRU, own)
