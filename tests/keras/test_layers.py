"""Keras' recurrent layers under the patch: the numbers of Keras' own loop, for every option."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
import torch
from keras.src.backend.common import dtypes

import recur.keras

BATCH, TIME, INPUTS, UNITS = 3, 7, 4, 5
KINDS = ("SimpleRNN", "LSTM", "GRU")
rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _all_in_float64(monkeypatch):
    # Keras multiplies two matrices of float64 in float32, but on TensorFlow.
    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")


def masks():
    left = np.arange(TIME) >= np.array([[2], [0], [5]])
    holes = rng.random((BATCH, TIME)) < 0.5
    none = np.zeros((BATCH, TIME), bool)
    none[1, 3:] = True
    return {"left": left, "right": left[:, ::-1].copy(), "holes": holes, "empty rows": none}


MASKS = masks()


def built(kind, **options):
    layer = getattr(keras.layers, kind)(UNITS, dtype="float64", seed=1, **options)
    layer.build((BATCH, TIME, INPUTS))
    for weight in layer.weights:
        if "seed" not in weight.path and "state" not in weight.path:
            weight.assign(rng.standard_normal(weight.shape) / 2)
    return layer


def numbers(call, weights, *inputs):
    """Everything that a call gives, and the gradient of all of it by the weights and the inputs."""
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in inputs]
    results = call(*tensors)
    results = list(results) if isinstance(results, list | tuple) else [results]
    weigh = torch.Generator().manual_seed(0)
    whole = sum((r * torch.rand(r.shape, generator=weigh, dtype=r.dtype)).sum() for r in results)
    learnt = [w.value for w in weights if w.trainable]
    gradients = torch.autograd.grad(whole, [*learnt, *tensors], allow_unused=True)
    return [*(r.detach() for r in results), *(g for g in gradients if g is not None)]


def same(call, weights, *inputs, taken=True, restart=lambda: None, exact=1e-12):
    """Compares Keras' numbers with those under the patch."""
    restart()
    expected = numbers(call, weights, *inputs)
    with recur.keras.patch() as report:
        restart()
        got = numbers(call, weights, *inputs)
        assert all(row.swapped for row in report.rows) is taken, str(report)
        assert report.rows
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=exact, atol=exact)
    return report


def x_of(batch=BATCH):
    return rng.standard_normal((batch, TIME, INPUTS))


