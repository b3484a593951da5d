"""Sizes of gradients and updates, as they were in training."""

from __future__ import annotations

import math

import pytest
import torch

from recur import ManyToOne, fit
from recur.diagnostics import LayerSizes


def test_a_row_an_epoch_with_every_layer():
    model = ManyToOne(vocabulary=9, outputs=1, units=4)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    sizes = LayerSizes(model)
    x, y = torch.randint(0, 9, (12, 5)), torch.randn(12)
    fit(model, x, y, loss="mse", epochs=1, on_epoch=sizes, progress=False, clip_norm=0.01, seed=0)
    layers = ("embedding", "recurrent", "head")
    kinds = ("gradient", "update")
    assert sizes.history.columns == [f"{kind} {name}" for kind in kinds for name in layers]
    (row,) = sizes.history.rows
    assert math.hypot(*(row[f"gradient {n}"] for n in layers)) <= 0.0101  # after clipping
    for name in layers:
        pairs = [(p.detach(), before[f"{name}.{k}"]) for k, p in _parameters(model, name)]
        moved = math.hypot(*((now - then).norm() for now, then in pairs))
        assert row[f"update {name}"] == pytest.approx(
            moved / math.hypot(*(then.norm() for _, then in pairs)), rel=1e-4
        )


def _parameters(model, name):
    return getattr(model, name).named_parameters()


def test_going_on_the_first_update_is_not_known():
    model = ManyToOne(inputs=1, outputs=1, units=3)
    x, y = torch.randn(8, 4, 1), torch.randn(8)
    sizes = LayerSizes(model)
    fit(model, x, y, loss="mse", epochs=2, on_epoch=sizes, progress=False)
    more = LayerSizes(model, sizes.history)
    for epoch in (4, 5):
        more(epoch, {})
    assert len(more.history) == 5  # nothing is known of the third
    known = [not math.isnan(value) for value in more.history["update head"]]
    assert known == [True, True, False, False, True]
    more(2, {})
    assert len(more.history) == 2
