"""Keras on torch, with a home of its own: nothing of the user's is read or written."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import pytest

HOME = tempfile.mkdtemp(prefix="keras-home-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
# Before anything imports it.
os.environ["KERAS_HOME"] = HOME
os.environ["KERAS_BACKEND"] = "torch"


@pytest.fixture(autouse=True)
def _taken_back():
    yield
    import recur.keras

    recur.keras.unpatch()
