"""Margin: cosines to a direction for each class, which in training must win by a margin."""

from __future__ import annotations

import pytest
import torch

from recur import InputError, OneToOne
from recur.models.margin import Margin
from recur.training import fit


def made(**given):
    torch.manual_seed(0)
    encoder = OneToOne(inputs=4, outputs=3, units=8, layers=1)
    return Margin(encoder, **{"size": 3, "classes": 5, **given})


def test_scores_are_scaled_cosines_less_the_margin_of_the_right_class():
    model, x, y = (
        made(margin=0.3, scale=10.0),
        torch.randn(6, 4),
        torch.tensor([0, 1, 2, 3, 4, -100]),
    )
    cosines = torch.nn.functional.cosine_similarity(
        model.encoder(x)[:, None], model.weight[None], dim=2
    )
    expected = 10 * cosines
    assert torch.allclose(model(x), expected, atol=1e-5)
    lowered = expected.clone()
    lowered[range(5), range(5)] -= 3
    assert torch.allclose(model(x, targets=y), lowered, atol=1e-5)
    assert torch.allclose(model.eval()(x, targets=y), expected, atol=1e-5)
    assert torch.allclose(model.embed(x).norm(dim=1), torch.ones(6))


def test_what_is_no_class_counts_for_nothing():
    model = made()
    x, y = torch.randn(12, 4), torch.arange(12) % 5
    strange = torch.cat([y[:8], torch.full((4,), -100)])
    history = fit(
        model,
        x,
        y,
        validation_data=(x, strange),
        loss="cross_entropy",
        metrics=["accuracy"],
        epochs=2,
        batch_size=4,
        seed=0,
        progress=False,
    )
    model.eval()
    expected = torch.nn.functional.cross_entropy(model(x[:8]), y[:8])
    assert history["val_loss"][-1] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("given", [{"margin": 1.0}, {"scale": 0.0}, {"classes": 0}])
def test_numbers_that_are_not_allowed(given):
    with pytest.raises(InputError, match=next(iter(given))):
        made(**given)
