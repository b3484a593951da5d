"""The reference job on Keras 3: embedding, recurrent layer, one score; a whole training step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
import keras_weights
import numpy as np
from worker import Arrays, Work


def make(settings: Mapping[str, Any], arrays: Arrays) -> Work:
    """Makes the job.

    Args:
        settings: "cell", "batch", "steps" (of the check) and "epsilon" (of Adam).
        arrays: "tokens" (N, T), "targets" (N, 1) and the weights by torch's names in the model:
            "embedding.weight", "recurrent.weight_ih_l0", ..., "head.weight", "head.bias".
    """
    tokens, targets, batch = arrays["tokens"], arrays["targets"], settings["batch"]

    def step(make_step: Callable[..., Callable[[], float]]) -> Callable[[], float]:
        model = _model(settings["cell"], arrays)
        optimizer = keras.optimizers.Adam(1e-3, epsilon=settings["epsilon"])
        optimizer.build(model.trainable_variables)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        return make_step(model, optimizer, loss, tokens[:batch], targets[:batch])

    fitted = _model(settings["cell"], arrays)
    fitted.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
    )
    calls: dict[str, Callable[[], object]] = {
        "fit": lambda: fitted.fit(tokens, targets, batch_size=batch, verbose=0)
    }
    if keras.backend.backend() == "jax":
        first = calls["step"] = step(_jax_step)
    else:
        # Keras itself leaves XLA out on a machine without an accelerator.
        first = calls["step"] = step(partial(_tensorflow_step, xla=False))
        calls["step with XLA"] = step(partial(_tensorflow_step, xla=True))
    return Work(lambda: {"losses": np.array([first() for _ in range(settings["steps"])])}, calls)


def _model(cell: str, arrays: Arrays) -> Any:
    words, size = arrays["embedding.weight"].shape
    model = keras.Sequential(
        [
            keras.Input(arrays["tokens"].shape[1:], dtype="int32"),
            keras.layers.Embedding(words, size),
            keras_weights.LAYERS[cell](arrays["recurrent.weight_hh_l0"].shape[1]),
            keras.layers.Dense(1),
        ]
    )
    embedding, recurrent, head = model.layers
    embedding.set_weights([arrays["embedding.weight"]])
    named = {name.removeprefix("recurrent."): value for name, value in arrays.items()}
    keras_weights.put(recurrent, cell, named)
    head.set_weights([arrays["head.weight"].T, arrays["head.bias"]])
    return model


# Steps of training as Keras' guides write them for each backend; they return the loss.


def _jax_step(model: Any, optimizer: Any, loss: Any, x: Any, y: Any) -> Callable[[], float]:
    import jax

    def loss_of(trained: Any, rest: Any, x: Any, y: Any) -> Any:
        outputs, rest = model.stateless_call(trained, rest, x, training=True)
        return loss(y, outputs), rest

    gradient_of = jax.value_and_grad(loss_of, has_aux=True)

    def whole(state: Any, x: Any, y: Any) -> Any:
        trained, rest, steps = state
        (value, rest), gradients = gradient_of(trained, rest, x, y)
        trained, steps = optimizer.stateless_apply(steps, gradients, trained)
        return value, (trained, rest, steps)

    # The state before is given up, so that it is updated in place.
    jitted = jax.jit(whole, donate_argnums=0)
    x, y = jax.numpy.asarray(x), jax.numpy.asarray(y)
    parts = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    state = tuple([jax.numpy.array(variable.value) for variable in part] for part in parts)

    def step() -> float:
        nonlocal state
        value, state = jax.block_until_ready(jitted(state, x, y))
        return float(value)

    return step


def _tensorflow_step(
    model: Any, optimizer: Any, loss: Any, x: Any, y: Any, *, xla: bool
) -> Callable[[], float]:
    import tensorflow as tf

    x, y = tf.constant(x), tf.constant(y)

    @tf.function(jit_compile=xla)  # type: ignore[untyped-decorator]
    def whole() -> Any:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        optimizer.apply(tape.gradient(value, model.trainable_weights), model.trainable_weights)
        return value

    return lambda: float(whole())
