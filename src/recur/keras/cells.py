"""Keras' cells as the engine's: the same numbers in another order.

Keras keeps kernels (inputs, gates * units) where `torch.nn` keeps their transposes, an LSTM's gates
in the same order (i, f, c, o), and a GRU's as z, r, h where `torch.nn` has r, z, n
(keras/src/layers/rnn). All of it is differentiable: Keras reads gradients from its own variables.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import torch
from torch import Tensor

from recur.cells import GRU, GRU_BEFORE, LSTM, RNN_RELU, RNN_TANH, Cell
from recur.engine import Weights

GATES = {"GRUCell": (1, 0, 2)}  # of Keras' gates, in the engine's order
_TANH = ("tanh", torch.tanh)
_RELU = ("relu", torch.relu)
_SIGMOID = ("sigmoid", torch.sigmoid)


class Taken(NamedTuple):
    """A cell of Keras that the engine walks."""

    cell: Cell
    order: tuple[int, ...]  # of Keras' gates, in the engine's order; empty for the same


def taken(cell: Any) -> Taken | str:
    """The engine's cell of the same equations, or why there is none."""
    look = _KINDS.get(type(cell))
    if look is None:
        return f"recur does not know what {type(cell).__name__} computes"
    return look(cell)


def read(kind: Taken, cell: Any) -> Weights:
    """The weights as the engine takes them, in the type that the layer computes in."""
    kernel, recurrent = cell.kernel.value.t(), cell.recurrent_kernel.value.t()
    bias = None if cell.bias is None else cell.bias.value
    b_ih, b_hh = (bias, None) if bias is None or bias.dim() == 1 else bias.unbind(0)
    if not kind.order:
        return Weights(kernel, recurrent, b_ih, b_hh)
    reorder = functools.partial(_ordered, order=kind.order)
    optional = (None if b is None else reorder(b) for b in (b_ih, b_hh))
    return Weights(reorder(kernel), reorder(recurrent), *optional)


def _ordered(rows: Tensor, order: tuple[int, ...]) -> Tensor:
    """The rows of gates in another order."""
    gates = rows.chunk(len(order))
    return torch.cat([gates[gate] for gate in order])


def _simple(cell: Any) -> Taken | str:
    if _is(cell.activation, *_TANH):
        return Taken(RNN_TANH, ())
    if _is(cell.activation, *_RELU):
        return Taken(RNN_RELU, ())
    return f"its activation is {_named(cell.activation)}; recur's loops have tanh and relu"


def _lstm(cell: Any) -> Taken | str:
    return _gated(cell) or Taken(LSTM, ())


def _gru(cell: Any) -> Taken | str:
    return _gated(cell) or Taken(GRU if cell.reset_after else GRU_BEFORE, (1, 0, 2))


def _gated(cell: Any) -> str | None:
    if not _is(cell.activation, *_TANH):
        return f"its activation is {_named(cell.activation)}; recur's loops have tanh"
    if not _is(cell.recurrent_activation, *_SIGMOID):
        found = _named(cell.recurrent_activation)
        return f"its recurrent activation is {found}; recur's loops have sigmoid"
    return None


def _is(activation: Any, name: str, torchs: Any) -> bool:
    return activation in (getattr(keras.activations, name), getattr(keras.ops, name), torchs)


def _named(activation: Any) -> str:
    return str(getattr(activation, "__name__", type(activation).__name__))


_KINDS: dict[type, Callable[[Any], Taken | str]] = {
    keras.layers.SimpleRNNCell: _simple,
    keras.layers.LSTMCell: _lstm,
    keras.layers.GRUCell: _gru,
}
