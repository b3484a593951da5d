"""What one step of a recurrent network computes: no time, no batch layout, no device.

Each cell is a folder: `step.py` holds the equations in plain PyTorch, with the order of the gates
and the paper. The engine walks time and knows no gate; it learns about a cell from `Cell`.
"""

from recur.cells.cell import NONE, Cell, Extras, State
from recur.cells.gru.step import GRU, GRU_BEFORE
from recur.cells.indrnn.step import INDRNN_RELU, INDRNN_TANH
from recur.cells.lstm.step import LSTM, LSTM_COUPLED
from recur.cells.mingru.step import MINGRU
from recur.cells.minlstm.step import MINLSTM
from recur.cells.rnn.step import RNN_RELU, RNN_TANH
from recur.cells.slstm.step import SLSTM

CELLS = {
    cell.name: cell
    for cell in (
        *(RNN_TANH, RNN_RELU, LSTM, GRU),
        *(LSTM_COUPLED, GRU_BEFORE, INDRNN_TANH, INDRNN_RELU, MINGRU, MINLSTM, SLSTM),
    )
}

__all__ = [
    "CELLS",
    "GRU",
    "GRU_BEFORE",
    "INDRNN_RELU",
    "INDRNN_TANH",
    "LSTM",
    "LSTM_COUPLED",
    "MINGRU",
    "MINLSTM",
    "NONE",
    "RNN_RELU",
    "RNN_TANH",
    "SLSTM",
    "Cell",
    "Extras",
    "State",
]
