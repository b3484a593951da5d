"""The classic tutorial's script on Keras 3: `fit`, as it stands, an epoch at a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from worker import Arrays, Work


def make(settings: Mapping[str, Any], arrays: Arrays) -> Work:
    """Makes the script's model.

    Args:
        settings: "layer", the class of Keras; "patched", whether recur.keras.patch() comes before;
            "words", "size", "batch", "steps", whose losses are the results, and "fitted", the
            batches of an epoch of `fit`.
        arrays: "tokens" (N, T) int32 and "targets" (N,) int64.
    """
    if settings["patched"]:
        import recur.keras

        recur.keras.patch()
    x, y, batch = arrays["tokens"], arrays["targets"], settings["batch"]

    def losses() -> Arrays:
        model = _model(settings)
        found = []
        for step in range(settings["steps"]):
            rows = slice(step * batch, step * batch + batch)
            found.append(float(model.train_on_batch(x[rows], y[rows])[0]))
        return {"losses": np.array(found)}

    fitted = _model(settings)
    rows = slice(settings["fitted"] * batch)
    return Work(losses, {"fit": lambda: fitted.fit(x[rows], y[rows], batch_size=batch, verbose=0)})


def _model(settings: Mapping[str, Any]) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential()
    model.add(keras.layers.Embedding(settings["words"], settings["size"]))
    model.add(getattr(keras.layers, settings["layer"])(settings["size"]))
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model
