"""Keras' recurrent layers on recur's engine: programs as they stand, many times as fast.

    python -m recur.keras script.py [arguments]

or in a program, before or after its model is built::

    import recur.keras

    recur.keras.patch()

Keras 3 on its torch backend; Keras stays what it is, and so do models, weights and files. What is
taken and what is not: `docs/scripts.md`.
"""

from recur.keras.patching import patch, unpatch

__all__ = ["patch", "unpatch"]