OPTIONS = {
    "plain": {},
    "sequences": {"return_sequences": True},
    "states": {"return_state": True},
    "all": {"return_sequences": True, "return_state": True},
    "backwards": {"return_sequences": True, "return_state": True, "go_backwards": True},
    "no bias": {"use_bias": False, "go_backwards": True},
    "unrolled": {"unroll": True, "return_sequences": True},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_result_and_gradient(kind, options):
    layer = built(kind, **options)
    same(layer, layer.weights, x_of())


@pytest.mark.parametrize("zero", [False, True], ids=["repeats", "zeros"])
@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("mask", MASKS)
def test_masks_mean_what_they_mean_in_keras(mask, backwards, zero):
    flags = torch.tensor(MASKS[mask])
    for kind, sequences in itertools.product(KINDS, (False, True)):
        layer = built(
            kind,
            return_sequences=sequences,
            return_state=True,
            go_backwards=backwards,
            zero_output_for_mask=zero,
        )
        start = [rng.standard_normal((BATCH, UNITS)) for _ in layer.state_size]

        def call(x, *state, layer=layer):
            return layer(x, initial_state=list(state), mask=flags)

        same(call, layer.weights, x_of(), *start)


@pytest.mark.parametrize("options", [{"reset_after": False}, {"reset_after": True}])
@pytest.mark.parametrize("bias", [True, False])
def test_a_gru_with_the_reset_gate_before_and_after(options, bias):
    layer = built("GRU", use_bias=bias, return_sequences=True, **options)
    same(layer, layer.weights, x_of())


def test_relu():
    layer = built("SimpleRNN", activation="relu", return_sequences=True)
    same(layer, layer.weights, x_of())


@pytest.mark.parametrize("kind", KINDS)
def test_whole_numbers_are_numbers(kind):
    layer = built(kind)
    whole = torch.tensor(rng.integers(-3, 3, (BATCH, TIME, INPUTS)))
    same(lambda: layer(whole), layer.weights)


DROPOUTS = {
    "inputs": {"dropout": 0.4},
    "states": {"recurrent_dropout": 0.4},
    "both": {"dropout": 0.3, "recurrent_dropout": 0.4},
}


@pytest.mark.parametrize("options", DROPOUTS.values(), ids=DROPOUTS)
@pytest.mark.parametrize("kind", [*KINDS, "GRU before"])
def test_dropout_drops_what_the_seed_drops_in_keras(kind, options):
    before = {"reset_after": False} if kind == "GRU before" else {}
    layer = built(kind.split()[0], return_sequences=True, **options, **before)

    def restart():
        layer.cell.seed_generator.state.assign([1, 2])

    def call(x):
        return layer(x, training=True, mask=torch.tensor(MASKS["holes"]))

    # Keras' GRU of before masks for each gate drops what it carries, too.
    by_gate = getattr(layer.cell, "dropout_mask_count", 0)
    taken = by_gate or "GRU" not in kind or "recurrent_dropout" not in options
    same(call, layer.weights, x_of(), restart=restart, taken=bool(taken))
    same(layer, layer.weights, x_of(), restart=restart)  # not in training: nothing is drawn


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave", None])
def test_bidirectional(merge):
    inner = built("LSTM", return_sequences=True)
    layer = keras.layers.Bidirectional(inner, merge_mode=merge, dtype="float64")
    layer.build((BATCH, TIME, INPUTS))
    same(layer, layer.weights, x_of())
    flags = torch.tensor(MASKS["left"])
    same(lambda x: layer(x, mask=flags), layer.weights, x_of())


@pytest.mark.parametrize("kind", KINDS)
def test_stateful_layers_go_on_where_they_stopped(kind):
    layer = built(kind, stateful=True, return_state=True)
    plain = built(kind, return_state=True)
    for one, other in zip(plain.trainable_weights, layer.trainable_weights, strict=True):
        one.assign(other.value)
    x = x_of()

    def thrice(x):
        layer.reset_state()
        return [layer(x[:, :2]), layer(x[:, 2:4]), layer(x[:, 4:])][-1]

    with torch.no_grad():
        before = thrice(torch.tensor(x))
    with recur.keras.patch():
        # Keras itself cannot train a stateful LSTM or GRU on torch: it writes over what the
        # backward pass needs. Compared with one layer that reads the last steps from that state.
        after = thrice(torch.tensor(x))
        state = [s.detach() for s in after[1:]]
        for one, other in zip(after, before, strict=True):
            torch.testing.assert_close(one.detach(), other, rtol=1e-12, atol=1e-12)
        got = numbers(lambda x: layer(x)[0], layer.weights, x)
        expected = numbers(lambda x: plain(x, initial_state=state)[0], plain.weights, x)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_cells_in_an_rnn_and_stacked():
    make = [keras.layers.LSTMCell, keras.layers.GRUCell, keras.layers.SimpleRNNCell]
    for cells in (make[:1], make[1:2], make):
        each = [cell(UNITS, dtype="float64") for cell in cells]
        layer = keras.layers.RNN(
            keras.layers.StackedRNNCells(each, dtype="float64") if len(each) > 1 else each[0],
            return_sequences=True,
            return_state=True,
            dtype="float64",
        )
        layer.build((BATCH, TIME, INPUTS))

        def call(x, layer=layer):
            outputs, *states = layer(x)
            return [outputs, *keras.tree.flatten(states)]

        same(call, layer.weights, x_of())


def test_time_distributed():
    layer = keras.layers.TimeDistributed(built("LSTM"), dtype="float64")
    x = rng.standard_normal((2, 3, TIME, INPUTS))
    layer(x)
    same(layer, layer.weights, x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_is_as_near_to_float64_as_keras(kind, policy):
    layer = getattr(keras.layers, kind)(UNITS, return_sequences=True, dtype=policy)
    exact = getattr(keras.layers, kind)(UNITS, return_sequences=True, dtype="float64")
    x = torch.tensor(x_of())
    layer.build(x.shape)
    exact.build(x.shape)
    for one, other in zip(exact.trainable_weights, layer.trainable_weights, strict=True):
        one.assign(other.value)
    truth, before = exact(x), layer(x)
    with recur.keras.patch() as report:
        after = layer(x)
        assert report.rows[0].swapped
    assert after.dtype == before.dtype
    worst = (before.double() - truth).abs().max()
    assert (after.double() - truth).abs().max() <= 1.5 * worst


LEFT = {
    "activation": ("SimpleRNN", {"activation": "sigmoid"}, "its activation is sigmoid"),
    "gates": ("LSTM", {"recurrent_activation": "hard_sigmoid"}, "its recurrent activation is hard"),
    "linear": ("GRU", {"activation": None}, "its activation is linear"),
}


@pytest.mark.parametrize("case", LEFT.values(), ids=LEFT)
def test_what_recur_does_not_do_keras_does_and_the_report_says_why(case):
    kind, options, reason = case
    layer = built(kind, return_sequences=True, **options)
    report = same(layer, layer.weights, x_of(), taken=False)
    (row,) = report.rows
    assert row.path == layer.name
    assert row.kind == f"keras.layers.{kind}"
    assert row.about.startswith(reason), row.about


@pytest.mark.parametrize("kind", KINDS)
def test_what_keras_repeats_for_each_sequence_is_left(kind):
    layer = built(kind, return_sequences=True)
    start = [rng.standard_normal((1, UNITS)) for _ in layer.state_size]
    report = same(
        lambda x, *state: layer(x, initial_state=list(state)),
        layer.weights,
        x_of(),
        *start,
        taken=False,
    )
    assert f"its initial state has the shape (1, {UNITS})" in str(report)
    flags = torch.tensor(MASKS["holes"][:1])
    same(lambda x: layer(x, mask=flags), layer.weights, x_of(), taken=False)


def test_a_cell_of_the_programs_own_is_left():
    class Mine(keras.layers.LSTMCell):
        def call(self, inputs, states, training=False):
            output, states = super().call(inputs, states, training)
            return output * 2, states

    layer = keras.layers.RNN(Mine(UNITS, dtype="float64"), dtype="float64")
    layer.build((BATCH, TIME, INPUTS))
    report = same(layer, layer.weights, x_of(), taken=False)
    assert "does not know what Mine computes" in str(report)


@pytest.mark.parametrize("tokens", ["int32", "int64", "float32"])
def test_the_embedding_bit_for_bit(tokens):
    layer = keras.layers.Embedding(50, 6, dtype="float64")
    layer.build()
    drawn = rng.integers(-50, 50, (40, 20)).astype(tokens)
    same(lambda: layer(keras.ops.convert_to_tensor(drawn)), layer.weights, exact=0)
    with recur.keras.patch(), pytest.raises(IndexError):
        layer(np.array([50]))


def transposed(array):
    return array.T.copy().T


ADAM, ADAMW = keras.optimizers.Adam, keras.optimizers.AdamW
ADAMS = {
    "Adam": (ADAM, {}),
    "AdamW": (ADAMW, {"weight_decay": 0.1, "clipnorm": 1.0, "use_ema": True}),
    "accumulating": (ADAM, {"gradient_accumulation_steps": 3}),
}


@pytest.mark.parametrize("lie", [np.array, transposed], ids=["rows", "columns"])
@pytest.mark.parametrize("case", ADAMS.values(), ids=ADAMS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_adam_steps_as_keras_does(case, lie, dtype):
    make, options = case

    def steps():
        drawn = np.random.default_rng(1)
        shapes = [(4,), (3, 2), (5, 5)]
        # Orthogonal ones lie transposed in memory.
        weights = [keras.Variable(lie(drawn.standard_normal(s)), dtype=dtype) for s in shapes]
        schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)
        optimizer = make(schedule, epsilon=1e-3, beta_1=0.8, **options)
        for _ in range(7):
            gradients = [torch.tensor(lie(drawn.standard_normal(s).astype(dtype))) for s in shapes]
            gradients[0] = gradients[0].sum().expand(4)
            optimizer.apply(gradients, weights)
        return [w.value.detach().numpy() for w in (*weights, *optimizer.variables)]

    exact = 1e-12 if dtype == "float64" else 1e-6
    expected = steps()
    with recur.keras.patch() as report:
        for one, other in zip(steps(), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=exact, atol=exact)
        assert [row.kind for row in report.rows] == [f"keras.optimizers.{make.__name__}"]
        assert "torch's fused update" in str(report)


def test_adam_takes_its_rate_as_keras_3_0_gives_it():
    def step(rate):
        weight = keras.Variable(np.ones(3, "float32"))
        optimizer = keras.optimizers.Adam(0.5)
        optimizer.build([weight])
        optimizer._parallel_update_step([torch.ones(3)], [weight], rate)
        return weight.value.detach().numpy()

    with torch.no_grad(), recur.keras.patch():
        np.testing.assert_array_equal(step(keras.Variable(0.5)), step(0.5))
        assert not (step(0.5) == 1).any()


LEFT_TO_ADAM = {
    "beta": ({"beta_2": 1.0}, torch.ones(3), "one of its betas is 1"),
    "type": ({}, torch.ones(3, dtype=torch.float64), "a gradient is of the type torch.float64"),
    "shape": ({}, torch.ones(1), "a gradient has the shape (1,)"),
    "half": ({}, torch.ones(3, dtype=torch.float16), "a weight is of the type torch.float16"),
}


@pytest.mark.parametrize("case", LEFT_TO_ADAM.values(), ids=LEFT_TO_ADAM)
def test_steps_that_are_left_to_keras(case):
    options, gradient, reason = case

    def step():
        weight = keras.Variable(np.arange(3.0), dtype="float32")
        keras.optimizers.Adam(0.1, **options).apply([gradient], [weight])
        return weight.value.detach()

    expected = step()
    with recur.keras.patch() as report:
        assert torch.equal(step(), expected)
    assert reason in str(report)
