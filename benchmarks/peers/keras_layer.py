"""One recurrent layer of Keras 3, for inference and training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import keras_weights
import numpy as np
from worker import Arrays, Work


def make(settings: Mapping[str, Any], arrays: Arrays) -> Work:
    """Makes the layer with the given weights.

    Args:
        settings: the fields of recur's `Case`.
        arrays: "x" (B, T, I), "gradient" (B, T, D * H) and the weights by torch's names.
    """
    cell = settings["cell"]
    layer = keras_weights.LAYERS[cell](settings["hidden"], return_sequences=True)
    if settings["bidirectional"]:
        layer = keras.layers.Bidirectional(layer)
    layer.build(arrays["x"].shape)
    keras_weights.put(layer, cell, arrays)
    make_calls = _jax_calls if keras.backend.backend() == "jax" else _tensorflow_calls
    infer, train = make_calls(layer, arrays["x"], arrays["gradient"])

    def results() -> Arrays:
        outputs, by_x, by_weights = train()
        weights = keras_weights.taken([np.asarray(value) for value in by_weights], cell)
        return {"outputs": np.asarray(outputs), "x": np.asarray(by_x), **weights}

    return Work(results, {"inference": infer, "training": train})


def _jax_calls(layer: Any, x: Any, gradient: Any) -> Any:
    import jax

    weights = [variable.value for variable in layer.trainable_variables]
    rest = [variable.value for variable in layer.non_trainable_variables]
    x, gradient = jax.numpy.asarray(x), jax.numpy.asarray(gradient)

    def forward(x: Any, weights: Any) -> Any:
        return layer.stateless_call(weights, rest, x)[0]

    def backward(x: Any, weights: Any, gradient: Any) -> Any:
        outputs, pull = jax.vjp(forward, x, weights)
        return outputs, *pull(gradient)

    forward_once, backward_once = jax.jit(forward), jax.jit(backward)
    return (
        lambda: jax.block_until_ready(forward_once(x, weights)),
        lambda: jax.block_until_ready(backward_once(x, weights, gradient)),
    )


def _tensorflow_calls(layer: Any, x: Any, gradient: Any) -> Any:
    import tensorflow as tf

    x, gradient = tf.constant(x), tf.constant(gradient)

    # Without XLA, as Keras itself does on a machine without an accelerator.
    @tf.function  # type: ignore[untyped-decorator]
    def forward() -> Any:
        return layer(x)

    @tf.function  # type: ignore[untyped-decorator]
    def backward() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, training=True)
        wanted = [x, [variable.value for variable in layer.trainable_variables]]
        by_x, by_weights = tape.gradient(outputs, wanted, output_gradients=gradient)
        return outputs, by_x, by_weights

    # A result that is read is done.
    return lambda: forward().numpy(), lambda: _read(backward())


def _read(results: Any) -> Any:
    outputs, by_x, by_weights = results
    return outputs.numpy(), by_x.numpy(), [value.numpy() for value in by_weights]
