"""The window that slides along a sequence: what is computed, its gradients, and bad input."""

from __future__ import annotations

import math

import pytest
import torch

from recur.layers.window import GaussianWindow
from recur.messages import InputError


def test_what_is_computed():
    """As the paper says it, one character at a time."""
    window = GaussianWindow(4, 3).double()
    query, at = torch.randn(2, 4).double(), torch.rand(2, 3).double()
    values = torch.randn(2, 5, 6).double()
    looked = window(query, at, values)
    asked = query @ window.ask.weight.T + window.ask.bias
    for row in range(2):
        alpha, beta, moved = asked[row].exp().view(3, 3)
        kappa = at[row] + moved
        torch.testing.assert_close(looked.at[row], kappa)
        for place in range(5):
            phi = (alpha * (-beta * (kappa - (place + 0.5)) ** 2).exp()).sum()
            torch.testing.assert_close(looked.weights[row, place], phi)
        torch.testing.assert_close(looked.answer[row], looked.weights[row] @ values[row])


def test_its_gradients_are_those_of_finite_differences():
    window = GaussianWindow(3, 2).double()
    given = [torch.randn(2, 3), torch.rand(2, 2), torch.randn(2, 4, 5)]
    given = [each.double().requires_grad_() for each in given]
    assert torch.autograd.gradcheck(lambda *a: tuple(window(*a)), given)


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_it_only_moves_forward_and_stays_finite(size):
    window = GaussianWindow(3, 2)
    at, query = window.begin(2), torch.full((2, 3), size).requires_grad_()
    for _ in range(50):
        looked = window(query, at, torch.randn(2, 4, 5))
        assert (looked.at >= at).all()
        assert (looked.at - at <= 2.001).all()
        at = looked.at
    (looked.answer.sum() + at.sum()).backward()
    assert all(each.isfinite().all() for each in (*looked, query.grad))


def test_it_begins_at_the_pace_that_it_is_given():
    window = GaussianWindow(3, 2, pace=0.25)
    at = window.begin(1)
    for _ in range(8):
        at = window(torch.zeros(1, 3), at, torch.zeros(1, 4, 1)).at
    torch.testing.assert_close(at, torch.full((1, 2), 2.0))


@pytest.mark.parametrize("pace", [0, -1, 2.1, math.nan])
def test_a_pace_that_is_none_is_refused(pace):
    with pytest.raises(InputError, match="pace must be above 0, and at most 2"):
        GaussianWindow(3, pace=pace)
