"""One-to-one: shapes, residual connections, learning, bad input."""

from __future__ import annotations

import pytest
import torch

import recur
from recur.messages import InputError
from recur.models import OneToOne


@pytest.mark.parametrize("residual", [False, True])
def test_what_is_computed(residual):
    model = OneToOne(inputs=6, outputs=2, units=4, layers=3, residual=residual).double()
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    a, b, c = model.hidden
    y = a(x.flatten(1)).relu()
    y = (y if residual else 0) + b(y).relu()
    y = (y if residual else 0) + c(y).relu()
    torch.testing.assert_close(model(x), model.head(y))


def test_no_hidden_layer_is_linear():
    model = OneToOne(inputs=1, outputs=2, layers=0)
    x = torch.randn(5)
    torch.testing.assert_close(model(x), model.head(x.unsqueeze(1)))


def test_dropout_only_while_training():
    model = OneToOne(inputs=20, outputs=2, dropout=0.5)
    x = torch.randn(5, 20)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_it_learns_pictures_of_lines():
    """Which way does the line go? Each row or column of a 5 by 5 picture."""
    pictures = torch.zeros(10, 5, 5)
    for n in range(5):
        pictures[n, n], pictures[5 + n, :, n] = 1, 1
    x = pictures.repeat(20, 1, 1) + 0.1 * torch.randn(200, 5, 5)
    y = torch.tensor([0] * 5 + [1] * 5).repeat(20)
    model = OneToOne(inputs=25, outputs=2, units=16)
    recur.fit(model, x, y, loss="cross_entropy", epochs=10, learning_rate=0.01, progress=False)
    assert (recur.predict(model, pictures).argmax(-1) == y[:10]).all()


def test_bad_input_is_one_sentence():
    with pytest.raises(InputError) as caught:
        OneToOne(inputs=6, outputs=2)(torch.zeros(2, 5))
    sentence = "x must be (batch, ...) with 6 numbers each; got the shape (2, 5)."
    assert str(caught.value) == sentence
    with pytest.raises(
        InputError, match=r"^layers must be a whole number of at least 0; got -1\.$"
    ):
        OneToOne(inputs=6, outputs=2, layers=-1)
