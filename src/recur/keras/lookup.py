"""Keras' Embedding by recur's compiled loops: the same numbers, bit for bit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from recur.engine.conditions import declined
from recur.engine.cpu import embedding
from recur.engine.cpu.onlookers import watched
from recur.keras.notes import Notes
from recur.keras.taking import OF_LOOKUPS, Lookup

TOKENS = (torch.int64, torch.int32)


def replacements(keras: ModuleType, notes: Notes) -> Iterator[tuple[type, str, Callable[..., Any]]]:
    """The methods to replace: of which class, by name, and with what."""
    owner = keras.layers.Embedding
    yield owner, "call", _call(owner.call, notes)


def _call(before: Callable[..., Any], notes: Notes) -> Callable[..., Any]:
    @functools.wraps(before)
    def call(self: Any, inputs: Any) -> Any:
        if not isinstance(inputs, Tensor) or inputs.device.type == "meta" or watched():
            return before(self, inputs)
        table = self.embeddings
        table = getattr(table, "value", table)
        reason = notes.left(self) or declined(OF_LOOKUPS, Lookup(self, inputs))
        reason = reason or embedding.declines(table)
        notes.note(self, reason)
        if reason is not None:
            return before(self, inputs)
        tokens = inputs if inputs.dtype in TOKENS else inputs.int()
        if tokens.numel() and int(tokens.min()) < 0:
            tokens = torch.where(tokens < 0, tokens + len(table), tokens)  # counted from the end
        return embedding.embed(table, tokens)

    return call
