"""Weights of `torch.nn` in the order that Keras keeps them.

Torch: W (gates * H, I), two biases; gates of an LSTM i, f, g, o and of a GRU r, z, n.
Keras: W (I, gates * H), one bias (a GRU: two, in one array); gates i, f, c, o and z, r, h.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from worker import Arrays

LAYERS: dict[str, Callable[..., Any]] = {
    "rnn": keras.layers.SimpleRNN,
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,
}

ENDS = ("l0", "l0_reverse")
PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def put(layer: Any, cell: str, weights: Arrays) -> None:
    """Gives a built layer, or one in both directions, the weights of torch's first layer."""
    given = []
    for end in ENDS:
        if f"weight_ih_{end}" not in weights:
            continue
        w_ih, w_hh, b_ih, b_hh = (_gates(weights[f"{part}_{end}"], cell) for part in PARTS)
        # Only a GRU's candidate needs its two biases apart.
        given += [w_ih.T, w_hh.T, np.stack([b_ih, b_hh]) if cell == "gru" else b_ih + b_hh]
    layer.set_weights(given)


def taken(values: list[NDArray[Any]], cell: str) -> dict[str, NDArray[Any]]:
    """The other way, for gradients: Keras' three arrays of each direction, by torch's names."""
    found = {}
    for end, start in zip(ENDS, range(0, len(values), 3), strict=False):
        w_ih, w_hh, bias = values[start : start + 3]
        b_ih, b_hh = bias if bias.ndim == 2 else (bias, bias)
        for part, value in zip(PARTS, (w_ih.T, w_hh.T, b_ih, b_hh), strict=True):
            found[f"{part}_{end}"] = _gates(value, cell)
    return found


def _gates(rows: NDArray[Any], cell: str) -> NDArray[Any]:
    """Torch's order to Keras', and back: a GRU's first two change places."""
    if cell != "gru":
        return rows
    r, z, n = np.split(rows, 3)
    return np.concatenate([z, r, n])
