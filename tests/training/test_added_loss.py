"""What a model adds to the loss: in training, not in what is reported, of any grouping."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import recur
from recur.messages import InputError

X = np.random.default_rng(0).normal(size=(12, 2)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
QUIET = {
    "loss": "mse",
    "epochs": 1,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "progress": False,
    "clip_norm": None,
}


class Shrinking(nn.Module):
    """A line whose weights cost something."""

    def __init__(self, cost: float | None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.line, self.cost = nn.Linear(2, 1), cost
        self.added_loss: torch.Tensor | None = None

    def forward(self, x):
        self.added_loss = None
        if self.training and self.cost is not None:
            self.added_loss = self.cost * self.line.weight.square().sum()
        return self.line(x)


def by_hand(cost):
    model = Shrinking(None)
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    loss = nn.functional.mse_loss(model(x), y)
    (loss + cost * model.line.weight.square().sum()).backward()
    with torch.no_grad():
        for weight in model.parameters():
            weight -= 0.1 * weight.grad
    return model, loss.item()


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_step_goes_down_both_and_the_loss_alone_is_reported(accumulate):
    want, loss = by_hand(0.5)
    model = Shrinking(0.5)
    how = {"batch_size": 12 // accumulate, "accumulate": accumulate, "shuffle": False}
    history = recur.fit(model, X, Y, validation_data=(X, Y), **how, **QUIET)
    for got, weight in zip(model.parameters(), want.parameters(), strict=True):
        torch.testing.assert_close(got, weight)
    assert history.rows[0]["loss"] == pytest.approx(loss)
    after = recur.evaluate(model, X, Y, loss="mse")["loss"]
    assert history.rows[0]["val_loss"] == pytest.approx(after)


def test_an_attribute_that_is_no_loss_of_the_batch_is_left_alone():
    want, _ = by_hand(0.0)
    model = Shrinking(None)
    model.__class__ = type("Other", (Shrinking,), {"added_loss": property(lambda _: 3.0)})
    del model.__dict__["added_loss"]
    model.forward = model.line.forward
    recur.fit(model, X, Y, batch_size=12, **QUIET)
    for got, weight in zip(model.parameters(), want.parameters(), strict=True):
        torch.testing.assert_close(got, weight)


def test_several_losses_have_a_place_for_it_already():
    class Both(Shrinking):
        def forward(self, x):
            return {"a": super().forward(x), "b": x}

    with pytest.raises(InputError, match="added_loss must be None where there are several losses"):
        recur.fit(Both(1.0), X, {"a": Y, "b": X}, **{**QUIET, "loss": {"a": "mse", "b": "mse"}})
