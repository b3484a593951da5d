"""`evaluate` and `predict`: what they compute, in whose order, and what they leave alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.training.problems import LOGITS, dense, line_model, ragged, ragged_data, token_model
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import recur
from recur.data.sequences import Sequences, collate
from recur.messages import InputError
from recur.training import evaluate, predict


def test_values_are_those_of_one_pass_over_everything():
    x, y = dense(50)
    model = line_model()
    found = evaluate(model, x, y, loss=LOGITS, metrics=["accuracy", "rmse"], batch_size=7)
    outputs = model(x).detach().squeeze(1)
    expected = {
        "loss": nn.functional.binary_cross_entropy_with_logits(outputs, y).item(),
        "accuracy": ((outputs > 0) == (y > 0.5)).double().mean().item(),
        "rmse": (outputs - y).square().mean().sqrt().item(),
    }
    assert found == pytest.approx(expected, rel=1e-6)
    assert list(found) == list(expected)


@pytest.mark.parametrize("batch_size", [1, 3, 60, 1000])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_predictions_are_in_the_order_of_the_data(batch_size, cell):
    x, _ = ragged()
    model = token_model(cell=cell).eval()
    found = predict(model, x, batch_size=batch_size)
    expected = torch.cat([model(torch.from_numpy(row)[None]) for row in x]).detach()
    torch.testing.assert_close(found, expected)
    assert found.shape == (60, 1)
    assert not found.requires_grad


def test_predictions_of_every_kind_of_data_are_the_same():
    x, y = dense()
    model = line_model()
    expected = model(x).detach()
    for data in (
        x,
        x.numpy().astype(np.float64),
        list(x.numpy()),
        Sequences(x, y),
        TensorDataset(x, y),
        TensorDataset(x),
        DataLoader(TensorDataset(x, y), batch_size=5),
        DataLoader(TensorDataset(x), batch_size=5),
        DataLoader(Sequences(x), batch_size=5, collate_fn=collate),
    ):
        torch.testing.assert_close(predict(model, data, batch_size=5), expected)


def test_outputs_for_every_step_are_padded_with_zeros():
    x = [np.ones((steps, 2), dtype=np.float32) for steps in (3, 1, 5, 2)]

    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = recur.RNN(2, 4, batch_first=True, return_sequences=True)

        def forward(self, x, lengths=None):
            return self.layer(x, lengths=lengths)

    model = Steps()
    found = predict(model, x, batch_size=2)
    assert found.shape == (4, 5, 4)
    for row, steps in zip(found, x, strict=True):
        expected = model(torch.from_numpy(steps)[None])[0].detach()
        torch.testing.assert_close(row[: len(steps)], expected)
        assert not row[len(steps) :].any()


def test_a_sequence_of_length_0_has_an_answer():
    found = predict(token_model(), [np.array([1, 2]), np.array([], dtype=int), np.array([3])])
    assert found.shape == (3, 1)
    assert found.isfinite().all()


def test_modes_and_gradients_are_left_as_they_were():
    model = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 1))
    model[2].eval()  # frozen on purpose
    x, y = dense()
    first = predict(model, x)
    assert torch.equal(predict(model, x), first)  # no dropout
    evaluate(model, x, y, loss=LOGITS)
    assert [m.training for m in model] == [True, True, False, True]
    assert model[2].num_batches_tracked == 0
    assert all(p.grad is None for p in model.parameters())


def test_modes_come_back_after_an_error():
    model = nn.Sequential(nn.Linear(3, 1))
    with pytest.raises(RuntimeError):
        predict(model, torch.randn(4, 2))
    assert model.training


def test_no_random_number_is_drawn():
    model = token_model(dropout=0.5)
    before = torch.get_rng_state()
    evaluate(model, ragged_data(), loss=LOGITS)
    predict(model, ragged_data())
    assert torch.equal(torch.get_rng_state(), before)


def test_evaluate_leaves_padded_steps_out():
    class Same(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(()))

        def forward(self, x):
            return x + self.unused

    x = torch.ones(2, 4, 1)
    y = torch.zeros(2, 4, 1)
    y[0, 2:], y[1, 1:] = 99.0, 99.0
    found = evaluate(Same(), x, y, lengths=[2, 1], loss="mse", metrics=["mae"])
    assert found == {"loss": 1.0, "mae": 1.0}


def test_mistakes():
    x, y = dense()
    with pytest.raises(InputError, match="There are no targets y"):
        evaluate(line_model(), x, loss=LOGITS)
    with pytest.raises(InputError, match="48 sequences"):
        evaluate(line_model(), x, y[:5], loss=LOGITS)
    with pytest.raises(InputError, match="Did you mean 'mse'"):
        evaluate(line_model(), x, y, loss="mes")
    y[40] = 7
    with pytest.raises(InputError, match="from 0 to 1; got 7"):
        evaluate(line_model(), x, y, loss=LOGITS)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 64])
@pytest.mark.parametrize("loss", ["cross_entropy", nn.CrossEntropyLoss()])
def test_class_numbers_that_are_ignored_weigh_nothing(batch_size, loss):
    """Batches differ in how many targets count; the means are over those that do."""
    torch.manual_seed(0)
    x, y = torch.randn(20, 2, dtype=torch.float64), torch.arange(20) % 3
    y[1:12] = -100
    model = nn.Linear(2, 3, dtype=torch.float64)
    kept = y >= 0
    outputs = model(x).detach()[kept]
    expected = {
        "loss": nn.functional.cross_entropy(outputs, y[kept]).item(),
        "accuracy": (outputs.argmax(1) == y[kept]).double().mean().item(),
    }
    if isinstance(loss, str) or batch_size == 64:  # torch's own is NaN where none counts
        found = evaluate(model, x, y, loss=loss, metrics=["accuracy"], batch_size=batch_size)
        assert found == pytest.approx(expected, rel=1e-12)


def test_a_text_has_the_same_perplexity_in_batches_of_any_size():
    model = recur.ManyToMany(vocabulary=6, outputs=6, units=4).eval()
    y = torch.randint(0, 6, (9, 7))
    for row in range(9):
        y[row, row % 7 + 1 :] = -100
    x = torch.randint(0, 6, (9, 7))
    found = [
        evaluate(model, x, y, loss="cross_entropy", batch_size=size)["loss"] for size in (1, 2, 9)
    ]
    assert found == pytest.approx([found[0]] * 3, rel=1e-6)


W = torch.tensor([1.0, 20.0, 0.0])
CLASSES = torch.tensor([0, 0, 0, 2, 2, 1, 0, 0, 1, 2, 2, 0, 2, 0, 0, 1, 0])
ALIKE_FOR_ALL_BATCHES = {
    "weights of classes": (nn.CrossEntropyLoss(weight=W), CLASSES),
    "smoothed": (nn.CrossEntropyLoss(weight=W + 1, label_smoothing=0.2), CLASSES),
    "ignored": (nn.CrossEntropyLoss(ignore_index=0), CLASSES),
    "both": (nn.CrossEntropyLoss(weight=W, ignore_index=0), CLASSES),
    "probabilities": (nn.CrossEntropyLoss(weight=W), torch.rand(17, 3).softmax(-1)),
    "likelihood": (nn.NLLLoss(weight=W), CLASSES),
    "likelihood, ignored": (nn.NLLLoss(ignore_index=0), CLASSES),
    "positive": (nn.BCEWithLogitsLoss(pos_weight=W + 1), torch.rand(17, 3).round()),
    "weights of outputs": (nn.BCEWithLogitsLoss(weight=W), torch.rand(17, 3).round()),
    "numbers": (nn.HuberLoss(), torch.randn(17, 3)),
    "function": (lambda a, b: ((a - b) ** 2).mean(), torch.randn(17, 3)),
}
SUMS = {
    f"{name}, summed": (type(ALIKE_FOR_ALL_BATCHES[name][0])(reduction="sum", **more), y)
    for name, y, more in (
        ("weights of classes", CLASSES, {"weight": W}),
        ("both", CLASSES, {"weight": W, "ignore_index": 0}),
        ("probabilities", ALIKE_FOR_ALL_BATCHES["probabilities"][1], {"weight": W}),
        ("likelihood", CLASSES, {"weight": W}),
        ("positive", ALIKE_FOR_ALL_BATCHES["positive"][1], {"pos_weight": W + 1}),
        ("numbers", ALIKE_FOR_ALL_BATCHES["numbers"][1], {}),
    )
}


@pytest.mark.parametrize("case", [*ALIKE_FOR_ALL_BATCHES, *SUMS])
def test_the_loss_is_that_of_all_rows_at_once(case):
    """And of training, validation and evaluation alike."""
    loss, y = (ALIKE_FOR_ALL_BATCHES | SUMS)[case]
    mean = ALIKE_FOR_ALL_BATCHES[case.removesuffix(", summed")][0]
    x = torch.linspace(-2, 2, 34).reshape(17, 2)
    model = (
        line_model(3)
        if "likelihood" not in case
        else nn.Sequential(line_model(3), nn.LogSoftmax(-1))
    )
    want = mean(model(x), y).item()
    for batch_size in (1, 3, 17):
        assert evaluate(model, x, y, loss=loss, batch_size=batch_size)["loss"] == pytest.approx(
            want, rel=1e-5
        )
        history = recur.fit(
            model,
            x,
            y,
            loss=loss,
            validation_data=DataLoader(TensorDataset(x, y), batch_size),
            batch_size=batch_size,
            optimizer="sgd",
            learning_rate=1e-12,
            progress=False,
        )
        assert history.rows[0]["loss"] == pytest.approx(want, rel=1e-5)
        assert history.rows[0]["val_loss"] == pytest.approx(want, rel=1e-5)


def test_accuracy_counts_what_the_loss_counts():
    x = torch.linspace(-2, 2, 34).reshape(17, 2)
    model = line_model(3)
    counted = CLASSES != 0
    want = (model(x).argmax(-1) == CLASSES)[counted].double().mean().item()
    for batch_size in (1, 4):
        found = evaluate(
            model,
            x,
            CLASSES,
            loss=nn.CrossEntropyLoss(ignore_index=0),
            metrics=["accuracy"],
            batch_size=batch_size,
        )
        assert found["accuracy"] == pytest.approx(want)


def test_the_lengths_of_ragged_answers():
    model = recur.ManyToMany(inputs=2, outputs=3, units=4).eval()
    x = [np.ones((steps, 2), dtype=np.float32) for steps in (3, 1, 5, 2)]
    answers, lengths = predict(model, x, batch_size=2, return_lengths=True)
    assert torch.equal(answers, predict(model, x, batch_size=2))
    assert lengths.tolist() == [3, 1, 5, 2]
    full, lengths = predict(model, torch.ones(3, 4, 2), return_lengths=True)
    assert full.shape == (3, 4, 3)
    assert lengths.tolist() == [4, 4, 4]


def test_a_model_that_writes_says_how_it_does():
    model = recur.EncoderDecoder(vocabulary=5, source_vocabulary=5, units=4)
    with pytest.raises(InputError, match=r"model.eval\(\).generate\(x, max_steps=N\)"):
        predict(model, [[1, 2], [3]])
    assert len(model.eval().generate([[1, 2], [3]], max_steps=3).tokens) == 2
