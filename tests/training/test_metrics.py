"""Metrics: right for the loss they stand beside."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from recur.messages import InputError
from recur.training import evaluate
from recur.training.aims import Aim, columns
from recur.training.losses import find_loss
from recur.training.metrics import find_metrics


def value(metric, loss, outputs, targets):
    found = find_loss(loss)
    (only,) = find_metrics([metric], found)
    return only.finish(float(only.mean(outputs, found.align(outputs, targets))))


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize(
    ("loss", "outputs"),
    [
        ("binary_crossentropy", [0.4, 0.6, 0.51, 0.49]),
        ("binary_crossentropy_with_logits", [-0.4, 0.1, 0.01, -0.2]),
        (nn.BCEWithLogitsLoss(), [-0.4, 0.1, 0.01, -0.2]),
        (nn.BCELoss(), [0.4, 0.6, 0.51, 0.49]),
    ],
)
def test_accuracy_knows_probabilities_from_logits(loss, outputs, shape):
    targets = torch.tensor([0, 1, 0, 0]).reshape(shape)
    assert value("accuracy", loss, torch.tensor(outputs).unsqueeze(1), targets) == 0.75


@pytest.mark.parametrize("loss", ["cross_entropy", nn.CrossEntropyLoss()])
def test_accuracy_of_classes(loss):
    scores = torch.tensor([[1.0, 2, 0], [3, 0, 0], [0, 1, 2]])
    assert value("accuracy", loss, scores, torch.tensor([1, 0, 0])) == pytest.approx(2 / 3)


def test_accuracy_leaves_ignored_targets_out():
    scores = torch.tensor([[1.0, 2, 0], [3, 0, 0], [0, 1, 2]])
    assert value("accuracy", "cross_entropy", scores, torch.tensor([1, -100, 0])) == 0.5


@pytest.mark.parametrize("loss", ["mse", lambda o, y: o.sum()])
def test_accuracy_without_decisions_is_refused(loss):
    with pytest.raises(InputError, match=r"'accuracy' must be used with.*Take 'mae'"):
        find_metrics(["accuracy"], find_loss(loss))


def test_errors_of_numbers():
    outputs, targets = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([1.0, 4.0, 0.0])
    assert value("mae", "mse", outputs, targets) == pytest.approx(5 / 3)
    assert value("mse", "mse", outputs, targets) == pytest.approx(13 / 3)
    assert value("rmse", "mse", outputs, targets) == pytest.approx(math.sqrt(13 / 3))


def test_names_that_are_wrong():
    loss = find_loss("mse")
    with pytest.raises(InputError, match=r"got 'rmsee'. Did you mean 'rmse'"):
        find_metrics(["rmsee"], loss)
    with pytest.raises(InputError, match=r"a list; got 'mae'. Write \['mae'\]"):
        find_metrics("mae", loss)
    with pytest.raises(InputError, match="different names; got 'mae' twice"):
        find_metrics(["mae", "mae"], loss)
    with pytest.raises(InputError, match="a name or a callable; got 3"):
        find_metrics([3], loss)


def test_which_way_is_up():
    def f1_score(outputs, targets):
        return 0.0

    class Perplexity(nn.Module):
        higher_is_better = False

    class Agreement(nn.Module):
        higher_is_better = True

    loss = find_loss("binary_crossentropy")
    found = find_metrics(["accuracy", f1_score, Perplexity(), Agreement()], loss)
    assert columns([Aim(loss, tuple(found))]) == {
        "loss": False, "accuracy": True, "f1_score": True, "Perplexity": False, "Agreement": True,
    }  # fmt: skip


def test_the_loss_in_other_units():
    torch.manual_seed(0)
    x, y = torch.randn(30, 2), torch.arange(30) % 5
    model = torch.nn.Linear(2, 5)
    names = ["perplexity", "bits_per_character"]
    found = evaluate(model, x, y, loss="cross_entropy", metrics=names, batch_size=7)
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]))
    assert found["bits_per_character"] == pytest.approx(found["loss"] / math.log(2))
    for name in names:
        with pytest.raises(InputError, match="used with the loss 'cross_entropy'; got 'mse'"):
            evaluate(model, x, x, loss="mse", metrics=[name])
        assert not find_metrics([name], find_loss("cross_entropy"))[0].more_is_better
