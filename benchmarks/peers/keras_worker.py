"""Keras 3 on the backend that KERAS_BACKEND names, JAX, TensorFlow or torch."""

from __future__ import annotations

import importlib.metadata

import keras
import keras_fit
import keras_job
import keras_layer
from worker import serve

_PACKAGE = {"jax": "jax", "tensorflow": "tensorflow-cpu", "torch": "torch"}


def main() -> None:
    """Serves."""
    backend = keras.backend.backend()
    version = importlib.metadata.version(_PACKAGE[backend])
    serve(
        {"layer": keras_layer.make, "job": keras_job.make, "fit": keras_fit.make},
        f"Keras {keras.__version__} on {_PACKAGE[backend]} {version}",
    )


if __name__ == "__main__":
    main()
