"""The recurrent layers: drop-in for those of `torch.nn`, and what people do with their outputs."""

from recur.layers.accelerate import accelerate, restore
from recur.layers.attention import Attention, AttentionPooling
from recur.layers.cells import GRUCell, LSTMCell, RNNCell
from recur.layers.embedding import Embedding
from recur.layers.explain import Explanation, explain
from recur.layers.gru import GRU
from recur.layers.linear_loss import LinearCrossEntropyLoss, linear_cross_entropy
from recur.layers.lstm import LSTM
from recur.layers.others import SLSTM, IndRNN, MinGRU, MinLSTM
from recur.layers.outputs import (
    last_hidden,
    last_output,
    max_output,
    mean_output,
    reverse_sequences,
    split_directions,
)
from recur.layers.patch import patch, unpatch
from recur.layers.recurrent import Recurrent
from recur.layers.report import Acceleration, Patch
from recur.layers.rnn import RNN
from recur.layers.stream import Stream

SimpleRNN = RNN

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "SLSTM",
    "Acceleration",
    "Attention",
    "AttentionPooling",
    "Embedding",
    "Explanation",
    "GRUCell",
    "IndRNN",
    "LSTMCell",
    "LinearCrossEntropyLoss",
    "MinGRU",
    "MinLSTM",
    "Patch",
    "RNNCell",
    "Recurrent",
    "SimpleRNN",
    "Stream",
    "accelerate",
    "explain",
    "last_hidden",
    "last_output",
    "linear_cross_entropy",
    "max_output",
    "mean_output",
    "patch",
    "restore",
    "reverse_sequences",
    "split_directions",
    "unpatch",
]
