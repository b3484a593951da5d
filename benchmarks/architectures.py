"""What each architecture costs in training beside the plain layer of the same size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from peer import Tell
from table import milliseconds, table, times
from torch import Tensor

import recur
from recur.bench import in_turns, timed
from recur.layers import Recurrent

SIZES = ((32, 500, 32, 32), (32, 100, 128, 128))  # rows, steps, inputs, units

# By the plain layer that each stands beside.
VARIANTS: dict[type[Recurrent], dict[str, Callable[[int, int], Recurrent]]] = {}


def _make(layer: type[Recurrent], **options: Any) -> Callable[[int, int], Recurrent]:
    return partial(layer, batch_first=True, return_sequences=True, **options)  # type: ignore[call-arg]


for _plain in (recur.RNN, recur.LSTM, recur.GRU):
    VARIANTS[_plain] = {
        "plain": _make(_plain),
        "recurrent_dropout=0.3": _make(_plain, recurrent_dropout=0.3),
        "weight_drop=0.3": _make(_plain, weight_drop=0.3),
        "input_dropout=0.3": _make(_plain, input_dropout=0.3),
        "zoneout=0.1": _make(_plain, zoneout=0.1),
        "clip_gradient=1": _make(_plain, clip_gradient=1.0),
        "return_gates": _make(_plain, return_gates=True),
        "layer_norm": _make(_plain, layer_norm=True),
    }
VARIANTS[recur.RNN]["IndRNN"] = _make(recur.IndRNN)
VARIANTS[recur.LSTM] |= {
    "peepholes": _make(recur.LSTM, peepholes=True),
    "coupled": _make(recur.LSTM, coupled=True),
    "clip_cell=3": _make(recur.LSTM, clip_cell=3.0),
    "sLSTM": _make(recur.SLSTM),
    "sLSTM, heads=4": _make(recur.SLSTM, heads=4),
    "minLSTM": _make(recur.MinLSTM),
}
VARIANTS[recur.GRU] |= {
    "reset_after=False": _make(recur.GRU, reset_after=False),
    "minGRU": _make(recur.MinGRU),
}


def measure(full: bool, tell: Tell) -> str:
    """Returns the table."""
    found: dict[tuple[str, str], list[str]] = {}
    for rows, steps, inputs, units in SIZES:
        x = torch.randn(rows, steps, inputs, requires_grad=True)
        gradient = torch.randn(rows, steps, units)
        for plain, variants in VARIANTS.items():
            torch.manual_seed(0)
            layers = {name: make(inputs, units) for name, make in variants.items()}
            runners = {
                name: timed(partial(_train, layer, x, gradient)) for name, layer in layers.items()
            }
            seconds = in_turns(runners, seconds=2.0 if full else 0.5)
            for name, took in seconds.items():
                cost = [milliseconds(took), times(took / seconds["plain"])]
                found.setdefault((plain.__name__, name), []).extend(cost)
            tell(f"architectures, {plain.__name__} {(rows, steps, inputs, units)}")
    columns = ["layer", "with"]
    for size in SIZES:
        columns += [f"{size}, ms", "over plain"]
    head = (
        "Rows, steps, inputs, units; milliseconds of a pass forward and back, with the gradients "
        "of the input and of all weights, and that as a multiple of the plain layer's."
    )
    rows_of_table = [[*names, *costs] for names, costs in found.items()]
    return f"{head}\n\n{table(columns, rows_of_table, words=2)}"


def _train(layer: Recurrent, x: Tensor, gradient: Tensor) -> None:
    layer.zero_grad()
    x.grad = None
    result = layer(x)
    (result[0] if isinstance(result, tuple) else result).backward(gradient)
