"""Segments to segments: a long series goes in, a long forecast comes out, a segment at a time.

                               y_1   y_2         y_M
                                |     |           |
[h] - [h] - ... - [h]  ----->  [h]   [h]   ...   [h]      each from the last state, side by side
 |     |           |            |     |           |
s_1   s_2         s_N         e(1)  e(2)        e(M)      s: a segment of w steps, e: where it lies

A window of 720 hours is 30 steps for the recurrent layer in the place of 720, and the whole
forecast is one more. Every target is read alone, by the same weights.

S. Lin, W. Lin, W. Wu, F. Zhao, R. Mo and H. Zhang, "SegRNN: Segment Recurrent Neural Network for
Long-Term Time Series Forecasting", arXiv:2308.11200. What is known besides, such as the calendar,
is read beside the segment that it belongs to, in both halves.

Letters: B windows, L known steps, H steps of the horizon, C targets, w steps of a segment, d units.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from recur.layers.checks import tensor
from recur.messages import InputError, must
from recur.models.checks import check_options, check_sizes
from recur.models.deep import deep


class SegmentRNN(nn.Module):
    """A recurrent encoder over segments of each target, and a decoder of all segments at once.

    Args:
        targets: C, the columns that are forecast: the first ones of x.
        window: L, the known steps; what is left of them by whole segments, the oldest, is not read.
        horizon: H, the steps that come out.
        segment: w.
        quantiles: Q, the numbers that come out for each value; None for the value itself.
        others: columns of x after the targets: known until now, and read beside each target.
        known: columns of `known`, of which the future is known too.
        static: columns of `static`, which say of a series what never changes.
        cell: the recurrent cell, a name of `recur.models.deep.CELLS`.
        units: d, an even number.
        layers: recurrent layers on top of one another.
        dropout: the part dropped before the last linear layer, and between layers, in training.
        differences: the last known value of a target is taken off before it is read, and added to
            what comes out.
        options: more arguments for the recurrent layers; see `recur.layers.Recurrent`.

    Raises:
        InputError: sizes below 1, an odd `units`, a segment longer than the window, or an unknown
            cell.
    """

    aligned = False  # with the input, step by step

    def __init__(
        self,
        *,
        targets: int,
        window: int,
        horizon: int,
        segment: int = 24,
        quantiles: int | None = None,
        others: int = 0,
        known: int = 0,
        static: int = 0,
        cell: str = "gru",
        units: int = 128,
        layers: int = 1,
        dropout: float = 0.1,
        differences: bool = True,
        **options: Any,
    ) -> None:
        super().__init__()
        sizes = {"targets": targets, "window": window, "horizon": horizon, "segment": segment}
        check_sizes(dropout, **sizes, quantiles=quantiles, units=units, layers=layers)
        check_options(options, "bidirectional")
        if units % 2:
            raise InputError(must("units", "even: half of them say where a segment lies", units))
        if segment > window:
            raise InputError(must("segment", f"at most as long as the window, {window}", segment))
        self.targets, self.window, self.horizon, self.segment = targets, window, horizon, segment
        self.quantiles, self.units = quantiles, units
        self.differences = differences
        self.known, self.static, self.others = known, static, others
        ahead = -(-horizon // segment)
        self.reads = nn.Linear(segment, units)
        self.beside = nn.Linear(segment * (others + known), units) if others + known else None
        self.future = nn.Linear(segment * known, units) if known else None
        self.about = nn.Linear(static, units) if static else None
        self.recurrent = deep(cell, units, units, layers=layers, dropout=dropout, **options)
        self.position = nn.Parameter(torch.randn(ahead, units // 2))
        self.channel = nn.Parameter(torch.randn(targets, units // 2))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(units, segment * (quantiles or 1))

    def forward(
        self, x: Tensor, known: Tensor | None = None, static: Tensor | None = None
    ) -> Tensor:
        """The forecast of each window.

        Args:
            x: (B, L, C + others), the known steps, the targets first.
            known: (B, L + H, known), the known steps and those of the horizon.
            static: (B, static).

        Returns:
            (B, H, C), or (B, H, C, Q).

        Raises:
            InputError: what does not fit.
        """
        self._check(x, known, static)
        values = x[..., : self.targets]
        last = values[:, -1:] if self.differences else torch.zeros_like(values[:, -1:])
        state = self._state(self._read(values - last, x[..., self.targets :], known, static))
        forecast = self._decode(state, len(x), known, static)
        return forecast + (last.unsqueeze(3) if self.quantiles else last)

    def _read(
        self, values: Tensor, others: Tensor, known: Tensor | None, static: Tensor | None
    ) -> Tensor:
        """(B, C, N, d), what the recurrent layers read of each target."""
        segments = self._segments(values)  # (B, N, w, C)
        found: Tensor = self.reads(segments.permute(0, 3, 1, 2))
        if self.beside is not None:
            beside = [others] if known is None else [others, known[:, : self.window]]
            seen = self.beside(self._segments(torch.cat(beside, dim=2)).flatten(2))
            found = found + seen.unsqueeze(1)
        if self.about is not None:
            found = found + self.about(static)[:, None, None]
        return found.relu()

    def _segments(self, steps: Tensor) -> Tensor:
        """(B, N, w, ...), the whole segments of steps (B, L, ...) up to the last one."""
        whole = steps[:, steps.shape[1] % self.segment :]
        return whole.reshape(len(whole), -1, self.segment, *whole.shape[2:])

    def _state(self, read: Tensor) -> Any:
        """The last state of each target: (layers, B * C, d) each."""
        return self.recurrent(read.flatten(0, 1))[1]

    def _decode(self, state: Any, rows: int, known: Tensor | None, static: Tensor | None) -> Tensor:
        """(B, H, C) or (B, H, C, Q): one step from the last state for each segment ahead."""
        ahead = len(self.position)
        where = self._where(rows, known, static)  # (B, C, M, d)
        parts = state if isinstance(state, tuple) else (state,)
        begun = tuple(part.repeat_interleave(ahead, dim=1) for part in parts)
        steps = where.reshape(-1, 1, self.units)
        y, _ = self.recurrent(steps, begun if len(begun) > 1 else begun[0])
        y = cast(Tensor, self.head(self.dropout(y[:, 0])))
        y = y.view(rows, self.targets, ahead * self.segment, self.quantiles or 1)
        y = y[:, :, : self.horizon].transpose(1, 2)
        return y if self.quantiles else y.squeeze(3)

    def _where(self, rows: int, known: Tensor | None, static: Tensor | None) -> Tensor:
        """(B, C, M, d): half of it the place in the horizon, half the target; what is known."""
        ahead = len(self.position)
        position = self.position.expand(self.targets, ahead, -1)
        channel = self.channel.unsqueeze(1).expand(-1, ahead, -1)
        where = torch.cat([position, channel], dim=2).expand(rows, -1, -1, -1)
        if self.future is not None:
            assert known is not None
            lacking = ahead * self.segment - self.horizon
            steps = nn.functional.pad(known[:, self.window :], (0, 0, 0, lacking))
            where = where + self.future(self._segments(steps).flatten(2)).unsqueeze(1)
        if self.about is not None:
            where = where + self.about(static)[:, None, None]
        return where

    def _check(self, x: Tensor, known: Tensor | None, static: Tensor | None) -> None:
        rows = len(tensor("x", x))
        expected = {
            "x": (x, (rows, self.window, self.targets + self.others)),
            "known": (known, (rows, self.window + self.horizon, self.known)),
            "static": (static, (rows, self.static)),
        }
        for name, (given, shape) in expected.items():
            if given is None and not shape[-1]:
                continue
            got = "none" if given is None else f"the shape {tuple(given.shape)}"
            if given is None or tuple(given.shape) != shape:
                raise InputError(must(name, f"of the shape {shape}", got))
