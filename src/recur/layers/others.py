"""Layers that torch.nn has no name for: the IndRNN, the minimal GRU and LSTM, the sLSTM."""

from __future__ import annotations

from typing import Any, Unpack

from recur.cells import INDRNN_RELU, INDRNN_TANH, MINGRU, MINLSTM, Cell
from recur.cells import SLSTM as SLSTM_CELL
from recur.layers.checks import check_large
from recur.layers.own import Own, OwnSLSTM
from recur.layers.recurrent import Recurrent
from recur.messages import one_of


class Other(Recurrent):
    """What they share: the constructor of `recur.GRU`, with the arguments of `Recurrent`."""

    _allowed: type = Own

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
        **own: Any,
    ) -> None:
        check_large(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        # Torch's constructor knows four modes; the parameters are made anew for the cell.
        super().__init__(
            "RNN_TANH",
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
        self.mode = self.cell.name.upper()
        self._start(self._allowed, own)


class IndRNN(Other):
    """Independently recurrent layers: each unit sees its own past and no other's.

    The equations and the paper are in `recur.cells.indrnn`. Stack several: units meet in the layer
    above. Arguments as for `recur.GRU` and `recur.layers.Recurrent`, and:

    Args:
        nonlinearity: "relu", or "tanh".

    Raises:
        InputError: another nonlinearity, or an argument that needs a recurrent matrix.
    """

    nonlinearity = "relu"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "relu",
        *args: Any,
        **own: Any,
    ) -> None:
        # First: the parameters depend on the cell.
        self.nonlinearity = one_of("nonlinearity", nonlinearity, ("relu", "tanh"))
        super().__init__(input_size, hidden_size, num_layers, *args, **own)

    @property
    def cell(self) -> Cell:  # type: ignore[override]
        """The cell of the layer's nonlinearity."""
        return INDRNN_TANH if self.nonlinearity == "tanh" else INDRNN_RELU


class MinGRU(Other):
    """Minimal GRU layers, whose gate looks at the input alone.

    The equations and the paper are in `recur.cells.mingru`. The products of a whole sequence are
    one, and what is left to walk is one multiplication and one addition for each unit and step; off
    the compiled path it is walked in parallel, in log2(T) rounds. Arguments as for `recur.GRU` and
    `recur.layers.Recurrent`.

    Raises:
        InputError: an argument that needs a recurrent matrix.
    """

    cell = MINGRU


class MinLSTM(Other):
    """Minimal LSTM layers, as `MinGRU` with two gates: see `recur.cells.minlstm`.

    Raises:
        InputError: an argument that needs a recurrent matrix.
    """

    cell = MINLSTM


class SLSTM(Other):
    """sLSTM layers, with exponential input gates: see `recur.cells.slstm`.

    The state is (h, c, n, m). Arguments as for `recur.GRU` and `recur.layers.Recurrent`, and:

    Args:
        heads: parts of the state that do not see one another within the layer: W_hh is
            block-diagonal, `weight_hh_l0` (4 * hidden_size, hidden_size / heads).

    Raises:
        InputError: heads that do not divide the units.
    """

    cell = SLSTM_CELL
    _allowed = OwnSLSTM

    def __init__(
        self, input_size: int, hidden_size: int, *args: Any, **own: Unpack[OwnSLSTM]
    ) -> None:
        super().__init__(input_size, hidden_size, *args, **own)
