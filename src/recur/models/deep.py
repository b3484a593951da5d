"""Recurrent layers stacked, as every model here uses them; with residual connections on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from recur.layers import (
    GRU,
    LSTM,
    RNN,
    SLSTM,
    IndRNN,
    MinGRU,
    MinLSTM,
    Recurrent,
    last_output,
)
from recur.layers.lengths import Lengths
from recur.messages import InputError, must, one_of

CELLS: dict[str, Callable[..., Recurrent]] = {
    "rnn": RNN,
    "lstm": LSTM,
    "gru": GRU,
    "indrnn": IndRNN,
    "mingru": MinGRU,
    "minlstm": MinLSTM,
    "slstm": SLSTM,
}


def deep(
    cell: str,
    inputs: int,
    units: int,
    *,
    layers: int = 1,
    bidirectional: bool = False,
    dropout: float = 0.0,
    residual: bool = False,
    return_sequences: bool | None = None,
    **options: Any,
) -> Recurrent | Residual:
    """Makes `layers` recurrent layers, batch first: one layer of recur, or a `Residual`.

    Args:
        cell: the recurrent cell, a name of `recur.models.deep.CELLS`: "rnn", "lstm", "gru" ...
        inputs: features of each step.
        units: size of the state in each direction.
        layers: recurrent layers stacked.
        bidirectional: walk both ways.
        dropout: the part dropped between layers while training.
        residual: see `Residual`.
        return_sequences: as for `recur.layers.Recurrent`.
        options: more arguments for the layers.

    Raises:
        InputError: an unknown cell, or `merge` with residual connections.
    """
    kind = CELLS[one_of("cell", cell, CELLS)]
    options = {"batch_first": True, "bidirectional": bidirectional, **options}
    if residual:
        if options.get("merge", "concat") != "concat":
            raise InputError(must("merge", "'concat' with residual=True", repr(options["merge"])))
        stack = [
            kind(inputs if not n else width(units, options), units, **options)
            for n in range(layers)
        ]
        return Residual(stack, dropout=dropout, return_sequences=return_sequences)
    return kind(
        inputs,
        units,
        num_layers=layers,
        dropout=dropout if layers > 1 else 0.0,
        return_sequences=return_sequences,
        **options,
    )


def width(units: int, options: Mapping[str, Any]) -> int:
    """The size of the outputs of layers made with these options."""
    apart = options.get("bidirectional", False) and options.get("merge", "concat") == "concat"
    return units * (2 if apart else 1)


class Residual(nn.Module):
    """Recurrent layers stacked; each but the first adds its input to its outputs.

    The gradient then reaches the lower layers past the upper ones (Y. Wu et al., arXiv:1609.08144,
    section 3.1; K. He et al., arXiv:1512.03385). Called as one layer of recur is, with the states
    of all layers in one tensor.

    Args:
        layers: layers of one direction or two, batch first, which return `(outputs, state)`; the
            outputs of each are as wide as its input, but for the first.
        dropout: the part dropped of what the layers but the first read, while training; not of
            what is added.
        return_sequences: as for `recur.layers.Recurrent`.
    """

    def __init__(
        self, layers: list[Recurrent], *, dropout: float, return_sequences: bool | None
    ) -> None:
        super().__init__()
        self.layers, self.dropout = nn.ModuleList(layers), nn.Dropout(dropout)
        self.return_sequences, self.bidirectional = return_sequences, layers[0].bidirectional
        self.cell = layers[0].cell

    def forward(
        self,
        x: Tensor,
        hx: Any = None,
        *,
        lengths: Lengths | None = None,
        mask: Any = None,
        reset: Any = None,
    ) -> Any:
        """As `recur.layers.Recurrent.forward`, batch first."""
        finals = []
        starts = self._by_layer(hx)
        for n, (layer, start) in enumerate(zip(self.layers, starts, strict=True)):
            given = self.dropout(x) if n else x
            y, final = layer(given, start, lengths=lengths, mask=mask, reset=reset)
            x = x + y if n else y
            finals.append(final if isinstance(final, tuple) else (final,))
        if self.return_sequences is not None:
            if self.return_sequences:
                return x
            return last_output(x, lengths, batch_first=True, bidirectional=self.bidirectional)
        state = tuple(torch.cat(parts) for parts in zip(*finals, strict=True))
        return x, state if len(state) > 1 else state[0]

    def _by_layer(self, hx: Any) -> list[Any]:
        if hx is None:
            return [None] * len(self.layers)
        if isinstance(hx, Tensor):
            return list(hx.chunk(len(self.layers)))
        return list(zip(*(part.chunk(len(self.layers)) for part in hx), strict=True))


def by_row(state: Any) -> tuple[Tensor, ...]:
    """A state (layers * directions, batch, size) as `recur.decoding` wants it: the row first."""
    parts = state if isinstance(state, tuple) else (state,)
    return tuple(part.transpose(0, 1) for part in parts)


def from_rows(rows: tuple[Tensor, ...]) -> Any:
    """The way back from `by_row`."""
    parts = tuple(part.transpose(0, 1) for part in rows)
    return parts if len(parts) > 1 else parts[0]
