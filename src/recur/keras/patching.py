"""Puts recur's loops in the place of Keras' own, and takes them back.

A handful of methods are replaced on Keras' own classes, so that every layer is reached: those that
exist already, those that a library makes, those in a file that is loaded. No layer, weight or model
becomes another object.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from recur.keras.notes import Notes
from recur.layers.report import Patch
from recur.messages import InputError, must

OLDEST = 3  # of Keras' versions: the first on torch
BACKEND = "KERAS_BACKEND"

_lock = threading.RLock()
_replaced: list[tuple[type, str, Any]] = []
_notes: Notes | None = None


def patch(leave: Iterable[str] | None = None) -> Patch:
    """Lets Keras' SimpleRNN, LSTM, GRU, RNN, Embedding and Adam compute with recur's loops.

    Models, weights, optimizers and files stay Keras' own; results agree within float error. What
    recur does not do (another activation, another device ...) Keras goes on doing, and the report
    says why. Keras is imported, on its torch backend, if it is not yet. A second call changes
    nothing but what `leave` says.

    Args:
        leave: names of layers ("lstm_1") or of classes ("LSTM") that are to stay as they are.

    Returns:
        The report, which grows as layers run: print it at the end. As a context manager it takes
        the patch back.

    Raises:
        InputError: Keras is not installed, is older than 3, or runs on another backend.
    """
    global _notes
    with _lock:
        if _notes is None:
            keras = _keras()
            from recur.keras import adam, lookup, loop

            _notes = Notes(Patch(unpatch))
            for module in (loop, lookup, adam):
                for owner, name, made in module.replacements(keras, _notes):
                    _replaced.append((owner, name, vars(owner)[name]))
                    setattr(owner, name, made)
        if leave is not None:
            _notes.leave = frozenset([leave] if isinstance(leave, str) else leave)
        return _notes.patch


def unpatch() -> None:
    """Gives Keras its own methods back; models go on with them."""
    global _notes
    with _lock:
        while _replaced:
            owner, name, before = _replaced.pop()
            setattr(owner, name, before)
        _notes = None


def _keras() -> ModuleType:
    """Keras on torch.

    Raises:
        InputError: there is no such Keras.
    """
    if "keras" not in sys.modules:
        os.environ.setdefault(BACKEND, "torch")
    try:
        keras = importlib.import_module("keras")
    except ModuleNotFoundError as error:
        if error.name != "keras":
            raise
        todo = 'Install it with: pip install "recur[keras]"'
        raise InputError(f"Keras is not installed. {todo}") from None
    version = str(getattr(keras, "__version__", "0"))
    if int(version.partition(".")[0]) < OLDEST:
        todo = 'Install a newer one with: pip install "keras>=3"'
        raise InputError(must("Keras", f"of version {OLDEST} or later", version, todo))
    backend = keras.backend.backend()
    if backend != "torch":
        todo = f"Set the environment variable {BACKEND}=torch before keras is imported."
        raise InputError(must("the backend of Keras", "'torch'", repr(backend), todo))
    return keras
