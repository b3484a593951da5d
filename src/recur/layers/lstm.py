"""The LSTM layer."""

from __future__ import annotations

from typing import Any, Unpack

from torch import nn

from recur.cells import LSTM as CELL
from recur.cells import LSTM_COUPLED, Cell
from recur.layers.checks import check_large
from recur.layers.own import OwnLSTM
from recur.layers.recurrent import Recurrent


class LSTM(Recurrent, nn.LSTM):
    """LSTM layers, drop-in for `torch.nn.LSTM`.

    The equations are in `recur.cells.lstm`. `proj_size` above 0 projects the output and the state
    h to that size.
    Arguments as for `torch.nn.LSTM`; recur's own, keyword-only, are described at
    `recur.layers.Recurrent`, but for this class's:

    Args:
        forget_bias: what the forget gate's bias starts at (1 remembers); None as torch.
        chrono: T, to start the gates' biases so that memories last from 1 to T steps (C. Tallec, Y.
            Ollivier, arXiv:1804.11188); None as torch.
        peepholes: the gates see the cell (F. A. Gers, J. Schmidhuber, IJCNN 2000).
        coupled: the input gate is 1 - the forget gate; three gates, not four (K. Greff et al.,
            arXiv:1503.04069).
        clip_cell: c lies within -this .. this at every step (H. Sak et al., arXiv:1402.1128, whose
            networks clip it at 50); 0 for no limit.

    Raises:
        ValueError, TypeError: as `torch.nn.LSTM`.
    """

    @property
    def cell(self) -> Cell:  # type: ignore[override]
        """The cell, with two gates coupled or not."""
        return LSTM_COUPLED if self.own.coupled else CELL

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
        **own: Unpack[OwnLSTM],
    ) -> None:
        check_large(
            input_size=input_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            proj_size=proj_size,
        )
        super().__init__(
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
        self._start(OwnLSTM, own)
