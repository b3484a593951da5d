"""What one step of a recurrent network computes: no time, no batch layout, no device.

Each cell is a folder: `step.py` holds the equations in plain PyTorch, with the order of the gates
and the paper. The engine walks time and knows no gate; it learns about a cell from `Cell`.
"""

from recur.cells.cell import Cell, State
from recur.cells.gru.step import GRU
from recur.cells.lstm.step import LSTM
from recur.cells.rnn.step import RNN_RELU, RNN_TANH

CELLS = {cell.name: cell for cell in (RNN_TANH, RNN_RELU, LSTM, GRU)}

__all__ = ["CELLS", "GRU", "LSTM", "RNN_RELU", "RNN_TANH", "Cell", "State"]
