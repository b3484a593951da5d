"""Keras' recurrent layers on recur's engine: programs as they stand, many times as fast.

    python -m recur.keras script.py [arguments]

or in a program, before or after its model is built::

    import recur.keras

    recur.keras.patch()

Keras 3 on its torch backend; Keras stays what it is, and so do models, weights and files. What is
taken and what is not: `docs/scripts.md`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recur.keras.patching import patch as patch
    from recur.keras.patching import unpatch as unpatch

else:
    from recur.imports import late as _late

    # A program that is run by `python -m recur.keras` imports torch when it wants to.
    __all__ = ["patch", "unpatch"]
    __getattr__, __dir__ = _late(__name__, {"recur.keras.patching": __all__})
