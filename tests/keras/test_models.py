"""Whole models of Keras under the patch: training, files, and what programs do around them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import torch

import recur
import recur.keras

# Keras, of a numpy that is older than this one.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

WORDS, TIME, UNITS = 40, 6, 5


def drawn(rows=64):
    rng = np.random.default_rng(0)
    x = rng.integers(1, WORDS, (rows, TIME)).astype("int32")
    x[::3, :3] = 0
    return x, (x == 3).any(1).astype("int64")


def sequential(kind):
    return keras.Sequential(
        [
            keras.layers.Embedding(WORDS, UNITS, mask_zero=True),
            keras.layers.Bidirectional(getattr(keras.layers, kind)(UNITS, return_sequences=True)),
            getattr(keras.layers, kind)(UNITS, dropout=0.2),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def functional(kind):
    tokens = keras.Input((TIME,), dtype="int32")
    x = keras.layers.Embedding(WORDS, UNITS)(tokens)
    outputs, *state = getattr(keras.layers, kind)(UNITS, return_sequences=True, return_state=True)(
        x
    )
    decoded = getattr(keras.layers, kind)(UNITS)(outputs, initial_state=state)
    return keras.Model(tokens, keras.layers.Dense(1, activation="sigmoid")(decoded))


class Subclassed(keras.Model):
    def __init__(self, kind):
        super().__init__()
        self.embedding = keras.layers.Embedding(WORDS, UNITS)
        self.recurrent = getattr(keras.layers, kind)(UNITS, recurrent_regularizer="l2")
        self.head = keras.layers.Dense(1, activation="sigmoid")

    def call(self, tokens):
        return self.head(self.recurrent(self.embedding(tokens)))


def history(make, kind):
    keras.utils.set_random_seed(1)
    model = make(kind)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    x, y = drawn()
    losses = [
        float(model.train_on_batch(x[at : at + 8], y[at : at + 8])[0]) for at in range(0, 56, 4)
    ]
    return model, losses


@pytest.mark.parametrize(
    ("make", "kind"), [(sequential, "GRU"), (functional, "LSTM"), (Subclassed, "SimpleRNN")]
)
def test_the_losses_of_a_training_are_those_of_keras(make, kind):
    _, expected = history(make, kind)
    with recur.keras.patch() as report:
        _, got = history(make, kind)
    np.testing.assert_allclose(got, expected, atol=1e-4)
    assert all(row.swapped for row in report.rows), report
    kinds = {row.kind for row in report.rows}
    assert kinds == {f"keras.layers.{kind}", "keras.layers.Embedding", "keras.optimizers.Adam"}


def test_fit_evaluate_predict_and_files_go_between_both(tmp_path):
    x, y = drawn()
    model, _ = history(sequential, "GRU")
    before = model.predict(x, verbose=0)
    model.save(tmp_path / "plain.keras")
    with recur.keras.patch():
        loaded = keras.models.load_model(tmp_path / "plain.keras")
        np.testing.assert_allclose(loaded.predict(x, verbose=0), before, atol=1e-6)
        kept = loaded.fit(x, y, epochs=2, validation_split=0.25, verbose=0)
        assert len(kept.history["val_accuracy"]) == 2
        after = loaded.evaluate(x, y, verbose=0)
        loaded.save(tmp_path / "patched.keras")
        loaded.save_weights(tmp_path / "patched.weights.h5")
    again = keras.models.load_model(tmp_path / "patched.keras")
    np.testing.assert_allclose(again.evaluate(x, y, verbose=0), after, atol=1e-6)
    model.load_weights(tmp_path / "patched.weights.h5")


def test_copies_and_clones_are_keras_own():
    with recur.keras.patch():
        model, _ = history(sequential, "LSTM")
        clone = keras.models.clone_model(model)
    assert type(clone.layers[2]) is keras.layers.LSTM
    assert clone.to_json() == model.to_json()


def test_the_report_names_each_layer_once_and_leaves_those_that_are_named():
    layers = [keras.layers.LSTM(2, name=name) for name in ("one", "two")]
    x = torch.zeros(1, 3, 2)
    report = recur.keras.patch(leave=["two"])
    for layer in [*layers, *layers, keras.layers.GRU(2, name="three")]:
        layer(x)
    assert [(row.path, row.swapped) for row in report.rows] == [
        ("one", True),
        ("two", False),
        ("three", True),
    ]
    assert recur.keras.patch() is report  # by the program itself: what its user left stays left
    layers[1](x)
    assert recur.keras.patch(leave="GRU") is report  # one report, other names
    layers[1](x)
    keras.layers.GRU(2, name="four")(x)
    rows = [(row.path, row.swapped) for row in report.rows]
    assert rows[1:] == [("two", False), ("two", True), ("three", True), ("four", False)]
    assert "the program asked for that" in str(report)


def test_unpatched_keras_is_keras_again():
    owners = [keras.layers.RNN, keras.layers.LSTM, keras.layers.GRU, keras.layers.Embedding]
    before = [dict(vars(owner)) for owner in owners]
    recur.keras.patch()
    recur.keras.patch()
    assert vars(keras.layers.LSTM)["inner_loop"] is not before[1]["inner_loop"]
    recur.keras.unpatch()
    recur.keras.unpatch()
    assert [dict(vars(owner)) for owner in owners] == before


def test_no_shape_is_worked_out_by_the_engine():
    with recur.keras.patch() as report:
        layer = keras.layers.LSTM(3, return_sequences=True)
        assert layer(keras.Input((None, 4))).shape == (None, None, 3)
        assert keras.layers.Embedding(5, 2)(keras.Input((7,))).shape == (None, 7, 2)
    assert not report.rows


def test_a_model_can_be_exported_under_the_patch():
    model = functional("LSTM")
    tokens = torch.ones(2, TIME, dtype=torch.int32)
    with recur.keras.patch():
        exported = torch.export.export(model, (tokens,), strict=False)
        torch.testing.assert_close(exported.module()(tokens), model(tokens), rtol=1e-5, atol=1e-6)
    assert not any(str(node.target).startswith("recur.") for node in exported.graph.nodes)
