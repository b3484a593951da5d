"""recur: recurrent neural networks, one loop over time with shared weights and a memory.

The names here are the public ones; the rooms behind them are explained in CONTRIBUTING.md.
"""

from recur.layers import (
    GRU,
    LSTM,
    RNN,
    Explanation,
    explain,
    last_hidden,
    last_output,
    max_output,
    mean_output,
    reverse_sequences,
    split_directions,
)
from recur.models import ManyToOne

SimpleRNN = RNN

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Explanation",
    "ManyToOne",
    "SimpleRNN",
    "explain",
    "last_hidden",
    "last_output",
    "max_output",
    "mean_output",
    "reverse_sequences",
    "split_directions",
]
