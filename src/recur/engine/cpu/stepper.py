"""One step of time after another, for live streams: what a call needs is laid out beforehand."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from recur.cells import Cell, State
from recur.engine.cpu import library, threads
from recur.engine.cpu.operator import X_OFFSET, one_step
from recur.engine.problem import Weights
from recur.messages import must

_PUT = struct.Struct("=q").pack_into


class Stepper:
    """A stack of layers that takes a step in place: see `recur.engine.stepper`."""

    def __init__(self, cell: Cell, layers: Sequence[Weights], state: State, x: Tensor) -> None:
        loaded = library.library()
        assert loaded is not None
        self._forward, self._check = loaded.scan_forward, loaded.check
        self._cell, self._layers, self._state = cell, layers, state
        self._lay_out(x)

    def _lay_out(self, x: Tensor) -> None:
        """A structure for each layer; it reads the one below where that puts its state."""
        self._calls: list[tuple[Any, Any]] = []
        below = x.reshape(self._state[0].shape[1], -1)
        for index, weights in enumerate(self._layers):
            self._stay_as_they_were(weights)
            state = tuple(s[index] for s in self._state)
            # Not parameters but what they point to, so that the memory lives as long as this does.
            memory: list[Any] = [None if w is None else w.detach() for w in weights]
            held = Weights(*memory)
            packed, kept = one_step(self._cell, below, state, held)
            self._calls.append((ctypes.create_string_buffer(packed, len(packed)), kept))
            below = state[0]
        self._first = self._calls[0][0]
        # One row is walked by one thread; for more the number may change, as in a forked process.
        self._threads = threads.count() if self._state[0].shape[1] > 1 else None
        self._pointers = [
            (w, w.data_ptr()) for weights in self._layers for w in weights if w is not None
        ]

    def _stay_as_they_were(self, weights: Weights) -> None:
        state = self._state[0]
        for weight in weights:
            if weight is not None and (weight.dtype, weight.device) != (state.dtype, state.device):
                was, now = f"{state.dtype} on {state.device}", f"{weight.dtype} on {weight.device}"
                raise RuntimeError(must("The layer's weights", was, now, "Make a new stream."))

    def __call__(self, x: Tensor) -> None:
        """Takes a step with `x` (B, I), dense and of the states' type."""
        if self._threads is not None and self._threads != threads.count():
            self._lay_out(x)
        for weight, pointer in self._pointers:
            if weight.data_ptr() != pointer:
                self._lay_out(x)  # it lies elsewhere now
                break
        _PUT(self._first, X_OFFSET, x.data_ptr())
        for structure, _ in self._calls:
            status = self._forward(structure, 1)
            if status:
                self._check(status)
