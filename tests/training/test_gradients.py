"""The gradient's norm: as torch's, clipped as torch's, and put in words when it explodes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from recur.training.gradients import Gradients, Norms, explosion


def with_gradients(scale=1.0):
    torch.manual_seed(0)
    parameters = [nn.Parameter(torch.zeros(shape)) for shape in [(3, 4), (5,), (1,), (2, 2)]]
    for parameter in parameters[:3]:  # the last one took no part
        parameter.grad = torch.randn_like(parameter) * scale
    return parameters


@pytest.mark.parametrize("limit", [None, 0.5, 100.0])
@pytest.mark.parametrize("on_cpu", [True, False])
def test_norm_and_clipping_are_torchs(limit, on_cpu):
    ours, theirs = with_gradients(), with_gradients()
    gradients = Gradients(ours, limit)
    gradients.on_cpu = on_cpu  # the way for other devices gives the same
    norm = gradients.clip()
    expected = nn.utils.clip_grad_norm_(theirs, math.inf if limit is None else limit)
    assert float(norm) == pytest.approx(expected.item(), rel=1e-6)
    for a, b in zip(ours[:3], theirs, strict=False):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-7)


def test_on_other_devices_a_bad_gradient_cannot_reach_the_weights():
    parameters = with_gradients()
    parameters[1].grad[2] = math.nan
    gradients = Gradients(parameters, 1.0)
    gradients.on_cpu = False
    assert gradients.clip().isnan()
    assert all(not p.grad.any() for p in parameters[:3])


def test_gradients_beyond_the_range_of_float32_squares_are_clipped():
    parameters = with_gradients(1e30)
    norm = Gradients(parameters, 1.0).clip()
    assert 1e30 < norm < 1e32
    after = math.sqrt(sum(float(p.grad.square().sum()) for p in parameters[:3]))
    assert after == pytest.approx(1.0, rel=1e-5)


def test_sparse_gradients():
    def embedding(sparse):
        torch.manual_seed(0)
        layer = nn.Embedding(6, 3, sparse=sparse)
        (layer(torch.tensor([1, 1, 4])) * 5).sum().backward()
        return layer

    ours, theirs = embedding(True), embedding(False)
    norm = Gradients(ours.parameters(), 1.0).clip()
    assert norm == pytest.approx(nn.utils.clip_grad_norm_(theirs.parameters(), 1.0).item())
    torch.testing.assert_close(ours.weight.grad.to_dense(), theirs.weight.grad)


def norms(*values):
    found = Norms()
    for value in values:
        found.add(value, 1 + found.number)
    return found


def test_statistics_of_an_epoch():
    found = norms(1.0, 100.0, 0.1)
    assert found.mean == pytest.approx(101.1 / 3)
    assert (found.largest, found.at, found.number) == (100.0, 2, 3)
    assert found.usual == pytest.approx(10 ** (1 / 3))
    assert norms(0.0).usual > 0


def test_an_explosion_is_put_in_words():
    sentence = explosion(norms(*[0.5] * 20, 90.0, *[0.5] * 9), 3, 1.0)
    assert "norm 90 in epoch 3, batch 21; usual: 0.59" in sentence
    assert "cut to 1" in sentence
    assert "clip_norm=1.0" in explosion(norms(2e3, 3e3), 1, None)


@pytest.mark.parametrize("values", [(5.0, 6.0), (1e-6, 0.5), (50.0, 60.0, 400.0)])
def test_large_steps_are_no_explosion(values):
    assert explosion(norms(*values), 1, 1.0) is None
